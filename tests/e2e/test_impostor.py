# SPDX-License-Identifier: ISC
"""A helper that speaks the protocol of base/proto.h well and lies in it."""
import os
import socket
import struct
import threading
import unittest

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

import harness
from harness import DAEMON, DEVICE_GRANT

PIN = "123456"
FORM = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}
OPEN, TOKENS, KEYS, PROVE, TRIES = 1, 2, 3, 4, 8
DONE, TOKEN, KEY, SIGNATURE, TRIES_LEFT = 32, 34, 35, 36, 39
P256, PSS, PKCS1, ED25519 = 1, 3, 4, 5		# enum proto_algorithm
LOGIN_REQUIRED = 1


class Impostor:
    """Listens where the agent looks for its helpers.  It has one token with one key:
    proved keeps (algorithm, challenge) of each proof, sign(challenge) may be replaced."""

    def __init__(self, path, key, algorithms):
        self.key, self.algorithms, self.proved = key, algorithms, []
        self.sign = self.honest
        self.threads, self.socks = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(16)
        self.begin(self.accept)

    def begin(self, what, *args):
        self.threads.append(threading.Thread(target=what, args=args, daemon=True))
        self.threads[-1].start()

    def honest(self, challenge):
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(challenge)
        r, s = utils.decode_dss_signature(self.key.sign(challenge, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def accept(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            self.socks.append(sock)
            self.begin(self.serve, sock)

    def serve(self, sock):
        try:
            with sock, sock.makefile("rb") as f:
                while len(head := f.read(16)) == 16:
                    length, ident, _, kind, _ = struct.unpack(">IIIHH", head)
                    self.answer(sock, ident, kind, f.read(length - 12))
        except OSError:
            pass		# the agent hung up

    def answer(self, sock, ident, kind, body):
        def say(message, *fields):
            said = b"".join(struct.pack(">I", x) if isinstance(x, int) else
                            struct.pack(">I", len(x)) + x for x in fields)
            sock.sendall(struct.pack(">IIIHH", 12 + len(said), ident, 0, message, 0) + said)
        if kind == TOKENS:
            say(TOKEN, b"I1", b"fake", b"tests", b"impostor", LOGIN_REQUIRED, b"")
        elif kind == KEYS:
            spki = self.key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            say(KEY, b"\x01", b"key", self.algorithms, spki, b"", 0)
        elif kind == TRIES:
            say(TRIES_LEFT, 3, 4, 8, LOGIN_REQUIRED)
            return
        elif kind == PROVE:
            fields = self.fields(body)
            self.proved.append((fields[3], fields[5]))
            say(SIGNATURE, self.sign(fields[5]))
            return
        say(DONE)

    @staticmethod
    def fields(body):
        """serial, label, id, algorithm, pin, challenge"""
        found = []
        while body:
            n = struct.unpack_from(">I", body)[0]
            if len(found) == 3:
                found.append(n)
                body = body[4:]
            else:
                found.append(body[4:4 + n])
                body = body[4 + n:]
        return found

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.socks:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(10)


class Lies(unittest.TestCase):
    def machine(self, key, algorithms):
        """A stopped machine and its impostor; the clock stands, so that a challenge
        differs from another by its nonce alone."""
        m = harness.Machine(start=False, rehearse=True, modules={"fake": {"path": "/nonexistent.so"}})
        m.settings["helper-socket"] = m.folder + "/impostor"
        m.write_conf()
        return m, Impostor(m.folder + "/impostor", key, algorithms)

    def enrol(self, m):
        answer, _ = m.answering(PIN, "POST", "/admin/credentials", admin=True, json={
            "kind": "pkcs11", "subject": "daemon", "device": "pkcs11:token=fake"})
        return answer

    def proof(self, m):
        return m.request("POST", "/token", uid=DAEMON, form=FORM)

    def test_challenges_are_fresh(self):
        """No challenge comes twice: of 20 proofs of the same, at the same time."""
        m, fake = self.machine(ed25519.Ed25519PrivateKey.generate(), 1 << ED25519)
        with m, fake:
            m.start()
            self.assertEqual(self.enrol(m).status, 201)
            for _ in range(20):
                self.assertEqual(self.proof(m).status, 200)
            self.assertEqual(len(fake.proved), 21)
            self.assertEqual(len({challenge for _, challenge in fake.proved}), 21)

    def test_signatures_that_are_not_of_this_proof(self):
        """An earlier one, of a login or of the enrolment; another key's; none."""
        key, other = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
        m, fake = self.machine(key, 1 << ED25519)
        with m, fake:
            m.start()
            self.assertEqual(self.enrol(m).status, 201)
            self.assertEqual(self.proof(m).status, 200)
            m.request("DELETE", "/session", uid=DAEMON)
            enrolment, login = (key.sign(challenge) for _, challenge in fake.proved)
            m.clock.advance(5)
            before = m.request("GET", "/admin/credentials", admin=True).json
            for name, sign in (("a login's", lambda c: login), ("the enrolment's", lambda c: enrolment),
                               ("another key's", other.sign), ("none", lambda c: b""),
                               ("short", lambda c: key.sign(c)[:-1]),
                               ("long", lambda c: key.sign(c) + b"\0"),
                               ("of less", lambda c: key.sign(c[:-1]))):
                with self.subTest(name):
                    fake.sign = sign
                    answer = self.proof(m)
                    self.assertEqual((answer.status, answer.error), (400, "invalid_grant"), answer)
            self.assertEqual(m.request("GET", "/admin/credentials", admin=True).json, before)
            fake.sign = fake.honest
            self.assertEqual(self.proof(m).status, 200)

    def test_algorithms_are_the_keys(self):
        """What a helper says of a key's algorithms is cut to what the key is."""
        key = ec.generate_private_key(ec.SECP256R1())
        for name, claimed, status in (("PSS alone", 1 << PSS, 409), ("Ed25519 alone", 1 << ED25519, 409),
                                      ("both kinds of RSA", 1 << PSS | 1 << PKCS1, 409),
                                      ("all", (2 << ED25519) - 2, 201)):
            with self.subTest(name):
                m, fake = self.machine(key, claimed)
                with m, fake:
                    m.start()
                    answer = self.enrol(m)
                    self.assertEqual(answer.status, status, answer)
                    if status == 201:
                        self.assertEqual([a for a, _ in fake.proved], [P256])
                        self.assertEqual(self.proof(m).status, 200)
                    else:
                        self.assertIn("no algorithm that is accepted", answer.json["error_description"])
                        self.assertEqual(fake.proved, [], "nobody was asked for a PIN")


if __name__ == "__main__":
    harness.main()

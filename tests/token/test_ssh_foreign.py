#!/usr/bin/python3
# Certificates and lists of ours judged by ssh-keygen, and what it and ssh-agent make
# judged by us.
# SPDX-License-Identifier: ISC
import base64
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM = sys.argv[1]
KINDS = (("ed25519", ""), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048"))
SESSION = bytes(range(32))
SHA1, SHA256, SHA512 = 0, 2, 4          # flags of a request to sign
BAD_SIGNATURE, BAD_ALGORITHM, DENIED = "-20", "-21", "-9"


def string(data):
    return struct.pack(">I", len(data)) + data


def b64(data):
    return base64.b64encode(data).decode() or "-"


def text(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def write(path, line):
    with open(path, "w", encoding="ascii") as f:
        f.write(line + "\n")


def blob(path):
    return base64.b64decode(text(path).split()[1])


def ours(*arguments, given="", binary=False):
    got = subprocess.run([PROGRAM, *arguments], input=given.encode(), check=True,
                         capture_output=True).stdout
    return got if binary else got.decode().splitlines()


def receive(sock):
    f = sock.makefile("rb")
    return f.read(struct.unpack(">I", f.read(4))[0])


class Foreign(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.old = os.getcwd()
        os.chdir(cls.folder.name)
        cls.names = [kind + bits for kind, bits in KINDS]
        for (kind, bits), name in zip(KINDS, cls.names):
            cls.keygen("-t", kind, *(["-b", bits] if bits else []), "-f", name, "-N", "", "-C", "c " + name)
        cls.agent = subprocess.Popen(["ssh-agent", "-D", "-a", "agent"], stdout=subprocess.PIPE)
        cls.agent.stdout.readline()     # it listens now
        for name in cls.names:
            subprocess.run(["ssh-add", "-q", name], env={"SSH_AUTH_SOCK": "agent"}, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.agent.terminate()
        cls.agent.wait()
        cls.agent.stdout.close()
        os.chdir(cls.old)
        cls.folder.cleanup()

    @staticmethod
    def keygen(*arguments):
        return subprocess.run(["ssh-keygen", "-q", *arguments], check=True, capture_output=True,
                              text=True, env={"TZ": "UTC"}).stdout

    def lines(self):
        return "".join("%s\n" % text(name + ".pub") for name in self.names)

    def sign(self, name, data, flags):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect("agent")
            s.sendall(string(b"\x0d" + string(blob(name + ".pub")) + string(data) +
                             struct.pack(">I", flags)))
            answer = receive(s)
        self.assertEqual(answer[0], 14)
        return answer[5:]

    def certify(self, principals=("alice", "deploy")):
        got = ours("cert", "1800000000", "1800000300", *principals, given=self.lines())
        for name, line in zip(self.names, got[1::2]):
            write("our-" + name, line)
        write("ca.pub", got[0])
        return got

    def test_certificates(self):
        """What we certify is what ssh-keygen reads, signature and all."""
        got = self.certify()
        self.assertEqual(len(got), 2 * len(KINDS))
        ca = self.keygen("-lf", "ca.pub").split()[1]
        for name, line in zip(self.names, got[1::2]):
            shown = [x.strip() for x in self.keygen("-Lf", "our-" + name).splitlines()]
            self.assertIn("user certificate", shown[1])
            self.assertIn("Signing CA: ED25519 %s (using ssh-ed25519)" % ca, shown)
            self.assertIn('Key ID: "alice@desk7 fedcba9876543210"', shown)
            self.assertIn("Serial: %d" % 0xfedcba9876543210, shown)
            self.assertIn("Valid: from 2027-01-15T08:00:00 to 2027-01-15T08:05:00", shown)
            self.assertEqual(shown[shown.index("Principals:") + 1:], [
                "alice", "deploy", "Critical Options:", "force-command id -u",
                "source-address 10.0.0.0/8,::1/128", "Extensions:", "permit-port-forwarding",
                "permit-pty", "permit-user-rc"])
            self.assertTrue(line.endswith(" c " + name))
            # of the same key
            self.assertIn(self.keygen("-lf", name + ".pub").split()[1], "\n".join(shown))
            changed = bytearray(base64.b64decode(line.split()[1]))
            changed[-1] ^= 1
            write("changed", line.split()[0] + " " + b64(changed))
            with self.assertRaises(subprocess.CalledProcessError):
                self.keygen("-Lf", "changed")

    def test_read(self):
        """Certificates of theirs, by CAs of each kind, for users and hosts."""
        for ca in self.names:
            for host in ((), ("-h",)):
                self.keygen("-s", ca, *host, "-I", "an id", "-n", "a,b", "-z", "77", "ed25519.pub")
                self.assertEqual(ours("read", given=b64(blob("ed25519-cert.pub")) + "\n"),
                                 ["%d 77 an id a b" % (2 if host else 1)])
        self.keygen("-s", "rsa2048", "-t", "ssh-rsa", "-I", "an id", "-n", "a", "ed25519.pub")
        self.assertEqual(ours("read", given=b64(blob("ed25519-cert.pub")) + "\n"), [BAD_ALGORITHM])

    def revoked(self, *arguments):
        """Whom ssh-keygen finds in our list."""
        krl = ours("krl", *arguments, given=text("ca.pub") + "\n", binary=True)
        with open("krl", "wb") as f:
            f.write(krl)
        shown = subprocess.run(["ssh-keygen", "-Q", "-l", "-f", "krl", "our-ed25519", "ed25519.pub"],
                               capture_output=True, text=True, check=False).stdout
        self.assertIn("KRL version 3", shown)
        return [line.endswith("REVOKED") for line in shown.splitlines() if line.startswith(("our-", "ed25519.pub"))]

    def test_list(self):
        """A list of ours revokes what it says and nothing else."""
        self.certify()
        serial = 0xfedcba9876543210
        self.assertEqual(self.revoked("some"), [False, False])
        self.assertEqual(self.revoked("some", "1", str(serial - 1), str(serial + 1)), [False, False])
        self.assertEqual(self.revoked("some", "1", str(serial), str(serial + 1)), [True, False])
        self.assertEqual(self.revoked("all"), [True, False])
        self.certify()                  # by another CA
        write("ca.pub", text("ed25519.pub"))
        self.assertEqual(self.revoked("some", str(serial)), [False, False])

    def test_join(self):
        """One list of ours and of ssh-keygen's, by every way it has to revoke."""
        ways = {"serial": "serial: 77", "serials": "serial: 70-80", "id": "id: an id",
                "many": "".join("serial: %d\n" % i for i in range(41, 78, 2)),
                "sha1": "sha1: " + text("ecdsa256.pub"), "sha256": "sha256: " + text("ecdsa256.pub"),
                "key": "key: " + text("ecdsa256.pub")}
        self.certify()
        with open("one", "wb") as f:
            f.write(ours("krl", "some", "1", str(0xfedcba9876543210), given=text("ca.pub") + "\n", binary=True))
        for serial, name in (("77", "hit"), ("90", "miss")):
            write(name + ".pub", text("ed25519.pub" if name == "hit" else "ecdsa384.pub"))
            self.keygen("-s", "rsa2048", "-I", "an id" if name == "hit" else "other", "-n", "a", "-z", serial, name + ".pub")
        for way, line in ways.items():
            write("spec", line)
            self.keygen("-k", "-f", "two", "-s", "rsa2048.pub", "spec")
            by_key = way in ("sha1", "sha256", "key")
            for order in (("one", "two"), ("two", "one"), ("two", "two", "one")):
                with self.subTest(way, order=order):
                    with open("joined", "wb") as f:
                        f.write(ours("join", *order, binary=True))
                    shown = subprocess.run(["ssh-keygen", "-Q", "-f", "joined", "our-ed25519", "hit-cert.pub", "miss-cert.pub",
                                            "ecdsa256.pub", "ecdsa521.pub"], capture_output=True, text=True, check=False).stdout
                    self.assertEqual([line.endswith("REVOKED") for line in shown.splitlines()],
                                     [True, not by_key, False, by_key, False])

    def bind(self, host, signature, session=SESSION, forwarding=b"\0"):
        return ours("bind", given=b64(string(host) + string(session) + string(signature) +
                                     forwarding) + "\n")[0]

    def test_bind(self):
        """Sessions bound by the keys of hosts of each kind."""
        for name in self.names:
            for flags in (SHA256, SHA512) if name.startswith("rsa") else (0,):
                signature = self.sign(name, SESSION, flags)
                host = blob(name + ".pub")
                self.assertEqual(self.bind(host, signature), "ok 0", name)
                self.assertEqual(self.bind(host, signature, forwarding=b"\1"), "ok 1", name)
                self.assertEqual(self.bind(host, signature, SESSION[::-1]), BAD_SIGNATURE, name)
                self.keygen("-s", "ed25519", "-h", "-I", "host", "-n", "server.example", name + ".pub")
                certificate = blob(name + "-cert.pub")
                self.assertEqual(self.bind(certificate, signature), "ok 0", name)
                os.unlink(name + "-cert.pub")
        self.assertEqual(self.bind(blob("rsa2048.pub"), self.sign("rsa2048", SESSION, SHA1)), BAD_ALGORITHM)

    def asked(self, *arguments):
        """What ssh-keygen asks of the agent to sign."""
        got = []
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("fake")
            listener.listen()

            def serve():
                while not got:
                    with listener.accept()[0] as s:
                        m = receive(s)
                        if m[0] == 11:
                            s.sendall(string(b"\x0c\0\0\0\1" + string(blob("ed25519.pub")) + string(b"")))
                            m = receive(s)
                        got.append(m)
                        s.sendall(string(b"\x05"))
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-U", "-f", "ed25519.pub", *arguments],
                           input=b"a file\n", env={"SSH_AUTH_SOCK": "fake"}, capture_output=True, check=False)
            thread.join(60)
        os.unlink("fake")
        self.assertEqual(got[0][0], 13)
        n = struct.unpack(">I", got[0][1:5])[0]
        return got[0][9 + n:-4]

    def test_signed(self):
        """What ssh-keygen -Y sign has signed is read for what it is."""
        key = b64(blob("ed25519.pub"))
        for space in ("file", "git", "x@example.org"):
            data = self.asked("-n", space)
            self.assertEqual(ours("signed", given="%s - %s\n" % (key, b64(data))), ["file " + space])
        data = self.asked("-n", "file", "-O", "hashalg=sha256")
        self.assertEqual(ours("signed", given="%s - %s\n" % (key, b64(data))), ["file file"])
        login = string(SESSION) + b"\x32" + string(b"bob") + string(b"ssh-connection") + \
            string(b"publickey") + b"\1" + string(b"ssh-ed25519") + string(blob("ed25519.pub"))
        self.assertEqual(ours("signed", given="%s - %s\n" % (key, b64(login))), ["login bob 0"])
        other = b64(blob("ecdsa256.pub"))
        self.assertEqual(ours("signed", given="%s - %s\n" % (other, b64(login))), [DENIED])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])

# SPDX-License-Identifier: ISC
"""A FIDO2 helper with keys of its own that speaks the protocol of base/proto.h well
and lies in it.

    with Liar(path) as liar:		# where fido.socket points to
        liar.lie = lambda said: ...	# turns the Said of the next assertions
"""
import hashlib
import os
import struct

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from test_impostor import Impostor

LIST, MAKE, ASSERT, LOOK = 20, 21, 22, 23
DONE, KEY, MADE, ASSERTED, TOUCH, FOUND = 32, 52, 53, 54, 55, 56
UP, UV, AT, ED = 1, 4, 0x40, 0x80
DEVICE, AAGUID = b"hidraw0-1", bytes(16)
ED25519 = 5
NUMBERS = {MAKE: (6, 8), ASSERT: (4,)}		# of the fields, those that are no bytes


class Said:
    """An assertion before it is sent: what was asked, and what the answer will be.
    sign() after changing anything that is signed."""

    def __init__(self, liar, rp, digest, credential):
        self.liar, self.rp, self.digest, self.credential = liar, rp, digest, credential
        liar.counter += 1
        self.flags, self.counter, self.rest = UP, liar.counter, b""
        self.key = liar.keys[credential]
        self.sign()

    def sign(self, **change):
        for name, value in change.items():
            setattr(self, name, value)
        self.data = hashlib.sha256(self.rp).digest() + struct.pack(">BI", self.flags, self.counter) + self.rest
        self.signature = self.key.sign(self.data + self.digest)


class Liar(Impostor):
    def __init__(self, path):
        self.keys, self.counter = {}, 0		# by credential id
        self.lie, self.last = None, None
        super().__init__(path, None, 0)

    @staticmethod
    def texts(kind, body):
        found = []
        while body:
            n = struct.unpack_from(">I", body)[0]
            body = body[4:]
            if len(found) in NUMBERS.get(kind, ()):
                found.append(n)
            else:
                found.append(body[:n])
                body = body[n:]
        return found

    def answer(self, sock, ident, kind, body):
        def say(message, *fields):
            said = b"".join(struct.pack(">I", x) if isinstance(x, int) else
                            struct.pack(">I", len(x)) + x for x in fields)
            sock.sendall(struct.pack(">IIIHH", 12 + len(said), ident, 0, message, 0) + said)
        asked = self.texts(kind, body)
        if kind == LIST:
            say(KEY, DEVICE, b"tests", b"liar", AAGUID, b"FIDO_2_1", b"usb", 0, 8, 0, 25, 1 << ED25519)
        elif kind == LOOK:
            for one in self.ids(asked[2]):
                say(FOUND, DEVICE, one)
        elif kind == MAKE:
            say(TOUCH, DEVICE, 1)
            say(MADE, DEVICE, self.make(asked[1]), b"none", b"\xa0", b"usb")
            return
        elif kind == ASSERT:
            say(TOUCH, DEVICE, 1)
            said = Said(self, asked[1], asked[2], self.ids(asked[3])[0])
            self.last = said
            if self.lie is not None:
                said = self.lie(said) or said
            say(ASSERTED, DEVICE, said.credential, said.data, said.signature, b"")
            return
        say(DONE)

    @staticmethod
    def ids(blob):
        found = []
        while blob:
            n = struct.unpack_from(">I", blob)[0]
            found.append(blob[4:4 + n])
            blob = blob[4 + n:]
        return found

    def make(self, rp):
        key, ident = ed25519.Ed25519PrivateKey.generate(), os.urandom(16)
        self.keys[ident] = key
        public = key.public_key().public_bytes(serialization.Encoding.Raw,
                                               serialization.PublicFormat.Raw)
        return hashlib.sha256(rp).digest() + struct.pack(">BI", UP | AT, 0) + AAGUID + \
            struct.pack(">H", len(ident)) + ident + \
            b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20" + public

# SPDX-License-Identifier: ISC
"""What happens on another host: a browser with its key (WebAuthn level 3), and a key
without a browser, both the way a web page or "tessera challenge answer" would do it.

    page = Page("https://login.example")
    page.create(options["public_key"])	# a registration, as toJSON() gives it
    page.get(offer["public_key"])	# an assertion

The key is made of Python (SoftKey), or one of fidokey.Keys by Debian's own
fido2-cred and fido2-assert (HostKey).
"""
import base64
import hashlib
import json
import struct
import tempfile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

UP, UV, AT = 0x01, 0x04, 0x40
DEVICE = "/dev/hidraw0"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data):
    return hashlib.sha256(data).digest()


def cbor_bytes(data):
    head = (bytes([0x40 | len(data)]) if len(data) < 24 else b"\x58" + bytes([len(data)])
            if len(data) < 256 else b"\x59" + struct.pack(">H", len(data)))
    return head + data


def cbor_unbytes(data):
    """What is in a byte string."""
    skip = {0x58: 2, 0x59: 3}.get(data[0], 1)
    return data[skip:]


class SoftKey:
    """An ES256 key that does as it is told."""

    def __init__(self, counter=1, flags=UP):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = b"soft" + sha256(b"%d" % self.key.private_numbers().private_value)[:16]
        self.counter, self.flags = counter, flags

    def data(self, rp_id, flags):
        return sha256(rp_id.encode()) + bytes([flags]) + struct.pack(">I", self.counter)

    def make(self, rp_id, digest, user, uv):
        """(credential id, authenticator data)"""
        n = self.key.public_key().public_numbers()
        cose = (b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + n.x.to_bytes(32, "big") +
                b"\x22\x58\x20" + n.y.to_bytes(32, "big"))
        return self.id, (self.data(rp_id, self.flags | AT) + bytes(16) +
                         struct.pack(">H", len(self.id)) + self.id + cose)

    def sign(self, rp_id, digest, ids, uv):
        """(credential id, authenticator data, signature)"""
        self.counter += 1 if self.counter else 0
        data = self.data(rp_id, self.flags)
        return self.id, data, self.key.sign(data + digest, ec.ECDSA(hashes.SHA256()))


class HostKey:
    """The first of fidokey.Keys, under fido2-cred and fido2-assert on its host."""

    def __init__(self, keys, pin=None):
        self.keys, self.pin = keys, pin

    def ask(self, lines, *program):
        with tempfile.NamedTemporaryFile("w", suffix=".in") as f:
            f.write("\n".join(lines) + "\n")
            f.flush()
            done = self.keys.run(*program, "-i", f.name, DEVICE,
                                 say=self.pin + "\n" if self.pin else "")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.split("\n")

    def make(self, rp_id, digest, user, uv):
        out = self.ask([base64.b64encode(digest).decode(), rp_id, "user",
                        base64.b64encode(user).decode()], "fido2-cred", "-M", *["-v"] * uv)
        return base64.b64decode(out[4]), cbor_unbytes(base64.b64decode(out[3]))

    def sign(self, rp_id, digest, ids, uv):
        out = self.ask([base64.b64encode(digest).decode(), rp_id,
                        base64.b64encode(ids[0]).decode()], "fido2-assert", "-G", *["-v"] * uv)
        return ids[0], cbor_unbytes(base64.b64decode(out[2])), base64.b64decode(out[3])


class Page:
    """A page of an origin in a browser."""

    def __init__(self, origin, key=None):
        self.origin, self.key = origin, key or SoftKey()

    def client_data(self, kind, options, **more):
        data = {"type": kind, "challenge": options["challenge"], "origin": self.origin,
                "crossOrigin": False, "other_keys_can_be_added_here": "do not compare"}
        data.update(more)
        return json.dumps({k: v for k, v in data.items() if v is not None}).encode()

    def create(self, options, client=None, rp_id=None, **more):
        """navigator.credentials.create(): RegistrationResponseJSON."""
        client = client or self.client_data("webauthn.create", options, **more)
        uv = options["authenticatorSelection"]["userVerification"] == "required"
        name, data = self.key.make(rp_id or options["rp"]["id"], sha256(client),
                                   unb64(options["user"]["id"]), uv)
        packed = (b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData" + cbor_bytes(data))
        return {"id": b64(name), "rawId": b64(name), "type": "public-key",
                "authenticatorAttachment": "cross-platform", "clientExtensionResults": {},
                "response": {"clientDataJSON": b64(client), "attestationObject": b64(packed),
                             "authenticatorData": b64(data), "transports": ["usb"],
                             "publicKeyAlgorithm": -7}}

    def get(self, options, client=None, rp_id=None, handle=None, **more):
        """navigator.credentials.get(): AuthenticationResponseJSON."""
        client = client or self.client_data("webauthn.get", options, **more)
        name, data, sig = self.key.sign(
            rp_id or options["rpId"], sha256(client),
            [unb64(c["id"]) for c in options["allowCredentials"]],
            options["userVerification"] == "required")
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data),
                    "signature": b64(sig), "userHandle": handle and b64(handle)}
        return {"id": b64(name), "rawId": b64(name), "type": "public-key",
                "authenticatorAttachment": None, "clientExtensionResults": {},
                "response": response}


def context_of(offer):
    """The fields of the context that an offer says, and the challenge that it is worth."""
    data, fields = unb64(offer["context"]), []
    whole = data
    while data:
        n = struct.unpack(">I", data[:4])[0]
        fields.append(data[4:4 + n])
        data = data[4 + n:]
    names = ("purpose", "issuer", "credential", "subject", "audience", "scope", "client_id",
             "reuse", "jkt", "expiry")
    found = dict(zip(names, fields))
    for name in ("purpose", "reuse", "expiry"):
        found[name] = int.from_bytes(found[name], "big")
    return found, b"tessera challenge v1\0" + unb64(offer["nonce"]) + sha256(whole)


def answer_natively(offer, key, challenge=None):
    """What a client without a browser does with the first native credential."""
    c = next(c for c in offer["credentials"] if c["kind"] == "native")
    name, data, sig = key.sign(c["rp_id"], sha256(challenge or context_of(offer)[1]),
                               [unb64(c["credential_id"])], c["uv"] == "required")
    return {"id": b64(name), "response": {"authenticatorData": b64(data), "signature": b64(sig)}}

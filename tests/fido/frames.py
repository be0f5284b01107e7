# SPDX-License-Identifier: ISC
"""The helper protocol's frames (base/frame.h, base/proto.h), as far as tessera-fido
speaks them, written a second time."""
import hashlib
import socket
import struct
import time

TYPES = {
    "open": (1, "module:t"), "watch": (16, ""), "list": (20, ""),
    "make": (21, "device:t rp_id:t rp_name:t user_id:b user_name:t hash:b algorithms:u exclude:b flags:u pin:b"),
    "assert": (22, "device:t rp_id:t hash:b allow:b flags:u pin:b"),
    "look": (23, "device:t rp_id:t allow:b"), "select": (24, ""), "pin": (25, "device:t old:b new:b"),
    "done": (32, ""), "error": (33, "code:u tries:u detail:t"), "service": (48, "available:u detail:t"),
    "key": (52, "device:t manufacturer:t product:t aaguid:b versions:t transports:t flags:u pin_tries:u "
                "uv_tries:u resident_left:u algorithms:u"),
    "made": (53, "device:t authdata:b format:t statement:b transports:t"),
    "asserted": (54, "device:t credential:b authdata:b signature:b user_id:b"),
    "touch": (55, "device:t state:u"), "found": (56, "device:t credential:b"),
    "plugged": (57, "device:t manufacturer:t product:t"), "unplugged": (58, "device:t"),
}
NAMES = {number: name for name, (number, _) in TYPES.items()}
UNKNOWN = 0xffffffff
RESIDENT, UV, UV_PREFERRED, SILENT = 1, 2, 4, 8
ES256, ED25519 = 1 << 1, 1 << 5
HASH = hashlib.sha256(b"the client data").digest()
RP = "tessera:test"
CODES = {"timeout": 7, "cancelled": 8, "not_found": 10, "conflict": 11, "invalid": 2, "too_large": 3,
         "unsupported": 17, "no_device": 40, "removed": 41, "busy": 42, "pin_required": 43, "pin_wrong": 44,
         "pin_locked": 45, "pin_length": 46, "unusable": 47, "helper": 49, "replug": 53, "unset": 54,
         "failed": 55}


class Refused(Exception):
    def __init__(self, error):
        super().__init__("%(code)d (%(tries)d): %(detail)s" % error)
        self.code, self.tries, self.detail = error["code"], error["tries"], error["detail"]


def fields(name):
    return [f.split(":") for f in TYPES[name][1].split()]


def encode(name, number, deadline, values):
    body = b""
    for field, kind in fields(name):
        v = values[field]
        if kind == "u":
            body += struct.pack(">I", v)
        else:
            v = v.encode() if isinstance(v, str) else v
            body += struct.pack(">I", len(v)) + v
    return struct.pack(">IIIHH", 12 + len(body), number, deadline, TYPES[name][0], 0) + body


def ids(*all_of_them):
    return b"".join(struct.pack(">I", len(i)) + i for i in all_of_them)


def decode(kind, body):
    out, at = {}, 0
    for field, what in fields(NAMES[kind]):
        n = struct.unpack_from(">I", body, at)[0]
        at += 4
        if what == "u":
            out[field] = n
            continue
        assert len(body) >= at + n, NAMES[kind]
        out[field] = body[at:at + n] if what == "b" else body[at:at + n].decode()
        at += n
    assert at == len(body), NAMES[kind]
    return out


class Helper:
    """One connection: one operation."""

    def __init__(self, path, opened=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.number = 0
        self.touches = []
        if opened:
            self.send("open", module="fido")
            assert self.receive()[0] == "done"

    def send(self, name, deadline=20000, **values):
        self.number += 1
        self.socket.sendall(encode(name, self.number, deadline, values))

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self, timeout=None):
        if timeout is not None:
            self.socket.settimeout(timeout)
        n, number, _, kind, zero = struct.unpack(">IIIHH", self.exactly(16))
        assert number == self.number and zero == 0
        return NAMES[kind], decode(kind, self.exactly(n - 12))

    def answer(self):
        """All frames of an answer but those of touches, and its last one."""
        frames = []
        while True:
            name, values = self.receive()
            if name == "touch":
                self.touches.append((values["device"], values["state"]))
            elif name == "error":
                raise Refused(values)
            else:
                frames.append((name, values))
                if name in ("done", "made", "asserted"):
                    return frames

    def ask(self, name, deadline=20000, **values):
        self.send(name, deadline, **values)
        return self.answer()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def make(device="", algorithms=ES256, exclude=b"", flags=0, pin=b"", **more):
    return {"device": device, "rp_id": RP, "rp_name": "Test", "user_id": b"alice's", "user_name": "alice",
            "hash": HASH, "algorithms": algorithms, "exclude": exclude, "flags": flags, "pin": pin, **more}


def assertion(*allow, device="", flags=0, pin=b"", **more):
    return {"device": device, "rp_id": RP, "hash": HASH, "allow": ids(*allow), "flags": flags, "pin": pin, **more}


def credential(authdata):
    """Its id, and its key as COSE has it."""
    n = struct.unpack_from(">H", authdata, 53)[0]
    return authdata[55:55 + n], authdata[55 + n:]


def elapsed(since):
    return time.monotonic() - since

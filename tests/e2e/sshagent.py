# SPDX-License-Identifier: ISC
"""ssh.sock as tests speak it: its messages, byte by byte, and whoever answers prompts."""
import os
import socket
import struct

import harness
import sshd
from granted import PIN
from harness import DAEMON
from wire import Events

AUDIENCES = {
    "ssh": {"scopes": ["login"], "acr": "self", "reuse": "audience", "inline-pin": True,
            "any-user": True},
    "tessera-admin": harness.AUDIENCES["tessera-admin"],
}
FAILURE, SUCCESS, LIST, LISTED, SIGN, SIGNED, EXTENSION = 5, 6, 11, 12, 13, 14, 27


def string(data):
    return struct.pack(">I", len(data)) + data


def strings(data):
    """The strings that follow each other in data."""
    found = []
    while data:
        n, = struct.unpack(">I", data[:4])
        found.append(data[4:4 + n])
        data = data[4 + n:]
    return found


class Agent:
    """A connection to ssh.sock, of the process that makes it."""

    def __init__(self, path, timeout=60.0):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.file.close()
        self.sock.close()

    def send(self, kind, body=b""):
        self.sock.sendall(string(bytes([kind]) + body))

    def answer(self):
        """(type, what follows), or None where the agent has hung up."""
        head = self.file.read(4)
        if len(head) < 4:
            return None
        data = self.file.read(struct.unpack(">I", head)[0])
        return data[0], data[1:]

    def ask(self, kind, body=b""):
        self.send(kind, body)
        return self.answer()

    def once(self, what):
        """what(self), and hang up."""
        with self:
            return what(self)

    def keys(self):
        """Blobs that are listed: the certificate, the key."""
        answer = self.ask(LIST)
        if answer is None or answer[0] != LISTED:
            raise harness.Failed("a listing: %r" % (answer,))
        return strings(answer[1][4:])[::2]

    def sign(self, blob, data):
        return self.ask(SIGN, string(blob) + string(data) + struct.pack(">I", 0))


def file_data(namespace):
    """What ssh-keygen -Y sign has signed."""
    return b"SSHSIG" + string(namespace) + string(b"") + string(b"sha512") + string(b"h" * 64)


def login_data(blob, user=b"daemon", session=b"s" * 32):
    """What ssh has signed, by a client that is not bound to a host."""
    algorithm = blob[4:4 + struct.unpack(">I", blob[:4])[0]]
    return (string(session) + b"\x32" + string(user) + string(b"ssh-connection") +
            string(b"publickey") + b"\x01" + string(algorithm) + string(blob))


def machine(start=True, **more):
    """With SSH configured, and a card enrolled for daemon."""
    settings = {"ssh": {"audience": "ssh"}, **more.pop("settings", {})}
    m = harness.Machine(**{"audiences": AUDIENCES, "settings": settings, "start": start, **more})
    try:
        m.make_token("card", PIN)
        if start:
            enrol(m)
    except BaseException:
        m.abandon()
        raise
    return m


def enrol(m):
    m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card;id=%01",
              pin=PIN, check=True)


def server(m, **more):
    return sshd.Server(m.folder, ca=m.public + "/ssh_ca.pub", krl=m.public + "/ssh_krl", **more)


def session(m, uid=DAEMON):
    """A session that is good for SSH."""
    answer = m.request("POST", "/token", uid=uid, form={
        "grant_type": harness.DEVICE_GRANT, "audience": "ssh", "pin": PIN})
    if answer.status != 200:
        raise harness.Failed("the card's proof: %r" % answer)


class Prompter:
    """uid's prompter: gives the pins in turn (None cancels), and keeps what it was shown."""

    def __init__(self, m, pins, uid=DAEMON):
        read, write = os.pipe()
        self.job = harness.Job(uid, self.answer, m.api, list(pins), write)
        os.close(write)
        if os.read(read, 1) != b"r":
            raise harness.Failed("the prompter does not listen")
        os.close(read)

    @staticmethod
    def answer(api, pins, ready):
        shown = []
        with Events(api, "all") as events, harness.Client(api) as reply:
            events.next("ready")
            os.write(ready, b"r")
            for pin in pins:
                shown.append(events.next("pin-needed")[1])
                reply.request("POST", "/prompt/" + shown[-1]["prompt"],
                              json={"cancel": True} if pin is None else {"pin": pin})
        return shown

    def shown(self):
        return self.job.result()

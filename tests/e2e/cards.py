# SPDX-License-Identifier: ISC
"""An agent with a smart card, and what other programs do to its reader.

    with cards.Desk() as d:             # one reader with one card in it
        d.enrol()
        self.assertEqual(d.prove().status, 200)
        d.card.ctl("pull")

Other programs are children of their own: the PC/SC library remembers its first
socket for good.
"""
import ctypes
import os
import select
import socket
import subprocess
import threading
import time

import harness
import pcsc
from harness import DAEMON, DEVICE_GRANT

READER = b"Tessera 0 00 00"
KEYS = "9a=p256,9c=rsa2048,9d=p256,9e=p256"
SHARED, EXCLUSIVE, LEAVE = 2, 1, 0
CLOSED = 0x6982		# security status not satisfied


class Desk:
    """An agent m with the module "opensc", a pcsc.Bench b and a card in its
    first reader.  settings go to the Machine."""

    def __init__(self, keys=KEYS, readers=1, **settings):
        self.b = pcsc.Bench(readers)
        try:
            self.card = self.b.card("card", "--algorithm", keys, "--subject", "card")
            self.m = harness.Machine(modules={"opensc": self.b.module()}, **settings)
        except BaseException:
            self.b.close()
            raise

    def enrol(self, user="daemon", key="01"):
        return self.m.tessera("enroll", "pkcs11", "--user", user, "--device",
                              "pkcs11:token=card;id=%" + key, "--json", pin=pcsc.PIN,
                              check=True).json

    @staticmethod
    def form(pin=pcsc.PIN, audience="demo"):
        return {"grant_type": DEVICE_GRANT, "audience": audience, "pin": pin}

    def prove(self, uid=DAEMON, **what):
        return self.m.request("POST", "/token", uid=uid, form=self.form(**what))

    def proving(self, uid=DAEMON):
        """The same as a Job."""
        return harness.Job(uid, lambda: harness.one_request(
            self.m.api, "POST", "/token", form=self.form()))

    def other(self, what, *args):
        """What another program gets: a function of an Other."""
        return harness.as_user(0, other, self.b.socket, what, *args)

    def settle(self):
        """Until no helper is at the card: a spare reads all of it."""
        def quiet():
            before = self.card.count()
            time.sleep(0.15)
            return self.card.count() == before
        harness.until(quiet, 20, "the helpers to leave the card alone")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.m.__exit__(kind, value, trace)
        finally:
            self.b.__exit__(kind, value, trace)


# --- other programs

def other(path, what, *args):
    os.environ["PCSCLITE_CSOCK_NAME"] = path
    return what(Other(), *args)


class Other:
    """A PC/SC client."""

    def __init__(self):
        self.lib = ctypes.CDLL("libpcsclite.so.1")
        self.context, self.card = ctypes.c_long(), ctypes.c_long()
        self.call("SCardEstablishContext", ctypes.c_ulong(0), None, None, ctypes.byref(self.context))

    def call(self, name, *args):
        fn = getattr(self.lib, name)
        fn.restype = ctypes.c_long
        return fn(*args) & 0xffffffff

    def connect(self, mode):
        protocol = ctypes.c_ulong()
        return self.call("SCardConnect", self.context, READER, ctypes.c_ulong(mode),
                         ctypes.c_ulong(3), ctypes.byref(self.card), ctypes.byref(protocol))

    def begin(self):
        return self.call("SCardBeginTransaction", self.card)

    def transmit(self, data):
        """The status word; a PC/SC error where there is none."""
        out, n = ctypes.create_string_buffer(4096), ctypes.c_ulong(4096)
        pci = (ctypes.c_ulong * 2)(2, 16)
        rv = self.call("SCardTransmit", self.card, pci, data, ctypes.c_ulong(len(data)), None,
                       out, ctypes.byref(n))
        return rv if rv != 0 else int.from_bytes(out.raw[n.value - 2:n.value], "big")

    def disconnect(self, what=LEAVE):
        return self.call("SCardDisconnect", self.card, ctypes.c_ulong(what))


def sign(o):
    """A signature without a PIN, of key 9A: its status word."""
    rv = o.connect(SHARED) or o.begin()
    if rv != 0:
        return rv
    try:
        o.transmit(bytes.fromhex("00a4040009a00000030800001000"))
        return o.transmit(bytes.fromhex("0087119a267c2482008120") + bytes(32) + b"\0")
    finally:
        o.disconnect()


def connect(o, mode):
    """Only that; for as long as this takes."""
    rv = o.connect(mode)
    o.disconnect()
    return rv


class Holder:
    """Another program that keeps the reader until end()."""

    def __init__(self, desk, mode):
        said, say = os.pipe()
        wait, self.over = os.pipe()

        def hold():
            os.environ["PCSCLITE_CSOCK_NAME"] = desk.b.socket
            o = Other()
            rv = o.connect(mode) or (o.begin() if mode == SHARED else 0)
            os.write(say, b"%d" % rv)
            os.read(wait, 1)
            o.disconnect()
            return rv

        self.job = harness.Job(0, hold)
        os.close(say)
        os.close(wait)
        got = os.read(said, 16)
        os.close(said)
        if got != b"0":
            raise harness.Failed("the reader cannot be held: %r" % got)

    def end(self):
        os.write(self.over, b"x")
        os.close(self.over)
        self.job.result()


def sign_for(o, seconds):
    """Signatures without a PIN for so long: the set of what came."""
    seen, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        rv = sign(o)
        if rv not in (0x80100068, 0x8010000b):		# reset under us, held by another
            seen.add(rv)
    return seen


class Activated:
    """What pcscd.socket does: a listening socket, and a pcscd for who connects."""

    def __init__(self, path, conf, pid_file=None):
        """pid_file: where a card looks for it."""
        self.pid_file = pid_file
        self.conf, self.started, self.process, self.over = conf, 0, None, False
        if os.path.exists(path):
            os.unlink(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        self.sock.listen(64)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.over:
            if self.process is not None and self.process.poll() is not None:
                self.process = None
            if self.process is None and select.select([self.sock], [], [], 0.02)[0]:
                self.spawn()
            time.sleep(0.005)

    def spawn(self):
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", "exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec /usr/sbin/pcscd -f -x -c %s"
             % (self.sock.fileno(), self.conf)], pass_fds=[self.sock.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.started += 1
        if self.pid_file is not None:
            with open(self.pid_file, "w", encoding="ascii") as f:
                f.write("%d\n" % self.process.pid)

    def kill(self):
        process = self.process
        process.kill()
        process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.sock.close()

# SPDX-License-Identifier: ISC
"""An agent with smart cards: tessera-sim's pcscd and cards behind OpenSC.

    with cards.Desk() as d:             # one reader with one card in it
        d.enrol()
        self.assertEqual(d.prove().status, 200)
        d.card.ctl("pull")

What other programs do to a reader is in Other, a child of its own: the PC/SC
library remembers its first socket for good.
"""
import ctypes
import os
import select
import signal
import socket
import subprocess
import threading
import time

import harness
from harness import DAEMON, DEVICE_GRANT

OPENSC = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
PIN = "123456"
KEYS = "9a=p256,9c=rsa2048,9d=p256,9e=p256"
SEEN_S = 15.0			# until pcscd has seen a card
SIM = os.path.join(os.environ.get("TESSERA_BIN", ""), "tessera-sim")
SHARED, EXCLUSIVE, LEAVE = 2, 1, 0
CLOSED = 0x6982		# security status not satisfied


def sim(*words):
    done = subprocess.run([SIM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise harness.Failed("tessera-sim %s: %s" % (" ".join(words), done.stderr))
    return done.stdout.strip()


class Card:
    """A card of its own folder, plugged into a reader of that pcscd."""

    def __init__(self, folder, pcscd, keys=KEYS, subject="Card"):
        self.folder, self.pcscd, self.process = folder, pcscd, None
        sim("card", "--state", folder, "--init", "--algorithm", keys, "--subject", subject)

    def start(self, reader=0, port=None):
        """port: of a reader whose pcscd is not tessera-sim's."""
        where = ["--pcscd", self.pcscd.folder, "--reader", str(reader)] if port is None else \
                ["--port", str(port)]
        self.process = subprocess.Popen([SIM, "card", "--state", self.folder, *where],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if not self.process.stdout.readline():
            raise harness.Failed("the card does not start")
        return self

    def ctl(self, *words):
        return sim("ctl", "--socket", self.folder + "/ctl.sock", "card", *words)

    def insert(self, *words):
        """Put it in and wait until pcscd has seen it."""
        harness.until(lambda: self.try_insert(*words), SEEN_S, "a reader for the card")
        self.pcscd.wait_card()

    def try_insert(self, *words):
        try:
            self.ctl("insert", *words)
            return True
        except harness.Failed:		# its pcscd is on its way
            return False

    def tries(self):
        return int(self.ctl("pin-tries").split()[1])

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class Pcscd:
    def __init__(self, folder, readers=1):
        self.folder, self.readers = folder, readers
        self.socket = folder + "/pcscd.comm"
        self.start()

    def start(self):
        sim("pcscd", self.folder, "--readers", str(self.readers))

    def stop(self):
        sim("pcscd", self.folder, "--stop")

    def pid(self):
        with open(self.folder + "/pid", encoding="ascii") as f:
            return int(f.read())

    def kill(self):
        """kill -9, and gone."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        harness.until(lambda: not alive(pid), what="pcscd's end")

    def env(self):
        return {"PATH": "/usr/bin:/bin", "PCSCLITE_CSOCK_NAME": self.socket}

    def port(self, reader=0):
        with open(self.folder + "/readers", encoding="ascii") as f:
            return int(f.read().split()[reader])

    def run(self, *argv):
        return subprocess.run(argv, env=self.env(), stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)

    def has_card(self, reader=0):
        return self.run("/usr/bin/opensc-tool", "--reader", str(2 * reader), "-a").stdout[:2] == "3b"

    def wait_card(self, there=True, reader=0):
        harness.until(lambda: self.has_card(reader) == there, SEEN_S, "pcscd to see the card")


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Desk:
    """m, pcscd and card (in its first reader).  settings go to the Machine."""

    def __init__(self, keys=KEYS, readers=1, **settings):
        self.m = harness.Machine(start=False, **settings)
        self.pcscd = self.card = None
        self.more = []
        try:
            self.pcscd = Pcscd(self.m.folder + "/pcscd", readers)
            self.card = self.new_card("card", keys).start()
            self.pcscd.wait_card()
            self.m.modules = {"opensc": self.opensc()}
            self.m.write_conf()
            self.m.start()
        except BaseException:
            self.__exit__(True, None, None)
            raise

    def opensc(self):
        return {"path": OPENSC, "environment": ["PCSCLITE_CSOCK_NAME=" + self.pcscd.socket]}

    def new_card(self, name, keys=KEYS):
        self.more.append(Card("%s/%s" % (self.m.folder, name), self.pcscd, keys, name))
        return self.more[-1]

    def enrol(self, user="daemon", key="01"):
        return self.m.tessera("enroll", "pkcs11", "--user", user, "--device",
                              "pkcs11:token=card;id=%" + key, "--json", pin=PIN, check=True).json

    def prove(self, uid=DAEMON, pin=PIN, timeout=60.0):
        return self.m.request("POST", "/token", uid=uid, timeout=timeout, form={
            "grant_type": DEVICE_GRANT, "audience": "demo", "pin": pin})

    def proving(self, uid=DAEMON):
        """The same as a Job."""
        form = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}
        return harness.Job(uid, lambda: harness.one_request(self.m.api, "POST", "/token", form=form))

    def other(self, what, *args):
        """What another program gets: one of Other's functions."""
        return harness.as_user(0, other, self.pcscd.socket, what, *args)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.m.stop()
        finally:
            for card in self.more:
                card.end()
            if self.pcscd is not None:
                try:
                    self.pcscd.stop()
                except harness.Failed:
                    pass
        self.m.__exit__(kind, value, trace)


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
        return self.call("SCardConnect", self.context, b"Tessera 0 00 00", ctypes.c_ulong(mode),
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
            os.environ["PCSCLITE_CSOCK_NAME"] = desk.pcscd.socket
            o = Other()
            rv = o.connect(mode) or (o.begin() if mode == SHARED else 0)
            os.write(say, b"%d" % rv)
            os.close(self.over)
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

    def __init__(self, path, conf):
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

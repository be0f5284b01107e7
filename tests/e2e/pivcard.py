# SPDX-License-Identifier: ISC
"""A virtual PIV card in a pcscd of its own (tessera-sim), and who sits where.

    with seated({BIN: "seat0"}), Card() as card:
        card.machine.request(...)
        card.tries() -> 3

seated() writes what logind would, so the test file runs in a mount namespace of
its own: own_mounts() at its beginning.
"""
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys

import harness

OPENSC = next((p for p in ("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
                           "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
                           "/usr/lib/opensc-pkcs11.so") if os.path.exists(p)), "")
LOGIND = "/run/systemd"
PIN, PUK = "123456", "12345678"
SECURITY_NOT_SATISFIED = 0x6982


def own_mounts():
    """Run this program again in a mount namespace where /run/systemd is ours."""
    if os.environ.get("TESSERA_OWN_MOUNTS") != str(os.getppid()):
        os.environ["TESSERA_OWN_MOUNTS"] = str(os.getpid())
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable,
                               "-B"] + sys.argv, check=False)
        sys.exit(done.returncode)
    os.makedirs(LOGIND, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", LOGIND], check=True)
    for name in ("users", "sessions", "seats"):
        os.mkdir("%s/%s" % (LOGIND, name))


def put(path, **members):
    """A file as logind has them."""
    with open("%s/%s" % (LOGIND, path), "w", encoding="ascii") as f:
        f.write("".join("%s=%s\n" % (k.upper(), v) for k, v in members.items()))


@contextlib.contextmanager
def seated(users):
    """logind runs, and each uid has the sessions named: "seat0", "seat1", "away"
    (seat0, but another session is in front), "remote" or "none" (no seat), apart by
    blanks."""
    put("seats/seat0", is_seat0=1, can_graphical=1)
    for uid, text in users.items():
        names = []
        for kind in text.split():
            name = "c%d%s" % (uid, kind)
            names.append(name)
            seat = {} if kind in ("remote", "none") else {"seat": "seat0" if kind == "away" else kind}
            put("sessions/" + name, uid=uid, state="online" if kind == "away" else "active",
                active=int(kind != "away"), remote=int(kind == "remote"), type="tty",
                **{"class": "user"}, **seat)
        put("users/%d" % uid, state="active", sessions=" ".join(names),
            online_sessions=" ".join(names), active_sessions=" ".join(names))
    try:
        yield
    finally:
        for name in ("users", "sessions", "seats"):
            for entry in os.listdir("%s/%s" % (LOGIND, name)):
                os.unlink("%s/%s/%s" % (LOGIND, name, entry))


def kill_pcscd(sim):
    """The one that tessera-sim waits for: it takes ten seconds to end by itself."""
    try:
        with open("/proc/%d/task/%d/children" % (sim, sim), encoding="ascii") as f:
            for pid in f.read().split():
                os.kill(int(pid), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        pass


class Card:
    """An agent (m) with a reader that has a fresh PIV card in it."""

    def __init__(self, **machine):
        self.sim = os.path.join(os.environ["TESSERA_BIN"], "tessera-sim")
        self.m = harness.Machine(start=False, **machine)
        self.running = []
        self.folder = self.m.folder + "/sim"
        os.mkdir(self.folder, 0o755)
        self.pcscd = self.folder + "/pcscd"
        self.socket = self.pcscd + "/pcscd.comm"
        try:
            self.run("pcscd", self.pcscd, "--foreground")
            harness.until(lambda: os.path.exists(self.socket), 60, what="pcscd")
            subprocess.run([self.sim, "card", "--state", self.folder + "/card", "--init", "--subject",
                            "card"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            harness.until(self.inserted, 60, what="the card")
            harness.until(lambda: b"token label" in self.pkcs11_tool("-L").stdout, 20,
                          what="OpenSC")
            self.m.modules = {"opensc": {"path": OPENSC,
                                         "environment": ["PCSCLITE_CSOCK_NAME=" + self.socket]}}
            self.m.write_conf()
            self.m.start()
        except BaseException:
            self.end()
            self.m.abandon()
            raise

    def run(self, *args):
        with open(self.folder + "/log", "ab") as log:
            self.running.append(subprocess.Popen([self.sim, *args], stdin=subprocess.DEVNULL,
                                                 stdout=log, stderr=log))

    def inserted(self):
        """Is it?  The reader may not have been there yet."""
        if len(self.running) < 2 or self.running[-1].poll() is not None:
            self.run("card", "--state", self.folder + "/card", "--pcscd", self.pcscd)
        return self.ask("status").startswith("inserted")

    def ask(self, *words):
        """tessera-sim ctl card WORDS: its answer, "" where nobody listens."""
        return subprocess.run([self.sim, "ctl", "--socket", self.folder + "/card/ctl.sock", "card",
                               *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False, text=True).stdout

    def pkcs11_tool(self, *args):
        return subprocess.run(["pkcs11-tool", "--module", OPENSC, *args], check=False,
                              env={"PATH": "/usr/bin:/bin", "PCSCLITE_CSOCK_NAME": self.socket},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def tries(self, which="pin"):
        return int(re.search(which + r" (\d+) of", self.ask("pin-tries")).group(1))

    def enrol(self, user, key, pin=PIN, **more):
        """As root with a prompter that gives the PIN: the answer, the prompts."""
        return self.m.answering(pin, "POST", "/admin/credentials", admin=True, json={
            "kind": "pkcs11", "subject": user, "device": "pkcs11:token=card;id=%%%02X" % key,
            "vouch": "hardware-pin", **more})

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *exc):
        try:
            return self.m.__exit__(*exc)
        finally:
            self.end()

    def end(self):
        for p in reversed(self.running):
            p.send_signal(signal.SIGTERM)
            kill_pcscd(p.pid)
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


class Raw:
    """Another PC/SC program: libpcsclite alone, its connection shared."""

    SELECT = bytes.fromhex("00a4040009a0000003080000100000")

    def __init__(self, socket):
        os.environ["PCSCLITE_CSOCK_NAME"] = socket
        self.lib = ctypes.CDLL("libpcsclite.so.1")
        self.context, self.card = ctypes.c_long(), ctypes.c_long()
        self.protocol, size = ctypes.c_ulong(), ctypes.c_ulong(1024)
        readers = ctypes.create_string_buffer(1024)
        self.must(self.lib.SCardEstablishContext(2, None, None, ctypes.byref(self.context)))
        self.must(self.lib.SCardListReaders(self.context, None, readers, ctypes.byref(size)))
        self.must(self.lib.SCardConnect(self.context, readers.value, 2, 3, ctypes.byref(self.card),
                                        ctypes.byref(self.protocol)))

    @staticmethod
    def must(status):
        if status != 0:
            raise OSError("PC/SC: 0x%08x" % (status & 0xffffffff))

    def send(self, apdu):
        """The status word."""
        class Pci(ctypes.Structure):
            _fields_ = [("protocol", ctypes.c_ulong), ("length", ctypes.c_ulong)]
        pci = Pci(self.protocol.value, ctypes.sizeof(Pci))
        answer, size = ctypes.create_string_buffer(300), ctypes.c_ulong(300)
        self.must(self.lib.SCardTransmit(self.card, ctypes.byref(pci), apdu, len(apdu), None, answer,
                                         ctypes.byref(size)))
        return int.from_bytes(answer.raw[size.value - 2:size.value], "big")

    def sign(self, key=0x9a):
        """GENERAL AUTHENTICATE of P-256 over a digest: the status word."""
        body = b"\x7c\x24\x82\x00\x81\x20" + b"\x11" * 32
        return self.send(bytes([0, 0x87, 0x11, key, len(body)]) + body + b"\x00")

    def verify(self, pin):
        return self.send(b"\x00\x20\x00\x80\x08" + pin.encode().ljust(8, b"\xff"))

    def close(self):
        self.lib.SCardDisconnect(self.card, 0)
        self.lib.SCardReleaseContext(self.context)


def raw(socket, *calls):
    """In a process of its own: SELECT, then each (name, argument...); status words."""
    def work():
        r = Raw(socket)
        r.send(Raw.SELECT)
        said = [getattr(r, name)(*args) for name, *args in calls]
        r.close()
        return said
    return harness.as_user(0, work)

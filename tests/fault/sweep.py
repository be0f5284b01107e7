# SPDX-License-Identifier: ISC
"""The Nth call of a kind fails in an agent at work: see sweep_shim.c and
test_sweep.py.

    page = Page(folder)			one agent's page; page.environment() preloads the shim
    page.arm("alloc", 3)		from now on the third allocation fails, once
    page.disarm()			how many calls were made to fail
    w = Worker(uid, clock)		a client process of that uid that lives on
    w(fn, args...)			fn(*args) there; the agent's clock goes on meanwhile
    Records(m).complaints()		where the store and the audit log differ
"""
import copy
import grp
import json
import mmap
import os
import pickle
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import time
import traceback

from load import copy_of, harness

SHIM = os.environ.get("TESSERA_SWEEP_SHIM", "")
MAGIC = 0x5450535752535400
KINDS = ("alloc", "read", "short", "write", "sync", "file", "kernel", "crypto", "sql", "loop")
ARMED, KIND, NTH, ON, FAILED, SEEN = 1, 2, 3, 4, 5, 6	# places of struct sweep_page
LIVE = SEEN + len(KINDS)
FRAMES = LIVE + 1
ANSWER_S = 20.0		# of real time until an agent that does not answer has failed
STALL_S = 0.25		# until all that fails works again
PATIENT_S = 4.0		# and until its clock is hurried


class Page:
    def __init__(self, folder):
        self.path = folder + "/sweep"
        with open(self.path, "wb") as f:
            f.truncate(mmap.PAGESIZE)
        os.chmod(self.path, 0o666)
        self.file = os.open(self.path, os.O_RDWR)
        self.map = mmap.mmap(self.file, mmap.PAGESIZE)
        self.put(0, MAGIC)

    def environment(self):
        return {"LD_PRELOAD": SHIM, "TESSERA_SWEEP": self.path}

    def put(self, place, value):
        struct.pack_into("<Q", self.map, 8 * place, value)

    def get(self, place):
        return struct.unpack_from("<Q", self.map, 8 * place)[0]

    def arm(self, kind=None, nth=0, on=False):
        self.put(ARMED, 0)
        for i in range(len(KINDS)):
            self.put(SEEN + i, 0)
        self.put(FAILED, 0)
        self.put(FRAMES, 0)
        self.put(KIND, KINDS.index(kind) if kind else 0)
        self.put(NTH, nth)
        self.put(ON, int(on))
        self.put(ARMED, 1)

    def disarm(self):
        self.put(ARMED, 0)
        return self.get(FAILED)

    def relent(self):
        """Where all calls fail, nobody can be let in: that is over some time."""
        if self.get(ON):
            self.put(ARMED, 0)

    def seen(self, kind):
        return self.get(SEEN + KINDS.index(kind))

    def live(self):
        """Allocations that were not freed."""
        return self.get(LIVE)

    def where(self, pid):
        """The calls that led to the last failing one, as far as they can be told."""
        try:
            with open("/proc/%d/maps" % pid, encoding="ascii") as f:
                maps = [line.split() for line in f]
        except OSError:
            return "?"
        said = []
        for i in range(min(self.get(FRAMES), 16)):
            at = self.get(FRAMES + 1 + i)
            for words in maps:
                low, high = (int(x, 16) for x in words[0].split("-"))
                if low <= at < high and len(words) > 5 and "sweep_shim" not in words[5]:
                    said.append((words[5], at - low + int(words[2], 16)))
        return " < ".join(self.named(*s) for s in said)

    @staticmethod
    def named(path, offset):
        if os.path.basename(path) != "tesserad":
            return "%s+%x" % (os.path.basename(path), offset)
        done = subprocess.run(["addr2line", "-fe", path, hex(offset - 1)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False)
        words = done.stdout.decode().split("\n")
        return "%s:%s" % (words[0], words[1].rpartition(":")[2]) if len(words) > 1 else hex(offset)

    def close(self):
        self.map.close()
        os.close(self.file)


class Worker:
    """A forked client of one uid.  Functions are named, not closures: they go by pickle."""

    def __init__(self, uid, clock=None, group=None, page=None):
        self.clock, self.page = clock, page
        self.sock, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.sock.close()
                if group is not None:
                    os.setgroups([grp.getgrnam(group).gr_gid])
                    os.setresgid(uid, uid, uid)
                    os.setresuid(uid, uid, uid)
                elif uid != 0:
                    harness.become(uid)
                self.serve(theirs)
            finally:
                os._exit(0)
        theirs.close()

    @staticmethod
    def send(sock, what):
        data = pickle.dumps(what)
        sock.sendall(struct.pack("<I", len(data)) + data)

    @staticmethod
    def receive(sock):
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack_from("<I", data)[0]:
            got = sock.recv(1 << 20)
            if not got:
                return None
            data += got
        return pickle.loads(data[4:])

    def serve(self, sock):
        while (job := self.receive(sock)) is not None:
            try:
                said = (True, job[0](*job[1]))
            except Exception:
                said = (False, traceback.format_exc())
            self.send(sock, said)

    def __call__(self, fn, *args):
        self.send(self.sock, (fn, args))
        begun = time.monotonic()
        # what waits for a deadline shall not wait long
        while not select.select([self.sock], [], [], 0.1)[0]:
            took = time.monotonic() - begun
            if took > ANSWER_S:
                raise harness.Failed("the agent does not answer")
            if self.page is not None and took > STALL_S:
                self.page.relent()
            if self.clock is not None:
                self.clock.advance(0.2 if took < PATIENT_S else 4.0)
        good, said = self.receive(self.sock)
        if not good:
            raise harness.Failed(said)
        return said

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.sock.close()


class Records:
    """What the audit log says happened, against what the store holds and what
    clients were told.  A line counts where it is not taken back ("undone")."""

    STATES = {"credential-disabled": 2, "credential-enabled": 1, "clone": 3}

    def __init__(self, m):
        self.m, self.part, self.file = m, b"", None
        self.found = {}			# credential: [state, proofs]
        self.otherwise = {}		# the same, if what was undone was not
        self.minted = set()
        self.said, self.all = [], []

    def close(self):
        if self.file is not None:
            self.file.close()

    def read(self):
        """The lines that came since the last call."""
        if self.file is None:
            self.file = open(self.m.state + "/audit.log", "rb")	# noqa: SIM115
        *whole, self.part = (self.part + self.file.read()).split(b"\n")
        lines = [json.loads(line) for line in whole]
        self.all += lines
        return lines

    def until(self, jti):
        """All lines up to the mint of that token, which is the last one."""
        lines, end = self.read(), time.monotonic() + ANSWER_S
        while not any(line.get("jti") == jti for line in lines):
            if time.monotonic() > end:
                raise harness.Failed("the audit log is not written")
            self.m.clock.advance(1.0)
            time.sleep(0.004)
            lines += self.read()
        gone = set()
        for line in lines:
            if line["event"] == "undone":
                gone.update(range(line["from"], line["to"] + 1))
        before = copy.deepcopy(self.found)
        good = [line for line in lines if line.get("verdict", "ok") == "ok"]
        for line in good:
            if line["seq"] not in gone:
                self.take(self.found, line)
        self.otherwise = before
        for line in good:
            self.take(self.otherwise, line, again=True)

    def take(self, found, line, again=False):
        event, who = line["event"], line.get("credential")
        if event == "enrol":
            if who in found:
                self.said.append("%s was enrolled twice" % who)
            found[who] = [1, 0]
        elif event in self.STATES and who in found:
            found[who][0] = self.STATES[event]
        elif event == "credential-removed":
            if found.pop(who, None) is None and not again:
                self.said.append("%s was removed twice" % who)
        elif event == "proof" and who in found:
            found[who][1] += 1
        elif event == "mint" and not again:
            if line["jti"] in self.minted:
                self.said.append("the token %s was minted twice" % line["jti"])
            self.minted.add(line["jti"])

    def check(self, got, loose):
        """Complaints; got: jti of the tokens that clients have.  loose: the disk
        failed for long, and what was refused may be there, as a whole (store.h)."""
        said, self.said = [] if loose else self.said, []
        aside = copy_of(self.m.state, self.m.folder + "/copy")
        db = sqlite3.connect(aside + "/tessera.db")
        try:
            stored = {r[0]: [r[1], r[2]] for r in
                      db.execute("SELECT id, state, proofs FROM credential")}
            keys = db.execute("SELECT count(*), count(DISTINCT spki) FROM credential").fetchone()
        finally:
            db.close()
        if keys[0] != keys[1]:
            said.append("a key is enrolled twice")
        if stored != self.found and not (loose and stored == self.otherwise):
            said.append("stored %r, by the log %r" % (stored, self.found))
        self.found = stored
        said += ["the token %s has no line" % jti for jti in got if jti not in self.minted]
        return said

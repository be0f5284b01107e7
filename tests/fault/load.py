# SPDX-License-Identifier: ISC
"""A load of writes on an agent, with a record of what was acknowledged.

Five clients of their own processes: two turn a credential off and on, one
enrols and removes keys, one proves itself by a key, one by the codes of a token
that counts, and tries again with the last one that was taken.  Where the machine
has the audience "kept", a sixth rotates refresh tokens.  Each says into a pipe what it is
about to do and that it was acknowledged, so at any moment

    acknowledged <= what is stored <= acknowledged and what was begun

and check() says whether a copy of the database is so.
"""
import fcntl
import hashlib
import hmac
import os
import random
import select
import shutil
import signal
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.environ["TESSERA_SOURCE"], "tests", "e2e"))

import harness					# noqa: E402
from wire import answered_request		# noqa: E402

PIN = "123456"
URI = "pkcs11:token=card;id=%%%02x"
ENROLLED = (4, 5, 6)			# keys that come and go
SEED = b"12345678901234567890"
OTP_GRANT = "urn:tessera:grant:otp"
STATES = {"active": 1, "disabled": 2}
KEPT = {"scopes": ["all"], "acr": "self", "reuse": "session", "presence": "proof", "refresh": True,
        "any-user": True}		# an audience whose refresh tokens outlive the agent


def code(counter):
    """RFC 4226."""
    mac = hmac.new(SEED, counter.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[19] & 15
    return "%06d" % ((int.from_bytes(mac[at:at + 4], "big") & 0x7fffffff) % 10 ** 6)


class Load:
    """make() once a machine; then start(), kill(), check(), and start() again."""

    def __init__(self, m):
        self.m = m
        self.pids, self.pipe = [], None
        self.state, self.proofs = {}, 0		# acknowledged
        self.counter, self.twice = -1, 0	# the last code that was taken; taken again
        self.newest = self.spent = None		# refresh tokens: the good one, the one before it
        self.lost = self.doubled = 0		# good, but refused / spent, but taken
        self.keys = {}				# key -> credential id, None: not enrolled
        self.begun = {}				# what -> what it will be
        self.acknowledged = 0

    def make(self):
        """Keys, and the credentials that stay."""
        self.m.make_token("card", PIN, ["p256"] * 6)
        self.fixed = [self.enrol(n).json["id"] for n in (1, 2, 3)]
        self.state = {i: "active" for i in self.fixed[1:]}
        self.keys = {n: None for n in ENROLLED}
        answer = self.m.request("POST", "/admin/credentials", admin=True, json={
            "kind": "hotp", "subject": "bin", "secret": SEED.hex(), "secret_format": "hex",
            "confirm": False})
        self.token = answer.json["id"]

    def enrol(self, key):
        m = self.m
        answer, _ = answered_request(m.api, m.admin, [PIN], "POST", "/admin/credentials", None, {
            "kind": "pkcs11", "subject": "daemon", "device": URI % key}, None, 30.0)
        if answer.status != 201:
            raise harness.Failed("enrolment: %r" % answer)
        return answer

    # --- the clients

    def start(self):
        read, write = os.pipe()
        fcntl.fcntl(read, fcntl.F_SETFL, os.O_NONBLOCK)
        self.pipe, self.have = read, b""
        work = [(0, self.toggle, (self.fixed[1],)), (0, self.toggle, (self.fixed[2],)),
                (0, self.come_and_go, ()), (harness.DAEMON, self.prove, ()),
                (harness.BIN, self.spend, ())]
        if "kept" in self.m.audiences:
            if self.newest is None:
                self.family()
            work.append((harness.BIN, self.rotate, ()))
        for uid, fn, args in work:
            pid = os.fork()
            if pid == 0:
                self.client(uid, write, fn, args)
            self.pids.append(pid)
        os.close(write)

    def client(self, uid, write, fn, args):
        """Never returns.  When the agent is gone, so is the client."""
        try:
            if uid != 0:
                harness.become(uid)
            self.pipe = write
            fn(*args)
        except (OSError, harness.Failed, AttributeError):
            pass
        finally:
            os._exit(0)

    def say(self, *words):
        os.write(self.pipe, (" ".join(words) + "\n").encode())

    def toggle(self, ident):
        with harness.Client(self.m.admin) as c:
            state = self.state[ident]
            while True:
                verb, state = (("disable", "disabled") if state == "active" else ("enable", "active"))
                self.say("begin", ident, state)
                answer = c.request("POST", "/admin/credentials/%s/%s" % (ident, verb),
                                   json={"force": True})
                if answer.status == 409:	# it had been done, but not acknowledged
                    continue
                if answer.status != 200:
                    raise harness.Failed(repr(answer))
                self.say("ack", ident, state)

    def come_and_go(self):
        known = dict(self.keys)
        while True:
            for key in ENROLLED:
                if known[key] is None:
                    self.say("begin", "key%d" % key, "?")
                    known[key] = self.enrol(key).json["id"]
                    self.say("ack", "key%d" % key, known[key])
                else:
                    self.say("begin", "key%d" % key, "-")
                    answer = harness.one_request(
                        self.m.admin, "POST", "/admin/credentials/%s/remove" % known[key],
                        json={"force": True})
                    if answer.status not in (200, 404):
                        raise harness.Failed(repr(answer))
                    known[key] = None
                    self.say("ack", "key%d" % key, "-")

    def prove(self):
        form = {"grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": PIN,
                "credential": self.fixed[0]}
        with harness.Client(self.m.api) as c:
            while True:
                self.say("begin", "proof", "+")
                answer = c.request("POST", "/token", form=form)
                if answer.status != 200:
                    raise harness.Failed(repr(answer))
                self.say("ack", "proof", "+")

    def spend(self):
        with harness.Client(self.m.api) as c:
            # one that is also a code just ahead (2386 and 2394) is good once more
            ahead = [code(self.counter + n) for n in range(1, 33)]
            if self.counter >= 0 and code(self.counter) not in ahead and \
                    c.request("POST", "/session", json={"otp": code(self.counter)}).status == 200:
                self.say("ack", "twice", "+")
            for n in range(self.counter + 1, 1 << 30):
                self.say("begin", "code", str(n))
                answer = c.request("POST", "/session", json={"otp": code(n)})
                if answer.status != 200:
                    raise harness.Failed(repr(answer))
                self.say("ack", "code", str(n))

    def rotate(self):
        """Refresh tokens: the good one goes on, the one before it never does."""
        with harness.Client(self.m.api) as c:
            def turn(token):
                self.say("begin", "refresh", "?")
                try:
                    c.send(harness.request_bytes("POST", "/token", form={
                        "grant_type": "refresh_token", "refresh_token": token}))
                except BrokenPipeError:	# the agent was gone before
                    self.say("none", "refresh", "?")
                    raise
                return c.answer()
            newest, spent = self.newest, self.spent
            if newest is not None:
                answer = turn(newest)
                if answer.status == 200:
                    newest, spent = answer.json["refresh_token"], newest
                    self.say("ack", "refresh", newest)
                elif answer.status == 400:
                    self.say("ack", "lost", "+")
                    newest = None
                    self.say("ack", "family", "-")
                if spent is not None and random.random() < 0.3:
                    if turn(spent).status == 200:
                        self.say("ack", "doubled", "+")
                    newest = None	# its family is dead
                    self.say("ack", "family", "-")
            while newest is not None:
                time.sleep(random.uniform(0.0, 0.1))	# so that it is at rest, too
                answer = turn(newest)
                if answer.status != 200:
                    raise harness.Failed(repr(answer))
                newest = answer.json["refresh_token"]
                self.say("ack", "refresh", newest)

    def family(self):
        """A first refresh token, where there is none: by a code, for a killed helper
        may leave no token behind."""
        self.counter += 1
        answer = self.m.request("POST", "/token", uid=harness.BIN, form={
            "grant_type": OTP_GRANT, "audience": "kept", "otp": code(self.counter),
            "offline_access": "true"})
        if answer.status != 200:
            raise harness.Failed(repr(answer))
        self.newest, self.spent = answer.json["refresh_token"], None

    # --- the record

    def drain(self, wait=0.0):
        """Take in what the clients said, until nothing comes for wait seconds."""
        while True:
            try:
                got = os.read(self.pipe, 1 << 16)
            except BlockingIOError:
                if not select.select([self.pipe], [], [], wait)[0]:
                    return
                continue
            if not got:
                return
            self.have += got
            *lines, self.have = self.have.split(b"\n")
            for line in lines:
                self.take(*line.decode().split(" "))

    def take(self, what, name, value):
        if what == "begin":
            self.begun[name] = value
            return
        self.begun.pop(name, None)
        if what == "none":
            return
        self.acknowledged += 1
        if name == "proof":
            self.proofs += 1
        elif name == "code":
            self.counter = int(value)
        elif name == "twice":
            self.twice += 1
        elif name == "lost":
            self.lost += 1
        elif name == "doubled":
            self.doubled += 1
        elif name == "family":
            self.newest, self.spent = None if value == "-" else value, None
            self.begun.pop("refresh", None)
        elif name == "refresh":
            self.newest, self.spent = value, self.newest
        elif name.startswith("key"):
            self.keys[int(name[3:])] = None if value == "-" else value
        else:
            self.state[name] = value

    def end(self):
        """The clients end, whatever they are at."""
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(pid, 0)
        self.pids = []

    def close(self):
        """The agent is gone.  Nearly all clients see that; one whose connection
        nobody has accepted waits for the next agent."""
        self.drain(wait=0.1)
        self.end()
        self.drain()
        os.close(self.pipe)
        self.pipe = None

    # --- the judgement

    def check(self, folder, adopt):
        """Complaints about a copy of the state folder.  With adopt, what it holds
        beyond what was acknowledged is taken as the state to go on from."""
        said = []
        db = sqlite3.connect(folder + "/tessera.db")
        try:
            rows = db.execute("SELECT id, key_id, state, proofs FROM credential").fetchall()
            spent = db.execute("SELECT watermark FROM otp WHERE credential = ?",
                               (self.token,)).fetchone()
            if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                said.append("the database is damaged")
        except sqlite3.Error as e:
            return ["the database cannot be read: %s" % e]
        finally:
            db.close()
        stored = {r[0]: r for r in rows}
        by_key = {r[1][0]: r[0] for r in rows if r[1]}
        for ident, state in self.state.items():
            may = {STATES[state]} | ({STATES[self.begun[ident]]} if ident in self.begun else set())
            if ident not in stored or stored[ident][2] not in may:
                said.append("%s is %r, acknowledged %s, begun %s" % (
                    ident, stored.get(ident), state, self.begun.get(ident)))
            elif adopt:
                self.state[ident] = "active" if stored[ident][2] == 1 else "disabled"
        for key, ident in self.keys.items():
            now, begun = by_key.get(key), self.begun.get("key%d" % key)
            if now != ident and not (begun == "?" and ident is None) and \
                    not (begun == "-" and now is None):
                said.append("key %d is %s, acknowledged %s, begun %s" % (key, now, ident, begun))
            elif adopt:
                self.keys[key] = now
        proofs = stored[self.fixed[0]][3] if self.fixed[0] in stored else -1
        if not self.proofs <= proofs <= self.proofs + ("proof" in self.begun):
            said.append("%d proofs, acknowledged %d" % (proofs, self.proofs))
        most = int(self.begun.get("code", self.counter))
        if spent is None or not self.counter <= spent[0] <= most:
            said.append("code %r was spent, acknowledged %d, begun %d" % (spent, self.counter, most))
        if self.twice > 0:
            said.append("a code was taken twice")
        if self.lost + self.doubled > 0:
            said.append("%d refresh tokens were lost, %d taken twice" % (self.lost, self.doubled))
        if adopt:
            if "refresh" in self.begun:	# perhaps spent, or about to be by the next agent,
                self.newest = None	# which finds the request in its socket
            self.counter = spent[0] if spent is not None else -1
            self.proofs, self.begun = proofs, {}
        return said


def copy_of(state, to):
    """The database with its log, aside: reading it changes it."""
    shutil.rmtree(to, ignore_errors=True)
    os.mkdir(to, 0o700)
    for name in ("tessera.db", "tessera.db-wal"):
        if os.path.exists(state + "/" + name):
            shutil.copy(state + "/" + name, to + "/" + name)
    return to

# SPDX-License-Identifier: ISC
"""What the fault sweep runs: flows of an agent at work.  See test_sweep.py.

A flow's run() is made again and again with another call failing each time; its
answer is judged by well() and complaints().  prepare() brings about what it
needs.  What is done to an agent by those who may not is in sweep_hostile.py.
"""
import os
import shutil
import time

from sweep_bench import BIN, DAEMON, GAMES, URI, harness


class Flow:
    NAME = ""
    STATUS = (200,)

    def __init__(self, bench):
        self.b = bench
        self.setup()

    def setup(self):
        pass

    def prepare(self):
        pass

    def run(self):
        raise NotImplementedError

    def well(self, answer):
        """Did it do what it should?"""
        return answer is not None and answer.status in self.STATUS

    def complaints(self, answer):
        """What is wrong with an answer, success or not."""
        if answer is not None and answer.status == 200 and answer.body[:1] != b"{":
            return []
        if answer is not None and answer.status >= 400 and not answer.error:
            return ["an error without a name: %r" % answer]
        return []

    def end(self):
        pass


class Device(Flow):
    NAME = "device grant"

    def run(self):
        return self.b.device(DAEMON)


class Prompted(Flow):
    NAME = "device grant with a prompt"

    def run(self):
        return self.b.got(self.b.prompted(DAEMON, self.b.m.api, "POST", "/token", {
            "grant_type": harness.DEVICE_GRANT, "audience": "vpn"}))


class Session(Flow):
    NAME = "session grant"

    def prepare(self):
        self.b.proved(DAEMON)

    def run(self):
        return self.b.session(DAEMON)


class AuditWrite(Session):
    """The same, and its line is written."""
    NAME = "audit write"

    def run(self):
        answer = self.b.session(DAEMON)
        self.b.m.clock.advance(1.0)
        time.sleep(0.02)		# the agent looks at its clock each 5 ms
        return answer


class Introspect(Flow):
    NAME = "introspection"

    def prepare(self):
        self.token = self.b.proved(DAEMON).json["access_token"]

    def run(self):
        return self.b.api(BIN, "POST", "/introspect", {"token": self.token})

    def well(self, answer):
        return super().well(answer) and answer.json["active"]


class SessionEnd(Flow):
    NAME = "session end"

    def prepare(self):
        self.b.proved(DAEMON)

    def run(self):
        return self.b.api(DAEMON, "DELETE", "/session")

    def complaints(self, answer):
        said = super().complaints(answer)
        left = self.b.sure(lambda: self.b.api(DAEMON, "GET", "/session")).json["sessions"]
        if answer is not None and answer.status == 200 and left:
            said.append("an ended session is there")
        return said


class Look(Flow):
    """All that is read."""
    NAME = "reading"
    PATHS = ("/healthz", "/credentials", "/session", "/.well-known/jwks.json")
    ADMIN = ("/admin/status", "/admin/credentials", "/admin/store", "/admin/clock")

    def run(self):
        answers = [self.b.api(DAEMON, "GET", p) for p in self.PATHS] + \
                  [self.b.api(0, "GET", "/metrics")] + [self.b.admin("GET", p) for p in self.ADMIN]
        bad = [a for a in answers if a is None or a.status != 200]
        return bad[0] if bad else answers[0]


class Devices(Flow):
    NAME = "device list"

    def run(self):
        return self.b.api(DAEMON, "GET", "/devices")


class Change(Flow):
    """A credential's state; VERB leads from FROM to TO."""
    VERB, FROM, TO, BACK = "", "", "", ""

    def state(self):
        return self.b.sure(lambda: self.b.admin(
            "GET", "/admin/credentials/" + self.b.credential)).json["state"]

    def change(self, verb):
        return self.b.admin("POST", "/admin/credentials/%s/%s" % (self.b.credential, verb),
                            {"force": True})

    def prepare(self):
        if self.state() != self.FROM:
            self.b.sure(lambda: self.change(self.BACK))

    def run(self):
        return self.change(self.VERB)

    def complaints(self, answer):
        said, state = super().complaints(answer), self.state()
        if answer is not None and state != (self.TO if answer.status == 200 else self.FROM):
            said.append("%s, and the credential is %s" % (answer, state))
        return said

    def end(self):
        if self.state() != "active":
            self.b.sure(lambda: self.change("enable"))


class Disable(Change):
    NAME, VERB, FROM, TO, BACK = "credential disable", "disable", "active", "disabled", "enable"


class Enable(Change):
    NAME, VERB, FROM, TO, BACK = "credential enable", "enable", "disabled", "active", "disable"


class Enrol(Flow):
    NAME = "enrolment"
    STATUS = (201,)
    KEY = 3

    def mine(self):
        all_ = self.b.sure(lambda: self.b.admin("GET", "/admin/credentials")).json["credentials"]
        return [c["id"] for c in all_ if c["id"] not in (self.b.credential, self.b.witness)]

    def prepare(self):
        for ident in self.mine():
            self.b.sure(lambda: self.b.admin("POST", "/admin/credentials/%s/remove" % ident,
                                             {"force": True}))

    def run(self):
        return self.b.enrol_request("games", URI % self.KEY)

    def complaints(self, answer):
        said, mine = super().complaints(answer), self.mine()
        if answer is not None and mine != ([answer.json["id"]] if answer.status == 201 else []):
            said.append("%s, and there is %r" % (answer, mine))
        if len(mine) > 1:
            said.append("enrolled twice")
        return said

    def end(self):
        self.prepare()


class Remove(Enrol):
    NAME = "credential removal"
    STATUS = (200,)

    def prepare(self):
        mine = self.mine()
        self.ident = mine[0] if mine else self.b.sure(super().run).json["id"]

    def run(self):
        return self.b.admin("POST", "/admin/credentials/%s/remove" % self.ident, {"force": True})

    def complaints(self, answer):
        said, mine = Flow.complaints(self, answer), self.mine()
        if answer is not None and mine != ([] if answer.status == 200 else [self.ident]):
            said.append("%s, and there is %r" % (answer, mine))
        return said

    def end(self):
        Enrol.prepare(self)


class Code(Flow):
    NAME = "enrolment code"
    STATUS = (201,)

    def run(self):
        return self.b.admin("POST", "/admin/enrolment-codes", {"subject": "games"})


class SelfEnrol(Enrol):
    """With a code, which is as good as before where nothing was enrolled."""
    NAME = "enrolment with a code"

    def setup(self):
        self.code = None

    def prepare(self):
        if self.mine():
            self.code = None		# spent
        super().prepare()
        if self.code is None:
            self.code = self.b.sure(lambda: self.b.admin("POST", "/admin/enrolment-codes", {
                "subject": "games"})).json["code"]

    def run(self):
        return self.b.prompted(GAMES, self.b.m.api, "POST", "/credentials", None, {
            "kind": "pkcs11", "device": URI % self.KEY, "code": self.code})

class Backup(Flow):
    NAME = "backup"

    def prepare(self):
        """The agent keeps 16 and then makes no more; root takes them away."""
        shutil.rmtree(self.b.m.state + "/backups", ignore_errors=True)

    def complaints(self, answer):
        said, folder = super().complaints(answer), self.b.m.state + "/backups"
        there = os.listdir(folder) if os.path.isdir(folder) else []
        if answer is not None and len(there) != (answer.status == 200):
            said.append("%s, and there is %r" % (answer, there))
        return said

    def run(self):
        return self.b.admin("POST", "/admin/store/backup", {})


class StoreCheck(Flow):
    NAME = "store check"

    def run(self):
        return self.b.admin("POST", "/admin/store/check", {})

    def complaints(self, answer):
        if answer is not None and answer.status == 200 and not (
                answer.json["whole"] and answer.json["verdict"] == "good"):
            return ["the store is called damaged: %r" % answer]
        return super().complaints(answer)


class Certificate(Flow):
    """An SSH certificate: answered, it has a row; refused, it has none."""
    NAME = "SSH certificate"
    KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"

    def own(self):
        answer = self.b.sure(lambda: self.b.api(DAEMON, "GET", "/ssh/certificates"))
        return [c["serial"] for c in answer.json["certificates"] if not c["held"]]

    def prepare(self):
        self.before = len(self.own())

    def run(self):
        return self.b.prompted(DAEMON, self.b.m.api, "POST", "/ssh/certificate", None,
                               {"public_key": self.KEY})

    def complaints(self, answer):
        said, now = super().complaints(answer), self.own()
        if answer is not None and len(now) != self.before + (answer.status == 200):
            said.append("%r, and there are %d of %d" % (answer, len(now), self.before))
        if answer is not None and answer.status == 200 and answer.json["serial"] not in now:
            said.append("a certificate without a row: %r" % answer)
        self.before = len(now)
        return said


class CaReplaced(Flow):
    """All keys of the SSH CA give way to a new one: all of it, or nothing."""
    NAME = "SSH CA replaced"

    def keys(self):
        answer = self.b.sure(lambda: self.b.api(DAEMON, "GET", "/ssh/ca"))
        return [k["id"] for k in answer.json["keys"] if k["state"] == "active"]

    def prepare(self):
        self.before = self.keys()

    def run(self):
        return self.b.admin("POST", "/admin/ssh/ca", {"do": "rotate", "at_once": True})

    def complaints(self, answer):
        said, now = super().complaints(answer), self.keys()
        if len(now) != 1 or (answer is not None and (now == self.before) == (answer.status == 200)):
            said.append("%r, and %r signs in place of %r" % (answer, now, self.before))
        self.before = now
        return said


CERTIFICATES = (Certificate, CaReplaced)
FLOWS = (Device, Prompted, Session, AuditWrite, Introspect, SessionEnd, Look, Devices, Disable,
         Enable, Enrol, Remove, Code, SelfEnrol, Backup, StoreCheck)

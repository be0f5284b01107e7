# SPDX-License-Identifier: ISC
"""What the fault sweep runs: flows of an agent at work.  See test_sweep.py.

A flow's run() is made again and again with another call failing each time; its
answer is judged by well().  prepare() brings about what it needs.  A hostile
flow is never well: earned() says what it must not bring.
"""
import base64
import json
import os
import shutil
import signal
import time

import harness
from sweep import Page, Records, Worker

PIN = "123456"
WRONG = "654321"
DAEMON, BIN, GAMES = harness.DAEMON, harness.BIN, harness.GAMES
URI = "pkcs11:token=card;id=%%%02x"
SETTLE_TRIES = 40	# requests, 0.3 s apart by the agent's clock


def ask(path, method, target, form=None, json_=None):
    """One request on a connection of its own; None where the agent hung up."""
    try:
        with harness.Client(path) as c:
            return c.request(method, target, form, json_)
    except (OSError, harness.Failed):
        return None


def ask_prompted(api, path, pin, method, target, form=None, json_=None):
    """The same, by somebody who answers the prompt."""
    try:
        return harness.answered_request(api, path, [pin], method, target, form, json_, None, 60.0)[0]
    except (OSError, harness.Failed):
        return None


def claims(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


class Bench:
    """An agent with the shim, clients, and two users with a credential each:
    daemon, who is swept, and bin, who shows that all is well."""

    def __init__(self, more=None):
        self.m = harness.Machine(rehearse=True, start=False)
        self.page = Page(self.m.folder)
        self.m.env.update(self.page.environment())
        if more is not None:
            more(self.m)
        self.workers = {uid: Worker(uid, self.m.clock) for uid in (0, DAEMON, BIN, GAMES)}
        self.m.start()
        self.m.make_token("card", PIN, ["p256", "ed25519", "p256", "p256"])
        self.spare = shutil.copytree(self.m.tokens, self.m.folder + "/spare")
        self.mended = 0			# times that SoftHSM2's files were put back
        self.records = Records(self.m)
        self.tokens = []		# jti of what clients got since the last check
        self.credential = self.enrol("daemon", 1)
        self.witness = self.enrol("bin", 2)
        self.failed = self.runs = 0
        self.hard = 0			# refused though nothing failed

    def close(self):
        for w in self.workers.values():
            w.close()
        self.m.close()
        self.page.close()

    def abandon(self):
        self.m.abandon()

    # --- requests

    def api(self, uid, method, target, form=None, json_=None):
        return self.workers[uid](ask, self.m.api, method, target, form, json_)

    def admin(self, method, target, json_=None):
        return self.workers[0](ask, self.m.admin, method, target, None, json_)

    def prompted(self, uid, path, method, target, form=None, json_=None, pin=PIN):
        return self.workers[uid](ask_prompted, self.m.api, path, pin, method, target, form, json_)

    def device(self, uid, pin=PIN, audience="demo"):
        return self.got(self.api(uid, "POST", "/token", {
            "grant_type": harness.DEVICE_GRANT, "audience": audience, "pin": pin}))

    def session(self, uid, audience="demo"):
        return self.got(self.api(uid, "POST", "/token", {
            "grant_type": harness.SESSION_GRANT, "audience": audience}))

    def got(self, answer):
        """Whoever gets a token shows it here: it must be on record."""
        if answer is not None and answer.status == 200 and "access_token" in answer.json:
            self.tokens.append(claims(answer.json["access_token"])["jti"])
        return answer

    def enrol_request(self, user, key):
        return self.prompted(0, self.m.admin, "POST", "/admin/credentials", None, {
            "kind": "pkcs11", "subject": user, "device": URI % key})

    def enrol(self, user, key):
        answer = self.enrol_request(user, key)
        if answer is None or answer.status != 201:
            raise harness.Failed("enrolment: %r" % answer)
        return answer.json["id"]

    def proved(self, uid):
        """A session of uid."""
        answer = self.session(uid)
        if answer is None or answer.status != 200:
            answer = self.sure(lambda: self.device(uid))
        return answer

    def sure(self, what, status=(200, 201)):
        """what() succeeds now, or as soon as the agent has looked again at a disk
        that failed; nothing else may be in its way."""
        for _ in range(SETTLE_TRIES):
            answer = what()
            if answer is not None and answer.status in status:
                return answer
            if answer is not None and answer.error == "device_not_found":
                self.mend()
            elif answer is not None and answer.status != 503:
                break
            self.m.clock.advance(0.3)
            time.sleep(0.006)
        raise harness.Failed("still refused: %r" % answer)

    def mend(self):
        """SoftHSM2 writes a token's file in place at each login: a helper that is
        killed meanwhile, with the request that it worked for, leaves it cut, and
        helpers that read it then never look again."""
        self.mended += 1
        shutil.copytree(self.spare, self.m.tokens, dirs_exist_ok=True)
        self.m.give_tokens()
        said = self.m.log().count("configuration read again")
        self.m.signal(signal.SIGHUP)
        harness.until(lambda: self.m.log().count("configuration read again") > said, what="the reload")

    def settle(self):
        """The witness gets a token, and all is on record: complaints."""
        answer = self.proved(BIN)
        self.records.until(claims(answer.json["access_token"])["jti"])
        tokens, self.tokens = self.tokens, []
        return self.records.check(tokens)

    def files(self):
        return len(os.listdir("/proc/%d/fd" % self.m.process.pid))


class Flow:
    NAME = ""
    STATUS = (200,)
    HOSTILE = False

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
        return self.b.enrol_request("games", self.KEY)

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
        super().prepare()
        if self.code is None:
            self.code = self.b.sure(lambda: self.b.admin("POST", "/admin/enrolment-codes", {
                "subject": "games"})).json["code"]

    def run(self):
        return self.b.prompted(GAMES, self.b.m.api, "POST", "/credentials", None, {
            "kind": "pkcs11", "device": URI % self.KEY, "code": self.code})

    def complaints(self, answer):
        said = super().complaints(answer)
        if self.mine():
            self.code = None		# spent
        return said


class Backup(Flow):
    NAME = "backup"

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


def injection(b, flow, kind, n, on=False):
    """One run with the nth call of kind failing, then one without.  How many
    calls failed, and complaints."""
    flow.prepare()
    b.page.arm(kind, n, on)
    answer = flow.run()
    failed = b.page.disarm()
    b.runs += 1
    b.failed += failed
    if b.m.process.wait(0) is not None:
        return failed, ["the agent ended with status %d" % b.m.process.status]
    said = flow.complaints(answer)
    if failed == 0 and not flow.well(answer):
        said.append("nothing failed, and the answer was %r" % answer)
    flow.prepare()
    again = b.sure(flow.run, flow.STATUS)
    if not flow.well(again):
        said.append("afterwards: %r" % again)
    return failed, said + flow.complaints(again) + b.settle()


FLOWS = (Device, Prompted, Session, AuditWrite, Introspect, SessionEnd, Look, Devices, Disable,
         Enable, Enrol, Remove, Code, SelfEnrol, Backup, StoreCheck)

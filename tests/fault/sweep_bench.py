# SPDX-License-Identifier: ISC
"""The agent and the clients of the fault sweep.  See test_sweep.py."""
import base64
import json
import os
import shutil
import signal
import time

from sweep import Page, Records, Worker, harness

PIN = "123456"
DAEMON, BIN, GAMES = harness.DAEMON, harness.BIN, harness.GAMES
URI = "pkcs11:token=card;id=%%%02x"
SETTLE_TRIES = 40	# requests, 0.3 s apart by the agent's clock
FILES_SPARE = 8		# descriptors more than before that are no leak: helpers, idle connections


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
    daemon, who is swept, and bin, who shows that all is well.  more(m) changes the
    machine before it starts; alone: daemon has the only credential, of a token
    that more() brought."""

    def __init__(self, more=None, alone=None):
        self.m = harness.Machine(rehearse=True, start=False)
        self.page = Page(self.m.folder)
        self.m.env.update(self.page.environment())
        if more is not None:
            more(self.m)
        self.m.write_conf()
        self.workers = {uid: Worker(uid, self.m.clock, page=self.page) for uid in (0, DAEMON, BIN, GAMES)}
        self.workers["administrator"] = Worker(GAMES, self.m.clock, harness.ADMINS, self.page)
        self.mended = 0			# times that SoftHSM2's files were put back
        self.records = Records(self.m)
        self.tokens = []		# jti of what clients got since the last check
        self.by = BIN if alone is None else DAEMON
        self.m.start()
        if alone is None:
            self.m.make_token("card", PIN, ["p256", "ed25519", "p256", "p256"])
            self.spare = shutil.copytree(self.m.tokens, self.m.folder + "/spare")
        self.credential = self.enrol("daemon", alone or URI % 1)
        self.witness = self.enrol("bin", URI % 2) if alone is None else ""

    def close(self):
        for w in self.workers.values():
            w.close()
        self.records.close()
        self.m.close()
        self.page.close()

    def abandon(self):
        for w in self.workers.values():
            w.close()
        self.records.close()
        self.m.abandon()
        self.page.close()

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

    def enrol_request(self, user, device):
        return self.prompted(0, self.m.admin, "POST", "/admin/credentials", None, {
            "kind": "pkcs11", "subject": user, "device": device})

    def enrol(self, user, device):
        answer = self.enrol_request(user, device)
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
            if answer is not None and answer.status in (404, 409) and \
                    answer.error in ("device_not_found", "device_removed"):
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

    def settle(self, loose=False):
        """The witness gets a token, and all is on record: complaints."""
        answer = self.proved(self.by)
        self.records.until(claims(answer.json["access_token"])["jti"])
        tokens, self.tokens = self.tokens, []
        return self.records.check(tokens, loose)

    def files(self):
        return len(os.listdir("/proc/%d/fd" % self.m.process.pid))


def injection(b, flow, kind, n, on=False):
    """One run with the nth call of kind failing, then one without.  How many
    calls failed, and complaints."""
    flow.prepare()
    files = b.files()
    b.page.arm(kind, n, on)
    answer = flow.run()
    failed = b.page.disarm()
    if b.m.process.wait(0) is not None:
        return failed, ["the agent ended with status %d" % b.m.process.status]
    loose = on and answer is not None and answer.status == 503
    said = [] if loose else flow.complaints(answer)
    if failed == 0 and not flow.well(answer):
        said.append("nothing failed, and the answer was %r" % answer)
    flow.prepare()
    again = b.sure(flow.run, flow.STATUS)
    if not flow.well(again):
        said.append("afterwards: %r" % again)
    said += flow.complaints(again) + b.settle(on)
    if b.files() > files + FILES_SPARE:
        said.append("%d descriptors were left behind" % (b.files() - files))
    return failed, said

# SPDX-License-Identifier: ISC
"""Everything at once, in an order that a seed decides: callers who hang up,
prompters who leave, workers that are killed, reloads, credentials that come and
go.  Afterwards the agent must be as it was.

TESSERA_CHAOS_SEED repeats a run (as far as the machine does), TESSERA_CHAOS_S
makes it longer."""
import copy
import os
import random
import select
import shutil
import signal
import tempfile
import time
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES, SESSION_GRANT
from test_helper import workers

PIN = "123456"
USERS = {DAEMON: "daemon", BIN: "bin", GAMES: "games"}
LASTS = float(os.environ.get("TESSERA_CHAOS_S", "15"))
# Everything that may be answered to a well-formed request here.
ERRORS = {"login_required", "step_up_required", "pin_required", "unauthorized_client",
          "not_found", "device_not_found", "device_removed", "device_busy", "timeout",
          "cancelled", "conflict", "slow_down", "temporarily_unavailable", "invalid_scope",
          "pin_locked"}		# what half a token says
RSS_KIB = 6 * 1024	# more than after the first logins


def wanted(rng):
    """A request of a plain user, as bytes; 1 where it asks for a token."""
    form = {"grant_type": DEVICE_GRANT, "audience": rng.choice(["demo", "demo", "extra", "vpn"])}
    if rng.random() < 0.7:
        form["pin"] = PIN
    kind = rng.random()
    if kind < 0.5:
        return harness.request_bytes("POST", "/token", form), True
    if kind < 0.6:
        return harness.request_bytes("POST", "/session", json_={}), False
    if kind < 0.7:
        return harness.request_bytes("GET", "/devices"), False
    if kind < 0.8:
        return harness.request_bytes("POST", "/token", {
            "grant_type": SESSION_GRANT, "audience": form["audience"]}), True
    if kind < 0.85:
        return harness.request_bytes("DELETE", "/session"), False
    if kind < 0.95:
        return harness.request_bytes("POST", "/credentials", json_={
            "kind": "pkcs11", "device": "pkcs11:token=card%d;object=ed25519" % rng.randrange(3)}), False
    return harness.request_bytes("GET", "/credentials"), False


def judge(answer, token):
    """An answer must be one that is due."""
    if answer is None:
        return 0		# hung up on: our uid had too many connections
    if answer.status in (200, 201):
        if token and answer.json["token_type"] != "Bearer":
            raise harness.Failed("no token in %r" % answer)
        return 1
    if answer.error not in ERRORS:
        raise harness.Failed("an answer that is never due: %r" % answer)
    return 0


def caller(api, seed, end):
    """One who asks, and now and then does not wait; how often he got what he asked for."""
    rng, got = random.Random(seed), 0
    while time.monotonic() < end:
        with harness.Client(api) as c:
            for _ in range(rng.randrange(1, 4)):
                data, token = wanted(rng)
                if rng.random() < 0.1:
                    c.send(data[:rng.randrange(len(data))])
                    break
                c.send(data)
                if rng.random() < 0.4:
                    time.sleep(rng.random() ** 3 * 0.3)
                    break
                answer = c.answer()
                got += judge(answer, token)
                if answer is None:
                    break
    return got


def answer_prompt(api, rng, prompt):
    how = rng.random()
    if how < 0.2:
        return			# somebody else's business
    with harness.Client(api) as c:
        answer = c.request("POST", "/prompt/" + prompt,
                           json={"cancel": True} if how < 0.35 else {"pin": PIN})
    if answer is not None and answer.status not in (200, 404):
        raise harness.Failed("to a prompt's answer: %r" % answer)


def prompter(api, seed, end):
    """One who listens for a while and answers what he likes."""
    rng, seen = random.Random(seed), 0
    while time.monotonic() < end:
        leave = min(end, time.monotonic() + rng.random())
        with harness.Events(api, rng.choice(["all", "all", None])) as events:
            while time.monotonic() < leave:
                if b"\n\n" not in events.client.have:
                    if select.select([events.client.sock], [], [], 0.05)[0] and not events.client.more():
                        break	# the agent has enough of us
                    continue
                name, data = events.next()
                if name == "pin-needed":
                    seen += 1
                    answer_prompt(api, rng, data["prompt"])
    return seen


class Chaos(unittest.TestCase):
    def enrol(self, m, uid, card, key, check=True):
        ran = m.tessera("enroll", "pkcs11", "--user", USERS[uid], "--device",
                        "pkcs11:token=card%d;object=%s" % (card, key), "--json", pin=PIN, check=check)
        return ran.json.get("id")

    def admin(self, m, cred, what, force=False):
        """Change a credential as root; 0 where it was not in a state for that."""
        answer = harness.one_request(m.admin, "POST", "/admin/credentials/%s/%s" % (cred, what),
                                     json={"force": True} if force else {})
        self.assertIn(answer.status, (200, 404, 409), answer)
        return answer.status == 200

    def kill_worker(self, m, rng):
        there = workers(m)
        if there:
            try:
                os.kill(rng.choice(there), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def reload(self, m, rng, audiences):
        m.audiences = copy.deepcopy(audiences)
        if rng.random() < 0.5:
            m.audiences["demo"]["acr"] = rng.choice(["software", "hardware"])
        if rng.random() < 0.5:
            m.audiences["demo"]["scopes"] = ["read"]
        if rng.random() < 0.5:
            del m.audiences["extra"]
        m.write_conf()
        m.signal(signal.SIGHUP)

    def disturb(self, m, rng, creds, audiences):
        """One thing that an administrator or bad luck does."""
        uid = rng.choice(list(creds))
        cred = rng.choice(creds[uid])
        what = rng.random()
        if what < 0.2:
            self.kill_worker(m, rng)
        elif what < 0.25:
            self.repair(m)
        elif what < 0.4:
            self.reload(m, rng, audiences)
        elif what < 0.6:
            self.admin(m, cred, "disable", force=True)
        elif what < 0.8:
            self.admin(m, cred, "enable")
        elif what < 0.85:
            self.admin(m, creds[GAMES][-1], "remove", force=True)
        elif what < 0.9:
            new = self.enrol(m, GAMES, 2, "p384", check=False)
            if new is not None:
                creds[GAMES][-1] = new
        else:
            self.assertEqual(harness.one_request(m.admin, "GET", "/admin/devices").status, 200)

    def proof(self, m, uid):
        return m.request("POST", "/token", uid=uid, form={
            "grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN})

    def repair(self, m):
        """SoftHSM writes its token at each login: what is killed just then leaves
        half a token behind."""
        os.rename(m.tokens + "/tokens", tempfile.mkdtemp(dir=m.folder))
        shutil.copytree(m.folder + "/whole", m.tokens + "/tokens")
        m.give_tokens()

    def calm_down(self, m, creds, audiences):
        """Everything is put back; a reload lets resting tokens work again."""
        self.repair(m)
        m.audiences = audiences
        m.write_conf()
        m.signal(signal.SIGHUP)
        for uid in creds:
            for cred in creds[uid]:
                self.admin(m, cred, "enable")
        for uid in creds:
            answer = self.proof(m, uid)
            end = time.monotonic() + 30
            while answer.status != 200 and time.monotonic() < end:
                time.sleep(0.02)
                answer = self.proof(m, uid)
            self.assertEqual(answer.status, 200, answer)

    def test_chaos(self):
        seed = int(os.environ.get("TESSERA_CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
        print("TESSERA_CHAOS_SEED=%d" % seed, flush=True)
        rng = random.Random(seed)
        audiences = copy.deepcopy(harness.AUDIENCES)
        audiences["extra"] = {"scopes": ["all"], "acr": "self", "reuse": "audience",
                              "inline-pin": True, "any-user": True}
        with harness.Machine(audiences=audiences) as m:
            creds = {}
            for card in range(len(USERS)):
                m.make_token("card%d" % card, PIN, ["p256", "p384", "ed25519"])
            shutil.copytree(m.tokens + "/tokens", m.folder + "/whole")
            for card, uid in enumerate(USERS):
                creds[uid] = [self.enrol(m, uid, card, "p256"), self.enrol(m, uid, card, "p384")]
            self.calm_down(m, creds, audiences)
            rss = harness.memory(m.process.pid)["Rss"]
            fds = len(os.listdir("/proc/%d/fd" % m.process.pid))
            end = time.monotonic() + LASTS
            callers = [harness.Job(uid, caller, m.api, rng.random(), end)
                       for uid in USERS for _ in range(4)]
            prompters = [harness.Job(uid, prompter, m.api, rng.random(), end)
                         for uid in USERS for _ in range(2)]
            while time.monotonic() < end:
                self.disturb(m, rng, creds, audiences)
                time.sleep(rng.random() * 0.1)
            got = sum(job.result() for job in callers)
            seen = sum(job.result() for job in prompters)
            print("%d requests granted, %d prompts seen" % (got, seen), flush=True)
            self.assertGreater(got, 10)
            self.assertGreater(seen, 5)
            self.calm_down(m, creds, audiences)
            # each user's own, the lister, a spare, and those that just end
            harness.until(lambda: len(workers(m)) <= len(USERS) + 2, 20, "the workers are too many")
            harness.until(lambda: len(os.listdir("/proc/%d/fd" % m.process.pid)) <= fds + 4, 10,
                          "more descriptors than before")
            if not harness.sanitized():
                self.assertLess(harness.memory(m.process.pid)["Rss"], rss + RSS_KIB)
            for uid in USERS:
                self.assertEqual(m.request("DELETE", "/session", uid=uid).status, 200)
                self.assertEqual(m.request("GET", "/session", uid=uid).json, {"sessions": []})


if __name__ == "__main__":
    harness.main()

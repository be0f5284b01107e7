# SPDX-License-Identifier: ISC
"""FIDO2 keys that misbehave, seen by those who ask the agent: every request ends in
time in a token or in a named error, and the next one is good.

TESSERA_PLUG_CYCLES: how often a key is pulled and plugged in under load, 100 if not
set; TESSERA_FAULTS_LONG: faults that take a request's whole time are tried, too."""
import os
import threading
import time
import unittest

import harness
from fidobed import Bed, ask, at_rest, enrol
from harness import DAEMON, until
from present import says, status

CYCLES = int(os.environ.get("TESSERA_PLUG_CYCLES", "100"))
LONG = "TESSERA_FAULTS_LONG" in os.environ
IN_TIME_S = 60.0	# with a machine that is busy; FIDO_TOUCH_MS and FIDO_LOOK_MS are in it
MANY = 60
UNPLUGS = 24		# messages of an operation, at most

# At the first message of a login, which asks without a touch; and what may be said.
FAILED = {"temporarily_unavailable", "device_not_found"}
FAULTS = {
    "cbor-truncated": FAILED, "cbor-garbage": FAILED, "cbor-deep": FAILED,
    "bad-sequence": FAILED, "huge-length": FAILED, "wrong-channel": FAILED,
    "wrong-command": FAILED, "short-report": FAILED, "bad-nonce": FAILED,
    "credential-count": FAILED, "no-response": FAILED | {"timeout"},
    "status:0x7f": FAILED, "time-out": FAILED | {"touch_timeout", "timeout"},
    "cancel": FAILED | {"cancelled"}, "unplug-mid-reply": FAILED | {"device_removed"},
    "bad-signature+": {"invalid_grant"}, "wrong-rp+": FAILED | {"unauthorized_client"},
    "unplug-waiting": {"device_removed"},
}
SLOW = {"no-response", "short-report", "wrong-channel"}
NAMED = {"device_removed", "device_not_found", "device_busy", "temporarily_unavailable",
         "login_required", "touch_timeout", "timeout", "cancelled", "conflict",
         "unauthorized_client", "invalid_grant"}


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


class Reach(unittest.TestCase):
    def enrolled(self, m, **more):
        answer, _ = enrol(m, **more)
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def in_time(self, call, *args, **more):
        since = time.monotonic()
        answer = call(*args, **more)[0]
        self.assertLess(time.monotonic() - since, IN_TIME_S)
        self.assertNotEqual(answer.status, 500, answer)
        if answer.status >= 400:
            self.assertIn(answer.json["error"], NAMED, answer)
        return answer

    def good_again(self, m, key):
        key.set("fault=none")
        key.ctl("plug")
        until(lambda: self.in_time(ask, m).status == 200, IN_TIME_S, "a good answer")

    def nothing_left(self, m):
        until(lambda: len(harness.processes_of(m.bin)) == self.processes, IN_TIME_S, "helpers that end")

    def test_each_fault(self):
        with Bed(1) as (m, keys):
            self.enrolled(m)
            self.processes = at_rest(m)
            for fault, errors in FAULTS.items():
                if fault == "credential-count" and harness.sanitized():
                    continue	# its memory is not limited
                if fault in SLOW and not LONG:
                    continue
                with self.subTest(fault):
                    since = time.monotonic()
                    keys[0].set("fault=" + fault)
                    answer = self.in_time(ask, m)
                    print("%s: %s, %.0f ms" % (fault, answer.json.get("error", "a token"),
                                               1e3 * (time.monotonic() - since)))
                    if answer.status != 200:
                        self.assertIn(answer.json["error"], errors, answer)
                        self.assertNotEqual(answer.json["error_description"], "")
                    else:
                        self.assertNotIn(fault, ("bad-signature+", "wrong-rp+"))
                    self.good_again(m, keys[0])
            self.nothing_left(m)

    def test_unplugged_at_each_message(self):
        """Of a login and of an enrolment, until one has fewer messages than that."""
        with Bed(1) as (m, keys):
            c = self.enrolled(m)
            self.processes = at_rest(m)
            for what in ("login", "enrolment"):
                for n in range(1, UNPLUGS):
                    keys[0].set("fault=unplug@%d" % n)
                    if what == "login":
                        answer = self.in_time(ask, m)
                    else:
                        m.tessera("credential", "remove", c["id"], "--force", check=True)
                        answer = self.in_time(enrol, m)
                    plugged = keys[0].status()["fault"] != "none"	# it was not that far
                    keys[0].set("fault=none")
                    keys[0].ctl("plug")
                    if what == "enrolment":
                        if answer.status != 201:
                            until(lambda: enrol(m)[0].status == 201, IN_TIME_S, "an enrolment")
                        c = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]
                    until(lambda: self.in_time(ask, m).status == 200, IN_TIME_S, "a good answer")
                    if plugged:
                        break
                print("%s: unplugged at %d messages" % (what, n - 1))
                self.assertTrue(plugged)
                self.assertGreater(n, 3)
            self.nothing_left(m)

    def test_cycles(self):
        """Pulled and plugged in while requests come in: all are answered, and nothing
        is left behind."""
        with Bed(1, watch=True, settings={"session": {"lock-after": "1s"}}) as (m, keys):
            self.enrolled(m)
            self.in_time(ask, m)
            until(lambda: status(m)["fido_watcher"] == "watching", IN_TIME_S, "the watcher")
            until(lambda: says(m) == "", IN_TIME_S, "a session")
            agent = m.process.pid
            self.processes = at_rest(m)
            fds, rss = descriptors(agent), harness.memory(agent)["Rss"]
            over, wrong, answers = threading.Event(), [], []

            def load():
                while not over.is_set():
                    try:
                        answers.append(self.in_time(ask, m).status)
                    except Exception as e:	# shown below
                        wrong.append(e)
                        return
            threads = [threading.Thread(target=load, daemon=True) for _ in range(2)]
            for t in threads:
                t.start()
            for i in range(CYCLES):
                before = len(answers)
                keys[0].ctl("unplug")
                if i % 4 == 0:
                    until(lambda: len(answers) > before or wrong, IN_TIME_S, "an answer")
                keys[0].ctl("plug")
                before = len(answers)
                until(lambda: len(answers) > before or wrong, IN_TIME_S, "an answer")
            over.set()
            for t in threads:
                t.join(IN_TIME_S)
                self.assertFalse(t.is_alive())
            self.assertEqual(wrong, [])
            self.good_again(m, keys[0])
            self.nothing_left(m)
            until(lambda: descriptors(agent) == fds, IN_TIME_S, "descriptors that are closed")
            grown = harness.memory(agent)["Rss"] - rss
            print("%d cycles, %d answers, %d tokens, %d KiB more" % (
                CYCLES, len(answers), answers.count(200), grown))
            if not harness.sanitized():
                self.assertLess(grown, 8192)

    @unittest.skipIf(harness.sanitized(), "too much for a sanitizer's machine")
    def test_many_keys(self):
        """One of sixty holds the credential; the others stay dark."""
        with Bed(MANY, "touch=never", watch=True) as (m, keys):
            keys[MANY // 2].set("touch=auto")
            self.enrolled(m)
            dark = [k.ctl("count", "touch") for k in (keys[0], keys[-1])]
            since = time.monotonic()
            answer = self.in_time(ask, m)
            self.assertEqual(answer.status, 200, answer)
            print("a login beside %d keys: %.0f ms" % (MANY - 1, 1e3 * (time.monotonic() - since)))
            until(lambda: says(m) == "", IN_TIME_S, "a session")
            self.assertEqual([k.ctl("count", "touch") for k in (keys[0], keys[-1])], dark)
            keys[MANY // 2].ctl("unplug")
            until(lambda: says(m) in ("device_removed", "login_required"), IN_TIME_S, "the refusal")


if __name__ == "__main__":
    harness.main()

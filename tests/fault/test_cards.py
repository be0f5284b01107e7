# SPDX-License-Identifier: ISC
"""Smart cards at their worst: pulled and put back at any moment, pcscd killed at
any moment, answers that are not what the card said; always with several clients
at work.

TESSERA_PULLS, TESSERA_PCSCD_KILLS: how many (50, 10; the long form has 500, 100).
TESSERA_APDUS: changed answers of the card (as many as 45 s have, 20000 at most).
TESSERA_CHAOS_SEED repeats a run as far as the machine does."""
import os
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.environ["TESSERA_SOURCE"], "tests", "e2e"))

import cards					# noqa: E402
import harness					# noqa: E402
import pcsc					# noqa: E402
from harness import BIN, DAEMON			# noqa: E402

PULLS = int(os.environ.get("TESSERA_PULLS", "50"))
KILLS = int(os.environ.get("TESSERA_PCSCD_KILLS", "10"))
APDUS = int(os.environ.get("TESSERA_APDUS", "20000"))
APDUS_S = None if "TESSERA_APDUS" in os.environ else 45.0
SEED = int(os.environ.get("TESSERA_CHAOS_SEED", random.randrange(1 << 32)))
CLIENTS = (DAEMON, DAEMON, BIN, BIN)
DEADLINE_S = 26.0		# HELPER_OPEN_MS, PROOF_MS and HELPER_GRACE_MS
ERRORS = {"device_removed", "device_not_found", "device_busy", "temporarily_unavailable",
          "timeout"}
# What a card may seem to say that lies in every answer.
LIES = ERRORS | {"invalid_grant", "pin_required", "pin_locked", "conflict", "not_found"}
GROWTH_KIB = 1024		# of the agent, from a warm state to the end
SETTLE_S = 75.0			# idle helpers end after a minute


def client(api, over, form, errors):
    """Proofs without end: what came of them, and the longest one."""
    seen, longest = {}, 0.0
    os.set_blocking(over, False)
    while True:
        try:
            if os.read(over, 1) == b"":
                return seen, longest
        except BlockingIOError:
            pass
        began = time.monotonic()
        answer = harness.one_request(api, "POST", "/token", form=form, timeout=60.0)
        longest = max(longest, time.monotonic() - began)
        if answer.status == 200 and not answer.json.get("access_token"):
            raise harness.Failed("no token in %r" % answer)
        what = "token" if answer.status == 200 else answer.error
        if what == "temporarily_unavailable" and answer.json.get("retry_after"):
            what = "resting"
        seen[what] = seen.get(what, 0) + 1
        if what not in errors | {"token", "resting"}:
            raise harness.Failed("an answer that is never due: %r" % answer)


class Clients:
    def __init__(self, d, errors=ERRORS):
        read, self.over = os.pipe()

        def run():
            os.close(self.over)
            return client(d.m.api, read, d.form(), errors)

        self.jobs = [harness.Job(uid, run) for uid in CLIENTS]
        os.close(read)

    def end(self):
        """(what came how often, the longest request)."""
        os.close(self.over)
        total, longest = {}, 0.0
        for job in self.jobs:
            seen, most = job.result()
            longest = max(longest, most)
            for what, n in seen.items():
                total[what] = total.get(what, 0) + n
        return total, longest


def open_files(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


class Base(unittest.TestCase):
    def warm(self, d):
        """Both users have had a token; the state that the end is held against."""
        d.enrol("daemon", "01")
        d.enrol("bin", "04")
        for uid in (DAEMON, BIN) * 3:
            self.assertEqual(d.prove(uid).status, 200)
        d.settle()

    def at_rest(self, d):
        """What the agent is when its idle helpers have gone."""
        harness.until(lambda: len(harness.processes_of(d.m.bin)) <= self.FEW, SETTLE_S,
                      "the helpers' end: %r" % harness.processes_of(d.m.bin))
        return open_files(d.m.process.pid), harness.memory(d.m.process.pid)["Pss"]

    FEW = 2 + 2			# the agent and its names worker; a spare's keeper and worker

    def same(self, before, after):
        self.assertLessEqual(after[0], before[0] + 1, "descriptors")
        if not harness.sanitized():
            self.assertLessEqual(after[1], before[1] + GROWTH_KIB, "KiB")


class Chaos(Base):
    def test_pulls_and_kills(self):
        rng = random.Random(SEED)
        print("TESSERA_CHAOS_SEED=%d" % SEED)
        settings = {"limits": {"pending-per-uid": 64}}
        with cards.Desk(settings=settings) as d:
            self.warm(d)
            # nobody knows whether a card saw the PIN that was on its way: few tries,
            # until it can be asked
            clients = Clients(d, ERRORS | {"pin_required"})
            before = open_files(d.m.process.pid), harness.memory(d.m.process.pid)["Pss"]
            self.events(d, rng)
            self.there(d)
            for uid in (DAEMON, BIN):
                answer = d.prove(uid)
                self.assertEqual(answer.status, 200, answer)
            seen, longest = clients.end()
            print("%s, the longest %.1f s" % (seen, longest))
            self.assertGreater(seen.get("token", 0), PULLS // 5)
            self.assertGreater(seen.get("device_removed", 0) + seen.get("device_not_found", 0), PULLS // 5)
            self.assertNotIn("resting", seen)
            self.assertLess(longest, DEADLINE_S)
            # two lists of helpers for each of the two, the one that lists, a spare
            self.assertLessEqual(len(harness.processes_of(d.m.bin)), 2 + 2 * 4)
            self.same(before, (open_files(d.m.process.pid), harness.memory(d.m.process.pid)["Pss"]))

    def events(self, d, rng):
        todo = ["pull"] * PULLS + ["kill"] * KILLS
        rng.shuffle(todo)
        for what in todo:
            time.sleep(rng.uniform(0.0, 0.4))	# the moment is any
            if what == "pull":
                d.card.ctl("pull")
                time.sleep(rng.choice((0.0, rng.uniform(0.0, 0.8))))
                d.card.ctl("insert")
            else:
                d.b.kill()
                time.sleep(rng.uniform(0.0, 0.3))
                d.b.start()

    def there(self, d):
        d.card.insert()


class Mutated(Base):
    def test_answers_of_the_card(self):
        """Changed answers, and signatures that are none: no login, ever.  The agent
        goes on; a worker may not."""
        with cards.Desk(settings={"limits": {"pending-per-uid": 64}}) as d:
            self.warm(d)
            pid, files = d.m.process.pid, open_files(d.m.process.pid)
            d.card.ctl("malformed", "random", 1000000000)
            clients = Clients(d, LIES)
            end = time.monotonic() + (APDUS_S or 3600)
            while self.changed(d) < APDUS and time.monotonic() < end:
                d.m.signal(signal.SIGHUP)	# no token rests for long
                self.assertEqual(d.m.request("GET", "/healthz", uid=DAEMON).status, 200)
                self.assertIn(d.m.request("GET", "/devices", uid=DAEMON).status, (200, 503))
                self.assertEqual(d.card.tries(), (3, 3))
                time.sleep(1)
            seen, longest = clients.end()
            print("%d answers changed: %s, the longest %.1f s" % (self.changed(d), seen, longest))
            self.assertNotIn("token", seen)
            d.card.ctl("malformed", "random", 0)
            d.card.pull()
            d.card.insert()
            d.m.signal(signal.SIGHUP)
            harness.until(lambda: d.prove(DAEMON).status == 200, 30, "a login with the card as it was")
            self.assertEqual(pid, d.m.process.pid)
            self.assertLessEqual(open_files(pid), files + 8)

    @staticmethod
    def changed(d):
        return int(d.card.ctl("status").split()[-1])


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""The Nth call fails under what changes a store or a configuration as a whole: a new
store key, a backup put back, and the configuration read again (SIGHUP).  Whatever
fails, it is done or it is not, and says so; nothing is lost, and the agent that
reads its configuration lives.

Commonly a sample of the calls, spread evenly, fails; TESSERA_SWEEP=full is each
single one.
"""
import os
import signal
import shutil
import subprocess
import time
import unittest

from sweep import ANSWER_S, FAILED, KINDS, harness
from sweep_bench import DAEMON, Bench
from test_sweep import FULL, places

FEW = 2		# calls of a kind, commonly
SILENCE_S = 1.0	# of real time, for a word of an agent whose calls fail


@unittest.skipIf(harness.sanitized(), "a sanitizer comes first")
class Offline(unittest.TestCase):
    def setUp(self):
        self.b = Bench()
        self.addCleanup(lambda: self.b and self.b.abandon())
        self.m = self.b.m
        self.assertEqual(self.b.device(DAEMON).status, 200)
        self.assertEqual(self.b.settle(), [])
        self.injected = 0

    def offline(self, *words):
        """tesserad beside the stopped agent: its exit status and words."""
        done = subprocess.run([self.m.bin + "/tesserad", "--config", self.m.conf, *words], cwd="/",
                              env=self.m.environment(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stderr.decode()

    def attempt(self, kind, n, *words):
        """With a failing call: 1 where it was done, and a sentence where not."""
        self.b.page.arm(kind, n)
        status, said = self.offline(*words)
        failed = self.b.page.disarm()
        self.injected += failed > 0
        self.assertIn(status, (0, 1), said)
        if status != 0:
            self.assertTrue(failed, said)
            self.assertIn("tesserad: ", said, "it ended without a word")
        return status == 0

    def each(self, *words):
        """Every kind, and the calls of it that fail, of what is done by words."""
        self.b.page.arm()
        self.assertEqual(self.offline(*words)[0], 0)
        self.b.page.disarm()
        counts = {kind: self.b.page.seen(kind) for kind in KINDS}
        for kind in KINDS:
            for n in places(counts[kind], FEW):
                yield kind, n

    def ids(self):
        return sorted(c["id"] for c in self.b.sure(
            lambda: self.b.admin("GET", "/admin/credentials")).json["credentials"])

    def test_rekey(self):
        """The store opens with the old key or the new one, and all is there."""
        known = self.ids()
        self.m.stop()
        for kind, n in self.each("--rekey"):
            with self.subTest("rekey: %s %d" % (kind, n)):
                self.attempt(kind, n, "--rekey")
                self.m.start()
                self.assertEqual(self.ids(), known)
                self.assertEqual(self.b.settle(), [])
                self.m.stop()
        self.end()

    def test_restore(self):
        """The store is as it was or as the backup has it: both have the same here, but
        for the word of an administrator that the backup needs."""
        answer = self.b.admin("POST", "/admin/store/backup", {})
        self.assertEqual(answer.status, 200, answer)
        copy = shutil.move(answer.json["path"], self.m.folder + "/backup.db")
        known = self.ids()
        self.m.stop()
        for kind, n in self.each("--restore", copy):
            with self.subTest("restore: %s %d" % (kind, n)):
                done = self.attempt(kind, n, "--restore", copy)
                self.m.start()
                verdict = self.b.sure(lambda: self.b.admin("GET", "/admin/store")).json["verdict"]
                self.assertIn(verdict, ("restored",) if done else ("good", "restored"))
                if verdict == "restored":
                    refused = self.b.device(DAEMON)
                    self.assertNotEqual(refused.status, 200)
                    self.b.sure(lambda: self.b.admin("POST", "/admin/store/confirm", {}))
                self.assertEqual(self.ids(), known)
                self.assertEqual(self.b.sure(lambda: self.b.device(DAEMON)).status, 200)
                self.m.stop()
        self.end()

    def said(self):
        log = self.m.log()
        return log.count("configuration read again"), log.count("configuration stays as it was")

    def reload(self):
        """Until it says so, or failing calls keep it from saying anything."""
        before, begun = self.said(), time.monotonic()
        self.m.signal(signal.SIGHUP)
        while self.said() == before and time.monotonic() < begun + (
                SILENCE_S if self.b.page.get(FAILED) else ANSWER_S):
            self.m.clock.advance(0.1)
            time.sleep(0.005)
            self.assertIsNone(self.m.process.wait(0), "the agent ended")
        return self.said()[0] > before[0]

    def test_reload(self):
        """SIGHUP: the new configuration or the old one, and the agent lives."""
        page = self.b.page
        page.arm()
        self.assertTrue(self.reload())
        page.disarm()
        counts = {kind: page.seen(kind) for kind in KINDS}
        for kind in KINDS:
            for n in places(counts[kind], FEW):
                for on in (False, True) if FULL or n > 1 else (False,):
                    with self.subTest("reload: %s %d%s" % (kind, n, " and all after it" if on else "")):
                        page.arm(kind, n, on)
                        done = self.reload()
                        failed = page.disarm()
                        self.injected += failed > 0
                        self.assertTrue(failed or done)
                        self.assertTrue(self.reload(), "afterwards")
                        self.assertEqual(self.b.settle(on), [])
        self.m.stop()
        self.end()

    def end(self):
        self.m.start()
        ran = self.m.tessera("audit", "verify", "--config", self.m.conf)
        self.assertEqual(ran.status, 0, ran)
        print("%d runs with failing calls" % self.injected)
        self.assertGreater(self.injected, 8)
        self.b.close()
        self.b = None


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""A key's answers under the packaged libfido2 while the Nth allocation of its own, of
libcbor's and of OpenSSL's fails: the process that speaks to it says what it can, and
dies of none.

Commonly a sample of the allocations fails; TESSERA_SWEEP=full is each one, once and
from there on.
"""
import os
import shutil
import subprocess
import tempfile
import unittest

from sweep import Page, harness

FULL = os.environ.get("TESSERA_SWEEP") == "full"
SAMPLE = 6		# allocations of one answer, commonly
TARGET = os.environ.get("TESSERA_FIDO_ANSWER", "")
CORPUS = os.path.join(os.environ["TESSERA_SOURCE"], "tests/fuzz/corpus/fido_answer")


@unittest.skipIf(harness.sanitized(), "a sanitizer comes first")
class Allocations(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tessera-fido.")
        self.page = Page(self.folder)

    def tearDown(self):
        self.page.close()
        shutil.rmtree(self.folder)

    def run_once(self, path, n, on):
        """With the nth allocation failing: how many were made, how many failed."""
        self.page.arm("alloc", n, on)
        done = subprocess.run([TARGET, path], env={**os.environ, **self.page.environment()},
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)
        failed = self.page.disarm()
        # the target's own replay may be refused its memory, and then says so
        self.assertGreaterEqual(done.returncode, 0, "%s: allocation %d%s, signal %d at %s" % (
            os.path.basename(path), n, " and all after it" if on else "", -done.returncode,
            done.stderr.decode()[-200:]))
        return self.page.seen("alloc"), failed

    def test_answers(self):
        injected = 0
        for name in sorted(os.listdir(CORPUS)):
            path = os.path.join(CORPUS, name)
            made = self.run_once(path, 0, False)[0]
            step = 1 if FULL else max(1, made // SAMPLE)
            for n in range(1, made + 1, step):
                for on in (False, True):
                    injected += self.run_once(path, n, on)[1] > 0
        print("%d runs with failing allocations" % injected)
        self.assertGreater(injected, 200)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""Power cuts: what lies on the disk at a random moment of the work holds all
that was acknowledged by then.  TESSERA_CUTS: how many, default 30."""
import os
import random
import signal
import sys
import time
import unittest

from disk import Disk, possible
from load import Load, harness

CUTS = int(os.environ.get("TESSERA_CUTS", "30"))
SHIM = os.environ.get("TESSERA_SHIM", "")
WHY_NOT = possible()


def stopped(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


class Power(unittest.TestCase):
    def setUp(self):
        if WHY_NOT is not None:
            sys.stderr.write("\n*** NO POWER CUTS WERE TRIED: no file system can be mounted "
                             "here: %s\n" % WHY_NOT)
            self.skipTest("mounts are impossible here")

    def machine(self, disk, env=None):
        m = harness.Machine(start=False, env=env)
        st = os.stat(m.state)
        disk.mount(m.state)
        os.chown(m.state, st.st_uid, st.st_gid)
        os.chmod(m.state, 0o700)
        return m

    def cut(self, m, disk, load):
        """Copy the disk while the agent stands still; complaints about it."""
        pid = m.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            harness.until(lambda: stopped(pid), 10, "the agent to stand still")
            load.drain()		# these answers have left before
            image = disk.power_cut()
        finally:
            os.kill(pid, signal.SIGCONT)
        where = m.folder + "/cut"
        os.makedirs(where, exist_ok=True)
        disk.mount(where, image)
        try:
            return load.check(where, adopt=False)
        finally:
            disk.unmount(where)
            os.unlink(image)

    def cuts(self, count, env=None):
        """[complaints] of each cut."""
        disk, said = Disk(), []
        try:
            m = self.machine(disk, env)
            try:
                m.start()
                load = Load(m)
                load.make()
                load.start()
                try:
                    for _ in range(count):
                        time.sleep(random.uniform(0.0, 0.2))	# the cut comes at any moment
                        said.append(self.cut(m, disk, load))
                finally:
                    m.kill()
                    load.close()
                print("%d cuts, %d acknowledged, %d lost something" % (
                    count, load.acknowledged, sum(1 for s in said if s)))
                self.assertGreater(load.acknowledged, count)
                m.start()
                found = m.request("POST", "/admin/store/check", admin=True, json={}).json
                self.assertTrue(found["whole"], found)
            except BaseException:
                m.abandon()
                raise
            finally:
                if not m.over:
                    m.stop()
                disk.close()
                if not m.over:
                    m.close()
        finally:
            disk.close()
        return said

    def test_nothing_acknowledged_is_lost(self):
        for n, said in enumerate(self.cuts(CUTS)):
            self.assertEqual(said, [], "cut %d" % n)

    def test_would_be_seen(self):
        """With a log that is not synced at each commit, as synchronous=NORMAL has
        it, the same test loses something."""
        if harness.sanitized():
            self.skipTest("a sanitizer comes first")
        lost = sum(1 for said in self.cuts(8, {"LD_PRELOAD": SHIM, "TESSERA_SHIM": "wal"}) if said)
        self.assertGreater(lost, 0)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""kill -9 of the agent in the middle of its work: nothing acknowledged is lost,
nothing is half done.  TESSERA_KILLS: how many, default 100."""
import os
import random
import time
import unittest

from load import KEPT, Load, copy_of, harness

KILLS = int(os.environ.get("TESSERA_KILLS", "100"))


class Kill(unittest.TestCase):
    def test_kill(self):
        settings = {"anchor": None}
        audiences = {**harness.AUDIENCES, "kept": KEPT}
        with harness.Machine(audiences=audiences, settings=settings, start=False) as m:
            m.settings["anchor"] = m.folder_for(m.folder + "/elsewhere", "tessera", 0o700) + "/anchor"
            m.write_conf()
            m.start()
            load = Load(m)
            load.make()
            busy = rested = 0
            for n in range(KILLS):
                before = load.acknowledged
                load.start()
                time.sleep(random.uniform(0.0, 0.25))	# the kill comes at any moment
                m.kill()
                load.close()
                busy += load.acknowledged > before
                rested += load.newest is not None and "refresh" not in load.begun
                said = load.check(copy_of(m.state, m.folder + "/copy"), adopt=True)
                self.assertEqual(said, [], "kill %d" % n)
                m.start()
                if n % 5 == 0 or n == KILLS - 1:
                    found = m.request("POST", "/admin/store/check", admin=True, json={}).json
                    self.assertEqual((found["whole"], found["verdict"]), (True, "good"), found)
            print("%d kills, %d of them at work, %d acknowledged, %d refresh tokens at rest" % (
                KILLS, busy, load.acknowledged, rested))
            self.assertGreater(busy, KILLS // 4)
            self.assertGreater(load.acknowledged, KILLS)
            self.assertGreater(rested, KILLS // 20)


if __name__ == "__main__":
    harness.main()

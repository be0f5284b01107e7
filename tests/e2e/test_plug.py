# SPDX-License-Identifier: ISC
"""FIDO2 keys that are pulled and come back: tokens, sessions, events."""
import os
import signal
import subprocess
import unittest

import harness
from fidobed import Bed, ask, enrol
from harness import BIN, DAEMON, Job, until
from present import devices_of, line_of, next_event, says, status, time_passes, watcher_of
from wire import Events

NOTICED_S = 20.0


class Plug(unittest.TestCase):
    def open(self, count=1, *settings, **more):
        bed = Bed(count, *settings, watch=True, rehearse=True, **more)
        m, keys = self.enterContext(bed)
        self.bed = bed
        until(lambda: status(m)["fido_watcher"] == "watching", NOTICED_S, "the watcher")
        return m, keys

    def login(self, m, uid=DAEMON, user="daemon", **more):
        answer, _ = enrol(m, user=user, **more)
        self.assertEqual(answer.status, 201, answer)
        answer, _ = ask(m, uid=uid)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(says(m, uid), "")

    def refused(self, m, with_, uid=DAEMON):
        until(lambda: says(m, uid) == with_, NOTICED_S, "the refusal " + with_)

    def session(self, m, uid=DAEMON):
        sessions = m.request("GET", "/session", uid=uid).json["sessions"]
        self.assertEqual(len(sessions), 1)
        return sessions[0]

    def devices(self, events, n):
        """The next n events of devices."""
        return [(name[7:], data["kind"], data["label"], data["device"]) for name, data in devices_of(events, n)]

    def listening(self, m, n):
        until(lambda: status(m)["connections"]["api"] == n, NOTICED_S, "%d streams of events" % n)

    def audited(self, m, *words):
        def found():
            with open(m.state + "/audit.log", encoding="utf-8") as f:
                return any(all(word in line for word in words) for line in f)
        until(found, NOTICED_S, "the audit line")

    def test_pulled_and_back(self):
        m, keys = self.open()
        self.login(m)
        sid, touches = self.session(m)["sid"], keys[0].ctl("count", "touch")
        with Events(m.api) as events:
            events.next("ready")
            keys[0].ctl("unplug")
            self.refused(m, "device_removed")
            self.assertFalse(self.session(m)["locked"])
            keys[0].ctl("plug")
            self.refused(m, "")			# it proved itself, and nobody touched it
            gone, came = self.devices(events, 2)
        self.assertEqual((gone[:3], came[:3]), (("removed", "fido", "key"), ("added", "fido", "key")))
        self.assertNotEqual(gone[3], came[3])
        self.assertEqual(keys[0].ctl("count", "touch"), touches)
        m.clock.advance(5)
        time_passes(m)
        self.assertEqual(says(m), "")
        # silence is no login
        self.assertEqual(says(m, audience="fresh"), "login_required")
        keys[0].ctl("unplug")
        self.refused(m, "device_removed")
        m.clock.advance(3)
        self.refused(m, "login_required")
        self.assertTrue(self.session(m)["locked"])
        m.clock.advance(2)
        self.audited(m, '"session-locked"', '"device_removed"')
        with Events(m.api) as events:
            events.next("ready")
            keys[0].ctl("plug")			# too late
            self.devices(events, 1)
        self.assertEqual(says(m), "login_required")
        self.assertEqual(ask(m)[0].status, 200)
        self.assertEqual(says(m), "")
        self.assertFalse(self.session(m)["locked"])
        self.assertNotEqual(self.session(m)["sid"], sid)	# the tokens of before stay refused

    def test_who_is_told(self):
        """Two people's credentials on one key, and a key of nobody's."""
        m, keys = self.open(2)
        keys[1].ctl("unplug")
        self.login(m, label="mine")
        self.login(m, BIN, "bin", label="theirs")
        jobs = [Job(uid, next_event, m.api, "device-added") for uid in (DAEMON, BIN, harness.GAMES)]
        with Events(m.api) as events:
            self.listening(m, 4)
            keys[1].ctl("plug")			# root alone hears of it
            came = self.devices(events, 1)
            self.assertEqual(came[0][:3], ("added", "fido", "Virtual FIDO2 key 2"))
            keys[0].ctl("unplug")
            self.refused(m, "device_removed")
            self.refused(m, "device_removed", BIN)
            keys[0].ctl("plug")
            self.refused(m, "")
            self.refused(m, "", BIN)
            self.assertEqual([j.result()["label"] for j in jobs[:2]], ["mine", "theirs"])
            keys[1].ctl("unplug")
        jobs[2].kill()

    def test_not_the_same(self):
        """What comes back is another key, or answers falsely."""
        m, keys = self.open(2)
        keys[1].ctl("unplug")
        self.login(m)
        keys[0].ctl("unplug")
        keys[1].ctl("plug")
        self.refused(m, "device_removed")
        with Events(m.api) as events:
            keys[1].ctl("unplug")
            keys[1].ctl("plug")
            self.devices(events, 1)
        self.assertEqual(says(m), "device_removed")
        m.clock.advance(8)			# it may have been asked just then
        self.refused(m, "login_required")
        for fault in ("bad-signature+", "wrong-rp+"):
            with self.subTest(fault):
                keys[0].set("fault=none")
                keys[0].ctl("plug")
                until(lambda: ask(m)[0].status == 200, NOTICED_S, "a login")
                self.refused(m, "")
                locked = Job(DAEMON, next_event, m.api, "session-locked")
                self.listening(m, 1)
                keys[0].ctl("unplug")
                self.refused(m, "device_removed")
                keys[0].set("fault=" + fault)
                keys[0].ctl("plug")
                self.refused(m, "login_required")	# at once
                self.assertEqual(locked.result()["reason"], "not_proved")
                keys[0].ctl("unplug")
        with open(m.state + "/audit.log", encoding="utf-8") as f:
            self.assertNotIn('"clone"', f.read())

    def test_clone(self):
        """A counter that went back, seen without a touch."""
        m, keys = self.open()
        self.login(m)
        suspended = Job(DAEMON, next_event, m.api, "credential-suspended")
        self.listening(m, 1)
        keys[0].ctl("unplug")
        self.refused(m, "device_removed")
        keys[0].set("fault=counter-back+")
        keys[0].ctl("plug")
        self.assertEqual(suspended.result()["reason"], "clone")
        self.refused(m, "login_required")
        self.assertEqual(m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]["state"],
                         "suspended")
        m.clock.advance(2)
        self.audited(m, '"event":"clone"')
        self.audited(m, '"misuse"', '"verdict":"clone"')
        keys[0].set("fault=none")
        self.assertEqual(ask(m)[0].json["error"], "device_not_found")

    def test_watcher_killed(self):
        """It is started again, and finds out what happened meanwhile; while there is
        none a key's session lasts for a while."""
        m, keys = self.open()
        self.login(m)
        for pulled in (False, True):
            os.kill(watcher_of(m), signal.SIGKILL)
            until(lambda: status(m)["fido_watcher"] == "starting", NOTICED_S, "its end")
            if pulled:
                keys[0].ctl("unplug")
            self.assertEqual(says(m), "")
            m.clock.advance(0.3)
            until(lambda: status(m)["fido_watcher"] == "watching", NOTICED_S, "the watcher")
            self.refused(m, "device_removed" if pulled else "")
        keys[0].ctl("plug")
        self.refused(m, "")
        self.assertIn("keys watching", m.tessera("status", check=True).out)
        os.kill(watcher_of(m), signal.SIGKILL)
        until(lambda: status(m)["fido_watcher"] == "starting", NOTICED_S, "its end")
        self.bed.helpers_end()
        self.assertEqual(says(m), "")
        for _ in range(6):
            m.clock.advance(2)
            time_passes(m)
        self.refused(m, "login_required")
        self.assertTrue(self.session(m)["locked"])

    def test_command(self):
        """tessera device watch, until ^C."""
        m, keys = self.open()
        self.login(m)
        p = subprocess.Popen([m.bin + "/tessera", "device", "watch"], stdout=subprocess.PIPE,
                             env={"TESSERA_SOCK": m.api, "LC_ALL": "C.UTF-8"}, text=True)
        self.listening(m, 1)
        keys[0].ctl("unplug")
        line = line_of(p)
        self.assertIn("removed", line)
        self.assertIn('"key" (FIDO2 key Virtual FIDO2 key 1 of ', line)
        keys[0].ctl("plug")
        self.assertIn("added", line_of(p))
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20), 0)
        p.stdout.close()

    def test_started_by_the_agent(self):
        with harness.Machine(settings={"fido": {"watch": True}}) as m:
            until(lambda: status(m)["fido_watcher"] in ("watching", "unavailable"), NOTICED_S,
                  "a watcher")
            watcher_of(m)


if __name__ == "__main__":
    harness.main()

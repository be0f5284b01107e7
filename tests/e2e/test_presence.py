# SPDX-License-Identifier: ISC
"""Cards that are pulled and come back: tokens, sessions, events.  Real pcscd, real
OpenSC, tessera-sim's card."""
import os
import signal
import subprocess
import time
import unittest

import harness
from granted import active, ask, refresh
from harness import BIN, DAEMON, Job, until
from present import devices_of, line_of, next_event, says, status, time_passes, watcher_of
from readers import PIN, Readers
from wire import Events

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
NOTICED_S = 5.0		# pcscd looks every 400 ms, a busy machine now and then
AUDIENCES = dict(harness.AUDIENCES)
AUDIENCES["tap"] = {"scopes": ["read"], "acr": "self", "reuse": "session", "any-user": True,
                    "inline-pin": True, "presence": "proof", "refresh": True,
                    "verifiers": {"users": ["bin"]}}
AUDIENCES["there"] = dict(AUDIENCES["tap"], presence="device")


class Presence(unittest.TestCase):
    def open(self, readers=2, **more):
        r = self.enterContext(Readers(readers))
        m = self.enterContext(r.machine(audiences=AUDIENCES, **more))
        return r, m

    def enrol(self, m, uid=DAEMON, key="%01", serial=None):
        until(lambda: m.request("GET", "/devices").json["devices"], 20, "a device")
        uri = "pkcs11:id=" + key + (";serial=" + serial if serial else "")
        m.tessera("enroll", "pkcs11", "--user", "daemon" if uid == DAEMON else "bin", "--device",
                  uri, pin=PIN, check=True)
        return self.prove(m, uid)

    def prove(self, m, uid=DAEMON, audience="demo", again=False):
        """again: a helper may have to notice first that its card was away."""
        for _ in range(1 + again):
            answer = m.request("POST", "/token", uid=uid, form={
                "grant_type": harness.DEVICE_GRANT, "audience": audience, "pin": PIN})
            if answer.status == 200:
                break
        self.assertEqual(answer.status, 200, answer.json)
        return answer

    def session(self, m, uid=DAEMON):
        sessions = m.request("GET", "/session", uid=uid).json["sessions"]
        self.assertEqual(len(sessions), 1)
        return sessions[0]

    def refused(self, m, with_, uid=DAEMON):
        until(lambda: says(m, uid) == with_, NOTICED_S, "the refusal " + with_)

    def devices(self, events, n):
        """The next n events of devices."""
        return [(name[7:], data["device"], data["reader"]) for name, data in devices_of(events, n)]

    # --- no token once it was pulled

    def test_pulled(self):
        r, m = self.open(rehearse=True, settings={"ssh": {"audience": "demo"}})
        card = r.card("one")
        self.enrol(m)
        self.assertEqual(says(m), "")
        answer, _ = m.answering(PIN, "POST", "/ssh/certificate", uid=DAEMON, json={"public_key": SSH_KEY})
        self.assertEqual(answer.status, 200, answer)

        def revoked():
            found = m.request("GET", "/ssh/certificates", uid=DAEMON).json["certificates"]
            return [c["revoked"] for c in found if not c["held"]]
        self.assertEqual(revoked(), [False])
        at = card.pull()
        self.refused(m, "device_removed")
        print("refused %.0f ms after the pull" % (1000 * (time.monotonic() - at)))
        session = self.session(m)
        self.assertFalse(session["locked"])
        self.assertFalse(session["present"])
        self.assertEqual(says(m, audience="tap"), "")	# asks for no device
        m.clock.advance(3)
        self.refused(m, "login_required")
        self.assertTrue(self.session(m)["locked"])
        self.assertEqual(revoked(), [True])
        self.assertEqual(says(m, audience="tap"), "")
        m.clock.advance(2)
        until(lambda: [line for line in open(m.state + "/audit.log", encoding="utf-8")
                       if '"session-locked"' in line and '"device_removed"' in line], 10,
              "the audit line")
        # a fresh proof, and nothing else, unlocks it; its tokens of before stay dead
        card.insert()
        until(lambda: m.request("GET", "/devices").json["devices"], NOTICED_S, "the card")
        self.assertEqual(says(m), "login_required")
        self.prove(m, again=True)
        again = self.session(m)
        self.assertEqual((again["credential"], again["locked"], again["present"]),
                         (session["credential"], False, True))
        self.assertNotEqual(again["sid"], session["sid"])
        self.assertEqual(says(m), "")

    def test_refresh(self):
        """A family goes on with its session, under the session's new sid; what a verifier
        was shown of the old one is dead."""
        r, m = self.open(1, rehearse=True)
        card = r.card("one")
        self.enrol(m)

        def family(audience):
            answer = ask(m, audience=audience, token_format="opaque", offline_access="true")
            self.assertEqual(answer.status, 200, answer)
            return answer.json["refresh_token"], answer.json["access_token"]
        (tap, shown), (there, _) = family("tap"), family("there")
        self.assertTrue(active(m, shown)["active"])
        card.pull()
        self.refused(m, "device_removed")
        m.clock.advance(3)
        self.refused(m, "login_required")
        self.assertEqual(active(m, shown), {"active": False})
        for form in ({}, {"token_format": "opaque"}):
            answer = refresh(m, tap, **form)
            self.assertEqual(answer.status, 200, answer)
            tap = answer.json["refresh_token"]
            said = active(m, answer.json["access_token"])
            self.assertEqual((said["active"], said.get("sid")), (True, self.session(m)["sid"]))
        self.assertEqual(refresh(m, there).json["error"], "login_required", "it rests")
        card.insert()
        until(lambda: m.request("GET", "/devices").json["devices"], 10 * NOTICED_S, "the card")
        self.prove(m, again=True)
        answer = refresh(m, there)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(m.request("DELETE", "/session", uid=DAEMON).json["ended"], 1)
        for token in (tap, answer.json["refresh_token"]):
            self.assertEqual(refresh(m, token).json["error"], "invalid_grant")
        m.clock.advance(3700)		# and no verifier knows the sids any more
        for token in (tap, answer.json["refresh_token"]):
            self.assertEqual(refresh(m, token).json["error"], "invalid_grant")

    def test_back_in_time(self):
        """It comes back, in another reader, and proves itself without a PIN."""
        r, m = self.open(rehearse=True)
        card = r.card("one")
        self.enrol(m)
        with Events(m.api) as events:
            card.pull()
            self.refused(m, "device_removed")
            card.insert(1)
            self.refused(m, "")
            came = self.devices(events, 2)
        device = self.session(m)["device"]
        self.assertEqual([what[:2] for what in came], [("removed", device), ("added", device)])
        self.assertNotEqual(came[0][2], came[1][2])		# one device, two readers
        m.clock.advance(3)
        time_passes(m)
        self.assertFalse(self.session(m)["locked"])

    def test_no_card_key(self):
        """Back in time, with nothing to prove it by: locked."""
        r, m = self.open(rehearse=True)
        card = r.card("one", 0, "--algorithm", "9a=p256,9e=none")
        self.enrol(m)
        with Events(m.api) as events:
            card.pull()
            self.refused(m, "device_removed")
            card.insert()
            self.devices(events, 2)
        self.assertEqual(says(m), "device_removed")
        m.clock.advance(3)
        self.refused(m, "login_required")

    def test_another_card_of_that_name(self):
        """The same serial number and label, other keys."""
        r, m = self.open(rehearse=True)
        card = r.card("one", 0, "--serial", "77", "--subject", "twin")
        self.enrol(m)
        locked = Job(DAEMON, next_event, m.api, "session-locked")
        until(lambda: status(m)["connections"]["api"] == 1, 10, "its stream of events")
        card.pull()
        self.refused(m, "device_removed")
        card.end()
        r.card("two", 0, "--serial", "77", "--subject", "twin")
        self.refused(m, "login_required")		# at once: it is a false one
        self.assertEqual(locked.result()["reason"], "not_proved")

    def test_contactless(self):
        """A tap is a proof: the card may go."""
        r, m = self.open(rehearse=True)
        card = r.card("one", 0, "--contactless")
        self.enrol(m)
        with Events(m.api) as events:
            card.pull()
            self.assertEqual(self.devices(events, 1)[0][0], "removed")
        self.assertEqual(says(m), "")
        m.clock.advance(60)
        time_passes(m)
        self.assertEqual(says(m), "")
        self.assertFalse(self.session(m)["locked"])

    def test_proof_under_way(self):
        """Somebody is typing his PIN when the card goes."""
        r, m = self.open(rehearse=True)
        card = r.card("one")
        self.enrol(m)
        asking = Job(DAEMON, ask_and_wait, m.api)
        until(lambda: status(m)["prompts"] == 1, 20, "the prompt")
        card.pull()
        answer = asking.result()
        self.assertEqual((answer.status, answer.json["error"]), (409, "device_removed"))

    # --- whom it concerns

    def test_swap(self):
        """One card out, another one in: who hears of it."""
        r, m = self.open()
        one = r.card("one")
        self.enrol(m)
        mine = self.session(m)["device"]
        theirs = Job(BIN, device_events, m.api, 1)
        own = Job(DAEMON, device_events, m.api, 1)
        with Events(m.api) as events:
            until(lambda: status(m)["connections"]["api"] == 3, 10, "three streams of events")
            one.pull()
            # pcscd looks every 400 ms: what is quicker than that it may not see
            came = self.devices(events, 1)
            two = r.card("two", 0)
            came += self.devices(events, 1)
        self.assertEqual([c[0] for c in came], ["removed", "added"])
        self.assertEqual(came[0][1], mine)
        self.assertNotEqual(came[1][1], mine)
        self.assertEqual(own.result(), ["device-removed"])
        self.enrol(m, BIN)			# now it is his, and he hears of it alone
        own = Job(DAEMON, device_events, m.api, 1)
        until(lambda: status(m)["connections"]["api"] == 2, 100, "two streams of events")
        two.pull()
        self.assertEqual(theirs.result(), ["device-removed"])
        self.refused(m, "device_removed", BIN)
        one.insert()
        self.assertEqual(own.result(), ["device-added"])

    def test_command(self):
        """tessera device watch, until ^C."""
        r, m = self.open(rehearse=True)
        card = r.card("one")
        self.enrol(m)
        p = subprocess.Popen([m.bin + "/tessera", "device", "watch"], stdout=subprocess.PIPE,
                             env={"TESSERA_SOCK": m.api, "LC_ALL": "C.UTF-8"}, text=True)
        until(lambda: status(m)["connections"]["api"] >= 1, 10, "its connection")
        card.pull()
        self.assertIn("removed", line_of(p))
        card.insert()
        line = line_of(p)
        self.assertIn("added", line)
        self.assertIn("reader Tessera 0 00 00", line)
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20), 0)
        p.stdout.close()

    # --- pcscd and the watcher end

    def test_pcscd_restarted(self):
        """Nothing is made up about a card that stayed, nothing missed of one that
        went meanwhile."""
        r, m = self.open()
        card = r.card("one")
        self.enrol(m)
        with Events(m.api) as events:
            for number in (signal.SIGKILL, signal.SIGTERM):
                r.kill_pcscd(number)
                until(lambda: status(m)["watcher"] == "unavailable", NOTICED_S, "the news")
                self.assertEqual(says(m), "")
                r.stop_pcscd()
                r.start_pcscd()
                card.insert()
                until(lambda: status(m)["watcher"] == "watching", NOTICED_S, "the service")
                until(lambda: m.request("GET", "/devices").json["devices"], 20, "the card")
            time.sleep(2.5)		# real clocks: the time that pcscd has to find its cards
            self.assertEqual(says(m), "", m.log())
            r.kill_pcscd()
            until(lambda: status(m)["watcher"] == "unavailable", NOTICED_S, "the news")
            card.end()
            r.stop_pcscd()
            r.start_pcscd()
            until(lambda: says(m) != "", 20, "the refusal")
            self.assertEqual([c[0] for c in self.devices(events, 1)], ["removed"])

    def test_watcher_killed(self):
        """It is started again; while it rests, a card's session is good for nothing."""
        r, m = self.open(rehearse=True)
        r.card("one")
        self.enrol(m)
        until(lambda: status(m)["watcher"] == "watching", 20, "the watcher")
        os.kill(watcher_of(m), signal.SIGKILL)
        until(lambda: status(m)["watcher"] == "starting", 10, "its end")
        m.clock.advance(0.2)
        until(lambda: status(m)["watcher"] == "watching", 20, "the watcher")
        self.assertEqual(says(m), "")
        os.chmod(m.bin + "/tessera-pkcs11", 0o600)	# it cannot be started
        os.kill(watcher_of(m), signal.SIGKILL)
        until(lambda: status(m)["watcher"] == "starting", 10, "its end")
        for _ in range(8):
            m.clock.advance(5)
            time_passes(m)
        self.assertEqual(status(m)["watcher"], "resting")
        self.assertEqual(says(m), "login_required")
        os.chmod(m.bin + "/tessera-pkcs11", 0o755)
        self.prove(m)					# pays for its own token, and no more
        self.assertEqual(says(m), "login_required")
        self.assertTrue(self.session(m)["locked"])
        m.clock.advance(61)
        until(lambda: status(m)["watcher"] == "watching", 20, "the watcher")
        self.prove(m)
        self.assertEqual(says(m), "")

    def test_socket_activated(self):
        r, m = self.open(rehearse=True, helper="activate")
        card = r.card("one")
        self.enrol(m)
        card.pull()
        self.refused(m, "device_removed")
        if not harness.sanitized():
            memory = harness.memory(watcher_of(m))
            print("the watcher: %d KiB of its own" % (memory["Private_Dirty"]))
            self.assertLess(memory["Private_Dirty"], 4096)


def device_events(api, n):
    with Events(api) as events:
        return [name for name, _ in devices_of(events, n)]


def ask_and_wait(api):
    """A proof whose prompt nobody answers."""
    with Events(api, prompter="self"):
        with harness.Client(api, 60) as c:
            return c.request("POST", "/token", form={
                "grant_type": harness.DEVICE_GRANT, "audience": "demo"})


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""A wall clock that jumps stops minting, not sessions; the kernel's word or an
administrator's brings it back."""
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, SESSION_GRANT

PIN = "123456"
DEVICE = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}
SESSION = {"grant_type": SESSION_GRANT, "audience": "demo"}


class Clock(unittest.TestCase):
    def setUp(self):
        self.m = harness.Machine(rehearse=True)
        self.addCleanup(self.m.abandon)
        self.m.make_token("card", PIN)
        self.m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                       "pkcs11:token=card;id=%01", pin=PIN, check=True)

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    def token(self, form=None):
        return self.m.request("POST", "/token", uid=DAEMON, form=form or SESSION)

    def refused(self, form=None):
        answer = self.token(form)
        self.assertEqual((answer.status, answer.json["error"]), (503, "temporarily_unavailable"), answer)
        self.assertIn("tessera clock accept", answer.json["error_description"])

    def state(self):
        return self.m.request("GET", "/admin/clock", admin=True).json

    def test_jumps(self):
        m = self.m
        self.assertEqual(self.token(DEVICE).status, 200)
        for jump in (310, -310, 86400 * 365, -86400):
            with self.subTest(jump):
                m.clock.set_wall(m.clock.wall + jump)
                self.refused()
                self.refused(DEVICE)
                state = self.state()
                self.assertEqual((state["state"], state["trusted"]), ("jumped", False))
                self.assertAlmostEqual(state["wall"] - state["expected"], jump, delta=3)
                health = m.request("GET", "/healthz").json
                self.assertEqual((health["status"], health["checks"]["clock"]), ("degraded", "jumped"))
                m.clock.set_wall(m.clock.wall - jump)
                self.refused()		# a jump back is no word of anybody's
                accepted = m.request("POST", "/admin/clock", admin=True, json={})
                self.assertEqual((accepted.status, accepted.json["state"]), (200, "trusted"))
                self.assertEqual(self.token().status, 200)
                self.assertEqual(m.request("GET", "/healthz").json["status"], "ok")
        self.assertIn("no token is minted", m.log())

    def test_small_steps(self):
        """Steps within five minutes are nothing; many of them are a jump."""
        m = self.m
        self.assertEqual(self.token(DEVICE).status, 200)
        m.clock.set_wall(m.clock.wall + 290)
        self.assertEqual(self.token().status, 200)
        m.clock.set_wall(m.clock.wall - 500)
        self.assertEqual(self.token().status, 200)
        m.clock.advance(60)
        m.clock.set_wall(m.clock.wall - 200)
        self.refused()

    def test_kernel_says_so(self):
        m = self.m
        self.assertEqual(self.token(DEVICE).status, 200)
        m.clock.synchronise()
        m.clock.set_wall(m.clock.wall + 4000)
        self.assertEqual(self.token().status, 200)
        m.clock.synchronise(False)
        m.clock.set_wall(m.clock.wall - 4000)
        self.refused()
        m.clock.synchronise()
        self.assertEqual(self.token().status, 200)

    def test_sessions_go_on(self):
        """A proof counts while the clock is not believed; its token comes later."""
        m = self.m
        m.clock.set_wall(m.clock.wall + 4000)
        answer, _ = m.answering(PIN, "POST", "/session", uid=DAEMON, json={})
        self.assertEqual(answer.status, 200, answer)
        self.refused()
        self.assertEqual(m.request("POST", "/admin/clock", admin=True, json={}).status, 200)
        self.assertEqual(self.token().status, 200)

    def test_behind_at_start(self):
        m = self.m
        self.assertEqual(self.token(DEVICE).status, 200)
        m.clock.advance(3600)
        m.stop()
        m.clock.set_wall(m.clock.wall - 3600)
        m.start()
        self.assertEqual(self.state()["state"], "behind")
        self.refused(DEVICE)
        self.assertIn("no token is minted", m.log())
        m.stop()			# the mark stays where it was
        m.start()
        self.refused(DEVICE)
        self.assertEqual(m.request("POST", "/admin/clock", admin=True, json={}).status, 200)
        self.assertEqual(self.token(DEVICE).status, 200)
        m.stop()			# the word is durable
        m.start()
        self.assertEqual(self.token(DEVICE).status, 200)

    def test_mark_outlives_a_kill(self):
        m = self.m
        m.clock.advance(7200)
        harness.until(lambda: self.state()["mark"] >= m.clock.wall - 1, 10, "a look at the clock")
        self.assertEqual(self.token(DEVICE).status, 200)	# its commit is after the mark's
        m.kill()
        m.clock.set_wall(m.clock.wall - 7000)
        m.start()
        self.assertEqual(self.state()["state"], "behind")

    def test_who_may(self):
        m = self.m
        self.assertEqual(m.request("GET", "/admin/clock", uid=BIN).status, 404)
        with self.assertRaises(PermissionError):
            m.request("GET", "/admin/clock", uid=BIN, admin=True)
        answer = m.request("POST", "/admin/clock", admin=True, json={"wall": 1})
        self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_request"))

    def test_command_line(self):
        m = self.m
        self.assertEqual(m.tessera("clock", "show", "--json", check=True).json["state"], "trusted")
        m.clock.set_wall(m.clock.wall + 4000)
        self.assertIn("jumped", m.tessera("clock", "show", check=True).out)
        ran = m.tessera("status")
        self.assertEqual(ran.status, 1)
        self.assertIn("clock", ran.out)
        self.assertIn("trusted", m.tessera("clock", "accept", check=True).out)
        self.assertEqual(self.token(DEVICE).status, 200)

    def test_event(self):
        m = self.m

        def listen():
            with harness.Events(m.api) as events:
                events.next("ready")
                m.clock.set_wall(m.clock.wall + 4000)
                m.clock.advance(11)
                lost = events.next("clock-distrusted")[1]
                m.clock.synchronise()
                m.clock.advance(11)
                return lost, events.next("clock-trusted")[1]
        lost, back = harness.as_user(BIN, listen)
        self.assertEqual((lost["state"], back["state"]), ("jumped", "trusted"))


if __name__ == "__main__":
    harness.main()

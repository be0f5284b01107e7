# SPDX-License-Identifier: ISC
"""Sessions that outlive the agent: back after a restart when their device has
proved, without its owner, that it is still there."""
import sqlite3
import unittest

import harness
from fidobed import Bed, ask, enrol
from harness import DAEMON, until
from present import says, status
from readers import PIN, Readers

BACK_S = 20.0


def sessions(m):
    return m.request("GET", "/session", uid=DAEMON).json["sessions"]


class Card(unittest.TestCase):
    def open(self, *card):
        self.r = self.enterContext(Readers(1))
        m = self.enterContext(self.r.machine(rehearse=True))
        self.card = self.r.card("one", 0, *card)
        until(lambda: m.request("GET", "/devices").json["devices"], 20, "a device")
        m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:id=%01", pin=PIN,
                  check=True)
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": PIN})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(says(m), "")
        return m

    @staticmethod
    def restart(m, kill=False):
        if kill:
            m.kill()
        else:
            m.stop()
        m.start()

    def back(self, m, sid):
        until(lambda: [s["sid"] for s in sessions(m)] == [sid], BACK_S, "the session")
        self.assertEqual(says(m), "")

    @staticmethod
    def audited(m, word):
        m.clock.advance(1)
        with open(m.state + "/audit.log", encoding="utf-8") as f:
            return word in f.read()

    def never(self, m):
        """Its time to come back passes, and it is forgotten."""
        until(lambda: m.request("GET", "/devices").json["devices"], 20, "a device")
        m.clock.advance(61)
        self.assertEqual(says(m), "login_required")
        self.assertEqual(sessions(m), [])
        m.stop()
        self.assertEqual(self.rows(m), [])

    @staticmethod
    def rows(m):
        """What a stopped agent left written down."""
        db = sqlite3.connect(m.state + "/tessera.db")
        try:
            return [row[0] for row in db.execute("SELECT credential FROM session")]
        finally:
            db.close()

    def test_restarted(self):
        m = self.open()
        before = sessions(m)[0]
        self.restart(m)
        self.back(m, before["sid"])
        after = sessions(m)[0]
        for name in ("sid", "auth_time", "acr", "credential", "expires_at"):
            self.assertEqual(after.get(name), before.get(name), name)
        self.restart(m, kill=True)		# also where it had no time to say good bye
        self.back(m, before["sid"])
        until(lambda: status(m)["watcher"] == "watching", 20, "the watcher")
        self.card.pull()			# and is watched as before
        until(lambda: says(m) == "device_removed", 10, "the refusal")
        until(lambda: self.audited(m, '"session-restored"'), 20, "the audit line")

    def test_card_is_gone(self):
        m = self.open()
        m.stop()
        self.card.pull()
        m.start()
        m.clock.advance(61)
        until(lambda: says(m) == "login_required", 10, "the refusal")
        self.card.insert()
        self.never(m)

    def test_ended_and_locked(self):
        for what in ("logout", "locked", "revoked"):
            with self.subTest(what):
                m = self.open()
                if what == "logout":
                    self.assertEqual(m.request("DELETE", "/session", uid=DAEMON).status, 200)
                elif what == "revoked":
                    m.tessera("revoke", "--all", check=True)
                else:
                    self.card.pull()
                    until(lambda: says(m) == "device_removed", 10, "the refusal")
                    m.clock.advance(3)
                    until(lambda: says(m) == "login_required", 10, "the lock")
                    self.card.insert()
                m.stop()
                self.assertEqual(self.rows(m), [])
                m.start()
                self.never(m)
                self.doCleanups()

    def test_another_card_of_that_name(self):
        """The same serial number and label, other keys."""
        m = self.open("--serial", "77", "--subject", "twin")
        m.stop()
        self.card.end()
        self.r.card("two", 0, "--serial", "77", "--subject", "twin")
        m.start()
        until(lambda: "did not prove that it is there" in m.log(), 20, "the false proof")
        self.never(m)

    def test_disabled_meanwhile(self):
        m = self.open()
        held = sessions(m)[0]["credential"]
        m.stop()
        self.assertEqual(self.rows(m), [held])
        self.card.pull()
        m.start()
        m.tessera("credential", "disable", held, "--force", check=True)
        self.card.insert()
        self.never(m)


class Key(unittest.TestCase):
    def test_restarted(self):
        with Bed(1, watch=True, rehearse=True) as (m, keys):
            until(lambda: status(m)["fido_watcher"] == "watching", 20, "the watcher")
            self.assertEqual(enrol(m)[0].status, 201)
            self.assertEqual(ask(m)[0].status, 200)
            sid, touches = sessions(m)[0]["sid"], keys[0].ctl("count", "touch")
            m.kill()
            m.start()
            until(lambda: [s["sid"] for s in sessions(m)] == [sid], BACK_S, "the session")
            self.assertEqual(says(m), "")
            self.assertEqual(keys[0].ctl("count", "touch"), touches)
            m.stop()
            keys[0].ctl("unplug")
            m.start()
            m.clock.advance(61)
            until(lambda: says(m) == "login_required" and sessions(m) == [], 20, "the end")


if __name__ == "__main__":
    unittest.main(verbosity=2)

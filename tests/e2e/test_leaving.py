# SPDX-License-Identifier: ISC
"""Sessions are locked when their user's last login session ends, and when the
machine slept: told by logind's files and by the clocks.

logind's files are laid out as it does (sd-login reads them), in a mount namespace of
this program alone."""
import os
import subprocess
import sys
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, SESSION_GRANT

PIN = "123456"
DEVICE = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}
SESSION = {"grant_type": SESSION_GRANT, "audience": "demo"}
USERS = "/run/systemd/users"
APART = "TESSERA_TEST_APART"


def logins(uid, *sessions, closing=()):
    """What logind says of a user, in its way: a new file in the old one's place."""
    text = "NAME=x\nSTATE=active\nSESSIONS=%s\nACTIVE_SESSIONS=%s\nONLINE_SESSIONS=%s\n" % (
        " ".join(sessions + tuple(closing)), " ".join(sessions), " ".join(sessions))
    with open(USERS + "/.new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(USERS + "/.new", USERS + "/%d" % uid)


class Leaving(unittest.TestCase):
    def open(self, **session):
        for name in os.listdir(USERS):
            os.unlink(USERS + "/" + name)
        m = harness.Machine(rehearse=True, start=False, settings={"session": session} if session else {})
        self.addCleanup(m.abandon)
        m.make_token("card", PIN)
        return m

    def begin(self, m):
        m.start()
        m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                  "pkcs11:token=card;id=%01", pin=PIN, check=True)
        self.assertEqual(self.ask(m, DEVICE), "")
        self.assertEqual(self.ask(m), "")

    @staticmethod
    def ask(m, form=None):
        """What the agent has against a token, "" where nothing."""
        return m.request("POST", "/token", uid=DAEMON, form=form or SESSION).json.get("error", "")

    def test_logout(self):
        m = self.open()
        logins(DAEMON, "1", "2")
        logins(BIN, "3")
        self.begin(m)
        logins(BIN)
        logins(DAEMON, "2", closing=["1"])
        token = m.request("POST", "/token", uid=DAEMON, form=SESSION).json["access_token"]
        logins(DAEMON, closing=["2"])
        harness.until(lambda: self.ask(m) == "login_required", 20, "the lock")
        self.assertFalse(m.request("POST", "/introspect", uid=DAEMON, form={"token": token}).json["active"])
        self.assertTrue(m.request("GET", "/session", uid=DAEMON).json["sessions"][0]["locked"])
        logins(DAEMON, "4")
        self.assertEqual(self.ask(m), "login_required")	# to come back is no proof
        self.assertEqual(self.ask(m, DEVICE), "")
        self.assertEqual(self.ask(m), "")
        os.unlink(USERS + "/%d" % DAEMON)		# his service manager has ended, too
        harness.until(lambda: self.ask(m) == "login_required", 20, "the lock")
        m.clock.advance(2)
        harness.until(lambda: m.tessera("audit", "tail", "--config", m.conf).out.count("logout") == 2, 20,
                      "a line for each lock")
        m.close()

    def test_never_logged_in(self):
        """Who has no login session here, such as a service, logs out of none."""
        m = self.open()
        logins(BIN, "3")
        self.begin(m)
        logins(BIN)
        logins(DAEMON)				# lingers
        harness.until(lambda: self.ask(m) == "", 20, "a token")
        logins(BIN, "5")
        self.assertEqual(self.ask(m), "")
        m.close()

    def test_off(self):
        m = self.open(**{"lock-on-logout": False})
        logins(DAEMON, "1")
        self.begin(m)
        logins(DAEMON)
        m.clock.sleep(60)
        self.assertEqual(self.ask(m), "")
        m.close()

    def test_suspend(self):
        m = self.open(**{"lock-on-suspend": True})
        self.begin(m)
        m.clock.advance(60)
        self.assertEqual(self.ask(m), "")
        m.clock.sleep(5)
        self.assertEqual(self.ask(m), "login_required")
        self.assertEqual(self.ask(m, DEVICE), "")
        self.assertEqual(self.ask(m), "")
        m.close()


if __name__ == "__main__":
    if APART not in os.environ:
        script = ("mkdir -p /run/systemd && mount -t tmpfs -o mode=755 none /run/systemd && "
                  "mkdir /run/systemd/users /run/systemd/seats /run/systemd/sessions "
                  "/run/systemd/machines && exec \"$@\"")
        os.environ[APART] = "1"
        sys.exit(subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-W",
                                 "ignore", "-B", *sys.argv], check=False).returncode)
    unittest.main(verbosity=2)

# SPDX-License-Identifier: ISC
"""pam_tessera.so with the agent: who gets in, who does not, and with which code."""
import os
import unittest

import harness
import pam
from harness import DAEMON, until
from test_callers import GDM, Unit

PIN = "123456"
LOGIN = {"login": {"class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m",
                   "any-user": True}}


def machine(**more):
    m = harness.Machine(audiences={**harness.AUDIENCES, **LOGIN, **more.pop("audiences", {})}, **more,
                        start=False)
    text = m.conf_text() + 'login-helper "gdm" { user = "root" unit = "%s" }\n' % GDM
    m.write_conf(text)
    m.start()
    return m


def enrol(m, user="daemon"):
    m.tessera("enroll", "pkcs11", "--user", user, "--device", "pkcs11:token=card;id=%01", pin=PIN,
              check=True)


class Device(unittest.TestCase):
    def test_login_manager(self):
        """Root, in a unit that is a login helper: the PIN goes through the conversation."""
        with machine() as m, Unit("system.slice", GDM) as gdm:
            m.make_token("card", PIN)
            enrol(m)
            p = pam.Pam(m)
            p.service("gdm-password")

            def login(*answers, user="daemon", words=(), **more):
                return p.login(user, *words, answers=answers, service="gdm-password", unit=gdm, **more)
            ran = login(PIN, words=["tty=:0"], calls=("auth", "cred", "acct"))
            self.assertEqual([ran.auth, ran.code("cred"), ran.code("acct")], [0, 0, 0], ran)
            self.assertEqual(ran.said("off"), ['gdm-password: PIN of "card": '])
            self.assertEqual(m.request("GET", "/session", uid=DAEMON).json, {"sessions": []})
            ran = login("999999", "111111", "222222")
            self.assertEqual(ran.auth, pam.AUTH_ERR, ran)
            self.assertIn("Wrong PIN.", ran.said("error"))


if __name__ == "__main__":
    harness.main()

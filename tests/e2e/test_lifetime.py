# SPDX-License-Identifier: ISC
"""Requests that wait, and whose caller, helper or policy goes away meanwhile."""
import contextlib
import os
import signal
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES
from test_callers import GDM, Unit, in_unit
from test_helper import workers

PIN = "123456"
FORM = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}


class Lifetime(unittest.TestCase):
    def enrol(self, m, user="daemon", uri="pkcs11:token=card;id=%01"):
        return m.tessera("enroll", "pkcs11", "--user", user, "--device", uri, "--json", pin=PIN,
                         check=True).json

    def signal_workers(self, m, number):
        for pid in workers(m):
            os.kill(pid, number)

    def leave(self, m, uid, what):
        """Ask as uid, and hang up without waiting for the answer."""
        def ask():
            with harness.Client(m.api) as c:
                c.send(what)
                return c.closed(0.2)
        return harness.as_user(uid, ask)

    def test_first_request_is_left(self):
        """A caller whose name was not known yet hangs up while his request waits."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.signal_workers(m, signal.SIGSTOP)
            for uid in (DAEMON, BIN, GAMES):
                self.assertFalse(self.leave(m, uid, harness.request_bytes("GET", "/devices")))
                self.assertEqual(m.request("GET", "/credentials", uid=uid).status, 200)
            self.signal_workers(m, signal.SIGCONT)
            self.assertEqual(m.request("GET", "/devices", uid=GAMES).status, 200)

    def test_listing_survives_its_asker(self):
        """Whoever comes and goes does not make all others wait for a new lister."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(m.request("GET", "/devices", uid=DAEMON).status, 200)
            before = workers(m)
            for _ in range(5):
                self.signal_workers(m, signal.SIGSTOP)
                self.leave(m, GAMES, harness.request_bytes("GET", "/devices"))
                self.signal_workers(m, signal.SIGCONT)
                self.assertEqual(m.request("GET", "/devices", uid=DAEMON).status, 200)
            self.assertLessEqual(set(before), set(workers(m)))

    def test_pending_lists_are_counted(self):
        """One uid cannot fill the queue of the lister either."""
        with harness.Machine(settings={"limits": {"pending-per-uid": 3}}) as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(m.request("GET", "/devices", uid=GAMES).status, 200)
            self.signal_workers(m, signal.SIGSTOP)

            def ask():
                with contextlib.ExitStack() as stack:
                    clients = [stack.enter_context(harness.Client(m.api)) for _ in range(5)]
                    for c in clients:
                        c.send(harness.request_bytes("GET", "/devices"))
                    return [c.answer().status for c in clients[3:]]
            self.assertEqual(harness.as_user(GAMES, ask), [429, 429])
            self.signal_workers(m, signal.SIGCONT)
            self.assertEqual(m.request("GET", "/devices", uid=GAMES).status, 200)

    def test_pending_choice_is_counted(self):
        """Logins count from the moment they look for a card."""
        with harness.Machine(settings={"limits": {"pending-per-uid": 3}}) as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            self.enrol(m)
            self.enrol(m, uri="pkcs11:token=card;object=ed25519")
            self.signal_workers(m, signal.SIGSTOP)

            def ask():
                with contextlib.ExitStack() as stack:
                    clients = [stack.enter_context(harness.Client(m.api)) for _ in range(5)]
                    for c in clients:
                        c.send(harness.request_bytes("POST", "/token", FORM))
                    return [c.answer().error for c in clients[3:]]
            self.assertEqual(harness.as_user(DAEMON, ask), ["slow_down", "slow_down"])
            self.signal_workers(m, signal.SIGCONT)
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form=FORM).status, 200)

    def test_voucher_disabled_meanwhile(self):
        """A further credential: the one that vouches must be good to the end."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            m.make_token("other", PIN, ["p256"])
            first = self.enrol(m)
            self.enrol(m, uri="pkcs11:token=other;id=%01")

            def enrol():
                with harness.Events(m.api, "self") as events, harness.Client(m.api) as c, \
                        harness.Client(m.api) as reply:
                    c.send(harness.request_bytes("POST", "/credentials", json_={
                        "kind": "pkcs11", "device": "pkcs11:token=card;object=ed25519"}))
                    vouch = events.next("pin-needed")[1]
                    reply.request("POST", "/prompt/" + vouch["prompt"], json={"pin": PIN})
                    key = events.next("pin-needed")[1]
                    with open(mark, "w", encoding="ascii") as f:	# tell the test
                        f.write(vouch["credential"]["id"])
                    events.next("credential-disabled")
                    reply.request("POST", "/prompt/" + key["prompt"], json={"pin": PIN})
                    return vouch["purpose"], key["purpose"], c.answer()
            mark = m.folder + "/mark"
            open(mark, "w", encoding="ascii").close()
            os.chmod(mark, 0o666)
            job = harness.Job(DAEMON, enrol)

            def marked():
                with open(mark, encoding="ascii") as f:
                    return f.read()
            voucher = harness.until(marked, what="both prompts")
            m.request("POST", "/admin/credentials/%s/disable" % voucher, admin=True, json={})
            said = job.result()
            self.assertEqual(said[:2], ("login", "enrol"))
            self.assertEqual((said[2].status, said[2].error), (403, "unauthorized_client"), said)
            ids = [c["id"] for c in m.request("GET", "/admin/credentials", admin=True)
                   .json["credentials"]]
            self.assertEqual(len(ids), 2)
            self.assertIn(first["id"], ids)

    def test_name_service_that_hangs(self):
        """It did not say that there is no such user, and neither does the agent."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.assertEqual(m.request("GET", "/admin/credentials", admin=True).status, 200)
            names = []
            for pid in harness.processes_of(m.bin):
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    if b"--names" in f.read().split(b"\0"):
                        names.append(pid)
            self.assertEqual(len(names), 1)
            os.kill(names[0], signal.SIGSTOP)
            answer = m.request("POST", "/admin/credentials", admin=True, json={
                "kind": "pkcs11", "subject": "games", "device": "pkcs11:token=card;id=%01"})
            self.assertIn((answer.status, answer.error),
                          ((408, "timeout"), (503, "temporarily_unavailable")), answer)
            self.assertNotIn("there is no user", answer.json["error_description"])
            self.assertIn("games", answer.json["error_description"])
            with contextlib.suppress(ProcessLookupError):
                os.kill(names[0], signal.SIGKILL)

    def test_administrator_no_more(self):
        """A reload that takes an administrator's group its right ends what he began."""
        admins = [harness.grp.getgrnam(harness.ADMINS).gr_gid]
        with harness.Machine() as m:
            m.make_token("card", PIN, ["rsa2048", "p256"])
            m.tessera("enroll", "pkcs11", "--user", "games", "--device", "pkcs11:token=card;id=%01",
                      "--vouch", "hardware", pin=PIN, check=True)
            token = m.answering(PIN, "POST", "/token", uid=GAMES, form={
                "grant_type": DEVICE_GRANT, "audience": "tessera-admin"})[0].json["access_token"]
            asked, tell = os.pipe()
            wait, go = os.pipe()

            def enrol():
                os.setgroups(admins)
                os.setresgid(GAMES, GAMES, GAMES)
                os.setresuid(GAMES, GAMES, GAMES)
                with harness.Events(m.api, "self") as events, harness.Client(m.admin) as c, \
                        harness.Client(m.api) as reply:
                    c.send(harness.request_bytes("POST", "/admin/credentials", json_={
                        "kind": "pkcs11", "subject": "daemon",
                        "device": "pkcs11:token=card;id=%02"},
                        headers={"Authorization": "Bearer " + token}))
                    prompt = events.next("pin-needed")[1]["prompt"]
                    os.write(tell, b"!")
                    os.read(wait, 1)
                    reply.request("POST", "/prompt/" + prompt, json={"pin": PIN})
                    return c.answer()
            job = harness.Job(0, enrol)
            os.read(asked, 1)
            m.settings["admin-group"] = "mail"
            m.write_conf()
            m.signal(signal.SIGHUP)
            harness.until(lambda: "read again" in m.log(), what="the reload")
            os.write(go, b"!")
            answer = job.result()
            self.assertEqual((answer.status, answer.error), (403, "unauthorized_client"), answer)
            left = m.request("GET", "/admin/credentials", admin=True).json["credentials"]
            self.assertEqual([c["subject"] for c in left], ["games"])

    def test_login_helper_no_more(self):
        """A login waits while a reload takes the login screen its right.  It was
        counted for its subject, not for uid 0, whose all login screens are."""
        helper = 'login-helper "gdm" { user = "root" unit = "%s" }\n' % GDM
        audiences = {**harness.AUDIENCES, "login": {
            "class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m", "any-user": True}}
        with harness.Machine(audiences=audiences, start=False,
                             settings={"limits": {"pending-per-uid": 1}}) as m, \
                Unit("system.slice", GDM) as gdm:
            plain = m.conf_text()
            m.write_conf(plain + helper)
            m.start()
            m.make_token("card", PIN)
            self.enrol(m)
            form = {"grant_type": DEVICE_GRANT, "audience": "login", "subject": "daemon", "pin": PIN}
            self.assertEqual(in_unit(m, gdm, 0, form).status, 200)
            self.signal_workers(m, signal.SIGSTOP)
            job = harness.Job(0, in_unit, m, gdm, 0, form)
            harness.until(lambda: m.request("POST", "/token", uid=DAEMON, form={
                **FORM, "credential": "x" * 22}).error == "slow_down", what="the login is pending")
            self.assertEqual(in_unit(m, gdm, 0, {**form, "subject": "bin"}).error, "device_not_found")
            m.write_conf(plain)
            m.signal(signal.SIGHUP)
            harness.until(lambda: "read again" in m.log(), what="the reload")
            self.signal_workers(m, signal.SIGCONT)
            answer = job.result()
            self.assertEqual((answer.status, answer.error), (403, "unauthorized_client"), answer)
            self.assertIn("changed meanwhile", answer.json["error_description"])


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""Requests that wait, and whose caller, helper or policy goes away meanwhile."""
import contextlib
import os
import select
import signal
import socket
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES, SESSION_GRANT
from test_callers import GDM, Unit, in_unit
from test_helper import workers

PIN = "123456"
FORM = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}


class Lifetime(unittest.TestCase):
    def enrol(self, m, user="daemon", uri="pkcs11:token=card;id=%01"):
        return m.tessera("enroll", "pkcs11", "--user", user, "--device", uri, "--json", pin=PIN,
                         check=True).json

    def signal_workers(self, m, number):
        """All of them: one that is being started now would not be met."""
        def settled():
            helpers = m.request("GET", "/admin/status", admin=True).json["helpers"]
            return all(h["opening"] == 0 for h in helpers) and \
                sum(h["idle"] + h["busy"] for h in helpers) == len(workers(m))
        if number == signal.SIGSTOP:
            harness.until(settled, 30, "workers that are all there")
        for pid in workers(m):
            try:
                os.kill(pid, number)
            except ProcessLookupError:	# one that was idle, and was let go
                pass

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
                    # which two of them came too late is the kernel's to say
                    late = set()
                    while len(late) < 2:
                        late |= set(select.select([c.sock for c in clients], [], [], 60)[0])
                    return [c.answer().error for c in clients if c.sock in late]
            self.assertEqual(harness.as_user(DAEMON, ask), ["slow_down", "slow_down"])
            self.signal_workers(m, signal.SIGCONT)
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form=FORM).status, 200)

    def meanwhile(self, m, uid, what, change, admin=False):
        """Send what as uid, call change() while the prompt for the PIN waits, give the
        PIN; the answer."""
        told, tell = os.pipe()
        gone_on, go_on = os.pipe()

        def ask():
            with harness.Events(m.api, "self") as events, harness.Client(m.api) as reply, \
                    harness.Client(m.admin if admin else m.api) as c:
                c.send(what)
                prompt = events.next("pin-needed")[1]["prompt"]
                os.write(tell, b"x")
                os.read(gone_on, 1)
                reply.request("POST", "/prompt/" + prompt, json={"pin": PIN})
                return c.answer()
        job = harness.Job(uid, ask)
        os.close(tell)
        try:
            self.assertEqual(os.read(told, 1), b"x", "the prompt")
            change()
            os.write(go_on, b"x")
            return job.result()
        finally:
            for fd in (told, gone_on, go_on):
                os.close(fd)

    def reload(self, m):
        m.write_conf()
        before = m.log().count("read again")
        m.signal(signal.SIGHUP)
        harness.until(lambda: m.log().count("read again") > before, what="the reload")

    def unused(self, m):
        """No proof left anything behind."""
        for c in m.request("GET", "/admin/credentials", admin=True).json["credentials"]:
            self.assertEqual(c["last_used"], 0, c)

    def test_policy_changes_meanwhile(self):
        """What a reload takes away or makes dearer is not had by who asked before it."""
        rows = [("caller", {"any-user": False, "users": ["bin"]}), ("acr", {"acr": "hardware"}),
                ("reuse", {"reuse": "never", "refresh": False}),
                ("class", {"class": "service", "refresh": False}),
                ("scope", {"scopes": ["read"]}), ("audience", None)]
        form = {"grant_type": DEVICE_GRANT, "audience": "demo", "scope": "read write"}
        what = harness.request_bytes("POST", "/token", form)
        with harness.Machine(rehearse=True) as m:
            m.make_token("card", PIN)
            self.enrol(m)
            before = m.audiences
            for name, keys in rows:
                with self.subTest(name):
                    def change(keys=keys):
                        m.audiences = dict(before)
                        del m.audiences["demo"]
                        if keys is not None:
                            m.audiences["demo"] = {**before["demo"], **keys}
                        self.reload(m)
                    answer = self.meanwhile(m, DAEMON, what, change)
                    self.assertEqual((answer.status, answer.error), (403, "unauthorized_client"), answer)
                    self.unused(m)
                m.audiences = before
                self.reload(m)
                self.assertEqual(m.request("POST", "/token", uid=DAEMON, form={
                    "grant_type": SESSION_GRANT, "audience": "demo"}).error, "login_required")
            # what does not concern it does not harm it
            answer = self.meanwhile(m, DAEMON, what, lambda: self.reload(m))
            self.assertEqual(answer.status, 200, answer)

    def test_credential_disabled_meanwhile(self):
        """The credential is read again when its proof is there."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            ident = self.enrol(m)["id"]
            change = "/admin/credentials/%s/disable" % ident
            answer = self.meanwhile(
                m, DAEMON, harness.request_bytes("POST", "/session", json_={}),
                lambda: m.request("POST", change, admin=True, json={"force": True}))
            self.assertEqual((answer.status, answer.error), (403, "unauthorized_client"), answer)
            self.unused(m)
            m.request("POST", change.replace("disable", "enable"), admin=True, json={})
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": SESSION_GRANT, "audience": "demo"}).error, "login_required")

    def test_cap_lowered_meanwhile(self):
        """A module that a reload trusts less, before the key of an enrolment has proved."""
        with harness.Machine() as m:
            m.make_token("card", PIN)

            def change():
                m.modules["softhsm"]["acr"] = "software"
                self.reload(m)
            answer = self.meanwhile(m, 0, harness.request_bytes("POST", "/admin/credentials", json_={
                "kind": "pkcs11", "subject": "daemon", "device": "pkcs11:token=card;id=%01",
                "vouch": "hardware-pin"}), change, admin=True)
            self.assertEqual((answer.status, answer.json["acr"]), (201, "software"), answer)
            shown = m.request("GET", "/admin/credentials", admin=True).json["credentials"]
            self.assertEqual([c["acr"] for c in shown], ["software"])

    def inherit(self, m, first):
        """In a client: a process that connects and sends first, and what it leaves to
        us.  (Client, a function that ends it)"""
        mine, his = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            c = harness.Client(m.api)
            c.send(first)
            socket.send_fds(his, [b"x"], [c.sock.fileno()])
            while True:
                signal.pause()
        left = harness.Client.__new__(harness.Client)
        left.sock, left.have = socket.socket(fileno=socket.recv_fds(mine, 1, 1)[1][0]), b""
        left.sock.settimeout(30)
        mine.close()
        his.close()

        def end():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return left, end

    def no_token(self, answer):
        if answer is not None:		# hung up: as good
            self.assertNotIn(b"access_token", answer.body)
            self.assertNotEqual(answer.status // 100, 2, answer)

    def test_caller_dies_in_the_proof(self):
        """Whoever holds the connection of a dead process is not who asked."""
        with harness.Machine(settings={"limits": {"pending-per-uid": 1}}) as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(m.request("POST", "/token", uid=BIN, form=FORM).error, "device_not_found")
            gone_on, go_on = os.pipe()
            told, tell = os.pipe()

            def ask():
                left, end = self.inherit(m, harness.request_bytes("POST", "/token", FORM))
                os.read(gone_on, 1)
                end()
                os.write(tell, b"x")
                with left:
                    return left.answer()
            self.signal_workers(m, signal.SIGSTOP)
            job = harness.Job(DAEMON, ask)
            harness.until(lambda: m.request("POST", "/token", uid=DAEMON, form={
                **FORM, "credential": "x" * 22}).error == "slow_down", what="the proof is under way")
            os.write(go_on, b"x")
            os.read(told, 1)
            self.signal_workers(m, signal.SIGCONT)
            self.no_token(job.result())
            for fd in (gone_on, go_on, told, tell):
                os.close(fd)
            self.unused(m)
            form = {"grant_type": SESSION_GRANT, "audience": "demo"}
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form=form).error, "login_required")

    def test_caller_dies_before_he_asks(self):
        """Nor is it where there is a session."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form=FORM).status, 200)
            form = {"grant_type": SESSION_GRANT, "audience": "demo"}

            def ask(dead):
                left, end = self.inherit(m, harness.request_bytes("GET", "/healthz"))
                self.assertEqual(left.answer().status, 200)
                if dead:
                    end()
                try:
                    with left:
                        return left.request("POST", "/token", form=form)
                except (BrokenPipeError, ConnectionResetError):
                    return None
                finally:
                    if not dead:
                        end()
            self.assertEqual(harness.as_user(DAEMON, ask, False).status, 200)
            self.no_token(harness.as_user(DAEMON, ask, True))

    def test_prompter_of_another_process(self):
        """prompter=self is for the requests of the process that listens alone."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            told, tell = os.pipe()
            gone_on, go_on = os.pipe()

            def listen():
                with harness.Events(m.api, "self") as events:
                    events.next("ready")
                    os.write(tell, b"x")
                    os.read(gone_on, 1)
                    return events.client.closed(0.05), events.client.have
            job = harness.Job(DAEMON, listen)
            os.read(told, 1)
            answer = m.request("POST", "/session", uid=DAEMON, json={}, timeout=5)
            self.assertEqual(answer.json.get("reason"), "no_prompter", answer)
            os.write(go_on, b"x")
            self.assertEqual(job.result(), (False, b""), "he heard of nothing")
            for fd in (told, tell, gone_on, go_on):
                os.close(fd)

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
        counted for its subject, not for uid 0, whose all login screens are; and not
        with what the subject, or sudo in his name, asks for."""
        helper = 'login-helper "gdm" { user = "root" unit = "%s" }\n' % GDM
        audiences = {**harness.AUDIENCES, "login": {
            "class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m", "any-user": True}}
        with harness.Machine(audiences=audiences, start=False,
                             settings={"limits": {"pending-per-uid": 1}}) as m, \
                Unit("system.slice", GDM) as gdm, \
                Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as sudo:
            plain = m.conf_text()
            m.write_conf(plain + helper)
            m.start()
            m.make_token("card", PIN)
            self.enrol(m)
            form = {"grant_type": DEVICE_GRANT, "audience": "login", "subject": "daemon", "pin": PIN}
            self.assertEqual(in_unit(m, gdm, 0, form).status, 200)
            self.signal_workers(m, signal.SIGSTOP)
            job = harness.Job(0, in_unit, m, gdm, 0, form)
            unknown = {**form, "credential": "x" * 22}
            harness.until(lambda: in_unit(m, gdm, 0, unknown).error == "slow_down",
                          what="the login is pending")
            self.assertEqual(in_unit(m, sudo, 0, unknown).error, "device_not_found")
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form={
                **FORM, "credential": "x" * 22}).error, "device_not_found")
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

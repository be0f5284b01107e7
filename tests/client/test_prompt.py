# test_prompt.py - PIN prompts: on a terminal, from a descriptor, by pinentry.
#
# SPDX-License-Identifier: ISC
import base64
import hashlib
import os
import signal
import threading
import time
import unittest
from pathlib import Path

from base import ClientTest

SESSION = {"sid": "s1", "subject": "alice", "credential": "c1", "label": "my card", "amr": ["hwk", "pin"],
           "acr": "hardware-pin", "auth_time": 1700000000, "expires": 4000000000, "locked": False,
           "audiences": ["vpn"]}
TOKEN = {"access_token": "aaa.bbb.ccc", "token_type": "Bearer", "expires_in": 300, "scope": "connect"}
LOGIN = {"error": "login_required", "error_description": "no session"}


class OnTerminal(ClientTest):
    def test_login(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        t = self.terminal("login")
        shown = t.expect("PIN: ")
        for part in ("the PIN of \"Card\", serial 42", "\"vpn\", scope connect", "asked by this command"):
            self.assertIn(part, shown)
        self.assertNotIn("wrong", shown)
        self.assertTrue(t.echo_is_off())
        t.type("1234\n")
        status, out, _ = t.end()
        self.assertEqual(status, 0, out)
        self.assertIn("Logged in as alice with \"my card\" (hardware-pin)", out)
        self.assertEqual(self.agent.stream_target, "/events?prompter=self")
        self.assertNotIn("1234", out)

    def test_wrong_then_right(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        t = self.terminal("login")
        t.expect("PIN: ")
        t.type("9999\n")
        shown = t.expect("to go on (Ctrl-C ends): ")
        self.assertIn("This spends one of the last 2 tries. Type the number of tries left (2), not the PIN,", shown)
        self.assertIn("wrong PIN, 2 tries left", shown)
        self.assertNotIn("9999", shown)
        self.assertTrue(t.echo_is_off(), "the PIN is what gets typed here out of habit")
        t.type("7777\n")
        self.assertNotIn("7777", t.expect("to go on (Ctrl-C ends): "))
        self.assertTrue(t.echo_is_off())
        t.type("2\n")
        t.expect("PIN: ")
        self.assertTrue(t.echo_is_off())
        t.type("8888\n")
        shown = t.expect("to go on (Ctrl-C ends): ")
        self.assertIn("wrong PIN, 1 try left", shown)
        self.assertIn("This spends the last try. Type the number of tries left (1), not the PIN,", shown)
        t.type("1\n")
        t.expect("PIN: ")
        t.type("1234\n")
        self.assertEqual(t.end()[0], 0)

    def test_few_tries_are_told_before(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), tries=2)
        t = self.terminal("login")
        self.assertIn("2 tries left before the token locks itself", t.expect("(Ctrl-C ends): "))
        t.type("2\n")
        t.expect("PIN: ")
        t.type("1234\n")
        self.assertEqual(t.end()[0], 0)

    def test_few_tries_are_not_confirmed(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), tries=1)
        t = self.terminal("login")
        t.expect("This spends the last try.")
        t.type("\x03")
        self.assertEqual(t.end()[0], 7)
        self.assertEqual([x.json() for x in self.agent.requests if x.path.startswith("/prompt/")],
                         [{"cancel": True}])

    def test_tries_are_shown(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), tries=3)
        t = self.terminal("login")
        self.assertIn("3 tries left", t.expect("PIN: "))
        t.type("1234\n")
        self.assertEqual(t.end()[0], 0)

    def test_pin_pad(self):
        """Nothing is asked here: the reader takes the PIN."""
        def handler(req):
            self.agent.events.put(("pin-needed", {
                "prompt": "p1", "purpose": "login", "requester": {"uid": os.getuid(), "pid": req.pid},
                "device": {"label": "Card"}, "retry": False, "tries_left": None, "confirm": None,
                "pin_pad": True}))
            seen.wait(20)
            self.agent.events.put(("prompt-ended", {"prompt": "p1"}))
            return 200, SESSION
        seen = threading.Event()
        self.agent.routes["POST /session"] = handler
        t = self.terminal("login")
        shown = t.expect("Enter it at the reader.")
        seen.set()
        status, out, _ = t.end()
        self.assertEqual(status, 0, out)
        self.assertNotIn("PIN: ", shown + out)
        self.assertFalse([x for x in self.agent.requests if x.path.startswith("/prompt/")])

    def test_empty_line_asks_again(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        t = self.terminal("login")
        t.expect("PIN: ")
        t.type("\n")
        t.expect("PIN (Ctrl-C ends): ")
        t.type("1234\n")
        self.assertEqual(t.end()[0], 0)
        self.assertEqual(sum(r.path.startswith("/prompt/") for r in self.agent.requests), 1)

    def test_typed_before_the_question_is_dropped(self):
        def slow(req):
            t.typed("early\n")
            return asks(req)
        asks = self.agent.asks("1234", (200, SESSION))
        self.agent.routes["POST /session"] = slow
        t = self.terminal("login")
        t.expect("PIN: ")
        t.type("1234\n")
        self.assertEqual(t.end()[0], 0)

    def test_ctrl_c_cancels(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        t = self.terminal("login")
        t.expect("PIN: ")
        t.type("12\x03")
        self.agent_cancelled(t)

    def test_ctrl_d_cancels(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        t = self.terminal("login")
        t.expect("PIN: ")
        t.type("\x04")
        self.agent_cancelled(t)

    def agent_cancelled(self, t):
        status, out, _ = t.end()
        self.assertEqual(status, 7, out)
        self.assertIn("cancelled", out)
        self.assertEqual(self.agent.requests[-1].path, "/prompt/p1")
        self.assertEqual(self.agent.requests[-1].json(), {"cancel": True})

    def test_ctrl_c_before_the_question(self):
        def parked(req):
            os.kill(req.pid, signal.SIGINT)
            time.sleep(5)
            return b""
        self.agent.routes["POST /session"] = parked
        t = self.terminal("login")
        start = time.monotonic()
        status, out, _ = t.end()
        self.assertEqual(status, 7, out)
        self.assertLess(time.monotonic() - start, 5)

    def test_echo_is_back_after_ctrl_c(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        t = self.terminal("login")
        t.expect("PIN: ")
        self.assertTrue(t.echo_is_off())
        keep = os.dup(t.master)
        t.type("\x03")
        self.assertEqual(t.end()[0], 7)
        import termios
        try:
            self.assertTrue(termios.tcgetattr(keep)[3] & termios.ECHO)
        finally:
            os.close(keep)

    def test_stop_puts_the_terminal_right_and_asks_again(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        t = self.terminal("login")
        t.expect("PIN: ")
        t.type("\x1a")
        deadline = time.monotonic() + 10
        while Path(f"/proc/{t.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        self.assertFalse(t.echo_is_off())
        os.kill(t.pid, signal.SIGCONT)
        t.expect("PIN: ")
        self.assertTrue(t.echo_is_off())
        t.type("1234\n")
        self.assertEqual(t.end()[0], 0)

    def test_device_pulled_while_asking(self):
        def pulled(req):
            self.agent.events.put(("pin-needed", {
                "prompt": "p1", "purpose": "login", "requester": {"uid": 0, "pid": req.pid},
                "audience": "vpn", "scope": "", "device": {"label": "Card"}, "retry": False,
                "tries_left": None, "seconds_left": 60}))
            shown.wait(20)
            self.agent.events.put(("prompt-ended", {"prompt": "p1"}))
            return 409, {"error": "device_removed", "error_description": "the device was removed"}
        shown = threading.Event()
        self.agent.routes["POST /session"] = pulled
        t = self.terminal("login")
        t.expect("PIN: ")
        shown.set()
        status, out, _ = t.end()
        self.assertEqual(status, 6, out)
        self.assertIn("the device was removed", out)

    def test_names_from_the_wire_are_escaped(self):
        self.agent.routes["POST /session"] = self.agent.asks(
            "1234", (200, SESSION), device={"label": "\x1b[2J\u202eevil", "serial": "a\nb"})
        t = self.terminal("login")
        shown = t.expect("PIN: ")
        self.assertIn("\\x1b[2J", shown)
        self.assertIn("a\\x0ab", shown)
        self.assertNotIn("\x1b[2J", shown)
        self.assertNotIn("\u202e", shown)
        t.type("1234\n")
        t.end()

    def test_other_programs_are_named(self):
        self.agent.routes["POST /session"] = self.agent.asks(
            "1234", (200, SESSION), requester={"uid": 7, "pid": 1, "program": "sshd", "unit": "a.service"})
        t = self.terminal("login")
        self.assertIn('asked by process 1 of uid 7, a.service, which calls itself "sshd"', t.expect("PIN: "))
        t.type("1234\n")
        t.end()

    def test_ssh_says_where_to(self):
        key = "SHA256:" + "a" * 43
        for more, shown in (
                ({"destination": {"host_key": key, "user": "al\x1bice", "forwarded": False}},
                 'for an SSH login as "al\\x1bice" at the host with the key ' + key + "\r\n"),
                ({"destination": {"host_key": key, "user": "alice", "forwarded": True}},
                 key + ", from another host\r\n"),
                ({"destination": {"host_key": "", "user": "alice", "forwarded": False}},
                 'as "alice" at a host that is not told\r\n'),
                ({"namespace": "gi\u202et"}, 'of a file, namespace "gi\\xe2\\x80\\xaet"\r\n')):
            self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), **more)
            t = self.terminal("login")
            self.assertIn(shown, t.expect("PIN: "))
            t.type("1234\n")
            t.end()

    def test_ssh_says_the_known_name(self):
        """By the person's known_hosts; not of keys that are revoked, nor by a pattern."""
        blob = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"k" * 32).decode()
        key = "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode()[:43]
        os.mkdir(self.env["HOME"] + "/.ssh", 0o700)
        for line, name in (("git.example,10.0.0.1 ssh-ed25519 %s x" % blob, '"git.example", '),
                           ("[e\x1b.example]:22\tssh-ed25519  %s" % blob, '"[e\\x1b.example]:22", '),
                           ("|1|c2FsdA==|aGFzaA== ssh-ed25519 " + blob, ""),
                           ("*.example ssh-ed25519 " + blob, ""),
                           ("@revoked git.example ssh-ed25519 " + blob, ""),
                           ("git.example ssh-ed25519 AAAA" + blob, ""), ("git.example", ""), ("", "")):
            with open(self.env["HOME"] + "/.ssh/known_hosts", "w", encoding="utf-8") as f:
                f.write("# a comment\n\nother ssh-ed25519 AAAA\n%s\n" % line)
            self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), destination={
                "host_key": key, "user": "al", "forwarded": False})
            t = self.terminal("login")
            self.assertIn('login as "al" at %sthe host with the key %s\r\n' % (name, key), t.expect("PIN: "))
            t.type("1234\n")
            t.end()

    def test_pin_with_quotes_is_sent_whole(self):
        pin = 'q"u\\o té'
        self.agent.routes["POST /session"] = self.agent.asks(pin, (200, SESSION))
        t = self.terminal("login")
        t.expect("PIN: ")
        t.type(pin + "\n")
        self.assertEqual(t.end()[0], 0)

    def test_no_colour(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), tries=2)
        for env, colour in (({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, True)):
            self.agent.streaming.clear()
            old = dict(self.env)
            self.env.update(env)
            t = self.terminal("login")
            self.assertEqual("\x1b[" in t.expect("(Ctrl-C ends): "), colour, env)
            t.type("2\n")
            t.expect("PIN: ")
            t.type("1234\n")
            self.assertEqual(t.end()[0], 0)
            self.env = old

    def test_token_get_prompts_off_standard_output(self):
        self.agent.routes["POST /token"] = lambda req: \
            (401, LOGIN) if req.form()["grant_type"].endswith("session") else device(req)
        device = self.agent.asks("1234", (200, TOKEN))
        t = self.terminal("token", "get", "-a", "vpn", "-s", "connect", "--credential", "c1")
        t.expect("PIN: ")
        t.type("1234\n")
        status, out, _ = t.end()
        self.assertEqual((status, out), (0, "aaa.bbb.ccc\n"))
        forms = [r.form() for r in self.agent.requests if r.path == "/token"]
        self.assertEqual(forms, [
            {"grant_type": "urn:tessera:grant:session", "audience": "vpn", "scope": "connect"},
            {"grant_type": "urn:tessera:grant:device", "audience": "vpn", "scope": "connect",
             "credential": "c1"}])

    def test_enroll(self):
        cred = {"id": "c9", "kind": "pkcs11", "subject": "alice", "label": "L", "acr": "software"}
        self.admin.streaming = self.agent.streaming

        def enroll(req):
            self.assertEqual(self.agent.stream_pid, req.pid)
            return asks(req)
        asks = self.agent.asks("1234", (201, cred), purpose="enrol", audience=None)
        self.admin.routes["POST /admin/credentials"] = enroll
        t = self.terminal("enroll", "pkcs11", "--user", "alice", "--device", "pkcs11:token=a;id=%01",
                          "--label", "L", "--vouch", "hardware")
        self.assertIn("Enrolment needs the PIN", t.expect("PIN: "))
        t.type("1234\n")
        status, out, _ = t.end()
        self.assertEqual(status, 0, out)
        self.assertIn("Enrolled \"L\" for alice (software): credential c9", out)
        self.assertEqual(self.admin.requests[0].json(), {
            "kind": "pkcs11", "subject": "alice", "device": "pkcs11:token=a;id=%01", "label": "L",
            "vouch": "hardware"})

    def test_admin_step_up(self):
        seen = []

        def remove(req):
            seen.append(req.headers.get("authorization"))
            if seen[-1] is None:
                return 401, {"error": "step_up_required", "error_description": "prove it",
                             "audience": "tessera-admin"}
            return 200, {}
        self.admin.routes["POST /admin/credentials/c1/remove"] = remove
        self.agent.routes["POST /token"] = self.agent.asks("1234", (200, TOKEN), audience="tessera-admin")
        t = self.terminal("credential", "remove", "c1", "--force")
        self.assertIn("\"tessera-admin\"", t.expect("PIN: "))
        t.type("1234\n")
        status, out, _ = t.end()
        self.assertEqual((status, out), (0, "Removed c1.\n"))
        self.assertEqual(seen, [None, "Bearer aaa.bbb.ccc"])
        self.assertEqual(self.admin.requests[0].json(), {"force": True})
        self.assertEqual(self.agent.requests[-2].form()["audience"], "tessera-admin")

    def test_events_prompt(self):
        ask = {"prompt": "p7", "purpose": "login", "requester": {"uid": 0, "pid": 1, "program": "x"},
               "audience": "vpn", "scope": "s", "device": {"label": "Card"}, "retry": False,
               "tries_left": 3, "seconds_left": 9}
        self.agent.after_ready = [("pin-needed", ask), ("pin-needed", dict(ask, prompt="p8"))]
        t = self.terminal("events", "--prompt")
        t.expect("PIN: ")
        t.type("1111\n")
        t.expect("PIN: ")
        t.type("2222\n")
        self.assertEqual(self.agent.answers.get(timeout=10), ("p7", {"pin": "1111"}))
        self.assertEqual(self.agent.answers.get(timeout=10), ("p8", {"pin": "2222"}))
        self.assertEqual(self.agent.stream_target, "/events?prompter=all")
        t.type("\x03")
        status, out, _ = t.end()
        self.assertEqual(status, 0, out)
        self.assertIn("pin-needed prompt=\"p7\"", out)
        self.assertNotIn("1111", out)


class FromDescriptor(ClientTest):
    def login(self, pin, *more):
        fd = self.pin_fd(pin)
        return self.run_client("login", "--json", "--pin-fd", str(fd), *more, pass_fds=[fd])

    def test_right(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        r = self.login(b"1234\n")
        self.assertEqual(r.returncode, 0, r.stdout)
        self.assertEqual(self.document(r.stdout), SESSION)

    def test_no_newline(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        self.assertEqual(self.login(b"1234").returncode, 0)

    def test_standard_input(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        self.ok("login", "--pin-fd", "0", input=b"1234\n")

    def test_only_one_line_is_read(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        fd = self.pin_fd(b"1234\nrest")
        self.assertEqual(self.run_client("login", "--pin-fd", str(fd), pass_fds=[fd]).returncode, 0)
        self.assertEqual(os.read(fd, 100), b"rest")

    def test_wrong_is_not_sent_again(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        r = self.login(b"9999\n9999\n")
        self.assertEqual(r.returncode, 4)
        doc = self.document(r.stdout)
        self.assertEqual(doc["error"], "pin_required")
        self.assertIn("wrong PIN, 2 tries left", doc["error_description"])
        self.assertEqual([x.json() for x in self.agent.requests if x.path.startswith("/prompt/")],
                         [{"pin": "9999"}, {"cancel": True}])

    def test_last_try_is_a_persons(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), tries=1)
        r = self.login(b"1234\n")
        self.assertEqual(r.returncode, 4)
        self.assertIn("only a person may spend", self.document(r.stdout)["error_description"])

    def test_no_pin_in_it(self):
        for pin in (b"", b"\n", b"\xff\xfe\n", b"a\x01\n", b"7" * 300):
            self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
            self.agent.streaming.clear()
            r = self.login(pin)
            self.assertEqual(r.returncode, 4, pin)
            self.document(r.stdout)

    def test_not_a_descriptor(self):
        for value in ("", "x", "-1", "1000", "12345678", "1234x"):
            doc = self.fails_json(2, "login", "--pin-fd", value)
            if len(value) > 3:
                self.assertNotIn(value, doc["error_description"])

    def test_pin_as_an_option_is_not_repeated(self):
        for args in (("login", "--pin=271828"), ("login", "--pin", "271828"), ("--pin=271828", "login")):
            text = self.fails(2, *args)
            self.assertNotIn("271828", text)
        self.assertEqual(self.agent.requests, [])

    def test_a_second_question_takes_the_next_line(self):
        """Another device's PIN, not another try."""
        def twice(req):
            first = self.agent.asks("1111", (200, {}))(req)
            if first[0] != 200:
                return first
            return self.agent.asks("2222", (201, {"id": "c9"}), purpose="enrol")(req)
        self.admin.routes["POST /admin/credentials"] = twice
        fd = self.pin_fd(b"1111\n2222\n")
        r = self.run_client("enroll", "pkcs11", "--user", "a", "--device", "pkcs11:id=1", "--pin-fd", str(fd),
                            pass_fds=[fd])
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_step_up_takes_the_next_line(self):
        def enable(req):
            if "authorization" not in req.headers:
                return 401, {"error": "step_up_required", "error_description": "x", "audience": "tessera-admin"}
            return 200, {"id": "c1"}
        self.admin.routes["POST /admin/credentials/c1/enable"] = enable
        self.agent.routes["POST /token"] = self.agent.asks("1234", (200, TOKEN))
        fd = self.pin_fd(b"1234\nother\n")
        r = self.run_client("credential", "enable", "c1", "--pin-fd", str(fd), pass_fds=[fd])
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(os.read(fd, 100), b"other\n")


class NobodyToAsk(ClientTest):
    def test_login_says_what_to_do(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        text = self.fails(4, "login")
        for part in ("no terminal", "--pin-fd", "--pinentry"):
            self.assertIn(part, text)

    def test_json(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        doc = self.fails_json(4, "login")
        self.assertEqual((doc["error"], doc["reason"]), ("pin_required", "no_prompter"))

    def test_another_prompter_may_answer(self):
        self.agent.routes["POST /session"] = (200, SESSION)
        self.ok("login")

    def test_no_prompt(self):
        self.agent.routes["POST /token"] = (401, LOGIN)
        doc = self.fails_json(4, "token", "get", "-a", "vpn", "--no-prompt")
        self.assertEqual(doc["error"], "login_required")
        self.assertEqual(len(self.agent.requests), 1)


PINENTRY = """#!/bin/sh
echo "$@" "$DISPLAY" > {dir}/started
echo 'OK Pleased to meet you'
while read -r line; do
	echo "$line" >> {dir}/talk
	case "$line" in
	GETPIN) {getpin};;
	BYE) echo OK; exit 0;;
	OPTION*) echo 'ERR 83886254 Unknown option <Pinentry>';;
	*) echo OK;;
	esac
done
"""


class ByPinentry(ClientTest):
    def pinentry(self, getpin):
        path = os.path.join(self.dir, "pinentry-fake")
        with open(path, "w") as f:
            f.write(PINENTRY.format(dir=self.dir, getpin=getpin))
        os.chmod(path, 0o755)
        return path

    def talk(self):
        with open(os.path.join(self.dir, "talk")) as f:
            return f.read()

    def test_right(self):
        self.agent.routes["POST /session"] = self.agent.asks("12%34 x", (200, SESSION))
        self.ok("login", "--pinentry=" + self.pinentry("echo 'D 12%2534 x'; echo OK"))
        talk = self.talk()
        self.assertIn("SETDESC A proof needs the PIN of \"Card\", serial 42", talk)
        self.assertIn("%0A", talk)
        self.assertIn("SETTIMEOUT 60", talk)
        self.assertNotIn("SETERROR", talk)

    def test_wrong_is_told(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        self.ok("login", "--pinentry=" + self.pinentry(
            f"if grep -q SETERROR {self.dir}/talk; then echo D 1234; else echo D 9999; fi; echo OK"))
        self.assertIn("SETERROR wrong PIN, 2 tries left", self.talk())

    def test_few_tries_are_confirmed_first(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION), tries=2)
        self.ok("login", "--pinentry=" + self.pinentry("echo D 1234; echo OK"))
        talk = self.talk()
        self.assertIn("SETOK Spend one of the last 2", talk)
        self.assertLess(talk.index("CONFIRM"), talk.index("GETPIN"))

    def test_found_in_path(self):
        os.rename(self.pinentry("echo D 1234; echo OK"), os.path.join(self.dir, "pinentry"))
        self.env["PATH"] = self.dir + ":" + self.env["PATH"]
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        self.ok("login", "--pinentry")

    def test_cancelled(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        doc = self.fails_json(7, "login", "--pinentry=" + self.pinentry(
            "echo 'ERR 83886179 Operation cancelled <Pinentry>'"))
        self.assertEqual(doc["error"], "cancelled")

    def test_not_there(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        text = self.fails(4, "login", "--pinentry=/nonexistent/pinentry")
        self.assertIn("--pinentry=PROGRAM", text)

    def test_dies(self):
        self.agent.routes["POST /session"] = self.agent.asks("1234", (200, SESSION))
        self.fails(4, "login", "--pinentry=" + self.pinentry("exit 0"))

    def test_taken_away_when_over(self):
        def pulled(req):
            self.agent.events.put(("pin-needed", {
                "prompt": "p1", "purpose": "login", "requester": {"uid": 0, "pid": req.pid},
                "device": {"label": "Card"}, "retry": False, "tries_left": None, "seconds_left": 60}))
            end = time.monotonic() + 10
            while time.monotonic() < end:
                try:
                    if "GETPIN" in self.talk():
                        break
                except FileNotFoundError:
                    pass
                time.sleep(0.01)
            self.agent.events.put(("prompt-ended", {"prompt": "p1"}))
            return 409, {"error": "device_removed", "error_description": "gone"}
        self.agent.routes["POST /session"] = pulled
        self.fails(6, "login", "--pinentry=" + self.pinentry("exec sleep 100"))

    def test_log_of_the_library_has_no_pin(self):
        log = os.path.join(self.dir, "assuan.log")
        self.env["ASSUAN_DEBUG"] = "255"
        self.agent.routes["POST /session"] = self.agent.asks("271828", (200, SESSION))
        r = self.run_client("login", "--pinentry=" + self.pinentry("echo D 271828; echo OK"))
        self.assertEqual(r.returncode, 0)
        self.assertNotIn(b"271828", r.stdout + r.stderr)
        self.assertFalse(os.path.exists(log))


if __name__ == "__main__":
    unittest.main()

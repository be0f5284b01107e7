# test_commands.py - each command against an agent: what it asks, prints and
# ends with.
#
# SPDX-License-Identifier: ISC
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from base import BIN, WAIT, ClientTest

CRED = {"id": "c1", "kind": "pkcs11", "subject": "alice", "uid": 1000, "label": "my card", "module": "m",
        "token": {"serial": "42", "label": "Card", "manufacturer": "M", "model": "X"},
        "key": {"id": "01", "label": "k"}, "algorithm": "ecdsa-p256-sha256", "acr": "hardware",
        "vouched": True, "state": "active", "created": 1700000000, "last_used": 0}
DEVICES = {"devices": [{"id": "d1", "kind": "pkcs11", "module": "m", "serial": "42", "label": "Card",
                        "manufacturer": "M", "model": "X", "pin": "low"}],
           "errors": [{"module": "bad", "error": "module", "error_description": "cannot be loaded"}]}
KEYS = {"devices": [dict(DEVICES["devices"][0], keys=[
    {"id": "01", "label": "it's; rm -rf /", "algorithms": ["ecdsa-p256-sha256"], "always_authenticate": True,
     "certificate": True, "uri": "pkcs11:token=it's;id=%01", "enrolled": None},
    {"id": "02", "label": "k2", "algorithms": ["ed25519"], "always_authenticate": False,
     "certificate": False, "uri": "pkcs11:token=a;id=%02", "enrolled": "c1"}])], "errors": []}
SESSIONS = {"sessions": [
    {"sid": "s1", "subject": "alice", "credential": "c1", "label": "my card", "amr": ["hwk"], "acr": "hardware",
     "auth_time": 1700000000, "expires": 4000000000, "locked": False, "audiences": ["vpn", "ssh"]},
    {"sid": "s2", "subject": "alice", "credential": "c2", "label": "old", "amr": ["hwk"], "acr": "software",
     "auth_time": 1700000000, "expires": 4000000000, "locked": True, "audiences": []}]}
TOKEN = {"access_token": "aaa.bbb.ccc", "token_type": "Bearer", "expires_in": 300, "scope": "connect"}

# error code of the interface, HTTP status, exit status
ERRORS = [
    ("invalid_request", 400, 1), ("invalid_grant", 400, 4), ("invalid_scope", 400, 5),
    ("unsupported_grant_type", 400, 1), ("unauthorized_client", 403, 5),
    ("pin_required", 401, 4), ("pin_locked", 401, 8), ("device_not_found", 404, 6),
    ("device_removed", 409, 6), ("device_busy", 409, 8), ("cancelled", 409, 7), ("timeout", 408, 7),
    ("slow_down", 429, 8), ("temporarily_unavailable", 503, 1), ("conflict", 409, 9), ("not_found", 404, 6),
    ("server_error", 500, 1), ("something_new", 400, 1),
]


def as_user(f):
    """As uid games: root's commands go to the administration socket."""
    return unittest.skipUnless(os.getuid() == 0, "needs root to become another user")(f)


class Exits(ClientTest):
    def test_errors(self):
        for code, status, exit_status in ERRORS:
            with self.subTest(code):
                self.agent.routes["POST /token"] = (status, {"error": code, "error_description": "so it is",
                                                             "retry_after": 3})
                said = "so it is"
                if code == "unauthorized_client":
                    said += ': "x"; root sees why by "tessera config explain"'
                self.assertEqual(self.fails(exit_status, "token", "get", "-a", "x"), f"tessera: {said}\n")
                doc = self.fails_json(exit_status, "token", "get", "-a", "x")
                self.assertEqual(doc, {"error": code, "error_description": said, "retry_after": 3})

    def test_login_and_step_up(self):
        for code in ("login_required", "step_up_required"):
            self.agent.routes["POST /token"] = (401, {"error": code, "error_description": "prove it"})
            self.fails(4, "token", "get", "-a", "x")
            self.fails(4, "token", "get", "-a", "x", "--no-prompt")

    def test_errors_without_description(self):
        self.agent.routes["GET /devices"] = (409, {"error": "conflict"})
        self.assertIn("in conflict", self.fails(9, "device", "list"))

    def test_description_is_escaped(self):
        self.agent.routes["GET /devices"] = (409, {"error": "conflict", "error_description": "a\x1b[2J\nb"})
        self.assertEqual(self.fails(9, "device", "list"), "tessera: a\\x1b[2J\\x0ab\n")

    def test_unreachable(self):
        absent = os.path.join(self.dir, "absent.sock")
        for args in (("status",), ("login",), ("logout",), ("session", "list"), ("device", "list"), ("events",),
                     ("token", "get", "-a", "x")):
            self.assertIn("tesserad", self.fails(3, *args, "--socket", absent))
            self.assertEqual(self.fails_json(3, *args, "--socket", absent)["error"], "unreachable")

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_no_permission(self):
        os.chmod(self.dir, 0o755)
        os.chmod(self.admin.path, 0o600)
        for run in self.fails, self.fails_json:
            try:
                said = run(5, "device", "list", "--keys", user=1, group=1, extra_groups=[])
            except PermissionError:
                self.skipTest("the build folder is closed to other users")
        self.assertEqual(said["error"], "denied")
        self.assertIn("tessera-admin", said["error_description"])

    def test_nobody_listens(self):
        path = os.path.join(self.dir, "dead.sock")
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.close()
        self.fails(3, "status", "--socket", path)
        self.fails(3, "status", "--socket", "/" + "x" * 200)

    def test_agent_goes_away(self):
        self.agent.routes["GET /devices"] = b""
        self.fails(3, "device", "list")
        self.agent.routes["GET /devices"] = b"HTTP/1.1 200 OK\r\nContent-Le"
        self.fails(3, "device", "list")

    def test_usage(self):
        for args in ((), ("frobnicate",), ("token",), ("token", "frobnicate"), ("token", "get"),
                     ("token", "get", "-a"), ("token", "get", "-a", "x", "y"), ("device", "list", "--bogus"),
                     ("device", "list", "-z"), ("credential", "show"), ("credential", "show", "a", "b"),
                     ("credential", "show", "../x"), ("credential", "show", "a%2f"), ("completion",),
                     ("completion", "tcsh"), ("session", "list", "--keys"), ("help", "frobnicate"),
                     ("credential", "list", "--user", "a", "--all"), ("events", "--prompt=x"),
                     ("credential", "list", "--user", "a" * 400),
                     ("token", "get", "-a", "x", "--max-age", "1w"), ("token", "get", "-a", "x", "--max-age", ""),
                     ("token", "get", "-a", "x", "--max-age", "99999999999"),
                     ("enroll", "pkcs11", "--user", "a", "--device", "pkcs11:id=1", "--code", "ABCD"),
                     ("enroll", "pkcs11", "--user", "a", "--device", "pkcs11:id=1", "--label", b"\xff"),
                     ("enroll", "code"),
                     ("token", "get", "-a", "x", "--fresh", "--no-prompt"),
                     ("login", "--pin-fd", "0", "--pinentry"), ("events", "--prompt=terminal"),
                     ("enroll", "pkcs11", "--user", "a"), ("enroll", "pkcs11", "--device", "pkcs11:id=1"),
                     ("enroll", "pkcs11", "--user", "a", "--device", "token=x"),
                     ("enroll", "pkcs11", "--user", "a", "--device", "pkcs11:id=1", "--vouch", "me"),
                     ("enroll", "pkcs11", "--user", "a", "--device", "pkcs11:id=1?pin-value=1234"),
                     ("enroll", "pkcs11", "--user", "a", "--device", "pkcs11:id=1?PIN-source=/x")):
            with self.subTest(args):
                self.fails(2, *args)
                self.assertEqual(self.fails_json(2, *args)["error"], "usage")
        self.assertEqual([r.target for r in self.agent.requests], [])

    def test_json_before_the_command(self):
        r = self.run_client("--json", "token", "frobnicate")
        self.assertEqual((r.returncode, r.stderr), (2, b""))
        self.document(r.stdout)

    def test_full_standard_output(self):
        with open("/dev/full", "wb") as full:
            r = subprocess.run([BIN, "help"], stdout=full, stderr=subprocess.PIPE, env=self.env, timeout=WAIT)
        self.assertEqual(r.returncode, 1)

    def test_closed_descriptors(self):
        r = subprocess.run(["/bin/sh", "-c", f"exec {BIN} help <&- >&- 2>&-"], env=self.env, timeout=WAIT)
        self.assertIn(r.returncode, (0, 1))


class Trust(ClientTest):
    """A socket that somebody else put in the agent's place."""

    @as_user
    def test_owner_of_the_path(self):
        os.chown(self.agent.path, 5, 5)
        self.assertIn("belongs to uid 5", self.fails(3, "status"))
        self.assertEqual(self.fails_json(3, "login")["error"], "untrusted_socket")
        self.assertEqual(self.agent.requests, [])

    @as_user
    def test_who_listens(self):
        path = os.path.join(self.dir, "squat.sock")
        os.chmod(self.dir, 0o777)
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgid(5)
            os.setuid(5)
            s = socket.socket(socket.AF_UNIX)
            s.bind(path)
            s.listen(5)
            os.write(w, b"x")
            signal.pause()
        os.read(r, 1)
        try:
            os.chown(path, 0, 0)    # the path looks right
            self.assertIn("uid 5 listens", self.fails(3, "status", "--socket", path))
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    @as_user
    def test_own_agent_is_trusted(self):
        os.chmod(self.dir, 0o777)
        path = os.path.join(self.dir, "own.sock")
        code = (f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\n"
                "from fake_agent import FakeAgent\nimport subprocess\n"
                f"a = FakeAgent({path!r})\na.routes['GET /session'] = (200, {{'sessions': []}})\n"
                f"sys.exit(subprocess.run([{BIN!r}, 'session', 'list', '--socket', {path!r}]).returncode)\n")
        env = dict(self.env, PYTHONDONTWRITEBYTECODE="1")
        # a copy that another user can reach
        r = subprocess.run(["/usr/bin/python3", "-c", code], env=env, user=5, group=5, extra_groups=[],
                           capture_output=True, timeout=WAIT)
        if b"Permission denied" in r.stderr or b"ModuleNotFoundError" in r.stderr:
            self.skipTest("the build folder is closed to other users")
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_environment_and_option(self):
        self.agent.routes["GET /session"] = (200, SESSIONS)
        self.ok("session", "list")
        del self.env["TESSERA_SOCK"]
        self.ok("session", "list", "--socket", self.agent.path)
        self.ok("--socket", self.agent.path, "session", "list")
        self.env["TESSERA_SOCK"] = "/nonexistent"
        self.ok("session", "list", f"--socket={self.agent.path}")

    @unittest.skipIf(os.path.exists("/run/tessera/tessera.sock"), "an agent is installed here")
    def test_runtime_folder(self):
        self.agent.routes["GET /session"] = (200, SESSIONS)
        del self.env["TESSERA_SOCK"]
        os.mkdir(os.path.join(self.dir, "tessera"))
        os.rename(self.agent.path, os.path.join(self.dir, "tessera", "tessera.sock"))
        self.env["XDG_RUNTIME_DIR"] = self.dir
        self.ok("session", "list")
        self.env["XDG_RUNTIME_DIR"] = "tessera"     # relative: not followed
        self.fails(3, "session", "list")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body, head=HEAD):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Malformed(ClientTest):
    ANSWERS = {
        "not HTTP": b"hello\r\n\r\n",
        "HTTP/1.0": whole(b'{"sessions":[]}').replace(b"HTTP/1.1", b"HTTP/1.0"),
        "status of two digits": whole(b"{}").replace(b"200", b"20"),
        "status 100": whole(b"{}").replace(b"200", b"100"),
        "status 302": whole(b"{}").replace(b"200", b"302"),
        "bare LF": b"HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 2\n\n{}",
        "folded header": whole(b"{}", HEAD + b"X: a\r\n b\r\n"),
        "two Content-Length": whole(b"{}", HEAD + b"Content-Length: 2\r\n"),
        "no Content-Length": HEAD + b"\r\n{}",
        "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "negative length": HEAD + b"Content-Length: -2\r\n\r\n{}",
        "huge length": HEAD + b"Content-Length: 999999999\r\n\r\n{}",
        "more than the length": whole(b"{}") + b"{}",
        "another type": whole(b"{}", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"),
        "no type": whole(b"{}", b"HTTP/1.1 200 OK\r\n"),
        "a stream": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        "NUL in a header": whole(b"{}", HEAD + b"X: a\0b\r\n"),
        "33 headers": whole(b"{}", HEAD + b"X: a\r\n" * 33),
        "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 9000,
        "not JSON": whole(b"<html>"),
        "an array": whole(b"[]"),
        "a name twice": whole(b'{"sessions":[],"sessions":[]}'),
        "trailing bytes": whole(b"{} {}"),
        "deep": whole(b'{"a":' * 50 + b"1" + b"}" * 50),
        "not UTF-8": whole(b'{"a":"\xff"}'),
        "NUL in a name": whole(b'{"a\\u0000b":1}'),
        "error without a code": whole(b"{}").replace(b"200", b"400"),
    }

    def test_answers(self):
        for name, answer in self.ANSWERS.items():
            with self.subTest(name):
                self.agent.routes["GET /session"] = answer
                self.fails(1, "session", "list")
                self.assertEqual(self.fails_json(1, "session", "list")["error"], "malformed_answer")

    def test_members_of_the_wrong_kind(self):
        for doc in ({}, {"sessions": 3}, {"sessions": [3]}, {"sessions": [{"sid": 7, "expires": "x"}]},
                    {"sessions": [{"sid": {"a": 1}, "label": [[]], "auth_time": 1 << 62}]}):
            self.agent.routes["GET /session"] = (200, doc)
            self.ok("session", "list")
        for token in (None, 7, "", "a b", "a\nb", "\u00e9"):
            self.agent.routes["POST /token"] = (200, {"access_token": token})
            self.fails(1, "token", "get", "-a", "x")

    def test_events(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        for body in (b"event: other\ndata: {}\n\n", b"event: ready\ndata: []\n\n", b"data: x\n\n",
                     b"event: " + b"a" * 100 + b"\ndata: {}\n\n", b"event: ready\ndata: {}\ndata: {}\n\n",
                     b"event: ready\ndata: {\"a\":\"" + b"a" * 40000 + b"\"}\n\n"):
            self.agent.routes["GET /events"] = head + body
            self.fails(1, "events")
        self.agent.routes["GET /events"] = head
        self.fails(3, "events")
        self.agent.routes["GET /events"] = (200, {})
        self.fails(1, "events")
        self.agent.routes["GET /events"] = (429, {"error": "slow_down"})
        self.fails(8, "events")


class Sessions(ClientTest):
    def test_logout(self):
        for n, text in ((0, "There was no session.\n"), (1, "Ended 1 session.\n"), (2, "Ended 2 sessions.\n")):
            self.agent.routes["DELETE /session"] = (200, {"ended": n})
            self.assertEqual(self.ok("logout"), text)
        self.assertEqual(self.document(self.ok("logout", "--json")), {"ended": 2})

    def test_list(self):
        self.agent.routes["GET /session"] = (200, SESSIONS)
        lines = self.ok("session", "list").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn("vpn ssh", lines[1])
        self.assertEqual(self.document(self.ok("session", "list", "--json")), SESSIONS)
        self.agent.routes["GET /session"] = (200, {"sessions": []})
        self.assertIn("tessera login", self.ok("session", "list"))

    def test_show(self):
        self.agent.routes["GET /session"] = (200, SESSIONS)
        self.assertRegex(self.ok("session", "show", "s2"), "locked: +yes")
        self.assertEqual(self.ok("session", "show").count("session:"), 2)
        self.assertEqual(self.document(self.ok("session", "show", "s1", "--json")), SESSIONS["sessions"][0])
        self.fails(6, "session", "show", "s3")

    def test_login_body(self):
        self.agent.routes["POST /session"] = (200, SESSIONS["sessions"][0])
        self.ok("login")
        self.ok("login", "--credential", "c\"1", "--device", "d1")
        self.assertEqual([r.json() for r in self.agent.requests],
                         [{}, {"credential": "c\"1", "device": "d1"}])


class Tokens(ClientTest):
    def test_get_from_session(self):
        self.agent.routes["POST /token"] = (200, TOKEN)
        self.assertEqual(self.ok("token", "get", "-a", "v&p=n ü", "-s", "a b", "--max-age", "10m"),
                         "aaa.bbb.ccc\n")
        self.assertEqual(len(self.agent.requests), 1)
        self.assertEqual(self.agent.requests[0].form(), {
            "grant_type": "urn:tessera:grant:session", "audience": "v&p=n ü", "scope": "a b",
            "max_age": "600"})
        self.assertEqual(self.document(self.ok("token", "get", "-a", "x", "--json")), TOKEN)

    def test_fresh(self):
        self.agent.routes["POST /token"] = (200, TOKEN)
        self.ok("token", "get", "-a", "x", "--fresh", "--device", "d1")
        self.assertEqual([r.form() for r in self.agent.requests],
                         [{"grant_type": "urn:tessera:grant:device", "audience": "x", "device": "d1"}])

    def test_other_errors_do_not_prompt(self):
        self.agent.routes["POST /token"] = (403, {"error": "unauthorized_client"})
        self.fails(5, "token", "get", "-a", "x")
        self.assertEqual(len(self.agent.requests), 1)

    def test_introspect(self):
        self.agent.routes["POST /introspect"] = (200, {"active": True, "sub": "alice", "exp": 4000000000})
        self.assertRegex(self.ok("token", "introspect", input=b"aaa.bbb.ccc\n"), "subject: +alice")
        self.assertEqual(self.agent.requests[0].form(), {"token": "aaa.bbb.ccc"})
        self.agent.routes["POST /introspect"] = (200, {"active": False})
        for json_option in ((), ("--json",)):
            r = self.run_client("token", "introspect", *json_option, input=b"a.b.c")
            self.assertEqual(r.returncode, 4)
            self.assertIn(b"active", r.stdout)


class Devices(ClientTest):
    def test_list(self):
        self.agent.routes["GET /devices"] = (200, DEVICES)
        r = self.run_client("device", "list")
        self.assertEqual(r.returncode, 0)
        self.assertEqual(len(r.stdout.splitlines()), 2)
        self.assertEqual(r.stderr, b"tessera: module bad: cannot be loaded\n")
        r = self.run_client("device", "list", "--json")
        self.assertEqual((self.document(r.stdout), r.stderr), (DEVICES, b""))

    def test_none_for_a_module_that_failed(self):
        hidden = dict(DEVICES, devices=[])
        self.agent.routes["GET /devices"] = (200, hidden)
        self.assertEqual(self.fails(1, "device", "list"),
                         "tessera: no device is seen, but module bad failed: cannot be loaded\n")
        self.assertEqual(self.fails_json(1, "device", "list")["errors"], hidden["errors"])
        self.agent.routes["GET /devices"] = (200, {"devices": [], "errors": []})
        self.assertEqual(self.ok("device", "list"), "No devices are connected.\n")

    def test_names_are_escaped(self):
        evil = {"devices": [dict(DEVICES["devices"][0], label="\x1b]0;x\x07\u202e")], "errors": []}
        self.agent.routes["GET /devices"] = (200, evil)
        out = self.ok("device", "list")
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\u202e", out)
        self.assertIn("\\x1b]0;x", out)

    def test_keys_can_be_pasted(self):
        self.admin.routes["GET /admin/devices"] = (200, KEYS)
        out = self.ok("device", "list", "--keys")
        uris = [line.strip() for line in out.splitlines() if line.strip().startswith("'")]
        self.assertEqual(uris, ["'pkcs11:token=it%27s;id=%01'", "'pkcs11:token=a;id=%02'"])
        self.assertIn("with a certificate, PIN at each use", out)
        self.assertIn("enrolled as c1", out)
        self.assertEqual(self.document(self.ok("device", "list", "--keys", "--json")), KEYS)


class Credentials(ClientTest):
    def test_root_lists_all(self):
        if os.getuid() != 0:
            self.skipTest("not root")
        self.admin.routes["GET /admin/credentials"] = (200, {"credentials": [CRED]})
        out = self.ok("credential", "list")
        self.assertIn("my card", out)
        self.assertIn("active", out)

    def test_of_a_user(self):
        self.admin.routes["GET /admin/credentials"] = (200, {"credentials": []})
        self.assertEqual(self.ok("credential", "list", "--user", "al&ice"), "No credentials of this user.\n")
        self.assertEqual(self.admin.requests[0].target, "/admin/credentials?subject=al%26ice")
        self.assertEqual(self.document(self.ok("credential", "list", "--all", "--json")), {"credentials": []})

    def test_show(self):
        self.agent.routes["GET /credentials"] = (200, {"credentials": [CRED]})
        self.admin.routes["GET /admin/credentials/c1"] = (200, CRED)
        out = self.ok("credential", "show", "c1")
        self.assertRegex(out, "vouched for: +yes")
        self.assertRegex(out, "last used: +-")
        self.assertEqual(self.document(self.ok("credential", "show", "c1", "--json")), CRED)

    def test_changes(self):
        for verb, force, body in (("disable", ["--force"], {"force": True}), ("enable", [], {"force": False}),
                                  ("remove", [], {"force": False})):
            self.admin.routes[f"POST /admin/credentials/c1/{verb}"] = (200, CRED)
            self.assertIn("c1", self.ok("credential", verb, "c1", *force))
            self.assertEqual(self.admin.requests[-1].json(), body)
        self.admin.routes["POST /admin/credentials/c1/remove"] = (409, {
            "error": "conflict", "error_description": "it is the last active one; use --force"})
        self.fails(9, "credential", "remove", "c1")

    @as_user
    def test_own(self):
        """A user sees and disables his own on the API socket, and is told what
        the administration socket is for."""
        os.chmod(self.dir, 0o755)
        os.chmod(self.agent.path, 0o666)
        os.chmod(self.admin.path, 0o600)
        own = {"credentials": [CRED]}
        self.agent.routes["GET /credentials"] = (200, own)
        self.agent.routes["POST /credentials/c1/disable"] = (200, CRED)
        user = {"user": 5, "group": 5, "extra_groups": []}
        try:
            r = self.run_client("credential", "list", "--json", **user)
        except PermissionError:
            self.skipTest("the build folder is closed to other users")
        self.assertEqual(self.document(r.stdout), own)
        self.assertEqual(self.document(self.run_client("credential", "show", "c1", "--json", **user).stdout), CRED)
        self.assertEqual(self.run_client("credential", "disable", "c1", **user).stdout, b"Disabled c1.\n")
        for args in (("show", "c9"), ("disable", "c9")):
            r = self.run_client("credential", *args, **user)
            self.assertEqual(r.returncode, 6)
            self.assertIn(b"tessera-admin", r.stderr)
        for args in (("list", "--all"), ("remove", "c1"), ("disable", "c1", "--force")):
            r = self.run_client("credential", *args, **user)
            self.assertEqual(r.returncode, 5)
            self.assertIn(b"tessera-admin", r.stderr)
        self.assertEqual(self.admin.requests, [])


class Enrolment(ClientTest):
    def test_code(self):
        answer = {"code": "ABCD-EFGH-IJKL-MNOP", "expires_in": 3600}
        self.admin.routes["POST /admin/enrolment-codes"] = (201, answer)
        out = self.ok("enroll", "code", "--user", "alice")
        self.assertTrue(out.startswith("ABCD-EFGH-IJKL-MNOP\nGood once, for 60 min"), out)
        self.assertEqual(self.admin.requests[0].json(), {"subject": "alice"})
        self.assertEqual(self.document(self.ok("enroll", "code", "--user", "alice", "--json")), answer)

    @as_user
    def test_own(self):
        os.chmod(self.dir, 0o755)
        os.chmod(self.agent.path, 0o666)
        self.agent.routes["POST /credentials"] = (201, CRED)
        user = {"user": 5, "group": 5, "extra_groups": []}
        try:
            r = self.run_client("enroll", "pkcs11", "--device", "pkcs11:token=a", "--code", "ABCD", **user)
        except PermissionError:
            self.skipTest("the build folder is closed to other users")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.agent.requests[0].json(),
                         {"kind": "pkcs11", "device": "pkcs11:token=a", "code": "ABCD"})
        r = self.run_client("enroll", "pkcs11", "--device", "pkcs11:token=a", "--vouch", "hardware", **user)
        self.assertEqual(r.returncode, 2)


class Status(ClientTest):
    def setUp(self):
        super().setUp()
        self.agent.routes.update({
            "GET /healthz": (200, {"status": "ok", "version": "0.1.0"}),
            "GET /.well-known/oauth-authorization-server": (200, {"issuer": "https://h/t"}),
            "GET /session": (200, SESSIONS), "GET /devices": (200, DEVICES)})

    def test_screen(self):
        out = self.ok("status")
        for part in ("ok, version 0.1.0", self.agent.path, "https://h/t", "\"my card\" (hardware), ends in",
                     "locked", "few tries may be left", "module bad: cannot be loaded"):
            self.assertIn(part, out)

    def test_document(self):
        doc = self.document(self.ok("status", "--json"))
        self.assertEqual(doc["version"], "0.1.0")
        self.assertEqual(doc["sessions"], SESSIONS["sessions"])
        self.assertEqual(doc["devices"], DEVICES)

    CHECKS = {"store": "ok", "keys": "ok", "names": "ok", "helpers": {"a": "ok", "b": "resting"}}
    SIGNING = {"kid": "AbCdEfGh", "algorithm": "EdDSA", "activated": 1000, "age": 86400,
               "rotates": 1000 + 3 * 86400}

    def test_health(self):
        """What an agent says of itself, for everybody."""
        self.agent.routes["GET /healthz"] = (200, {
            "status": "degraded", "version": "0.1.0", "uptime": 7200, "checks": self.CHECKS,
            "signing": self.SIGNING})
        out = self.ok("status")
        for part in ("degraded, version 0.1.0, up 2 h", "store:    ok\n", "key AbCdEfGh (EdDSA)",
                     "replaced in 2 days", "alarms:   \n  module b: resting\n"):
            self.assertIn(part, out)
        self.assertNotIn("module a", out)
        doc = self.document(self.ok("status", "--json"))
        self.assertEqual((doc["checks"], doc["signing"]), (self.CHECKS, self.SIGNING))

    def test_no_token_is_given(self):
        """503 with its checks is shown, and is a failure."""
        self.agent.routes["GET /healthz"] = (503, {
            "status": "degraded", "version": "0.1.0", "uptime": 1, "signing": self.SIGNING,
            "checks": dict(self.CHECKS, store="failing"), "error": "temporarily_unavailable",
            "error_description": "the store cannot be written"})
        r = self.run_client("status")
        self.assertEqual((r.returncode, r.stderr), (1, b"" if isinstance(r.stderr, bytes) else ""))
        out = r.stdout.decode() if isinstance(r.stdout, bytes) else r.stdout
        self.assertIn("alarms:   \n  store: failing\n", out)
        r = self.run_client("status", "--json")
        self.assertEqual(r.returncode, 1)
        self.assertEqual(self.document(r.stdout)["checks"]["store"], "failing")

    def test_parts_that_fail(self):
        self.agent.routes["GET /devices"] = (503, {"error": "temporarily_unavailable"})
        doc = self.document(self.ok("status", "--json"))
        self.assertEqual(doc["devices"]["error"], "temporarily_unavailable")
        self.ok("status")


class Events(ClientTest):
    def watch(self, *args):
        self.agent.after_ready = [("session-started", {"sid": "s1", "x": {"y": "a\nb\x1b"}}),
                                  ("token-issued", {"audience": "vpn", "n": 3, "no": None})]
        p = subprocess.Popen([BIN, "events", *args], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             start_new_session=True)
        lines = [p.stdout.readline().decode() for _ in range(2)]
        p.send_signal(signal.SIGTERM)
        out, err = p.communicate(timeout=WAIT)
        self.assertEqual((p.returncode, out, err), (0, b"", b""))
        return lines

    def test_lines(self):
        a, b = self.watch()
        self.assertTrue(a.endswith(" session-started sid=\"s1\" x.y=\"a\\x0ab\\x1b\"\n"), a)
        self.assertTrue(b.endswith(" token-issued audience=\"vpn\" n=3\n"), b)
        self.assertEqual(self.agent.stream_target, "/events")

    def test_documents(self):
        a, b = (json.loads(x) for x in self.watch("--json"))
        self.assertEqual((a["event"], a["data"]["sid"]), ("session-started", "s1"))
        self.assertEqual((b["event"], b["data"]["n"]), ("token-issued", 3))


class Config(ClientTest):
    def test_absent(self):
        text = self.fails(1, "config", "check", os.path.join(self.dir, "absent.conf"))
        self.assertIn("absent.conf", text)
        self.assertEqual(self.fails_json(1, "config", "show", os.path.join(self.dir, "x"))["error"],
                         "invalid_config")

    def test_wrong_key(self):
        # every folder above a configuration must be closed to others: not /tmp
        folder = tempfile.mkdtemp(dir=os.path.expanduser("~"), prefix=".tessera-test-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "tessera.conf")
        with open(path, "w") as f:
            f.write("issuer = \"https://h/t\"\nbogus = 1\n")
        os.chmod(path, 0o644)
        self.assertIn("bogus", self.fails(1, "config", "check", "--user-mode", path))


if __name__ == "__main__":
    unittest.main()

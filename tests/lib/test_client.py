#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The client half of libtessera, by a program built against what is installed,
before an agent of a few lines that misbehaves as it is told."""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "client")]

import installed  # noqa: E402  (their folders had to be named first)
from fake_agent import FakeAgent  # noqa: E402
from installed import Program  # noqa: E402

TOKEN = {"access_token": "abc.def-_", "token_type": "Bearer", "expires_in": 300, "scope": "a b"}
SESSION = {"sid": "s1", "subject": "al\u00efce", "acr": "hardware", "expires": 1800000000,
           "auth_time": 1, "locked": False, "audiences": [], "label": "x", "amr": ["hwk"]}
LOGIN = (401, {"error": "login_required", "error_description": "no session"})
(INVALID, CLOSED, TIMEOUT, CANCELLED, NOT_FOUND) = (-2, -5, -7, -8, -10)
(PIN_REQUIRED, LOGIN_REQUIRED, SLOW_DOWN, UNAVAILABLE) = (-43, -60, -64, -65)
(UNREACHABLE, UNTRUSTED) = (-66, -69)
STRANGER = 65533


def setUpModule():
    global lib
    lib = installed.Installed()


def tearDownModule():
    lib.close()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tessera-client-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.path = self.folder + "/tessera.sock"
        self.agent = FakeAgent(self.path)
        self.addCleanup(lambda: self.agent.close())

    def program(self, path=None, **more):
        p = Program(lib.by_pkg_config, self.path if path is None else path, **more)
        self.addCleanup(p.__exit__)
        return p

    def refused(self, answer, code, name=None):
        self.assertEqual(answer[:2], ["error", str(code)], answer)
        if name is not None:
            self.assertEqual(answer[2], name)


class Requests(Case):
    def test_found_both_ways(self):
        self.agent.routes["POST /token"] = (200, TOKEN)
        for path in (lib.by_pkg_config, lib.by_package):
            with Program(path, self.path) as p:
                self.assertEqual(p.do("token session demo 5000"),
                                 ["ok", TOKEN["access_token"], "300", "0", "a", "b"])

    def test_what_is_sent(self):
        seen = []
        self.agent.routes["POST /token"] = lambda r: (seen.append(r.form()) or (200, TOKEN))
        self.program().do("token session a&b=c%~\u00e9 5000")
        self.assertEqual(seen, [{"grant_type": "urn:tessera:grant:session", "audience": "a&b=c%~\u00e9"}])

    def test_the_command_asks_as_the_library_does(self):
        """Session first, then device: for each refusal and each wish the same requests."""
        seen, refusal = [], [None]

        def route(request):
            seen.append(request.form())
            return refusal[0] if "session" in seen[-1]["grant_type"] else (200, TOKEN)
        self.agent.routes["POST /token"] = route
        flags = {"any": (), "session": ("--no-prompt",), "fresh": ("--fresh",)}
        for name, code in (("login_required", 401), ("step_up_required", 401), ("invalid_scope", 400),
                           ("unauthorized_client", 403), ("temporarily_unavailable", 503)):
            refusal[0] = (code, {"error": name, "error_description": "x"})
            for proof, flag in flags.items():
                with self.subTest(name, proof=proof):
                    self.program(pin="-").do("token %s demo 5000" % proof)
                    library, seen[:] = list(seen), []
                    subprocess.run([os.environ["TESSERA_BIN"] + "/tessera", "token", "get", "-a",
                                    "demo", *flag], env={"TESSERA_SOCK": self.path}, check=False,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
                    command, seen[:] = list(seen), []
                    self.assertEqual(command, library)
                    want = ["session"] * (proof != "fresh") + ["device"] * (
                        proof == "fresh" or (proof == "any" and code == 401))
                    self.assertEqual([f["grant_type"].rpartition(":")[2] for f in library], want)

    def test_sessions(self):
        self.agent.routes["GET /session"] = (200, {"sessions": [SESSION, dict(SESSION, acr="self")]})
        self.agent.routes["DELETE /session"] = (200, {"ended": 2})
        self.agent.routes["POST /session"] = (200, SESSION)
        p = self.program()
        self.assertEqual(p.do("list 5000"), ["ok", "2", "al\u00efce", "hardware", "al\u00efce", "self"])
        self.assertEqual(p.do("logout 5000"), ["ok", "2"])
        self.assertEqual(p.do("login 5000"), ["ok", "1", "al\u00efce", "hardware"])
        self.agent.routes["GET /session"] = (200, {"sessions": []})
        self.assertEqual(p.do("list 5000"), ["ok", "0"])

    def test_one_connection_for_many(self):
        self.agent.routes["POST /token"] = (200, TOKEN)
        p = self.program()
        for _ in range(3):
            p.do("token session demo 5000")
        pids = {r.pid for r in self.agent.requests}
        self.assertEqual((len(self.agent.requests), pids), (3, {p.process.pid}))

    def test_errors_are_told(self):
        rows = [
            ({"error": "slow_down", "retry_after": 7}, 429, [SLOW_DOWN, "slow_down", 7, -1]),
            ({"error": "pin_required", "tries_left": 2}, 401, [PIN_REQUIRED, "pin_required", -1, 2]),
            ({"error": "new_kind"}, 400, [UNAVAILABLE, "new_kind", -1, -1]),
            ({"error": "slow_down", "retry_after": -5}, 429, [SLOW_DOWN, "slow_down", -1, -1]),
            ({"error": 7}, 400, [INVALID, "malformed_answer", -1, -1]),
            ({}, 500, [INVALID, "malformed_answer", -1, -1]),
        ]
        p = self.program()
        for body, status, due in rows:
            with self.subTest(body=body):
                self.agent.routes["POST /token"] = (status, body)
                self.assertEqual(p.do("token session demo 5000"), ["error"] + [str(d) for d in due])

    def test_malformed_answers(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        bodies = [b"{}", b"[]", b"", b"{\"access_token\":7}", b"{\"access_token\":\"\"}",
                  b"{\"access_token\":\"a b\"}", b"{\"access_token\":\"a\\u0000\"}",
                  b"{\"access_token\":\"a\",\"access_token\":\"b\"}", b"{\"access_token\":\"a\"",
                  b"{\"access_token\":\"a\"}x", b"[" * 5000]
        texts = [head % (len(b), b) for b in bodies] + [
            b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", b"\r\n\r\n", b"x" * 20000,
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"]
        p = self.program()
        for text in texts:
            with self.subTest(text=text[:100]):
                self.agent.routes["POST /token"] = text
                self.refused(p.do("token session demo 5000"), INVALID, "malformed_answer")
        self.agent.routes["POST /token"] = head[:30]
        self.refused(p.do("token session demo 5000"), CLOSED)


class Proofs(Case):
    def ask_for_pin(self, pin="123456"):
        asks = self.agent.asks(pin, (200, TOKEN))
        self.agent.routes["POST /token"] = lambda r: (
            LOGIN if r.form()["grant_type"].endswith("session") else asks(r))

    def test_session_then_prompt(self):
        self.ask_for_pin()
        p = self.program()
        for verb in ("token", "poll"):
            self.agent.streaming.clear()
            self.assertEqual(p.do(verb + " any demo 10000")[:4], ["ok", TOKEN["access_token"], "300", "1"])
        self.assertEqual(self.agent.stream_target, "/events?prompter=self")

    def test_no_proof_wanted(self):
        self.ask_for_pin()
        self.refused(self.program().do("token session demo 5000"), LOGIN_REQUIRED, "login_required")

    def test_only_a_fresh_one(self):
        self.ask_for_pin()
        self.assertEqual(self.program().do("token fresh demo 10000")[0], "ok")
        self.assertEqual([r.form()["grant_type"][-6:] for r in self.agent.requests if r.body and
                          r.path == "/token"], ["device"])

    def test_cancelled_at_the_prompt(self):
        self.ask_for_pin()
        p = self.program(pin="-")
        self.refused(p.do("token fresh demo 10000"), CANCELLED, "cancelled")

    def test_wrong_pin_until_locked(self):
        self.ask_for_pin()
        p = self.program(pin="0000")
        self.refused(p.do("token fresh demo 10000"), -45, "pin_locked")

    def test_few_tries_are_to_be_confirmed(self):
        """A PIN without the number is not sent."""
        self.ask_for_pin()
        p = self.program(pin="!0000")
        self.refused(p.do("token fresh demo 10000"), CANCELLED, "cancelled")
        said = [r.json() for r in self.agent.requests if r.path.startswith("/prompt/")]
        self.assertEqual(said, [{"pin": "0000"}, {"cancel": True}])

    def test_the_answer_comes_later(self):
        self.ask_for_pin("654321")
        p = self.program(pin="later")
        self.assertEqual(p.do("poll fresh demo 10000")[0], "ok")

    def test_others_prompts_are_not_ours(self):
        """pin-needed for another process of the user is not put to this one's person."""
        def handler(_):
            self.agent.events.put(("pin-needed", {"prompt": "p1", "requester": {"pid": 1}}))
            self.agent.events.put(("pin-needed", {"prompt": "../x", "requester": {"pid": os.getpid()}}))
            time.sleep(0.2)
            return 200, TOKEN
        self.agent.routes["POST /token"] = handler
        self.assertEqual(self.program().do("token fresh demo 10000")[3], "0")
        self.assertTrue(self.agent.answers.empty())

    def test_login(self):
        self.agent.routes["POST /session"] = self.agent.asks("123456", (200, SESSION))
        self.assertEqual(self.program().do("login 10000"), ["ok", "1", "al\u00efce", "hardware"])

    def test_prompts_from_a_listener(self):
        self.agent.routes["POST /prompt/late"] = (404, {"error": "not_found"})
        p = self.program()
        self.assertEqual(p.do("listen all 5000"), ["ok"])
        self.assertEqual(p.do("event 0")[:2], ["error", str(TIMEOUT)])
        self.agent.events.put(("pin-needed", {"prompt": "q1", "device": {"label": "Card"}}))
        self.assertEqual(p.do("event 5000"), ["ok", "pin-needed", "q1", "Card"])
        self.assertEqual(p.do("answer q1 9999 5000"), ["ok"])
        self.assertEqual(p.do("cancel q1 5000"), ["ok"])
        self.assertEqual(self.agent.answers.get(timeout=5), ("q1", {"pin": "9999"}))
        self.assertEqual(self.agent.answers.get(timeout=5), ("q1", {"cancel": True}))
        self.refused(p.do("answer late 9999 5000"), NOT_FOUND)
        self.refused(p.do("cancel ../../token 5000"), INVALID)
        self.agent.events.put(None)
        self.assertEqual(p.do("event 5000")[:2], ["error", str(CLOSED)])


class Sockets(Case):
    def test_nobody_there(self):
        p = self.program(self.folder + "/nothing.sock")
        self.refused(p.do("token any demo 1000"), UNREACHABLE, "unreachable")
        self.agent.close()
        self.refused(self.program().do("token any demo 1000"), UNREACHABLE, "unreachable")

    def test_by_the_environment(self):
        self.agent.routes["POST /token"] = (200, TOKEN)
        p = self.program("-", env={**os.environ, "TESSERA_SOCK": self.path})
        self.assertEqual(p.do("token any demo 5000")[0], "ok")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_squatted(self):
        """A socket of a stranger, and a stranger behind root's socket, are told nothing."""
        os.chmod(self.folder, 0o755)
        os.chown(self.path, STRANGER, STRANGER)
        p = self.program()
        self.refused(p.do("token any demo 5000"), UNTRUSTED, "untrusted_socket")
        self.refused(p.do("listen all 5000"), UNTRUSTED, "untrusted_socket")
        self.assertEqual(self.agent.requests, [])
        evil = self.folder + "/evil.sock"
        os.chmod(self.folder, 0o777)
        child = subprocess.Popen(
            [sys.executable, "-c", "import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\n"
             "s.bind(sys.argv[1]);s.listen()\nprint(flush=True)\ntime.sleep(60)", evil],
            user=STRANGER, stdout=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        child.stdout.readline()
        os.chown(evil, 0, 0)
        self.refused(self.program(evil).do("token any demo 5000"), UNTRUSTED, "untrusted_socket")

    def test_restarted(self):
        """A kept connection that the agent closed is made anew, unseen."""
        self.agent.routes["POST /token"] = (200, TOKEN)
        p = self.program()
        self.assertEqual(p.do("token session demo 5000")[0], "ok")
        for c in self.connections():
            c.shutdown(socket.SHUT_RDWR)
            c.close()
        self.agent.close()
        os.unlink(self.path)
        self.agent = FakeAgent(self.path)
        self.agent.routes["POST /token"] = (200, TOKEN)
        self.assertEqual(p.do("token session demo 5000")[0], "ok")
        self.assertEqual(p.do("poll session demo 5000")[0], "ok")

    def connections(self):
        """The descriptors of the agent's side."""
        found = []
        for name in os.listdir("/proc/self/fd"):
            try:
                if not os.readlink("/proc/self/fd/" + name).startswith("socket:"):
                    continue
            except OSError:     # the listing's own
                continue
            s = socket.socket(fileno=os.dup(int(name)))
            if s.family == socket.AF_UNIX and s.getsockname() == self.path and \
                    not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.append(s)
            else:
                s.close()
        return found

    def test_a_proof_is_not_sent_twice(self):
        """An agent that dies over a request that asks a person is not asked again."""
        seen = []
        self.agent.routes["POST /token"] = lambda r: (seen.append(1) and b"") or b""
        self.refused(self.program(pin="-").do("token fresh demo 5000"), CLOSED)
        self.assertEqual(len(seen), 1)

    def test_hung(self):
        """Silence, half a head, and a backlog that is full end at the deadline."""
        hold = []
        silent = socket.socket(socket.AF_UNIX)
        silent.bind(self.folder + "/silent.sock")
        silent.listen(0)
        self.addCleanup(silent.close)
        for verb in ("token", "poll", "token", "list"):
            p = self.program(self.folder + "/silent.sock")
            begun = time.monotonic()
            line = "list 400" if verb == "list" else verb + " any demo 400"
            answer = p.do(line)
            took = time.monotonic() - begun
            self.assertEqual(answer[0], "error")
            self.assertIn(answer[1], (str(TIMEOUT), str(CANCELLED)))
            self.assertTrue(0.35 <= took < 5, took)
            hold.append(p)
        p = self.program(self.folder + "/silent.sock")
        self.refused(p.do("listen all 300"), TIMEOUT, "timeout")

    def test_backlog_opens(self):
        """A full backlog is tried again until there is room."""
        slow = socket.socket(socket.AF_UNIX)
        slow.bind(self.folder + "/slow.sock")
        slow.listen(0)
        self.addCleanup(slow.close)
        first = socket.socket(socket.AF_UNIX)
        first.connect(self.folder + "/slow.sock")
        self.addCleanup(first.close)
        p = self.program(self.folder + "/slow.sock")
        p.send("poll session demo 20000")
        time.sleep(0.1)
        slow.accept()[0].close()
        conn = slow.accept()[0]
        conn.recv(65536)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
                     b"{\"access_token\":\"a\"}")
        self.addCleanup(conn.close)
        self.assertEqual(p.answer()[:2], ["ok", "a"])


class Credentials(Case):
    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_said_with_each_write(self):
        """A set-user-ID program is its effective user in each message."""
        got = []
        path = self.folder + "/creds.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.listen()
        self.addCleanup(listener.close)
        setuid = lib.root + "/setuid"
        shutil.copy(lib.by_pkg_config, setuid)
        os.chmod(lib.root, 0o755)
        os.chmod(setuid, 0o4755)
        os.chmod(self.folder, 0o755)
        os.chmod(path, 0o666)
        p = Program(setuid, path, uid=STRANGER)
        self.addCleanup(p.__exit__)
        p.send("list 5000")
        conn = listener.accept()[0]
        self.addCleanup(conn.close)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        _, ancillary, _, _ = conn.recvmsg(65536, socket.CMSG_SPACE(12))
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                got.append(struct.unpack("3i", data))
        peer = struct.unpack("3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self.assertEqual([g[:2] for g in got], [(p.process.pid, 0)])
        self.assertEqual(peer[1], 0)
        conn.close()
        self.refused(p.answer(), CLOSED)


if __name__ == "__main__":
    unittest.main()

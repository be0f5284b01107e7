# SPDX-License-Identifier: ISC
"""pam_tessera.so while each call that it makes fails, one after another: nobody is
let in by it, and nobody is let past.  What fails is in tests/pam/pam_sweep.c.

TESSERA_SWEEP=full goes on for longer than the calls that were counted."""
import os
import select
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["TESSERA_SOURCE"], "tests", "e2e"))

import harness					# noqa: E402
import pam					# noqa: E402
from test_pam_agent import READY, Fake, claims, http, token	# noqa: E402

FULL = os.environ.get("TESSERA_SWEEP") == "full"
IGNORED = pam.PERM_DENIED	# what libpam makes of PAM_IGNORE by the only module
ASKED = b'event: pin-needed\ndata: {"prompt":"ID","requester":{"pid":%d},"device":{"label":"card"},' \
        b'"tries_left":%s,"confirm":%s,"retry":false,"pin_pad":false}\n\n'
TOUCH = b'event: touch-needed\ndata: {"touch":"ID","requester":{"pid":%d},"seconds_left":5}\n\n'
NO = http({"error": "pin_required", "tries_left": 2}, 401)
MISSING = http({"error": "device_not_found"}, 404)


class Asking(Fake):
    """An agent that asks for a PIN, or a touch, before it answers POST /token."""

    def __init__(self, path, answers, pid, ask=ASKED % (0, b"null", b"null")):
        self.ask, self.pid = ask, pid
        super().__init__(path, answers)

    def serve(self, listener, answers, uid):
        events, waiting, seen = [], [], []
        ones = [listener, self.stop_read]
        while True:
            for s in select.select(ones, [], [])[0]:
                if s is self.stop_read:
                    for one in ones[2:]:
                        one.close()
                    return len(seen)
                if s is listener:
                    ones.append(listener.accept()[0])
                elif not self.reply(s, answers, events, waiting, seen):
                    for those in (ones, events, waiting):
                        if s in those:
                            those.remove(s)
                    s.close()

    def reply(self, s, answers, events, waiting, seen):
        try:
            data = s.recv(1 << 16)
            if not data:
                return False
            path = data.split(b" ")[1].split(b"?")[0].decode()
            if path == "/events":
                s.sendall(READY)
                events.append(s)
            elif path == "/token" and self.ask is not None and b"otp=" not in data:
                waiting.append(s)
                events[-1].sendall(self.ask)
                if b"touch" in self.ask:
                    waiting.pop().sendall(answers[path])
            elif path == "/prompt/ID":
                s.sendall(http({}))
                waiting.pop().sendall(NO if b"cancel" in data else answers[path[:0] + "/token"])
            else:
                s.sendall(answers[path])
        except (OSError, IndexError):
            return False
        seen.append(path)
        return True


@unittest.skipIf(harness.sanitized(), "a sanitizer comes first")
class Sweep(unittest.TestCase):
    def setUp(self):
        self.folder, self.lock = harness.new_folder()
        self.addCleanup(harness.remove_folder, self.folder)
        os.mkdir(self.folder + "/d")
        os.mkdir(self.folder + "/open")
        os.chmod(self.folder + "/open", 0o777)
        build = os.path.dirname(os.environ["TESSERA_BIN"].rstrip("/"))
        self.module, self.program = build + "/lib/pam_tessera.so", build + "/tests/pam_sweep"

    def sweep(self, options, answers, ask, uid):
        """{(how, code): times} of all runs, and how many calls there were."""
        sock = self.folder + ("/open" if options.endswith("#") else "") + "/agent.sock"
        with open(self.folder + "/d/sweep", "w", encoding="ascii") as f:
            f.write("auth required %s socket=%s timeout=5 %s\n" % (self.module, sock, options.rstrip("#")))
        argv = [self.program, self.folder + "/d", "sweep", "daemon", self.module, "200" if FULL else "6"]
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:			# its pid is in what the agent asks
            try:
                os.dup2(write, 1)
                if os.read(self.gate[0], 1):
                    if uid != 0:
                        harness.become(uid)
                    os.execve(argv[0], argv, {})
            finally:
                os._exit(1)
        os.close(write)
        asked = ask % ((pid,) + ((b"3", b"null") if b"tries" in ask else ())) if ask else None
        with Asking(sock, answers, pid, asked):
            os.write(self.gate[1], b"x")
            with os.fdopen(read, encoding="ascii") as f:
                said = [line.split() for line in f]
            self.assertEqual(os.waitpid(pid, 0)[1], 0, said)
        calls = next(int(w[1]) for w in said if w[0] == "calls")
        return {(w[0], int(w[1])): int(w[2]) for w in said if w[0] != "calls"}, calls

    def test_every_call(self):
        self.gate = os.pipe()
        yes, good = {"/token": token()}, {"/introspect": http(claims(active=True))}
        never, was = http({"enrolled": False}), http({"enrolled": True})
        rows = [		# what all calls give, and what no failure may give
            ("device, yes", "nouserok", yes, ASKED, 0, 0, [IGNORED]),
            ("device, wrong PIN", "nouserok cue", {"/token": NO}, ASKED, 0, pam.AUTH_ERR, [0, IGNORED]),
            ("a locker, wrong PIN", "", {"/token": NO}, ASKED, 1, pam.AUTH_ERR, [0, IGNORED]),
            ("a touch, yes", "cue", yes, TOUCH, 0, 0, [IGNORED]),
            ("in anybody's folder", "nouserok #", yes, ASKED, 0, pam.SERVICE_ERR, [0, IGNORED]),
            ("another's token", "nouserok", {"/token": token(sub="bin")}, ASKED, 0, pam.AUTH_ERR, [0, IGNORED]),
            ("no card, had one", "nouserok methods=device,otp",
             {"/token": MISSING, "/enrolled": was}, None, 0, pam.AUTH_ERR, [0, IGNORED]),
            ("never had one", "nouserok", {"/token": MISSING, "/enrolled": never}, None, 0, IGNORED, [0]),
            ("never had one, refused", "", {"/token": MISSING, "/enrolled": never}, None, 0,
             pam.USER_UNKNOWN, [0, IGNORED]),
            ("code, yes", "mode=otp nouserok", {**yes, "/enrolled": was}, None, 0, 0, [IGNORED]),
            ("code, no", "mode=otp nouserok",
             {"/token": http({"error": "invalid_grant"}, 400), "/enrolled": was}, None, 0,
             pam.AUTH_ERR, [0, IGNORED]),
            ("token, yes", "mode=token audience=login", good, None, 0, 0, [IGNORED]),
            ("token, no", "mode=token audience=login", {"/introspect": http({"active": False})},
             None, 0, pam.AUTH_ERR, [0, IGNORED]),
            ("token of another's", "mode=token audience=login",
             {"/introspect": http(claims(active=True, sub="bin"))}, None, 0, pam.AUTH_ERR, [0, IGNORED])]
        for name, options, answers, ask, uid, want, never_so in rows:
            with self.subTest(name):
                got, calls = self.sweep(options, answers, ask, uid)
                self.assertIn(("works", want), got, got)
                self.assertGreater(calls, 20 if want != pam.SERVICE_ERR else 5, "the calls are counted")
                for (how, code), times in got.items():
                    if how != "works":
                        self.assertNotIn(code, never_so, (how, code, times, got))
                if want == pam.SERVICE_ERR:
                    continue
                failed = sum(n for (how, code), n in got.items() if how == "on" and code != want)
                self.assertGreater(failed, calls // 2, "failures are noticed")


if __name__ == "__main__":
    harness.main()

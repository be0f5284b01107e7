# SPDX-License-Identifier: ISC
"""pam_tessera.so where the agent is gone, hangs, talks nonsense or is somebody
else: nobody is let in, nobody waits longer than the time-out."""
import json
import os
import select
import socket
import unittest

import harness
import pam
from harness import BIN, DAEMON
from test_callers import GDM, Unit
from test_pam import Case

GOOD = "eyJhbGciOiJFZERTQSJ9.%s.c2lnbmF0dXJl"		# nobody looks at its signature
STALL_S = 1		# the module's timeout= here
SLACK_S = 20		# more than that is no time-out, even on a busy machine


def b64(claims):
    import base64
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def claims(**change):
    said = {"iss": "https://test.example/tessera", "sub": "daemon", "aud": "login"}
    said.update(change)
    return {k: v for k, v in said.items() if v is not None}


def http(body, status=200, kind="application/json", length=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        status, kind.encode(), len(body) if length is None else length, body)


def token(**change):
    return http({"access_token": GOOD % b64(claims(**change)), "token_type": "Bearer", "expires_in": 60})


READY = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: ready\ndata: {}\n\n"


class Fake:
    """An agent of root's (or uid's) that gives each path its answer; None: nothing."""

    def __init__(self, path, answers, uid=0):
        self.stop_read, self.stop = os.pipe()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o666)
        os.chown(path, uid, uid)
        self.path = path
        if uid == 0:
            listener.listen(64)
        self.job = harness.Job(uid, self.serve, listener, answers, uid)
        listener.close()

    def serve(self, listener, answers, uid):
        if uid != 0:
            listener.listen(64)
        seen, open_ones = [], []
        while True:		# until it is told to end
            ready = select.select([listener, self.stop_read, *open_ones], [], [])[0]
            if self.stop_read in ready:
                for s in open_ones:
                    s.close()
                return seen
            for s in ready:
                if s is listener:
                    open_ones.append(listener.accept()[0])
                elif not self.answer(s, answers, seen):
                    open_ones.remove(s)
                    s.close()

    @staticmethod
    def answer(s, answers, seen):
        try:
            data = s.recv(1 << 16)
        except OSError:
            return False
        if not data.count(b" ") >= 2:
            return bool(data)
        seen.append(data)
        target = data.split(b" ")[1].decode().split("?")[0]
        if target == "/events" and "/events" not in answers:
            s.sendall(READY)
            return True
        said = answers.get(target, answers.get("*"))
        if said is None:
            return True
        try:
            s.sendall(said)
        except OSError:
            return False
        return said != b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self.stop, b"x")
        self.seen = self.job.result()
        os.close(self.stop)
        os.close(self.stop_read)
        os.unlink(self.path)


class Gone(Case):
    def fake(self, answers, options="", user="daemon", want=None, answer=(), uid=0, by=0, timeout=40,
             **more):
        path = self.m.run + "/fake.sock"
        with Fake(path, answers, uid) as fake:
            ran = self.login("socket=%s timeout=%d %s" % (path, timeout, options), user=user,
                             unit=None, uid=by, answers=answer, **more)
        self.assertLess(ran.seconds, timeout + SLACK_S)
        if want is not None:
            self.assertEqual(ran.auth, want, ran)
        return ran, fake.seen

    MODES = ["mode=device nouserok", "mode=otp nouserok", "methods=device,otp nouserok cue interactive",
             "mode=token audience=login"]

    def test_not_there(self):
        for options in self.MODES:
            for path in (self.m.run + "/none.sock", self.m.folder + "/no/folder/x.sock"):
                with self.subTest(options, path=path):
                    ran = self.login("socket=%s %s" % (path, options), unit=None, answers=["123456"])
                    self.assertEqual(ran.auth, pam.AUTHINFO_UNAVAIL if path.endswith("none.sock") or
                                     "folder" in path else None, ran)
        dead = socket.socket(socket.AF_UNIX)		# nobody listens
        dead.bind(self.m.run + "/dead.sock")
        self.code(pam.AUTHINFO_UNAVAIL, "nouserok socket=%s/dead.sock" % self.m.run, unit=None)
        dead.close()
        self.code(pam.AUTHINFO_UNAVAIL, stack="auth required %s nouserok\n" % self.p.module, unit=None)

    def test_hangs(self):
        """It accepts and says nothing, or half of something."""
        rows = [("nothing", {"/events": None, "*": None}), ("no answer", {"*": None}),
                ("half a head", {"*": b"HTTP/1.1 200 OK\r\nContent-Le"}),
                ("half a body", {"*": http({"access_token": "x"}, length=500)}),
                ("no ready", {"/events": READY[:60], "*": None})]
        jobs = []
        for i, (name, answers) in enumerate(rows):
            for j, options in enumerate(self.MODES):
                def wait(path="%s/hung%d%d" % (self.m.run, i, j), answers=answers, options=options):
                    service = os.path.basename(path)
                    self.p.service(service, "socket=%s timeout=%d %s" % (path, STALL_S, options))
                    with Fake(path, answers):
                        return self.p.login("daemon", answers=["123456", "123456"], service=service)
                jobs.append((name, options, harness.Job(0, wait)))	# all wait at once
        for name, options, job in jobs:
            with self.subTest(name, options=options):
                ran = job.result()
                self.assertEqual(ran.auth, pam.AUTHINFO_UNAVAIL, ran)
                self.assertLess(ran.seconds, 2 * STALL_S + SLACK_S)
                if "otp" in options:
                    self.assertEqual(ran.said("off"), [], "nobody types a code for nothing")

    def test_nonsense(self):
        rows = [("not HTTP", b"SSH-2.0-x\r\n\r\n"), ("closed", b""), ("no JSON", http(b"<html>")),
                ("not an object", http(b"[]")), ("empty", http(b"")), ("twice", http(b'{"a":1,"a":2}')),
                ("deep", http(b"[" * 5000)), ("no token", http({})), ("null", http({"access_token": None})),
                ("number", http({"access_token": 1})), ("500", http({}, 500)),
                ("no name", http({"error": ""}, 400)), ("a name of no agent", http({"error": "x\n"}, 400)),
                ("busy", http({"error": "temporarily_unavailable"}, 503)),
                ("redirect", http({"access_token": GOOD % b64(claims())}, 302)),
                ("huge", http(b"{}", length=10 ** 8)), ("text", http(b"{}", kind="text/plain"))]
        for name, said in rows:
            for options in self.MODES:
                with self.subTest(name, options=options):
                    ran, _ = self.fake({"*": said}, options, answer=["123456", "123456"])
                    self.assertIn(ran.auth, (pam.AUTHINFO_UNAVAIL, pam.AUTH_ERR), ran)

    def test_token_of_another(self):
        """What it gives must be about this very login."""
        rows = [("right", {}, 0), ("another user", {"sub": "bin"}, 7), ("no user", {"sub": None}, 7),
                ("longer", {"sub": "daemon2"}, 7), ("case", {"sub": "Daemon"}, 7),
                ("number", {"sub": 1}, 7), ("list", {"aud": ["login"]}, 7),
                ("another audience", {"aud": "vpn"}, 7), ("no audience", {"aud": None}, 7),
                ("a user's own agent", {"iss": "https://test.example/tessera/user/1"}, 7),
                ("no issuer", {"iss": None}, 7), ("empty issuer", {"iss": ""}, 7),
                ("with a key", {"cnf": {"jkt": "x"}}, 7)]
        for name, change, want in rows:
            with self.subTest(name):
                self.fake({"/token": token(**change)}, want=want)
                said = claims(active=True, **change)
                self.fake({"/introspect": http(said)}, "mode=token audience=login", answer=["token"],
                          want=want)
        for name, text in [("no JWT", "token"), ("two parts", "a.b"), ("no base64", "a.!!!.c"),
                           ("no JSON", "a.%s.c" % b64("x")), ("empty", ""), ("long", "a.%s.c" % (9000 * "A"))]:
            with self.subTest(name):
                ran, _ = self.fake({"/token": http({"access_token": text})})
                self.assertIn(ran.auth, (pam.AUTHINFO_UNAVAIL, pam.AUTH_ERR), ran)
        for name, change, want in [("its own word", {}, 0), ("bound to a key", {"cnf": {"jkt": "x"}}, 7),
                                   ("another user", {"sub": "bin"}, 7), ("another audience", {"aud": "vpn"}, 7)]:
            with self.subTest("a JWT as password", name=name):
                self.fake({"/introspect": http(claims(active=True))}, "mode=token audience=login",
                          answer=[GOOD % b64(claims(**change))], want=want)
        for active in (False, None, 1, "true"):
            self.fake({"/introspect": http(claims(active=active))}, "mode=token audience=login",
                      answer=["token"], want=pam.AUTH_ERR)

    def test_never_enrolled(self):
        """Only its plain word counts."""
        missing = http({"error": "device_not_found"}, 404)
        rows = [("never", http({"enrolled": False}), pam.PERM_DENIED), ("was", http({"enrolled": True}), 7),
                ("not said", http({}), 7), ("null", http({"enrolled": None}), 7),
                ("0", http({"enrolled": 0}), 7), ("text", http({"enrolled": "false"}), 7),
                ("an error", http({"enrolled": False}, 503), 7), ("half", http({"enrolled": False}, length=99), 7),
                ("closed", b"", 7), ("twice", http(b'{"enrolled":true,"enrolled":false}'), 7)]
        for name, said, want in rows:
            with self.subTest(name):
                answers = {"/token": missing, "/enrolled": said}
                if name == "half":		# that one is waited for
                    ran, _ = self.fake(answers, "nouserok", timeout=2)
                    self.assertIn(ran.auth, (7, pam.AUTHINFO_UNAVAIL), ran)
                    continue
                self.fake(answers, "nouserok", want=want)
                self.fake(answers, "", want=pam.USER_UNKNOWN if name == "never" else 7)
        # an error that is not about the device asks nothing of it
        for error, status in [("pin_required", 401), ("unauthorized_client", 403), ("slow_down", 429),
                              ("temporarily_unavailable", 503), ("login_required", 401)]:
            ran, seen = self.fake({"/token": http({"error": error}, status),
                                   "/enrolled": http({"enrolled": False})}, "nouserok")
            self.assertNotIn(ran.auth, (0, pam.PERM_DENIED), error)
            self.assertFalse(any(b"/enrolled" in s for s in seen))

    def test_codes_of_errors(self):
        rows = [("pin_locked", 401, pam.MAXTRIES), ("pin_required", 401, 7), ("cancelled", 409, 7),
                ("timeout", 408, 7), ("touch_timeout", 408, 7), ("device_removed", 409, 7),
                ("device_busy", 409, 7), ("step_up_required", 401, 7), ("slow_down", 429, 7),
                ("unauthorized_client", 403, 7), ("invalid_request", 400, pam.SERVICE_ERR),
                ("invalid_scope", 400, pam.SERVICE_ERR), ("server_error", 500, pam.AUTHINFO_UNAVAIL),
                ("temporarily_unavailable", 503, pam.AUTHINFO_UNAVAIL)]
        for name, status, want in rows:
            with self.subTest(name):
                more = {"error_description": "a\x1b[2Jb\nc", "retry_after": 5, "tries_left": 1}
                ran, _ = self.fake({"/token": http({"error": name, **more}, status)}, want=want)
                self.assertNotIn("\x1b", repr(ran.lines))
                self.assertTrue(ran.said("log"))

    def test_squatter(self):
        """Another user's socket is not spoken to, wherever it is."""
        ran, seen = self.fake({"/token": token()}, uid=BIN, want=pam.AUTHINFO_UNAVAIL)
        self.assertEqual(seen, [], "it was told nothing")
        theirs = self.m.folder + "/theirs"
        os.mkdir(theirs)
        os.chown(theirs, DAEMON, DAEMON)
        os.symlink(self.m.run, self.m.folder + "/link")
        for folder in (theirs, self.m.folder + "/link"):
            self.code(pam.SERVICE_ERR, "nouserok socket=%s/tessera.sock" % folder, answers=["123456"])
        os.chmod(theirs, 0o777)
        os.chown(theirs, 0, 0)
        self.code(pam.SERVICE_ERR, "nouserok socket=%s/tessera.sock" % theirs)
        # nor a screen locker's own one
        ran, seen = self.fake({"/token": token()}, uid=DAEMON, by=DAEMON, want=pam.AUTHINFO_UNAVAIL)
        self.assertEqual(seen, [])

    def test_what_is_said(self):
        """Root says whom, for what, where and from where; a user nothing of it."""
        words = ["tty=tty1", "rhost=far.example"]
        _, seen = self.fake({"/token": token()}, words=words, want=0)
        form = next(s for s in seen if s.startswith(b"POST /token"))
        for said in (b"subject=daemon", b"service=login", b"tty=tty1", b"rhost=far.example",
                     b"audience=login", b"grant_type=urn%3Atessera%3Agrant%3Adevice"):
            self.assertIn(said, form)
        path = self.m.run + "/fake.sock"
        with Fake(path, {"/token": token()}) as fake:
            self.assertEqual(self.login("socket=%s timeout=20" % path, words=words, unit=None, uid=DAEMON).auth, 0)
        form = next(s for s in fake.seen if s.startswith(b"POST /token"))
        for said in (b"subject=", b"service=", b"tty=", b"rhost="):
            self.assertNotIn(said, form)
        # what has no room is not left out
        ran, seen = self.fake({"/token": token()}, words=["rhost=" + 70000 * "a"])
        self.assertNotEqual(ran.auth, 0, ran)
        self.assertEqual(seen, [], "nothing is asked without it")


if __name__ == "__main__":
    harness.main()

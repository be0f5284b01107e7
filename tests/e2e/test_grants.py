# SPDX-License-Identifier: ISC
"""Refresh, service and opaque tokens as they are used, and misuse as it is seen."""
import contextlib
import glob
import os
import re
import shutil
import sqlite3
import unittest

import harness
from harness import BIN, DAEMON
from granted import (AUDIENCES, SERVICE_GRANT, active, ask, audit, family, machine, prove,
                     refresh)
from test_callers import BACKUP, Unit, in_unit
from test_token import claims

RACE = int(os.environ.get("TESSERA_REFRESH_RACE", "400"))	# tokens; the long form has 10,000


def stored_tokens(m):
    """Rows in a copy of the store, which the agent has to itself; None where it wrote meanwhile."""
    copy = m.folder + "/copy.db"
    for end in ("-wal", ""):
        shutil.copyfile(m.state + "/tessera.db" + end, copy + end)
    try:
        with contextlib.closing(sqlite3.connect(copy)) as db:
            return db.execute("SELECT count(*) FROM token").fetchone()[0]
    except sqlite3.DatabaseError:
        return None


class Service(unittest.TestCase):
    def test_by_uid_and_unit(self):
        """The kernel's word: sub, client_id and a sid of the agent's start."""
        audiences = dict(AUDIENCES)
        audiences["nightly"] = {"scopes": ["run"], "class": "service", "units": [BACKUP],
                                "verifiers": {"any-user": True}}
        with machine(audiences=audiences) as m:
            first = claims(ask(m, SERVICE_GRANT, uid=BIN, audience="backup",
                               scope="run").json["access_token"])
            self.assertEqual((first["sub"], first["client_id"], first["scope"]),
                             ("uid:2", "uid:2", "run"))
            self.assertFalse({"acr", "amr", "auth_time"} & set(first), "nobody was proved")
            again = claims(ask(m, SERVICE_GRANT, uid=BIN, audience="backup").json["access_token"])
            self.assertEqual(again["sid"], first["sid"])
            with Unit("system.slice", BACKUP) as unit:
                form = {"grant_type": SERVICE_GRANT, "audience": "nightly"}
                token = in_unit(m, unit, DAEMON, form).json["access_token"]
                said = claims(token)
                self.assertEqual((said["sub"], said["client_id"]), ("unit:" + BACKUP,) * 2)
                self.assertNotEqual(said["sid"], first["sid"])
                self.assertTrue(active(m, token)["active"])
                # of the unit, and of no other program of its user
                opaque = in_unit(m, unit, DAEMON, {**form, "token_format": "opaque"}).json["access_token"]
                revoke = {"token": opaque}
                self.assertEqual(m.request("POST", "/revoke", uid=DAEMON, form=revoke).status, 200)
                self.assertTrue(active(m, opaque)["active"])
                self.assertEqual(in_unit(m, unit, DAEMON, revoke, "/revoke").status, 200)
                self.assertFalse(active(m, opaque)["active"])
            self.assertEqual(ask(m, SERVICE_GRANT, uid=DAEMON, audience="nightly").status, 403)
            m.stop()
            m.start()
            new = claims(ask(m, SERVICE_GRANT, uid=BIN, audience="backup").json["access_token"])
            self.assertNotEqual(new["sid"], first["sid"])


class MinValid(unittest.TestCase):
    def test_given_again(self):
        """Per caller, audience, scope and session, while it lives long enough."""
        with machine() as m:
            prove(m)
            first = ask(m, audience="app", min_valid="60").json
            m.clock.advance(100)
            same = ask(m, audience="app", min_valid="60").json
            self.assertEqual((same["access_token"], same["expires_in"]), (first["access_token"], 200))
            rows = [("another scope", {"scope": "read", "min_valid": "60"}),
                    ("too short a life", {"min_valid": "201"}), ("not asked for", {}),
                    ("opaque", {"min_valid": "60", "token_format": "opaque"}),
                    ("with a refresh token", {"min_valid": "60", "offline_access": "true"})]
            for name, form in rows:
                with self.subTest(name):
                    answer = ask(m, audience="app", **form)
                    self.assertEqual(answer.status, 200, answer)
                    self.assertNotEqual(answer.json["access_token"], first["access_token"])
            for wrong in ("x", "-1", "3601"):
                self.assertEqual(ask(m, audience="app", min_valid=wrong).status, 400)
            token = ask(m, audience="app", min_valid="0").json["access_token"]
            self.assertEqual(ask(m, audience="app", min_valid="0").json["access_token"], token)
            m.signal(harness.signal.SIGHUP)	# another policy: judged anew
            harness.until(lambda: ask(m, audience="app", min_valid="0").json["access_token"] != token,
                          60, "a token of the new policy")
            token = ask(m, audience="app", min_valid="0").json["access_token"]
            m.request("DELETE", "/session", uid=DAEMON)
            self.assertEqual(ask(m, audience="app", min_valid="0").status, 401)
            prove(m)
            self.assertNotEqual(ask(m, audience="app", min_valid="0").json["access_token"], token)


class Restart(unittest.TestCase):
    def test_after_a_kill(self):
        """What was acknowledged is there; a device's audience waits for the device."""
        with machine() as m:
            kept, device, opaque = family(m, "kept"), family(m), prove(m, "opaque")["access_token"]
            old = kept
            kept = refresh(m, kept).json["refresh_token"]
            m.kill()
            m.start()
            answer = refresh(m, device)
            self.assertEqual((answer.status, answer.json["error"]), (401, "login_required"))
            self.assertTrue(active(m, opaque)["active"])
            kept = refresh(m, kept).json["refresh_token"]
            self.assertEqual(refresh(m, old).status, 400, "spent before the kill")
            self.assertEqual(refresh(m, kept).status, 400, "and so its family is dead")

    def test_expired_are_removed(self):
        with machine() as m:
            family(m)
            prove(m, "opaque")
            self.assertEqual(stored_tokens(m), 2)
            m.clock.advance(4000)
            harness.until(lambda: stored_tokens(m) == 0, 30, "the sweep")


def listener(m, *names, uid=DAEMON):
    """A job of that uid's that listens, once it does: result() is the next event of
    each name."""
    ready, here = os.pipe()

    def listen():
        with harness.Events(m.api) as events:
            os.write(here, b"!")
            return [events.next(name)[1] for name in names]
    job = harness.Job(uid, listen)
    os.close(here)
    with os.fdopen(ready, "rb") as f:
        f.read(1)
    return job


class Misuse(unittest.TestCase):
    def test_burst(self):
        """An event, a line, a number, and a lock where it is configured."""
        with machine(settings={"misuse": {"tokens-per-minute": 20, "lock": True}}) as m:
            prove(m)

            def burst():
                with harness.Events(m.api) as events, harness.Client(m.api) as c:
                    status = [c.request("POST", "/token", form={
                        "grant_type": harness.SESSION_GRANT, "audience": "app"}).status
                        for _ in range(25)]
                    return status, events.next("misuse")[1], events.next("session-locked")[1]
            status, told, locked = harness.as_user(DAEMON, burst)
            self.assertEqual(set(status), {200, 401})
            self.assertEqual((told["kind"], told["audience"]), ("token-burst", "app"))
            self.assertEqual(locked["reason"], "misuse")
            line = audit(m, "misuse")[0]
            self.assertEqual((line["verdict"], line["subject"], line["by"]), ("token-burst", "daemon", 1))
            text = m.request("GET", "/metrics", uid=0).body.decode()
            self.assertIn('tessera_misuse_total{kind="token-burst"} 1\n', text)
            self.assertEqual(ask(m, audience="app").status, 401)
            prove(m)			# a fresh proof unlocks
            self.assertEqual(ask(m, audience="plain").status, 200)

    def test_reuse(self):
        """A refused reuse, and another's refresh token: an event to its owner, a line, a
        number, and a lock."""
        with machine(settings={"misuse": {"lock": True}}) as m:
            for kind, uid in (("refresh-reuse", DAEMON), ("refresh-stolen", BIN)):
                with self.subTest(kind):
                    token, other = family(m), family(m)
                    events = listener(m, "misuse", "session-locked")
                    if uid == DAEMON:
                        self.assertEqual(refresh(m, token).status, 200)
                    self.assertEqual(refresh(m, token, uid=uid).json["error"], "invalid_grant")
                    told, locked = events.result()
                    self.assertEqual((told["kind"], told["audience"], told["by"]), (kind, "app", uid))
                    self.assertEqual(locked["reason"], "misuse")
                    self.assertEqual(refresh(m, other).json["error"], "invalid_grant", "with its session")
                    self.assertEqual(ask(m, audience="app").status, 401)
                    lines = [(e["verdict"], e["subject"], e["by"]) for e in audit(m, "misuse")]
                    self.assertIn((kind, "daemon", uid), lines)
                    text = m.request("GET", "/metrics", uid=0).body.decode()
                    self.assertIn('tessera_misuse_total{kind="%s"} 1\n' % kind, text)

    def test_uses(self):
        """One token at a verifier more often than is usual, of either kind."""
        with machine(settings={"misuse": {"uses-per-minute": 10}}) as m:
            for audience in ("app", "opaque"):
                token = prove(m, audience)["access_token"]
                for _ in range(12):
                    self.assertTrue(active(m, token)["active"])
            lines = [e for e in audit(m, "misuse") if e["verdict"] == "use-burst"]
            self.assertEqual([(e["audience"], e["subject"]) for e in lines],
                             [("app", "daemon"), ("opaque", "daemon")])

    def test_rate(self):
        """Each uid and endpoint by itself; the last minute slides."""
        with machine(settings={"limits": {"requests-per-minute": 30}}) as m:
            get = lambda target, uid: m.request("GET", target, uid=uid)
            self.assertEqual([get("/devices", DAEMON).status for _ in range(31)], [200] * 30 + [429])
            answer = get("/devices", DAEMON)
            self.assertEqual(answer.json["error"], "slow_down")
            self.assertLessEqual(answer.json["retry_after"], 61)
            self.assertEqual(get("/devices", BIN).status, 200, "another's is no affair of his")
            self.assertEqual(get("/credentials", DAEMON).status, 200, "another endpoint")
            m.clock.advance(answer.json["retry_after"] + 30)
            good = [get("/devices", DAEMON).status for _ in range(31)].count(200)
            self.assertTrue(5 <= good <= 25, "half of the minute before counts: %d" % good)


    def test_rate_everywhere(self):
        """Every endpoint of both sockets has the limit, whatever is asked of it."""
        with open(os.environ["TESSERA_SOURCE"] + "/agent/route.c", encoding="utf-8") as f:
            routes = re.findall(r"\{ HTTP_(API|ADMIN), HTTP_(GET|POST|DELETE), \"(/[^\"]*)\"", f.read())
        self.assertGreater(len(routes), 40)
        with machine(settings={"limits": {"requests-per-minute": 1}}) as m:
            m.clock.advance(300)
            for socket, method, path in routes:
                if path in ("/events", "/healthz"):	# one does not end, the other the machine asks
                    continue
                with self.subTest(socket=socket, method=method, path=path):
                    ask_it = lambda: m.request(method, path.replace("*", 22 * "A"), uid=0,
                                               admin=socket == "ADMIN")
                    first = ask_it()
                    self.assertNotEqual(first.status, 429, first)
                    second = ask_it()
                    self.assertEqual((second.status, second.json["error"]), (429, "slow_down"))


class Race(unittest.TestCase):
    def test_processes(self):
        """8 processes over the same tokens: each is spent once, whoever comes first."""
        with machine(settings={"misuse": {"tokens-per-minute": 1000000}}) as m:
            prove(m)

            def begin():
                with harness.Client(m.api) as c:
                    return c.request("POST", "/token", form={
                        "grant_type": harness.SESSION_GRANT, "audience": "app",
                        "offline_access": "true"}).json["refresh_token"]

            def spend(tokens):
                good = 0
                with harness.Client(m.api) as c:
                    for token in tokens:
                        answer = c.request("POST", "/token", form={
                            "grant_type": "refresh_token", "refresh_token": token})
                        good += answer.status == 200
                        if answer.status not in (200, 400):
                            raise harness.Failed("spending: %r" % answer)
                return good
            left = RACE
            while left > 0:
                n = min(left, 200)		# of 256 families that a uid may have
                tokens = harness.as_user(DAEMON, lambda: [begin() for _ in range(n)])
                jobs = [harness.Job(DAEMON, spend, tokens) for _ in range(8)]
                self.assertEqual(sum(job.result() for job in jobs), n, "one success each")
                left -= n

    def test_limit(self):
        """A uid has so many families and no more, until some end."""
        with machine() as m:
            prove(m)

            def fill():
                with harness.Client(m.api) as c:
                    return [c.request("POST", "/token", form={
                        "grant_type": harness.SESSION_GRANT, "audience": "app",
                        "offline_access": "true"}) for _ in range(257)]
            answers = harness.as_user(DAEMON, fill)
            self.assertEqual([a.status for a in answers], [200] * 256 + [429])
            self.assertEqual(answers[256].json["error"], "slow_down")
            m.request("DELETE", "/session", uid=DAEMON)
            family(m)


class Commands(unittest.TestCase):
    def test_tokens(self):
        """token get --min-valid, --format and --offline-access, token refresh, introspect."""
        with machine() as m:
            prove(m)
            get = lambda *more: m.tessera("token", "get", "-a", "app", "--no-prompt", *more, uid=DAEMON)
            first = get("--min-valid", "1m").out
            self.assertEqual(get("--min-valid", "60s").out, first)
            self.assertNotEqual(get().out, first)
            self.assertTrue(get("--format", "opaque").out.startswith("tsr_at_"))
            self.assertEqual(get("--offline-access").status, 2, "one of two tokens would be lost")
            self.assertEqual(get("--min-valid", "x").status, 2)
            self.assertNotEqual(get("--format", "saml").status, 0)
            both = get("--offline-access", "--json").json
            ran = m.tessera("token", "refresh", "--json", "-s", "read", uid=DAEMON,
                            stdin=both["refresh_token"] + "\n", check=True)
            self.assertEqual(ran.json["scope"], "read")
            self.assertEqual(m.tessera("token", "refresh", uid=DAEMON, stdin="x").status, 2)
            ran = m.tessera("token", "refresh", "--json", uid=DAEMON, stdin=both["refresh_token"])
            self.assertEqual((ran.status, ran.json["error"]), (4, "invalid_grant"))
            ran = m.tessera("token", "refresh", "--json", both["refresh_token"], uid=DAEMON)
            self.assertEqual(ran.status, 2, "not as an argument")
            ran = m.tessera("token", "introspect", "--json", uid=BIN,
                            stdin=prove(m, "opaque")["access_token"], check=True)
            self.assertEqual((ran.json["active"], ran.json["sub"]), (True, "daemon"))

    def test_explain(self):
        """The decision, and the line that makes it; nothing runs for it."""
        audiences = {"vpn": {"scopes": ["connect"], "groups": ["bin"], "users": ["games"]},
                     "nobody": {"scopes": ["all"]},
                     "all": {"scopes": ["all"], "any-user": True, "refresh": True, "acr": "otp"},
                     "job": {"scopes": ["run"], "class": "service", "units": [BACKUP]}}
        with harness.Machine(audiences=audiences, start=False) as m:
            with open(m.conf, encoding="utf-8") as f:
                lines = f.read().split("\n")

            def explain(*what):
                return m.tessera("config", "explain", m.conf, "--json", *what)
            rows = [
                ("bin", "vpn", [], 0, "groups", ["device", "session"]),
                ("games", "vpn", [], 0, "users", ["device", "session"]),
                ("daemon", "vpn", [], 5, "callers", None),
                ("daemon", "nobody", [], 5, "callers", None),
                ("1", "all", [], 0, "any-user", ["device", "otp", "session", "refresh_token"]),
                ("root", "job", ["--unit", BACKUP], 0, "units", ["client_credentials"]),
                ("root", "job", ["--unit", "x.service"], 5, "callers", None),
                ("root", "job", [], 5, "callers", None),
            ]
            for user, audience, more, status, setting, grants in rows:
                with self.subTest(user=user, audience=audience, more=more):
                    ran = explain("--user", user, "--audience", audience, *more)
                    said = ran.json
                    self.assertEqual((ran.status, said["allowed"], said["setting"]),
                                     (status, status == 0, setting), ran)
                    text = lines[said["line"] - 1]
                    self.assertIn(setting if status == 0 else 'audience "%s"' % audience, text)
                    self.assertEqual(said["file"], m.conf)
                    if grants is not None:
                        self.assertEqual(said["grants"], grants)
            self.assertEqual(explain("--user", "bin", "--audience", "none").status, 6)
            self.assertEqual(explain("--user", "nosuchuser", "--audience", "vpn").status, 6)
            ran = m.tessera("config", "explain", m.conf, "--user", "bin", "--audience", "vpn")
            self.assertRegex(ran.out, r"^allowed: groups names \"bin\" \(.*/tessera.conf:[0-9]+\)\n")


class Leak(unittest.TestCase):
    def mapped(self, pid):
        """What a core file of the process would hold."""
        with open("/proc/%d/maps" % pid, encoding="ascii") as maps, \
                open("/proc/%d/mem" % pid, "rb", 0) as mem:
            for line in maps:
                span, rights = line.split()[:2]
                if "rw" not in rights or "[v" in line:
                    continue
                begin, end = (int(x, 16) for x in span.split("-"))
                try:
                    mem.seek(begin)
                    yield mem.read(end - begin)
                except (OSError, ValueError, OverflowError):
                    continue

    def test_nowhere(self):
        """Neither log, audit, store, argument nor, once it was used, memory."""
        with machine(settings={"log-level": "trace"}) as m:
            rt = family(m, "opaque")
            answer = refresh(m, rt).json
            at, newest = answer["access_token"], answer["refresh_token"]
            jwt = ask(m, audience="app").json["access_token"]
            for token in (at, jwt):
                active(m, token)
            for token in (rt, at, newest, jwt):
                m.request("POST", "/introspect?token=" + token, uid=DAEMON, form={"token": "x"})
                m.request("GET", "/verify?token=" + token, uid=DAEMON)
            audit(m, "mint")
            secrets = [t.split(".")[-1].split("_", 2)[-1][-30:].encode() for t in (rt, at, newest, jwt)]
            places = [m.stderr_path] + glob.glob(m.state + "/**", recursive=True) + \
                glob.glob(m.public + "/**", recursive=True) + \
                ["/proc/%d/cmdline" % p for p in harness.processes_of(m.bin)]
            for place in places:
                if os.path.isfile(place):
                    with open(place, "rb") as f:
                        data = f.read()
                    for secret in secrets:
                        self.assertNotIn(secret, data, place)
            if not harness.sanitized():
                memory = b"".join(self.mapped(m.process.pid))
                self.assertIn(m.issuer.encode(), memory, "it is the agent's")
                for name, secret in zip(("rotated", "opaque", "newest", "JWT"), secrets):
                    self.assertEqual(memory.count(secret), 0, name)
                for found in re.findall(rb"tsr_[ar]t_[A-Za-z0-9_-]{43,}", memory):
                    self.fail("a token in memory: %r..." % found[:12])


if __name__ == "__main__":
    harness.main()

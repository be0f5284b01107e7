# SPDX-License-Identifier: ISC
"""What the agent tells of itself: /metrics, /healthz, /admin/status, its log."""
import ctypes
import os
import re
import signal
import socket
import subprocess
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES, SESSION_GRANT
from test_helper import EVIL, EVIL_PIN

PIN = "123456"
LABEL = "blaukarte"		# of a token: a word that is nowhere else
FORM = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}


class Numbers:
    """One GET /metrics, read by the Prometheus project's own parser."""

    def __init__(self, m, uid=0):
        answer = m.request("GET", "/metrics", uid=uid)
        if answer.status != 200:
            raise harness.Failed("GET /metrics: %r" % answer)
        self.text, self.headers = answer.body.decode(), answer.headers
        self.families = list(text_string_to_metric_families(self.text))
        self.value = {(s.name, frozenset(s.labels.items())): s.value
                      for f in self.families for s in f.samples}

    def __call__(self, name, **labels):
        return self.value[("tessera_" + name, frozenset(labels.items()))]


def request_count(n, endpoint, status, method="POST", where="api"):
    return n("requests_total", socket=where, method=method, endpoint=endpoint, status=status)


def enrol(m, kinds=("p256",)):
    m.make_token(LABEL, PIN, kinds)
    m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
              "pkcs11:token=%s;id=%%01" % LABEL, "--label", "gruenkarte", pin=PIN, check=True)


def token(m, uid=DAEMON, **more):
    return m.request("POST", "/token", uid=uid, form={**FORM, **more})


def session_token(m, audience="demo"):
    return m.request("POST", "/token", uid=DAEMON,
                     form={"grant_type": SESSION_GRANT, "audience": audience})


class Metrics(unittest.TestCase):
    def test_format(self):
        """Valid OpenMetrics, with every family there before anything has happened."""
        with harness.Machine() as m:
            n = Numbers(m)
            self.assertEqual(n.headers["content-type"],
                             "application/openmetrics-text; version=1.0.0; charset=utf-8")
            self.assertTrue(n.text.endswith("\n# EOF\n"))
            self.assertEqual(n("build_info", version=m.request("GET", "/healthz").json["version"]), 1)
            for f in n.families:
                self.assertTrue(f.documentation, f)
            for audience in harness.AUDIENCES:
                for grant in ("device", "session"):
                    self.assertEqual(n("tokens_minted_total", audience=audience, grant=grant), 0)
            self.assertEqual(n("helper_processes", module="softhsm", state="idle"), 0)
            self.assertEqual(n("breakers_open", module="softhsm"), 0)
            for name in ("sessions_live", "prompts_open", "store_failing", "proofs_pending"):
                self.assertEqual(n(name), 0)
            self.assertGreaterEqual(n("batches_total"), 1)
            self.assertLess(len(n.value), 700, "the number of series is bounded")

    def test_counters_move(self):
        with harness.Machine() as m:
            enrol(m)
            before = Numbers(m)
            self.assertEqual(token(m).status, 200)
            self.assertEqual(token(m, pin="999999").json["error"], "pin_required")
            for _ in range(3):
                self.assertEqual(session_token(m).status, 200)
            self.assertEqual(session_token(m, "strict").status, 401)
            self.assertEqual(m.request("GET", "/nowhere").status, 404)
            with harness.Client(m.api) as c:
                c.send(b"GET / HTTP/1.0\n\n")
                self.assertGreaterEqual(c.answer().status, 400)
                during = Numbers(m)
                self.assertEqual(during("connections", socket="api"), 2)
            n = Numbers(m)

            def moved(name, **labels):
                return n(name, **labels) - before(name, **labels)
            self.assertEqual(moved("tokens_minted_total", audience="demo", grant="device"), 1)
            self.assertEqual(moved("tokens_minted_total", audience="demo", grant="session"), 3)
            self.assertEqual(moved("tokens_minted_total", audience="strict", grant="session"), 0)
            self.assertEqual(moved("proofs_total", result="ok"), 1)
            self.assertEqual(moved("proofs_total", result="pin_wrong"), 1)
            self.assertEqual(moved("device_duration_seconds_count"), 2)
            self.assertGreater(moved("device_duration_seconds_sum"), 0)
            self.assertEqual(request_count(n, "/token", "2xx"), 4)
            self.assertEqual(request_count(n, "/token", "4xx"), 2)
            self.assertEqual(request_count(n, "unknown", "4xx", method="", where=""), 1)
            self.assertEqual(request_count(n, "malformed", "4xx", method="", where=""), 1)
            self.assertEqual(request_count(n, "/metrics", "2xx", method="GET"), 2)
            self.assertEqual(request_count(n, "/admin/credentials", "2xx", where="admin"), 1)
            self.assertGreaterEqual(moved("request_duration_seconds_count", waited="yes"), 2)
            self.assertGreaterEqual(moved("request_duration_seconds_count", waited="no"), 4)
            self.assertGreaterEqual(moved("commit_duration_seconds_count"), 1)
            self.assertEqual(n("sessions_live"), 1)
            self.assertGreaterEqual(n("helpers_started_total"), 1)
            self.assertGreaterEqual(n("helper_processes", module="softhsm", state="idle"), 1)
            self.assertGreater(moved("names_cache_hits_total"), 0)
            self.assertGreater(moved("connections_accepted_total", socket="api"), 5)
            self.assertEqual(m.request("DELETE", "/session", uid=DAEMON).json, {"ended": 1})
            self.assertEqual(Numbers(m)("sessions_live"), 0)

    def test_prompts(self):
        """Answered, cancelled, nobody there, left alone; and how many are open."""
        with harness.Machine() as m:
            enrol(m)
            was = Numbers(m)("prompts_total", outcome="answered")
            answer, _ = m.answering(PIN, "POST", "/session", uid=DAEMON, json={})
            self.assertEqual(answer.status, 200)
            answer, _ = m.answering(None, "POST", "/session", uid=DAEMON, json={})
            self.assertEqual(answer.json["error"], "cancelled")
            self.assertEqual(m.request("POST", "/session", uid=DAEMON, json={}).status, 401)

            def asks_and_leaves():
                with harness.Events(m.api, "self") as e, harness.Client(m.api) as c:
                    e.next("ready")
                    c.send(harness.request_bytes("POST", "/session", json_={}))
                    e.next("pin-needed")
                    os.kill(os.getpid(), signal.SIGKILL)
            n = Numbers(m)
            self.assertEqual(n("prompts_total", outcome="answered"), was + 1)
            self.assertEqual(n("prompts_total", outcome="cancelled"), 1)
            self.assertEqual(n("proofs_total", result="cancelled"), 1)
            self.assertEqual(n("proofs_total", result="no_prompter"), 1)
            with self.assertRaises(Exception):
                harness.as_user(DAEMON, asks_and_leaves)
            n = harness.until(lambda: (lambda x: x if x("prompts_open") == 0 and
                                       x("proofs_pending") == 0 else None)(Numbers(m)))
            self.assertEqual(n("prompts_total", outcome="abandoned") +
                             n("prompts_total", outcome="no_prompter"), 1)
            gone = n("requests_total", socket="api", method="POST", endpoint="/session", status="gone") \
                if "status=\"gone\"" in n.text else 0
            self.assertLessEqual(gone, 1)

    def test_nobody_is_named(self):
        """No user name, device label, serial, credential id or session id."""
        with harness.Machine() as m:
            enrol(m)
            self.assertEqual(token(m).status, 200)
            cred = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]
            session = m.request("GET", "/session", uid=DAEMON).json["sessions"][0]
            words = {LABEL, "gruenkarte", "daemon", "root", cred["id"], cred["token"]["serial"],
                     session["sid"], m.folder, "test.example"}
            for text in (Numbers(m).text, m.request("GET", "/healthz", uid=BIN).body.decode()):
                for word in words:
                    self.assertNotIn(word, text)

    def test_who_may_read(self):
        """Root, administrators, and whom the section metrics lists: nobody else."""
        with harness.Machine() as m:
            def read(uid, groups=()):
                def body():
                    return harness.one_request(m.api, "GET", "/metrics")
                if groups:
                    return subprocess.run(
                        ["/usr/bin/setpriv", "--reuid=%d" % uid, "--regid=%d" % uid,
                         "--groups=" + ",".join(groups), "/usr/bin/curl", "-s", "-o", "/dev/null",
                         "-w", "%{http_code}", "--unix-socket", m.api, "http://localhost/metrics"],
                        check=True, stdout=subprocess.PIPE).stdout.decode()
                return str(harness.as_user(uid, body).status)
            self.assertEqual([read(0), read(DAEMON), read(BIN)], ["200", "403", "403"])
            self.assertEqual(read(DAEMON, ("tessera-admin",)), "200")
            self.assertEqual(read(DAEMON, ("games",)), "403")
            answer = m.request("GET", "/metrics", uid=DAEMON)
            self.assertEqual(answer.json["error"], "unauthorized_client")
            self.assertNotIn("tessera_", answer.body.decode())
            m.settings["metrics"] = {"users": ["bin"], "groups": ["games"]}
            m.write_conf()
            m.signal(signal.SIGHUP)
            harness.until(lambda: read(BIN) == "200", what="the new configuration")
            self.assertEqual([read(0), read(DAEMON)], ["200", "403"])
            self.assertEqual(read(DAEMON, ("games",)), "200")
            n = Numbers(m, uid=BIN)
            self.assertEqual(n("reloads_total"), 1)
            self.assertEqual(m.request("GET", "/metrics", admin=True).status, 404)

    def test_user_mode(self):
        with harness.Machine(user=GAMES) as m:
            self.assertEqual(m.request("GET", "/metrics", uid=GAMES).status, 200)

    def test_refused_connections(self):
        with harness.Machine(settings={"limits": {"connections-per-uid": 3}}) as m:
            def crowd():
                socks = []
                for _ in range(5):
                    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    s.connect(m.api)
                    socks.append(s)
                said = [s.recv(12) for s in socks[3:]]
                for s in socks:
                    s.close()
                return said
            self.assertEqual(harness.as_user(BIN, crowd), [b"HTTP/1.1 503"] * 2)
            self.assertEqual(Numbers(m)("connections_refused_total", reason="full"), 2)
            with self.assertRaises(Exception):
                m.request("GET", "/healthz", uid=harness.pwd.getpwnam("tessera-dev").pw_uid)
            self.assertEqual(Numbers(m)("connections_refused_total", reason="uid"), 1)

    def test_many_audiences(self):
        """Labels are bounded: what is beyond the limit is counted together."""
        audiences = {"a%03d" % i: dict(harness.AUDIENCES["demo"]) for i in range(80)}
        with harness.Machine(audiences=audiences) as m:
            enrol(m)
            self.assertEqual(token(m, audience="a000").status, 200)
            self.assertEqual(token(m, audience="a079").status, 200)
            n = Numbers(m)
            shown = {dict(key)["audience"] for name, key in n.value
                     if name == "tessera_tokens_minted_total"}
            self.assertEqual(len(shown), 65)
            self.assertEqual(n("tokens_minted_total", audience="a000", grant="device"), 1)
            self.assertEqual(n("tokens_minted_total", audience="", grant="device"), 1)


class Health(unittest.TestCase):
    def health(self, m):
        answer = m.request("GET", "/healthz", uid=BIN)
        return answer.status, answer.json["status"], answer.json["checks"]["store"]

    def test_well(self):
        with harness.Machine() as m:
            answer = m.request("GET", "/healthz", uid=BIN)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.json["status"], "ok")
            self.assertEqual(answer.json["checks"], {
                "store": "ok", "audit": "ok", "clock": "ok", "keys": "ok", "ssh": "ok", "names": "ok",
                "helpers": {"softhsm": "ok"}})
            keys = m.request("GET", "/.well-known/jwks.json").json["keys"]
            self.assertEqual([answer.json["signing"]["kid"]], [k["kid"] for k in keys])
            status = m.request("GET", "/admin/status", admin=True).json
            self.assertEqual(status["alarms"], [])
            self.assertEqual(status["issuer"], m.issuer)
            self.assertEqual(status["connections"]["admin"], 1)
            self.assertEqual(status["signing"]["rotates"],
                             status["signing"]["activated"] + 30 * 86400)

    def test_read_only_folder(self):
        """Degraded before anything fails: the next restart would."""
        with harness.Machine(rehearse=True) as m:
            enrol(m)
            os.chmod(m.state, 0o500)
            m.clock.advance(11)
            harness.until(lambda: self.health(m) == (200, "degraded", "read-only"),
                          what="a degraded agent")
            self.assertEqual(token(m).status, 200)
            alarms = m.request("GET", "/admin/status", admin=True).json["alarms"]
            self.assertEqual([(a["alarm"], a["state"]) for a in alarms], [("store", "read-only")])
            os.chmod(m.state, 0o700)
            m.clock.advance(11)
            harness.until(lambda: self.health(m) == (200, "ok", "ok"), what="a healthy agent")

    def test_full_disk(self):
        """No record, no token: 503; all is well again by itself once there is room."""
        with harness.Machine(rehearse=True, start=False) as m:
            entry = harness.pwd.getpwnam("tessera")
            mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700,uid=%d,gid=%d" % (
                entry.pw_uid, entry.pw_gid), "none", m.state], check=False,
                stderr=subprocess.PIPE)
            if mount.returncode != 0:
                self.skipTest("no tmpfs can be mounted here: %r" % mount.stderr)
            try:
                m.start()
                enrol(m, ["p256", "ed25519"])
                m.tessera("enroll", "pkcs11", "--user", "bin", "--device",
                          "pkcs11:token=%s;object=ed25519" % LABEL, pin=PIN, check=True)
                self.assertEqual(token(m).status, 200)
                ballast = m.state + "/ballast"
                subprocess.run(["dd", "if=/dev/zero", "of=" + ballast, "bs=4k"], check=False,
                               stderr=subprocess.DEVNULL)
                m.clock.advance(11)
                harness.until(lambda: self.health(m) == (200, "degraded", "full"),
                              what="a degraded agent")
                harness.until(lambda: token(m, uid=BIN).json.get("error") == "temporarily_unavailable",
                              what="a token that is refused")
                self.assertEqual(self.health(m), (503, "degraded", "failing"))
                answer = m.request("GET", "/healthz", uid=BIN)
                self.assertEqual(answer.json["error"], "temporarily_unavailable")
                self.assertEqual(session_token(m).status, 503, "daemon's session is good, but")
                n = Numbers(m)
                self.assertGreaterEqual(request_count(n, "/token", "5xx"), 2)
                self.assertEqual(n("store_failing"), 1)
                self.assertGreaterEqual(n("store_failures_total"), 1)
                status = m.request("GET", "/admin/status", admin=True).json
                self.assertFalse(status["store"]["writes"])
                ran = m.tessera("status", "--json")
                self.assertIn("failing", ran.out)
                os.unlink(ballast)
                m.clock.advance(11)
                harness.until(lambda: self.health(m) == (200, "ok", "ok"), what="a healthy agent")
                self.assertEqual(session_token(m).status, 200)
                self.assertEqual(token(m, uid=BIN).status, 200)
                self.assertEqual(Numbers(m)("store_failing"), 0)
                m.stop()
            finally:
                subprocess.run(["umount", "-l", m.state], check=True)

    def test_breaker_shows(self):
        with harness.Machine(start=False, rehearse=True) as m:
            m.make_token(LABEL, PIN)
            path = m.folder + "/evil.so"
            with open(EVIL, "rb") as f, open(path, "wb") as g:
                g.write(f.read())
            os.chmod(path, 0o644)
            m.modules["evil"] = {"path": path, "environment": ["EVIL=sign-abort"]}
            m.write_conf()
            m.start()
            shown = m.request("GET", "/admin/devices", admin=True).json["devices"]
            device = [d for d in shown if d["module"] == "evil"][0]
            for _ in range(6):
                m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                          device["keys"][0]["uri"], "--json", pin=EVIL_PIN)
            n = Numbers(m)
            self.assertEqual(n("breakers_open", module="evil"), 1)
            self.assertEqual(n("breakers_open", module="softhsm"), 0)
            self.assertEqual(n("breakers_opened_total"), 1)
            self.assertEqual(n("helper_deaths_total"), 5)
            self.assertEqual(n("proofs_total", result="helper_died"), 5)
            self.assertEqual(n("proofs_total", result="resting"), 1)
            self.assertNotIn(device["serial"], n.text)
            health = m.request("GET", "/healthz", uid=BIN)
            self.assertEqual((health.status, health.json["status"]), (200, "degraded"))
            self.assertEqual(health.json["checks"]["helpers"], {"softhsm": "ok", "evil": "resting"})
            status = m.request("GET", "/admin/status", admin=True).json
            self.assertEqual([(b["module"], b["serial"], b["deaths"]) for b in status["breakers"]],
                             [("evil", device["serial"], 5)])
            self.assertEqual([a["alarm"] for a in status["alarms"]], ["helpers"])
            m.clock.advance(61)
            harness.until(lambda: m.request("GET", "/healthz").json["status"] == "ok")
            self.assertEqual(Numbers(m)("breakers_open", module="evil"), 0)

    def test_names_worker(self):
        """Killed: degraded until there is another one."""
        with harness.Machine(rehearse=True) as m:
            def worker():
                for pid in harness.processes_of(m.folder):
                    with open("/proc/%d/cmdline" % pid, "rb") as f:
                        if b"--names" in f.read():
                            return pid
                return None
            os.kill(worker(), signal.SIGKILL)
            harness.until(lambda: m.request("GET", "/healthz").json["checks"]["names"] == "down",
                          what="the loss of the worker")
            m.clock.advance(2)
            harness.until(lambda: m.request("GET", "/healthz").json["status"] == "ok",
                          what="another worker")
            self.assertEqual(Numbers(m)("names_worker_starts_total"), 2)

    def test_status_is_for_administrators(self):
        with harness.Machine() as m:
            def ask():
                return harness.one_request(m.admin, "GET", "/admin/status")
            with self.assertRaises(Exception):
                harness.as_user(BIN, ask)


class Log(unittest.TestCase):
    def test_levels(self):
        """Requests are told of at detail and trace; a reload changes that."""
        with harness.Machine() as m:
            def reload(level):
                n = m.log().count("configuration read again")
                m.settings["log-level"] = level
                m.write_conf()
                m.signal(signal.SIGHUP)
                harness.until(lambda: m.log().count("configuration read again") > n or
                              m.request("GET", "/admin/status",
                                        admin=True).json["log_level"] == level)
            m.request("GET", "/nowhere", uid=BIN)
            self.assertNotIn("unknown of uid", m.log())
            reload("detail")
            m.request("GET", "/nowhere", uid=BIN)
            m.request("GET", "/session", uid=BIN)
            harness.until(lambda: re.search(r"unknown of uid 2: 404", m.log()))
            self.assertNotIn("GET /session of uid 2", m.log())
            reload("trace")
            m.request("GET", "/session", uid=BIN)
            harness.until(lambda: "GET /session of uid 2: 200" in m.log())
            reload("error")
            size = len(m.log())
            m.request("GET", "/nowhere", uid=BIN)
            self.assertEqual(m.request("GET", "/admin/status", admin=True).json["log_level"], "error")
            self.assertEqual(m.log()[size:], "")

    def test_verbose_wins(self):
        with harness.Machine(start=False) as m:
            m.listeners = [harness.listening(m.api, 0o666),
                           harness.listening(m.admin, 0o660, harness.ADMINS)]
            m.process = m.spawn("--verbose")
            m.wait_ready()
            self.assertEqual(m.request("GET", "/admin/status", admin=True).json["log_level"], "detail")


if __name__ == "__main__":
    harness.main()

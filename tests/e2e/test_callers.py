# SPDX-License-Identifier: ISC
"""Who asks is the kernel's word: refusals of callers."""
import contextlib
import json
import os
import re
import signal
import socket
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES, SESSION_GRANT
from wire import Events

PIN = "123456"
# cgroups are the machine's: other tests that run now have their own
GDM, CRON, BACKUP, OTHER = ("%s-%d.service" % (name, os.getpid())
                            for name in ("gdm", "cron", "backup", "other"))
CGROUP = "/sys/fs/cgroup/unified"
if not os.path.isdir(CGROUP):
    CGROUP = "/sys/fs/cgroup"


class Unit:
    """A cgroup that looks like a unit's, for a child that enters it."""

    def __init__(self, *path):
        self.made = []
        self.path = CGROUP + "/" + "/".join(path)
        # the slices are shared with tests that run at the same time and remove them
        harness.until(lambda: self.make(path), what="the cgroup " + self.path)

    def make(self, path):
        at = CGROUP
        for part in path:
            at += "/" + part
            try:
                os.mkdir(at)
                self.made.append(at)
            except FileExistsError:
                pass
            except FileNotFoundError:
                return False
        return True

    def enter(self):
        with open(self.path + "/cgroup.procs", "w", encoding="ascii") as f:
            f.write("0")

    def leave(self):
        if self.path in self.made:
            harness.until(lambda: self.gone(self.path), what="the cgroup %s to be empty" % self.path)
        for at in reversed(self.made):
            self.gone(at)		# unless somebody else is in it

    @staticmethod
    def gone(at):
        try:
            os.rmdir(at)
        except OSError:
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.leave()


def in_unit(m, unit, uid, form=None, path="/token", **what):
    """POST /token by a process of that unit and uid."""
    def ask():
        unit.enter()
        return harness.as_user(uid, lambda: harness.one_request(m.api, "POST", path, form=form, **what))
    return harness.as_user(0, ask)


def status_of(path):
    """The status of GET /healthz; None where the agent hangs up."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        try:
            s.connect(path)
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            head = s.recv(4096)
        except OSError:
            return None
    return int(head.split()[1]) if head else None


def fill(path, unit, n, ready):
    """Connections of a process of that unit, kept until it is killed."""
    unit.enter()
    kept = [socket.socket(socket.AF_UNIX) for _ in range(n)]
    for s in kept:
        s.connect(path)
    os.write(ready, b"r")
    signal.pause()


def listen(path, unit, n):
    """What becomes of the last of n who listen in that unit."""
    unit.enter()
    with contextlib.ExitStack() as kept:
        try:
            for _ in range(n):
                kept.enter_context(Events(path))
        except harness.Failed as e:
            return re.match(r"GET /events: .(\d+)", str(e)).expand(r"GET /events: \1")
    return "listens"


class Callers(unittest.TestCase):
    def refused(self, answer, status=403, error="unauthorized_client"):
        self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)
        self.assertNotIn("access_token", answer.json)

    def enrol(self, m, user, *more):
        m.tessera("enroll", "pkcs11", "--user", user, "--device", "pkcs11:token=card;id=%01",
                  *more, pin=PIN, check=True)

    def test_own_uids_find_no_door(self):
        """The agent's uid and the helpers' are refused on every socket."""
        with harness.Machine() as m:
            for user in ("tessera", "tessera-dev"):
                uid = harness.pwd.getpwnam(user).pw_uid
                for path in (m.api, m.admin):
                    def ask(path=path):
                        return status_of(path)
                    with self.subTest(user=user, path=path):
                        self.assertNotEqual(harness.as_user(uid, ask), 200)
            self.assertEqual(m.request("GET", "/healthz", uid=DAEMON).status, 200)

    def test_unmapped_uid(self):
        with harness.Machine() as m:
            self.assertIsNone(harness.as_user(65534, status_of, m.api))
            self.assertEqual(harness.as_user(DAEMON, status_of, m.api), 200)

    def test_what_only_a_login_helper_says(self):
        with harness.Machine() as m:
            for name in ("subject", "service", "tty", "rhost"):
                for grant in (DEVICE_GRANT, SESSION_GRANT):
                    for uid in (0, DAEMON):
                        with self.subTest(name=name, grant=grant, uid=uid):
                            self.refused(m.request("POST", "/token", uid=uid, form={
                                "grant_type": grant, "audience": "demo", name: "daemon"}))

    LOGIN = {"login": {"class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m",
                       "any-user": True}}

    def machine(self, **more):
        audiences = {**harness.AUDIENCES, **self.LOGIN,
                     "unit": {"scopes": ["all"], "acr": "self", "reuse": "session",
                              "inline-pin": True, "units": [BACKUP, CRON], "refresh": True,
                              "refresh-idle": "10m", "refresh-lifetime": "1h"}}
        m = harness.Machine(audiences=audiences, **more)
        text = m.conf_text() + 'login-helper "gdm" { user = "root" unit = "%s" }\n' % GDM
        m.write_conf(text)
        m.signal(harness.signal.SIGHUP)
        harness.until(lambda: "read again" in m.log(), what="the reload")
        return m

    def test_login_helper(self):
        """A listed uid in its listed unit may name a subject, for class login alone."""
        with self.machine() as m, Unit("system.slice", GDM) as gdm, \
                Unit("system.slice", CRON) as cron, \
                Unit("user.slice", "user-1.slice", "user@1.service", "app.slice", GDM) as fake:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            form = {"grant_type": DEVICE_GRANT, "audience": "login", "subject": "daemon", "pin": PIN}
            answer = in_unit(m, gdm, 0, form)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(m.request("GET", "/session", uid=DAEMON).json, {"sessions": []},
                             "a login leaves no session behind")
            rows = [
                ("another uid in that unit", gdm, BIN, {}),
                ("that uid in another unit", cron, 0, {}),
                ("a user unit named like it", fake, DAEMON, {}),
                ("another class of audience", gdm, 0, {"audience": "demo"}),
                ("the session grant", gdm, 0, {"grant_type": SESSION_GRANT, "pin": None}),
                ("a remote login with a local device", gdm, 0, {"rhost": "10.0.0.7"}),
                ("a subject that does not exist", gdm, 0, {"subject": "nobody-here"}),
                ("a name that nobody can have", gdm, 0, {"subject": "daemon" * 20}),
            ]
            for name, unit, uid, change in rows:
                with self.subTest(name):
                    asked = {k: v for k, v in {**form, **change}.items() if v is not None}
                    self.refused(in_unit(m, unit, uid, asked))
            self.assertEqual(in_unit(m, gdm, 0, {**form, "rhost": "localhost"}).status, 200)

    def test_login_helper_of_a_remote_key(self):
        """It may have a challenge for whom it names, for class login alone; the answer
        is for the caller that asked."""
        from test_fido_remote import ASSERTION, ORIGIN, WEBAUTHN, Page, register
        with self.machine(settings=WEBAUTHN) as m, Unit("system.slice", GDM) as gdm, \
                Unit("system.slice", CRON) as cron:
            page = Page(ORIGIN)
            self.assertEqual(register(m, page).status, 201)
            asked = {"audience": "login", "subject": "daemon", "service": "sshd", "rhost": "10.0.0.7"}

            def challenge(unit=gdm, **change):
                return in_unit(m, unit, 0, path="/challenge", json={
                    k: v for k, v in {**asked, **change}.items() if v is not None})

            def prove(offer, unit=gdm):
                return in_unit(m, unit, 0, {
                    "grant_type": ASSERTION, "challenge_id": offer["challenge_id"],
                    "response": json.dumps(page.get(offer["public_key"]))})
            offer = challenge()
            self.assertEqual(offer.status, 200, offer)
            answer = prove(offer.json)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(m.request("GET", "/session", uid=DAEMON).json, {"sessions": []},
                             "a login leaves no session behind")
            for name, unit, change in [
                    ("that uid in another unit", cron, {}),
                    ("another class of audience", gdm, {"audience": "demo"}),
                    ("a subject that does not exist", gdm, {"subject": "nobody-here"})]:
                with self.subTest(name):
                    self.refused(challenge(unit, **change))
            self.refused(challenge(subject=None), 400, "invalid_request")
            self.refused(challenge(subject="bin"), 404, "device_not_found")
            # in another unit it is no login helper any more
            self.refused(prove(challenge().json, cron))

    def test_sudo_is_a_helper_for_its_user_alone(self):
        """A uid 0 process under user-N.slice acts for subject N only."""
        with self.machine() as m, Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as sudo:
            m.make_token("card", PIN, ["p256", "ed25519"])
            self.enrol(m, "daemon")
            m.tessera("enroll", "pkcs11", "--user", "bin", "--device",
                      "pkcs11:token=card;object=ed25519", pin=PIN, check=True)
            form = {"grant_type": DEVICE_GRANT, "audience": "login", "pin": PIN}
            self.assertEqual(in_unit(m, sudo, 0, {**form, "subject": "daemon"}).status, 200)
            self.refused(in_unit(m, sudo, 0, {**form, "subject": "bin"}))

    def test_sudo_takes_its_users_connections(self):
        """Whoever fills root's connections by sudo locks nobody out but himself."""
        with self.machine(settings={"limits": {"connections-per-uid": 6}}) as m, \
                Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as sudo:
            read, write = os.pipe()
            job = harness.Job(0, fill, m.api, sudo, 12, write)
            os.close(write)
            try:
                self.assertEqual(os.read(read, 1), b"r")
                os.close(read)
                self.assertEqual([harness.as_user(uid, status_of, m.api) == 200
                                  for uid in (0, GAMES, DAEMON)], [True, True, False])
            finally:
                job.kill()
            harness.until(lambda: harness.as_user(DAEMON, status_of, m.api) == 200,
                          what="connections again")
        with self.machine() as m, \
                Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as sudo:
            self.assertEqual([harness.as_user(0, listen, m.api, sudo, n) for n in (32, 33)],
                             ["listens", "GET /events: 429"])

    def test_unit_is_a_caller(self):
        """An audience for a system unit: by the cgroup, and client_id says so."""
        import test_token
        with self.machine() as m, Unit("system.slice", BACKUP) as backup, \
                Unit("system.slice", OTHER) as other, Unit("system.slice", CRON) as cron, \
                Unit("user.slice", "user-1.slice", "user@1.service", BACKUP) as fake, \
                Unit("system.slice", OTHER, BACKUP) as nested:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            form = {"grant_type": DEVICE_GRANT, "audience": "unit", "pin": PIN}
            answer = in_unit(m, backup, DAEMON, form)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(test_token.claims(answer.json["access_token"])["client_id"],
                             "unit:" + BACKUP)
            for name, unit in (("another unit", other), ("a user unit of that name", fake),
                               ("delegated below another service", nested)):
                with self.subTest(name):
                    self.refused(in_unit(m, unit, DAEMON, form))
            self.refused(m.request("POST", "/token", uid=DAEMON, form=form))
            # RFC 6749 section 6: a refresh token is its client's, whoever else may ask here
            answer = in_unit(m, backup, DAEMON, {**form, "offline_access": "true"})
            spend = {"grant_type": "refresh_token", "refresh_token": answer.json["refresh_token"]}
            self.assertEqual(in_unit(m, cron, DAEMON, form).status, 200)
            self.refused(in_unit(m, cron, DAEMON, spend), 400, "invalid_grant")
            answer = in_unit(m, backup, DAEMON, spend)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(test_token.claims(answer.json["access_token"])["client_id"],
                             "unit:" + BACKUP)

    def test_socket_handed_to_another_uid(self):
        """What another uid writes on a handed-on socket is not read."""
        with harness.Machine() as m:
            def ask():
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(m.api)
                    pid = os.fork()
                    if pid == 0:
                        try:
                            os.setresgid(GAMES, GAMES, GAMES)
                            os.setresuid(GAMES, GAMES, GAMES)
                            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                        finally:
                            os._exit(0)
                    os.waitpid(pid, 0)
                    s.settimeout(10)
                    try:
                        return s.recv(4096)
                    except ConnectionResetError:
                        return b""
            self.assertEqual(harness.as_user(0, ask), b"")

    def test_caller_gone_before_the_answer(self):
        """A caller that vanishes while its card signs: nothing is recorded as used."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")

            def ask():
                with harness.Events(m.api, "all") as events:
                    events.next("ready")
                    gone = harness.Job(DAEMON, lambda: one(m))
                    data = events.next("pin-needed")[1]
                    gone.kill()
                    ended = events.next("prompt-ended")[1]
                    with harness.Client(m.api) as c:
                        late = c.request("POST", "/prompt/" + data["prompt"], json={"pin": PIN})
                    return data["prompt"] == ended["prompt"], late.status

            def one(machine):
                return harness.one_request(machine.api, "POST", "/token", form={
                    "grant_type": DEVICE_GRANT, "audience": "vpn"})
            self.assertEqual(harness.as_user(DAEMON, ask), (True, 404))
            shown = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]
            self.assertEqual(shown["last_used"], 0)

    def test_user_cannot_see_or_change_others(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            cred = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]["id"]
            self.assertEqual(m.request("GET", "/credentials", uid=BIN).json, {"credentials": []})
            answer = m.request("POST", "/credentials/%s/disable" % cred, uid=BIN)
            self.assertEqual(answer.status, 404)
            self.refused(m.request("POST", "/token", uid=BIN, form={
                "grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN, "credential": cred}),
                404, "device_not_found")
            last = m.request("POST", "/credentials/%s/disable" % cred, uid=DAEMON)
            self.refused(last, 409, "conflict")
            self.assertIn("--force", last.json["error_description"])

    def test_events_are_ones_own(self):
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            self.enrol(m, "daemon")

            def listen(tell):
                with harness.Events(m.api, timeout=20) as events:
                    events.next("ready")
                    os.write(tell, b"x")
                    heard = []
                    while not heard or heard[-1][0] != "session-ended":
                        heard.append(events.next()[:2])
                    return heard
            read, write = os.pipe()
            mine = harness.Job(DAEMON, listen, write)
            os.read(read, 1)

            def stranger(tell):
                with harness.Events(m.api, timeout=20) as events:
                    events.next("ready")
                    os.write(tell, b"x")
                    return events.next()[0]
            other = harness.Job(BIN, stranger, write)
            os.read(read, 1)
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}).status, 200)
            m.request("DELETE", "/session", uid=DAEMON)
            heard = [e for e in mine.result() if e[0] != "ping"]
            self.assertEqual([e[0] for e in heard], ["token-issued", "session-started", "session-ended"])
            started, ended = heard[1][1], heard[2][1]
            self.assertEqual(started["sid"], ended["sid"])
            self.assertRegex(started["credential"], "^[A-Za-z0-9_-]{22}$")
            m.tessera("enroll", "pkcs11", "--user", "bin", "--device",
                      "pkcs11:token=card;object=ed25519", pin=PIN, check=True)
            self.assertEqual(other.result(), "credential-enrolled", "the first that it hears")

    def test_squatted_socket_is_refused_by_clients(self):
        """Clients check who serves the socket before they send anything."""
        with harness.Machine() as m:
            def squat(path, tell):
                with socket.socket(socket.AF_UNIX) as s:
                    s.bind(path)
                    os.chmod(path, 0o666)
                    s.listen(1)
                    s.settimeout(30)
                    os.write(tell, b"x")
                    conn = s.accept()[0]
                    conn.settimeout(10)
                    return conn.recv(100)
            folder = m.folder + "/squat"
            os.mkdir(folder)
            os.chown(folder, GAMES, GAMES)
            read, write = os.pipe()
            job = harness.Job(GAMES, squat, folder + "/tessera.sock", write)
            os.read(read, 1)
            ran = m.tessera("token", "get", "-a", "demo", uid=DAEMON,
                            env={"TESSERA_SOCK": folder + "/tessera.sock"})
            self.assertEqual(ran.status, 3, ran)
            job.kill()
            job.reap()


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""Login helpers: who is shown what they ask, and who answers."""
import os
import subprocess
import unittest

import harness
import pivcard
from fidobed import Bed, enrol
from harness import BIN, DAEMON, DEVICE_GRANT, SESSION_GRANT
from otp_codes import SECRET, hotp
from pivcard import Card, raw, seated
from process import Job
from test_callers import GDM, PIN, Unit, in_unit
from test_pin import audited
from wire import Client, Events, one_request, request_bytes

OTP_GRANT = "urn:tessera:grant:otp"
CONSOLE = "/sys/class/tty/tty0/active"
LOGIN = {"login": {"class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m",
                   "inline-pin": True, "any-user": True}}
HELPER = 'login-helper "gdm" { user = "root" unit = "%s" }\n' % GDM
FORM = {"grant_type": DEVICE_GRANT, "audience": "login", "subject": "daemon"}


class Gate:
    """What a process waits for until another one opens it."""

    def __init__(self):
        self.read, self.write = os.pipe()

    def open(self):
        os.write(self.write, b"1")

    def wait(self):
        os.read(self.read, 1)


class Listener(Job):
    """GET /events by a process of its own, up to the event `last`: result() is the
    list of what came."""

    def __init__(self, m, uid, prompter, last):
        gate = Gate()
        super().__init__(uid, self.listen, m.api, prompter, last, gate)
        gate.wait()

    @staticmethod
    def listen(api, prompter, last, gate):
        came = []
        with Events(api, prompter) as events:
            events.next("ready")
            gate.open()
            while not came or came[-1][0] != last:
                came.append(events.next())
        return came


def asked(m, unit, form, gate=None):
    """A login by a process of that unit that listens itself, and answers its prompt
    once the gate is open, without one nothing: (Answer, [what it was told meanwhile])."""
    unit.enter()
    came = []
    with Events(m.api, gate and "self") as events, Client(m.api) as c:
        events.next("ready")
        c.send(request_bytes("POST", "/token", form))
        while not came or came[-1][0] not in ("prompt-ended", "touch-done"):
            came.append(events.next())
            if came[-1][0] == "pin-needed" and gate:
                gate.wait()
                one_request(m.api, "POST", "/prompt/" + came[-1][1]["prompt"], json={"pin": PIN})
        return c.answer(), came


def machine(audiences=None, **more):
    m = harness.Machine(audiences={**harness.AUDIENCES, **LOGIN, **(audiences or {})}, start=False,
                        **more)
    m.write_conf(m.conf_text() + HELPER)
    m.start()
    return m


def scope(session, uid=DAEMON):
    """The cgroup of a session that seated() lays out, or of a service of the user's."""
    if session is None:
        return Unit("user.slice", "user-%d.slice" % uid, "user@%d.service" % uid, "app.slice",
                    "term-%d.scope" % os.getpid())
    return Unit("user.slice", "user-%d.slice" % uid, "session-c%d%s.scope" % (uid, session))


class LoginHelper(unittest.TestCase):

    def test_its_own_prompts(self):
        """A login helper's process is asked about its own requests, and nobody else is:
        neither another process of root's nor a prompter of the subject's."""
        with machine() as m, Unit("system.slice", GDM) as gdm:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            gate = Gate()
            said = {"service": "gdm-password", "tty": "tty1"}
            watcher = Listener(m, DAEMON, None, "pin-needed")
            others = [Listener(m, uid, "all", "revoked") for uid in (DAEMON, BIN, 0)]
            login = Job(0, asked, m, gdm, {**FORM, **said}, gate)
            name, seen = watcher.result()[-1]
            requester = seen["requester"]
            self.assertEqual({k: requester.get(k) for k in ("uid", "unit", "service", "tty", "rhost")},
                             {"uid": 0, "unit": GDM, "rhost": None, **said})
            for uid in (0, BIN, DAEMON):
                answer = harness.as_user(uid, self.answered_by_another, m.api, seen["prompt"])
                self.assertEqual((answer.status, answer.json["error"]), (404, "not_found"), uid)
            gate.open()
            answer, came = login.result()
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual([name for name, _ in came], ["pin-needed", "prompt-ended"])
            self.assertEqual((came[0][1]["device"]["label"], came[0][1]["retry"],
                              came[0][1]["audience"]), ("card", False, "login"))
            m.tessera("revoke", "--all", check=True)
            for other in others:
                self.assertNotIn("pin-needed", [name for name, _ in other.result()])

    @staticmethod
    def answered_by_another(api, prompt):
        with Events(api, "all") as events:
            events.next("ready")
            return one_request(api, "POST", "/prompt/" + prompt, json={"pin": PIN})

    def test_nobody_there(self):
        """A helper that does not listen leaves it to the subject's prompters; one that
        goes takes its prompt along, and one that only watches answers nothing."""
        with machine() as m, Unit("system.slice", GDM) as gdm:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            answer = in_unit(m, gdm, 0, FORM)
            self.assertEqual((answer.status, answer.json["reason"]), (401, "no_prompter"), answer)
            other = Listener(m, DAEMON, "all", "token-issued")

            def leaves():
                gdm.enter()
                with Client(m.api) as c:
                    with Events(m.api, "self") as events:
                        events.next("ready")
                        c.send(request_bytes("POST", "/token", FORM))
                        events.next("pin-needed")
                    return c.answer()
            answer = harness.as_user(0, leaves)
            self.assertEqual((answer.status, answer.json["reason"]), (401, "no_prompter"), answer)

            def subject(api, gate):
                with Events(api, "all") as events:
                    events.next("ready")
                    gate.open()
                    seen = events.next("pin-needed")[1]
                    one_request(api, "POST", "/prompt/" + seen["prompt"], json={"pin": PIN})
            gate = Gate()
            job = Job(DAEMON, subject, m.api, gate)
            gate.wait()
            answer, came = harness.as_user(0, asked, m, gdm, FORM)
            job.result()
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual([name for name, _ in came], ["pin-needed", "prompt-ended"])
            self.assertEqual([name for name, _ in other.result()].count("pin-needed"), 1,
                             "the second one alone was for the subject's prompters")

    def test_its_own_touch(self):
        """The process is told when a key will blink for it, and the subject, too."""
        bed = Bed(1, "touch=auto", audiences={**harness.AUDIENCES, **LOGIN})
        with bed as (m, keys), Unit("system.slice", GDM) as gdm:
            m.stop()
            m.write_conf(m.conf_text() + HELPER)
            m.start()
            self.assertEqual(enrol(m)[0].status, 201)
            subject = Listener(m, DAEMON, "all", "touch-done")
            answer, came = harness.as_user(0, asked, m, gdm, {**FORM, "service": "sudo"})
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual([name for name, _ in came], ["touch-needed", "touch-done"])
            self.assertEqual(came[0][1]["requester"]["service"], "sudo")
            self.assertEqual(came, subject.result())

    def test_codes(self):
        """Guesses under sudo, which the user's own programs may run, do not make the login
        screen wait; the log says for which service and from where."""
        with machine(rehearse=True) as m, Unit("system.slice", GDM) as gdm, scope(None) as sudo:
            self.assertEqual(m.request("POST", "/admin/credentials", admin=True, json={
                "kind": "hotp", "subject": "daemon", "secret": SECRET, "confirm": False}).status, 201)
            counter = iter(range(1, 100))

            def ask(unit, code=None, **said):
                return in_unit(m, unit, 0, {**FORM, "grant_type": OTP_GRANT, **said,
                                            "otp": code or hotp(SECRET, next(counter))})
            said = {"service": "sshd", "tty": "ssh", "rhost": "10.0.0.7"}
            for unit, words in ((gdm, {}), (sudo, {}), (gdm, said)):
                self.assertEqual(ask(unit, **words).status, 200)	# each is known now
            for _ in range(6):		# OTP_FREE of agent/otp_throttle.h, and one
                self.assertEqual(ask(sudo, "000000").error, "invalid_grant")
            self.assertEqual(ask(sudo).error, "invalid_grant", "it rests")
            self.assertEqual([ask(gdm).status, ask(gdm, **said).status], [200, 200])
            self.assertEqual(ask(gdm, "000000", service="gdm").error, "invalid_grant")
            answer = ask(gdm, tty=64 * "x")
            self.assertEqual((answer.status, answer.error), (400, "invalid_request"), answer)

            def told():
                return [{k: line.get(k) for k in ("verdict", *said)} for line in audited(m)
                        if line["event"] == "proof" and line.get("service")]
            m.clock.advance(61)
            harness.until(lambda: len(told()) == 3, what="the audit log")
            self.assertEqual(told(), 2 * [{"verdict": "ok", **said}] + [
                {"verdict": "invalid_grant", "service": "gdm", "tty": None, "rhost": None}], "the log")


class Places(unittest.TestCase):
    """A device of this host is for who is at this machine."""

    FORM = {**FORM, "pin": PIN}
    OWN = {"subject": None}

    # where its process is, whose it is, what sessions the user has, what is said, is it proved
    SUDO = [
        ("at the seat", "seat0", "seat0", {}, 1),
        ("on a console that is not shown", "away", "away", {}, 1),
        ("over ssh", "remote", "remote", {}, 0),
        ("over ssh, with a session at the seat besides", "remote", "seat0 remote", {}, 0),
        ("over ssh, whatever it says of the terminal", "remote", "remote", {"tty": "tty1"}, 0),
        ("at another seat", "seat1", "seat1", {}, 0),
        ("of cron", "none", "none", {}, 0),
        ("in a terminal that the user's manager began", None, "seat0", {"tty": "pts/3"}, 1),
        ("the same where a session is remote", None, "seat0 remote", {"tty": "pts/3"}, 0),
        ("the same where there is none", None, "", {}, 0),
        ("at the seat for another host", "seat0", "seat0", {"rhost": "10.0.0.7"}, 0),
    ]
    GREETER = [
        ("a console", {"tty": "tty1"}, 1), ("by its path", {"tty": "/dev/tty7"}, 1),
        ("a display of the seat", {"tty": ":0"}, 1), ("its screen", {"tty": ":0.0"}, 1),
        ("another display", {"tty": ":1"}, 0), ("no display", {"tty": ":"}, 0),
        ("the console of a host", {"tty": "tty1", "rhost": "10.0.0.7"}, 0),
        ("ssh", {"tty": "ssh"}, 0), ("ssh to this host", {"tty": "ssh", "rhost": "::1"}, 0),
        ("a serial line", {"tty": "ttyS0"}, 0), ("a number beside it", {"tty": "tty1a"}, 0),
        ("no number", {"tty": "tty"}, 0), ("tty0", {"tty": "tty0"}, 0), ("nothing", {}, 0),
    ]
    # the same where the configuration calls it a greeter
    SCREEN = [("nothing", {}, 1), ("a host", {"rhost": "10.0.0.7"}, 0), ("ssh", {"tty": "ssh"}, 0)]

    def proves(self, m, unit, uid, said, proved):
        form = {k: v for k, v in {**self.FORM, **said}.items() if v is not None}
        answer = in_unit(m, unit, uid, form)
        if proved:
            self.assertEqual(answer.status, 200, answer)
        else:
            self.assertEqual((answer.status, answer.json["error"], answer.json["reason"]),
                             (403, "unauthorized_client", "remote"), answer)
            self.assertRegex(answer.json["error_description"], "a device of this host (proves what is "
                             "asked for at this machine alone|does not prove a remote login)")

    def test_logins(self):
        with machine() as m, Unit("system.slice", GDM) as gdm:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            for name, session, sessions, said, proved in self.SUDO:
                with self.subTest("sudo " + name), seated({DAEMON: sessions}), scope(session) as unit:
                    self.proves(m, unit, 0, said, proved)
                    if not said.get("rhost"):	# a screen locker is the user
                        self.proves(m, unit, DAEMON, {k: None for k in ("subject", *said)}, proved)
            with self.subTest("logind calls a session of the seat remote"), \
                    seated({DAEMON: "seat0"}), scope("seat0") as unit:
                pivcard.put("sessions/c%dseat0" % DAEMON, uid=DAEMON, state="active", active=1, remote=1,
                            type="tty", seat="seat0", **{"class": "user"})
                self.proves(m, unit, 0, {}, 0)
            for name, said, proved in self.GREETER:
                with self.subTest("greeter " + name), seated({0: "seat0", 42: ""}):
                    pivcard.put("sessions/c42", uid=42, state="active", active=1, remote=0, type="x11",
                                display=":0", seat="seat0", **{"class": "greeter"})
                    self.proves(m, gdm, 0, said, proved)
            m.write_conf(m.conf_text() + HELPER.replace("}", "greeter = true }"))
            m.signal(harness.signal.SIGHUP)
            harness.until(lambda: "read again" in m.log(), what="the reload")
            for name, said, proved in self.SCREEN:
                with self.subTest("login screen " + name), seated({0: "seat0"}):
                    self.proves(m, gdm, 0, said, proved)
            m.settings["seat"] = "any"
            m.write_conf(m.conf_text() + HELPER)
            m.signal(harness.signal.SIGHUP)
            harness.until(lambda: m.log().count("read again") > 1, what="the reload")
            with seated({DAEMON: "remote"}), scope("remote") as unit:
                self.proves(m, unit, 0, {}, 1)
                self.proves(m, unit, 0, {"rhost": "10.0.0.7"}, 0)

    def test_other_audiences(self):
        """Whoever is remote has them, unless they are for local sessions alone."""
        local = {"local": {"scopes": ["all"], "acr": "self", "reuse": "session", "inline-pin": True,
                           "local-only": True, "refresh": True, "refresh-idle": "10m",
                           "refresh-lifetime": "1h", "any-user": True}}
        with machine(audiences=local) as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            device = {"grant_type": DEVICE_GRANT, "audience": "local", "pin": PIN}
            with seated({DAEMON: "seat0 remote"}), scope("seat0") as here, scope("remote") as there:
                self.assertEqual(in_unit(m, there, DAEMON, {**device, "audience": "demo"}).status, 200)
                session = {"grant_type": SESSION_GRANT, "audience": "local"}
                for form in (device, session):
                    self.proves(m, there, DAEMON, {**{k: None for k in self.FORM}, **form}, 0)
                    self.assertEqual(in_unit(m, here, DAEMON, form).status, 200)
                given = in_unit(m, here, DAEMON, {**device, "offline_access": "true"}).json
                refresh = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
                self.assertEqual(in_unit(m, there, DAEMON, refresh).status, 403)
                self.assertEqual(in_unit(m, here, DAEMON, refresh).status, 200)

    def test_few_tries(self):
        """The last tries of a PIN are for who is in front of the screen, by the console
        that a login helper names."""
        if not os.path.exists(CONSOLE):
            self.skipTest("no virtual consoles here")
        with seated({0: "seat0"}), Card(audiences={**harness.AUDIENCES, **LOGIN}) as c, \
                Unit("system.slice", GDM) as gdm:
            active = c.m.folder + "/active"
            with open(active, "w", encoding="ascii") as f:
                f.write("tty2\n")
            subprocess.run(["mount", "--bind", active, CONSOLE], check=True)
            self.addCleanup(subprocess.run, ["umount", CONSOLE], check=True)
            c.m.write_conf(c.m.conf_text() + HELPER)
            c.m.signal(harness.signal.SIGHUP)
            harness.until(lambda: "read again" in c.m.log(), what="the reload")
            c.enrol("daemon", 1)
            raw(c.socket, ("verify", "654321"))
            for tty, may in (("tty1", 0), ("tty2", 1), ("tty22", 0)):
                with self.subTest(tty):
                    answer, prompts = harness.as_user(0, self.asked, c.m, gdm, tty)
                    if may:
                        self.assertEqual((answer.status, prompts[0]["confirm"]), (200, 2), answer)
                        raw(c.socket, ("verify", "654321"))
                    else:
                        self.assertEqual((answer.status, answer.json["reason"], prompts),
                                         (401, "seat", []), answer)

    @staticmethod
    def asked(m, unit, tty):
        unit.enter()
        return harness.answered_request(m.api, m.api, [pivcard.PIN], "POST", "/token",
                                        {**FORM, "tty": tty}, None, None, 60)


if __name__ == "__main__":
    pivcard.own_mounts()
    harness.main()

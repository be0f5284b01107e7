# SPDX-License-Identifier: ISC
"""Login helpers: who is shown what they ask, and who answers."""
import os
import unittest

import harness
from fidobed import Bed, enrol
from harness import BIN, DAEMON, DEVICE_GRANT
from process import Job
from test_callers import GDM, PIN, Unit, in_unit
from wire import Client, Events, one_request, request_bytes

LOGIN = {"login": {"class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m",
                   "any-user": True}}
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


class LoginHelper(unittest.TestCase):
    def machine(self, **more):
        m = harness.Machine(audiences={**harness.AUDIENCES, **LOGIN}, start=False, **more)
        m.write_conf(m.conf_text() + HELPER)
        m.start()
        return m

    def test_its_own_prompts(self):
        """A login helper's process is asked about its own requests, and nobody else is:
        neither another process of root's nor a prompter of the subject's."""
        with self.machine() as m, Unit("system.slice", GDM) as gdm:
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
                answer = m.request("POST", "/prompt/" + seen["prompt"], uid=uid, json={"pin": PIN})
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

    def test_nobody_there(self):
        """A helper that does not listen leaves it to the subject's prompters; one that
        goes takes its prompt along, and one that only watches answers nothing."""
        with self.machine() as m, Unit("system.slice", GDM) as gdm:
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


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""A card's tries: shown, guarded, and never used up by others."""
import json
import os
import random
import signal
import unittest

import harness
import pivcard
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES
from pivcard import PIN, SECURITY_NOT_SATISFIED, Card, raw, seated

WRONG = "654321"
FORM = {"grant_type": DEVICE_GRANT, "audience": "demo"}
EVIL = os.path.join(os.environ.get("TESSERA_BIN", ""), "..", "tests", "p11_evil.so")


def audited(m):
    """All lines of the audit log."""
    lines = []
    for name in os.listdir(m.state):
        if name.startswith("audit.log"):
            with open(m.state + "/" + name, encoding="utf-8") as f:
                lines += [json.loads(line) for line in f if line.endswith("\n")]
    return sorted(lines, key=lambda line: line["seq"])


def inline(m, uid, pin):
    return m.request("POST", "/token", uid=uid, form={**FORM, "pin": pin})


class Tries(unittest.TestCase):
    def test_shown_and_confirmed(self):
        """Three, then two that are to be confirmed, and the owner may go on at once."""
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            answer, prompts = c.enrol("daemon", 1)
            self.assertEqual(answer.status, 201, answer)
            self.assertTrue(answer.json["pin_default"], "123456 is the PIN of new cards")
            self.assertEqual([(p["tries_left"], p["confirm"], p["pin"]) for p in prompts],
                             [(3, None, "ok")])
            answer, prompts = c.m.answering([WRONG, PIN], "POST", "/token", uid=DAEMON, form=FORM)
            self.assertEqual(answer.status, 200, answer)
            self.assertTrue(answer.json["pin_default"])
            self.assertEqual([(p["tries_left"], p["confirm"], p["retry"]) for p in prompts],
                             [(3, None, False), (2, 2, True)])
            self.assertEqual(c.tries(), 3, "a right one counts anew")
            harness.until(lambda: [line["event"] for line in audited(c.m) if line.get("pin_default")]
                          == ["enrol", "proof"], what="the audit log")

    def test_refused_is_not_tried_again(self):
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            c.enrol("daemon", 1)
            for _ in range(5):
                answer = inline(c.m, DAEMON, WRONG)
                self.assertEqual((answer.status, answer.json.get("reason")), (401, "wrong"), answer)
                self.assertEqual(c.tries(), 2)
            answer = inline(c.m, DAEMON, PIN)
            self.assertEqual((answer.status, answer.json["reason"], answer.json["tries_left"]),
                             (401, "confirm", 2), "few tries are never for a PIN with the request")
            answer, _ = c.m.answering(PIN, "POST", "/token", uid=DAEMON, form=FORM)
            self.assertEqual(answer.status, 200, answer)

    def test_number_must_be_right(self):
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            c.enrol("daemon", 1)
            inline(c.m, DAEMON, WRONG)

            def ask():
                with harness.Events(c.m.api, "self", 60) as events, \
                        harness.Client(c.m.api, 60) as request, harness.Client(c.m.api) as reply:
                    events.next("ready")
                    request.send(harness.request_bytes("POST", "/token", FORM, None, None))
                    target = "/prompt/" + events.next("pin-needed")[1]["prompt"]
                    said = [reply.request("POST", target, json=body).status for body in (
                        {"pin": PIN}, {"pin": PIN, "confirm": 1}, {"pin": PIN, "confirm": 3},
                        {"confirm": 2}, {"pin": PIN, "confirm": "2"}, {"pin": PIN, "confirm": 2})]
                    return said, request.answer().status
            self.assertEqual(harness.as_user(DAEMON, ask), ([400] * 5 + [200], 200))

    def test_who_is_at_the_seat(self):
        """With two tries left, by what logind says of the caller's user."""
        rows = [("none at all", "", 0), ("on the seat", "seat0", 1), ("by ssh", "remote", 0),
                ("on the seat and by ssh", "seat0 remote", 0), ("on another seat", "seat1", 0),
                ("behind another's session", "away", 0), ("without a seat", "none", 0)]
        with seated({0: "seat0"}), Card() as c:
            c.enrol("daemon", 1)
            raw(c.socket, ("verify", WRONG))
            for name, sessions, may in rows:
                with self.subTest(name), seated({DAEMON: sessions, 0: "seat0"}):
                    answer, prompts = c.m.answering(PIN, "POST", "/token", uid=DAEMON, form=FORM)
                    if may:
                        self.assertEqual((answer.status, prompts[0]["confirm"]), (200, 2), answer)
                        raw(c.socket, ("verify", WRONG))
                    else:
                        self.assertEqual((answer.status, answer.json["error"], answer.json["reason"]),
                                         (401, "pin_required", "seat"), answer)
                        self.assertEqual(prompts, [], "nobody is bothered")
                self.assertEqual(c.tries(), 2)
            # nor is an administrator exempt
            with seated({0: "remote"}):
                answer, prompts = c.enrol("bin", 4)
                self.assertEqual((answer.json["reason"], prompts), ("seat", []), answer)
            c.m.settings["seat"] = "any"
            c.m.write_conf()
            c.m.signal(signal.SIGHUP)
            harness.until(lambda: "read again" in c.m.log(), what="the reload")
            answer, prompts = c.m.answering(PIN, "POST", "/token", uid=DAEMON, form=FORM)
            self.assertEqual((answer.status, prompts[0]["confirm"]), (200, 2), answer)

    def test_elsewhere_waits(self):
        with seated({0: "seat0"}), Card(rehearse=True) as c:
            c.enrol("daemon", 1)
            self.assertEqual(inline(c.m, DAEMON, WRONG).json["reason"], "wrong")
            for _ in range(3):
                answer = inline(c.m, DAEMON, PIN)
                self.assertEqual((answer.status, answer.json["error"], answer.json["retry_after"]),
                                 (429, "slow_down", 60), answer)
            c.m.clock.advance(61)
            answer = inline(c.m, DAEMON, PIN)
            self.assertEqual((answer.json["error"], answer.json["reason"], answer.json["tries_left"]),
                             ("pin_required", "seat", 2), answer)
            raw(c.socket, ("verify", PIN))	# three again, by another program
            self.assertEqual(inline(c.m, DAEMON, PIN).status, 200)
            self.assertEqual(inline(c.m, DAEMON, "654322").json["reason"], "wrong")
            raw(c.socket, ("verify", PIN))
            self.assertEqual(inline(c.m, DAEMON, PIN).json["retry_after"], 120, "doubled")

    def test_thousand_wrong_pins(self):
        """Four users send a thousand at once; two tries are left, and the owner logs in."""
        with seated({0: "seat0", DAEMON: "none", BIN: "remote"}), Card() as c:
            for user, key in (("daemon", 1), ("bin", 2), ("games", 4)):
                self.assertEqual(c.enrol(user, key)[0].status, 201)

            def hammer(uid):
                said, rnd = {}, random.Random(uid)
                for _ in range(250):
                    pin = "%06d" % rnd.randrange(200000, 10**6)
                    answer = harness.one_request(c.m.api, "POST", "/token", form={**FORM, "pin": pin})
                    name = answer.json["error"]
                    said[name] = said.get(name, 0) + 1
                return said
            uids = (DAEMON, BIN, GAMES, DAEMON)
            jobs = [harness.Job(uid, hammer, uid + 10 * i) for i, uid in enumerate(uids)]
            least = 3
            said = []
            for job in jobs:
                said.append(job.result(150))
                least = min(least, c.tries())
            self.assertEqual(least, 2, said)
            self.assertEqual(sum(sum(s.values()) for s in said), 1000)
            self.assertLessEqual({k for s in said for k in s}, {"pin_required", "slow_down"}, said)
            with seated({DAEMON: "seat0"}):
                answer, prompts = c.m.answering(PIN, "POST", "/token", uid=DAEMON, form=FORM)
                self.assertEqual((answer.status, prompts[0]["confirm"]), (200, 2), answer)
            self.assertEqual(c.tries(), 3)

    def test_hang_up_counts(self):
        """Who sends a PIN and goes before it was refused does not escape the wait."""
        with seated({0: "seat0"}), Card() as c:
            c.enrol("daemon", 1)
            c.ask("delay", "50")

            job = harness.Job(DAEMON, inline, c.m, DAEMON, WRONG)
            harness.until(lambda: "pin 2 of 3" in c.ask("pin-tries"), 30, what="the try")
            os.kill(job.pid, signal.SIGKILL)
            with self.assertRaises(Exception):
                job.result(20)
            c.ask("delay", "0")
            raw(c.socket, ("verify", PIN))	# three again
            answer = inline(c.m, DAEMON, PIN)
            self.assertEqual(answer.json["error"], "slow_down", answer)


class NewPin(unittest.TestCase):
    def change(self, m, answers, operation="change", uid=DAEMON, device=None):
        if device is None:
            device = m.request("GET", "/devices", uid=uid).json["devices"][0]["id"]
        return m.answering(answers, "POST", "/devices/%s/pin" % device, uid=uid,
                           json={"operation": operation})

    def test_change_and_unblock(self):
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            c.enrol("daemon", 1)
            answer, prompts = self.change(c.m, [PIN, "246802", "246802"])
            self.assertEqual((answer.status, answer.json.get("pin_default")), (200, None), answer)
            self.assertEqual([(p["purpose"], p["ask"], p["tries_left"], p["most"]) for p in prompts],
                             [("pin-change", "pin", 3, None), ("pin-change", "new-pin", None, 8),
                              ("pin-change", "new-pin-again", None, 8)])
            self.assertEqual(inline(c.m, DAEMON, PIN).json["reason"], "wrong")
            answer, _ = c.m.answering("246802", "POST", "/token", uid=DAEMON, form=FORM)
            self.assertNotIn("pin_default", answer.json, answer)
            for wrong in ("111111", "222222", "333333"):	# another program locks it
                raw(c.socket, ("verify", wrong))
            self.assertEqual(c.tries(), 0)
            answer, prompts = c.m.answering("246802", "POST", "/token", uid=DAEMON, form=FORM)
            self.assertEqual((answer.json["error"], prompts), ("pin_locked", []), answer)
            answer, _ = self.change(c.m, ["246802", "135790", "135790"])
            self.assertEqual(answer.json["error"], "pin_locked", answer)
            answer, prompts = self.change(c.m, [pivcard.PUK, PIN, PIN], "unblock")
            self.assertEqual((answer.status, answer.json["pin_default"]), (200, True), answer)
            self.assertEqual([p["ask"] for p in prompts], ["puk", "new-pin", "new-pin-again"])
            self.assertEqual(c.tries(), 3)
            self.assertEqual(inline(c.m, DAEMON, PIN).status, 200, "one that was refused before")
            harness.until(lambda: [(line["event"], line["verdict"]) for line in audited(c.m)
                                   if line["event"].startswith("pin-")] ==
                          [("pin-changed", "ok"), ("pin-unblocked", "ok")], what="the audit log")

    def test_refusals(self):
        rows = [
            ("a wrong PIN", [WRONG, "246802", "246802"], "change", 401, "pin_required", 2),
            ("not the same twice", [PIN, "246802", "246803"], "change", 400, "invalid_request", 3),
            ("too short", [PIN, "123"], "change", 400, "invalid_request", 3),
            ("too long", [PIN, "123456789"], "change", 400, "invalid_request", 3),
            ("too short for PIV", [pivcard.PUK, "12345", "12345"], "unblock", 400, "invalid_request", 3),
            ("no digits", [pivcard.PUK, "abcdefg", "abcdefg"], "unblock", 400, "invalid_request", 3),
            ("cancelled", [PIN, None], "change", 409, "cancelled", 3),
            ("a wrong PUK", ["87654321", "246802", "246802"], "unblock", 401, "pin_required", 3),
            ("that PUK again", ["87654321", "246802", "246802"], "unblock", 401, "pin_required", 3),
            ("no such operation", [], "reset", 400, "invalid_request", 3),
        ]
        with seated({DAEMON: "seat0", BIN: "remote"}), Card() as c:
            for name, answers, operation, status, error, tries in rows:
                with self.subTest(name):
                    answer, _ = self.change(c.m, answers, operation)
                    self.assertEqual((answer.status, answer.json["error"], c.tries()),
                                     (status, error, tries), answer)
                    raw(c.socket, ("verify", PIN))	# three again
            self.assertEqual(c.tries("puk"), 2, "one wrong one was sent, once")
            answer, prompts = self.change(c.m, [pivcard.PUK, PIN, PIN], "unblock")
            self.assertEqual((answer.status, prompts[0]["confirm"]), (200, 2), answer)
            answer, prompts = self.change(c.m, [PIN, "246802", "246802"], uid=BIN)
            self.assertEqual((answer.json["reason"], prompts), ("seat", []), answer)
            answer, _ = self.change(c.m, [], device="0" * 16)
            self.assertEqual((answer.status, answer.json["error"]), (404, "device_not_found"))

    def test_command(self):
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            device = c.m.request("GET", "/devices").json["devices"][0]
            for uri, new in (("pkcs11:token=card;serial=%s;id=%%01" % device["serial"], "246802"),
                             (device["id"], PIN)):
                ran = c.m.tessera("device", "pin", "change", "--device", uri, uid=DAEMON,
                                  pin="\n".join([PIN if new != PIN else "246802", new, new]))
                self.assertEqual((ran.status, ran.out), (0, "The PIN is changed.\n"), ran)
                self.assertEqual("everybody knows" in ran.err, new == PIN, ran)
            for status, words in ((6, ("change", "--device", "pkcs11:token=other")),
                                  (2, ("reset", "--device", device["id"])), (2, ("change",))):
                self.assertEqual(c.m.tessera("device", "pin", *words, uid=DAEMON).status, status)


class Signing(unittest.TestCase):
    def test_key_that_wants_the_pin_each_time(self):
        """PIV 9C: enrolled and logged in with, a PIN once for each."""
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            answer, prompts = c.enrol("daemon", 2)
            self.assertEqual((answer.status, len(prompts)), (201, 1), answer)
            for _ in range(2):
                answer, prompts = c.m.answering(PIN, "POST", "/token", uid=DAEMON, form=FORM)
                self.assertEqual((answer.status, len(prompts)), (200, 1), answer)
            self.assertEqual(inline(c.m, DAEMON, PIN).status, 200)
            self.assertEqual(inline(c.m, DAEMON, WRONG).json["reason"], "wrong")
            self.assertEqual(c.tries(), 2)

    def test_card_is_closed_afterwards(self):
        """Another program that asks right after is told that no PIN was given."""
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            self.assertEqual(raw(c.socket, ("verify", PIN), ("sign",)), [0x9000, 0x9000],
                             "the other program can sign, if it has the PIN")
            c.enrol("daemon", 1)
            for pin, status in ((PIN, 200), (WRONG, 401)):
                self.assertEqual(inline(c.m, DAEMON, pin).status, status)
                self.assertEqual(raw(c.socket, ("sign",)), [SECURITY_NOT_SATISFIED], pin)

    def test_card_is_closed_after_a_death(self):
        """The worker is killed between login and signature."""
        with seated({DAEMON: "seat0", 0: "seat0"}), Card() as c:
            c.enrol("daemon", 1)
            self.assertEqual(inline(c.m, DAEMON, PIN).status, 200)	# it is warm now
            c.ask("delay", "50")
            job = harness.Job(DAEMON, inline, c.m, DAEMON, PIN)
            c.ask("wait-for-apdu", "87")
            for pid in harness.processes_of(c.m.folder):
                try:
                    with open("/proc/%d/comm" % pid, encoding="ascii") as f:
                        if pid != c.m.process.pid and "pkcs11" in f.read():
                            os.kill(pid, signal.SIGKILL)
                except (FileNotFoundError, ProcessLookupError):
                    pass
            self.assertEqual(job.result(60).status, 503)
            c.ask("delay", "0")
            harness.until(lambda: self.sign(c) == [SECURITY_NOT_SATISFIED], 20, what="a closed card")
            # one that nobody knows the end of counts nothing on the card
            self.assertEqual(c.tries(), 3)

    @staticmethod
    def sign(c):
        try:
            return raw(c.socket, ("sign",))
        except OSError:			# the card is being reset
            return None


class Pad(unittest.TestCase):
    def test_reader_with_a_pin_pad(self):
        """No PIN is asked for; the prompt says where to enter it, and ends by itself."""
        with harness.Machine(start=False) as m:
            path = m.folder + "/evil.so"
            with open(EVIL, "rb") as f, open(path, "wb") as g:
                g.write(f.read())
            os.chmod(path, 0o644)
            m.modules = {"evil": {"path": path, "environment": ["EVIL=pin-pad"]}}
            m.write_conf()
            m.start()

            def ask():
                with harness.Events(m.api, "self", 60) as events, harness.Client(m.admin, 60) as c:
                    events.next("ready")
                    c.send(harness.request_bytes("POST", "/admin/credentials", None, {
                        "kind": "pkcs11", "subject": "daemon", "device": "pkcs11:token=evil"}, None))
                    prompt = events.next("pin-needed")[1]
                    ended = events.next("prompt-ended")[1]
                    return prompt, ended, c.answer()
            prompt, ended, answer = ask()
            self.assertEqual((prompt["pin_pad"], prompt["confirm"]), (True, None))
            self.assertEqual(ended["prompt"], prompt["prompt"])
            self.assertEqual(answer.json["error"], "invalid_grant", "it was tried, and signed rubbish")


if __name__ == "__main__":
    pivcard.own_mounts()
    harness.main()

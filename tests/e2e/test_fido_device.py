# SPDX-License-Identifier: ISC
"""FIDO2 keys as devices: listed, shown, their PINs set and changed; doctor."""
import json
import unittest

import harness
from fidobed import Bed, ask, enrol
from harness import BIN, DAEMON
from test_fido import Later
from test_pin import audited

AAGUID = "00112233445566778899aabbccddeeff"


def fido_devices(m, **more):
    answer = m.request("GET", "/devices", **more)
    return [d for d in answer.json["devices"] if d["kind"] == "fido"]


def by_id(devices):
    return sorted(devices, key=lambda d: d["id"])


def change(m, operation, pins, uid=DAEMON, device=None):
    """(Answer, prompts) of one for the only key."""
    device = device or fido_devices(m)[0]["id"]
    return m.answering(list(pins), "POST", "/devices/%s/pin" % device, uid=uid,
                       json={"operation": operation})


class Shown(unittest.TestCase):
    def test_list_and_show(self):
        with Bed(2, "aaguid=" + AAGUID, "resident=7") as (m, keys):
            keys[1].set("pin=1234", "uv=ok")
            devices = fido_devices(m)
            self.assertEqual(len(devices), 2)
            plain = next(d for d in devices if not d["pin_set"])
            guarded = next(d for d in devices if d["pin_set"])
            self.assertEqual((plain["pin"], plain["state"], plain["pin_tries"], plain["uv_tries"],
                              plain["resident_left"], plain["aaguid"]),
                             ("unset", "ready", None, None, 7, "00112233-4455-6677-8899-aabbccddeeff"))
            self.assertEqual((guarded["pin"], guarded["pin_tries"], guarded["uv_set"]), ("ok", 8, True))
            self.assertIn("FIDO_2_1", plain["versions"])
            self.assertIn("rk", plain["options"])
            self.assertRegex(plain["node"], "^/dev/hidraw[0-9]+$")
            self.assertNotIn("keys", guarded)
            self.assertEqual(by_id(fido_devices(m, uid=DAEMON)), by_id(devices))
            admin = [d for d in m.request("GET", "/admin/devices", admin=True).json["devices"]
                     if d["kind"] == "fido"]
            self.assertEqual(by_id(admin), by_id(devices))
            table = m.tessera("device", "list", check=True).out
            for d in devices:
                self.assertIn(d["id"], table)
            shown = m.tessera("device", "show", guarded["id"], check=True).out
            for text in ("AAGUID:", "00112233-4455-6677", "FIDO_2_1", "PIN tries:    8 left", "UV tries:",
                         "resident:     7 more"):
                self.assertIn(text, shown)
            shown = m.tessera("device", "show", plain["id"], check=True).out
            self.assertIn('not set: "tessera device pin set"', shown)
            self.assertEqual(json.loads(m.tessera("device", "show", plain["id"], "--json", check=True).out),
                             plain)
            ran = m.tessera("device", "show", "fido-000000000000")
            self.assertEqual(ran.status, 6, ran)
            self.assertIn("tessera device list", ran.err)
            self.assertIn("security key", m.tessera("device", "list", "--keys", check=True).out)
            self.assertIn("security key /dev/hidraw", m.tessera("status", check=True).out)

    def test_busy_while_a_touch_is_waited_for(self):
        """The listing does not wait for the touch, and the touch is not lost by it."""
        with Bed(1) as (m, keys):
            answer, _ = enrol(m)
            self.assertEqual(answer.status, 201, answer)
            keys[0].set("touch=manual")
            touched = keys[0].expect("touch")
            job = Later(ask, m)
            touched()
            busy = fido_devices(m, uid=BIN)
            self.assertEqual([(d["state"], d["pin"]) for d in busy], [("busy", "unknown")])
            answer, _ = change(m, "set", ["4711", "4711"], device=busy[0]["id"])
            self.assertEqual((answer.status, answer.json["error"]), (409, "device_busy"), answer)
            keys[0].ctl("touch")
            self.assertEqual(job.result()[0].status, 200)
            self.assertEqual(fido_devices(m)[0]["state"], "ready")

    def test_unplugged(self):
        with Bed(1) as (m, keys):
            first = fido_devices(m)[0]["id"]
            keys[0].ctl("unplug")
            harness.until(lambda: fido_devices(m) == [], what="the key's end")
            answer, _ = change(m, "set", [], device=first)
            self.assertEqual((answer.status, answer.json["error"]), (404, "device_not_found"), answer)
            keys[0].ctl("plug")
            harness.until(lambda: len(fido_devices(m)) == 1, what="the key")
            self.assertNotEqual(fido_devices(m)[0]["id"], first)

    def test_many_at_once(self):
        """Each is told, and few processes ask."""
        with Bed(1) as (m, keys):
            jobs = [Later(fido_devices, m, uid=uid) for uid in (DAEMON, BIN) for _ in range(6)]
            self.assertEqual([len(j.result()) for j in jobs], [1] * 12)


class Pin(unittest.TestCase):
    def test_set_and_change(self):
        with Bed(1) as (m, keys):
            answer, prompts = change(m, "change", [])
            self.assertEqual((answer.status, answer.json["error"], answer.json["reason"], prompts),
                             (401, "pin_required", "unset", []), answer)
            self.assertIn("device pin set", answer.json["error_description"])
            answer, prompts = change(m, "set", ["4711", "4711"])
            self.assertEqual((answer.status, answer.json["operation"]), (200, "set"), answer)
            self.assertEqual([(p["ask"], p["purpose"], p["device"]["kind"], p["least"]) for p in prompts],
                             [("new-pin", "pin-set", "fido", 4), ("new-pin-again", "pin-set", "fido", 4)])
            self.assertTrue(fido_devices(m)[0]["pin_set"])
            answer, prompts = change(m, "set", ["0815", "0815"])
            self.assertEqual((answer.status, answer.json["error"], prompts), (409, "conflict", []), answer)
            answer, prompts = change(m, "change", ["4711", "081500", "081500"])
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual([(p["ask"], p["tries_left"]) for p in prompts],
                             [("pin", 8), ("new-pin", None), ("new-pin-again", None)])
            self.assertEqual(enrol(m, pins=["081500"], uv="required")[0].status, 201)
            harness.until(lambda: [line["event"] for line in audited(m) if line["event"].startswith("pin-")
                                   and "verdict" in line] == ["pin-set", "pin-changed"], what="the audit log")

    def test_wrong_old_pin(self):
        """One try is spent, and told; the same one is not tried again; after three in a
        row the key has to be unplugged."""
        with Bed(1, "pin=1234") as (m, keys):
            answer, prompts = change(m, "change", ["9999", "4711", "4711"])
            self.assertEqual((answer.status, answer.json["error"], answer.json["tries_left"], len(prompts)),
                             (401, "pin_required", 7, 3), answer)
            self.assertEqual(answer.json["error_description"], "the key refused the PIN, 7 tries are left")
            answer, prompts = change(m, "change", ["9999", "4711", "4711"])
            self.assertEqual((answer.status, prompts[0]["tries_left"]), (401, 7), answer)
            self.assertIn("refused this PIN before", answer.json["error_description"])
            self.assertEqual(fido_devices(m)[0]["pin_tries"], 7, "no try was spent")
            for pin in ("8888", "7777"):
                answer, _ = change(m, "change", [pin, "4711", "4711"])
            self.assertIn("unplug the key and plug it in again", answer.json["error_description"])
            keys[0].ctl("unplug")
            harness.until(lambda: fido_devices(m) == [], what="the key's end")
            keys[0].ctl("plug")
            harness.until(lambda: len(fido_devices(m)) == 1, what="the key")
            self.assertEqual(change(m, "change", ["1234", "4711", "4711"])[0].status, 200)
            self.assertEqual(fido_devices(m)[0]["pin_tries"], 8)

    def test_new_one_is_checked_before_the_old_is_spent(self):
        with Bed(1, "pin=1234") as (m, keys):
            for new in ("123", "1" * 64):
                answer, prompts = change(m, "change", ["9999", new, new])
                self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_request"), answer)
                self.assertEqual([p["ask"] for p in prompts], ["pin", "new-pin"])
                self.assertIn("4 to 63", answer.json["error_description"])
            answer, _ = change(m, "change", ["9999", "4711", "4712"])
            self.assertIn("not the same", answer.json["error_description"])
            self.assertEqual(fido_devices(m)[0]["pin_tries"], 8)

    def test_known_to_be_wrong_and_then_made_right(self):
        """A PIN that was refused at a login is right once the key's PIN became it."""
        with Bed(1, "pin=1234") as (m, keys):
            self.assertEqual(enrol(m, pins=["1234"], uv="required")[0].status, 201)
            self.assertEqual(ask(m, pins=["4711", "1234"])[0].status, 200)
            self.assertEqual(change(m, "change", ["1234", "4711", "4711"])[0].status, 200)
            answer, prompts = ask(m, pins=["4711"], audience="fresh")
            self.assertEqual((answer.status, len(prompts)), (200, 1), answer)

    def test_unblock_and_few_tries(self):
        with Bed(1, "pin=1234", "pin-tries=2") as (m, keys):
            device = fido_devices(m)[0]
            self.assertEqual((device["pin"], device["pin_tries"]), ("low", 2))
            answer, prompts = change(m, "unblock", [])
            self.assertEqual((answer.status, prompts), (409, []), answer)
            self.assertIn("reset", answer.json["error_description"])
            ran = m.tessera("device", "pin", "change", "--device", device["id"], uid=DAEMON,
                            pin="1234\n4711\n4711")
            self.assertNotEqual(ran.status, 0, "few tries are for a person")
            self.assertEqual(fido_devices(m)[0]["pin_tries"], 2)
            answer, prompts = change(m, "change", ["1234", "4711", "4711"])
            self.assertEqual((answer.status, prompts[0]["confirm"]), (200, 2), answer)

    def test_command(self):
        with Bed(1) as (m, keys):
            device = fido_devices(m)[0]["id"]
            ran = m.tessera("device", "pin", "set", "--device", device, uid=DAEMON, pin="4711\n4711")
            self.assertEqual((ran.status, ran.out), (0, "The PIN is set.\n"), ran)
            ran = m.tessera("device", "pin", "change", "--device", device, uid=DAEMON,
                            pin="4711\n0815\n0815")
            self.assertEqual((ran.status, ran.out), (0, "The PIN is changed.\n"), ran)
            ran = m.tessera("device", "pin", "frob", "--device", device, uid=DAEMON)
            self.assertEqual(ran.status, 2, ran)


class NoKey(unittest.TestCase):
    def test_nobody_is_not_enrolled(self):
        """The uid that stands for all that the kernel does not know."""
        with harness.Machine() as m:
            for argv, more in ((("enroll", "fido"), {}), (("enroll", "code"), {}),
                               (("enroll", "pkcs11", "--device", "pkcs11:id=%01"), {"pin": "1234"}),
                               (("enroll", "totp", "--yes"), {"secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"})):
                with self.subTest(argv):
                    ran = m.tessera(*argv, "--user", "nobody", **more)
                    self.assertNotEqual(ran.status, 0)
                    self.assertIn("nobody is enrolled under it", ran.err)

    def test_tries_that_are_not_counted(self):
        """No warning of few tries where a module never locks a PIN."""
        with harness.Machine() as m:
            m.make_token("card", "1234", ["p256"])
            uri = "pkcs11:token=card;object=p256"
            answer, _ = m.answering(["0000", "0001"], "POST", "/admin/credentials", admin=True,
                                    json={"kind": "pkcs11", "subject": "daemon", "device": uri})
            self.assertEqual((answer.status, answer.json.get("reason")), (401, "wrong"), answer)
            self.assertEqual([d["pin"] for d in m.request("GET", "/devices").json["devices"]], ["ok"])

    def test_nobody_listens(self):
        """Cards are listed all the same, and why there are no keys is said."""
        with harness.Machine(settings={"fido": {"socket": "/run/tessera-nobody/s"}}) as m:
            answer = m.request("GET", "/devices")
            self.assertEqual(answer.status, 200, answer)
            errors = [e for e in answer.json["errors"] if e.get("kind") == "fido"]
            self.assertEqual([e["error"] for e in errors], ["temporarily_unavailable"], answer)
            self.assertIn("fido { socket }", errors[0]["error_description"])
            ran = m.tessera("device", "list")
            self.assertIn("FIDO2 keys failed", ran.err)


if __name__ == "__main__":
    harness.main()

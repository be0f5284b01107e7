# SPDX-License-Identifier: ISC
"""FIDO2 keys: enrolled, touched, verified; and what is refused."""
import os
import random
import select
import time
import unittest

import harness
from fidobed import Bed, Later, ask, enrol
from harness import BIN, DAEMON, DEVICE_GRANT
from process import as_user, until
from terminal import Terminal
from wire import Client, Events, request_bytes


class Fido(unittest.TestCase):
    def enrolled(self, m, **more):
        answer, prompts = enrol(m, **more)
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def test_enrol_and_login(self):
        with Bed(1) as (m, keys):
            c = self.enrolled(m)
            self.assertEqual((c["kind"], c["acr"], c["subject"], c["label"]),
                             ("fido", "software", "daemon", "key"))
            answer, prompts = ask(m)
            self.assertEqual((answer.status, prompts), (200, []), answer)
            again, _ = enrol(m)
            self.assertEqual((again.status, again.json["error"]), (409, "conflict"), again)
            self.assertEqual(ask(m, uid=BIN)[0].json["error"], "device_not_found")
            listed = m.request("GET", "/credentials", uid=DAEMON).json["credentials"]
            self.assertEqual([x["id"] for x in listed], [c["id"]])

    def test_own_enrolment(self):
        """The first with an administrator's code, the next by a touch of the first: a
        resident one, and never stronger than what vouched."""
        with Bed(2, "touch=never", "attestation=packed") as (m, keys):
            own = {"kind": "fido", "label": "second", "resident": True, "uv": "preferred"}
            answer = m.answering([], "POST", "/credentials", uid=DAEMON, json=own)[0]
            self.assertEqual((answer.status, answer.json["error"]), (401, "step_up_required"), answer)
            code = m.tessera("enroll", "code", "--user", "daemon", "--json", check=True).json["code"]
            keys[0].set("touch=auto")
            first = m.tessera("enroll", "fido", "--code", code, "--label", "first", "--json",
                              uid=DAEMON, check=True).json
            self.assertEqual((first["subject"], first["label"], first["acr"]),
                             ("daemon", "first", "software"))
            answer = m.answering([], "POST", "/credentials", uid=DAEMON, json={**own, "code": code})[0]
            self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_grant"), answer)
            for key in keys:
                key.set("touch=manual")
            vouching = keys[0].expect("touch")
            job = Later(m.answering, [], "POST", "/credentials", uid=DAEMON, json=own)
            vouching()
            choosing, dark = [key.expect("touch") for key in keys], keys[0].expect("cancel")
            keys[0].ctl("touch")
            for which in choosing:		# both blink: which one it shall be
                which()
            making = keys[1].expect("touch")
            keys[1].ctl("touch")
            making()
            dark()
            keys[1].set("touch=auto")
            keys[1].ctl("touch")
            answer = job.result()[0]
            self.assertEqual((answer.status, answer.json["acr"]), (201, "software"), answer)
            dark()
            self.assertEqual([key.status()["resident"] for key in keys], ["0", "1"])
            keys[0].ctl("unplug")
            self.assertEqual(ask(m)[0].status, 200)

    def test_strength(self):
        with Bed(1, "attestation=packed", state=True) as (m, keys):
            rows = [("vouched", {"vouch": "hardware"}, "hardware"),
                    ("maker unknown", {"attestation": "direct"}, "software"),
                    ("vouched, person not verified each time", {"vouch": "hardware-pin"}, "hardware")]
            for name, more, acr in rows:
                with self.subTest(name):
                    c = self.enrolled(m, **more)
                    self.assertEqual(c["acr"], acr)
                    m.tessera("credential", "remove", c["id"], "--force", check=True)
            keys[0].set("algorithms=eddsa")	# the other one
            self.enrolled(m)
            self.assertEqual(ask(m)[0].status, 200)

    def test_maker_and_make(self):
        """A maker whose root is configured makes it hardware; a make that is not
        listed, and one that nobody has signed, are refused."""
        with Bed(1, "attestation=packed", "uv=ok", "aaguid=00112233445566778899aabbccddeeff",
                 state=True) as (m, keys):
            root = m.folder + "/makers.pem"
            fido = m.settings["fido"]

            def reload(**more):
                for name, value in more.items():
                    fido[name.replace("_", "-")] = value
                m.write_conf()
                count = m.log().count("read again")
                m.signal(harness.signal.SIGHUP)
                harness.until(lambda: m.log().count("read again") > count, what="the reload")

            self.assertEqual(self.enrolled(m, attestation="direct")["acr"], "software")
            with open(keys[0].state + "/attestation-ca.pem") as f, open(root, "w") as to:
                to.write(f.read())
            for c in m.request("GET", "/credentials", uid=DAEMON).json["credentials"]:
                m.tessera("credential", "remove", c["id"], "--force", check=True)
            m.stop()		# where it is confined it reads the files of its start
            fido["attestation-roots"] = [root]
            m.write_conf()
            m.start()
            c = self.enrolled(m, uv="required")
            self.assertEqual(c["acr"], "hardware-pin")
            m.tessera("credential", "remove", c["id"], "--force", check=True)
            reload(aaguids=["ffffffff-4455-6677-8899-aabbccddeeff"])
            answer, _ = enrol(m)
            self.assertEqual((answer.status, answer.json["error"]), (409, "conflict"), answer)
            reload(aaguids=["00112233-4455-6677-8899-aabbccddeeff"])
            c = self.enrolled(m)
            self.assertEqual(c["acr"], "hardware")
            m.tessera("credential", "remove", c["id"], "--force", check=True)
            answer, _ = enrol(m, attestation="none")
            self.assertEqual((answer.status, answer.json["error"]), (409, "conflict"), answer)

    def test_spare_and_foreign_key(self):
        with Bed(3, "touch=never") as (m, keys):
            def hand(n):
                for i, key in enumerate(keys):
                    key.set("touch=" + ("auto" if i == n else "never"))
            # several are plugged in: the one that is touched
            ids = []
            for n, label in enumerate(["first", "spare"]):
                hand(n)
                ids.append(self.enrolled(m, label=label)["id"])
            for key in keys[:2]:
                key.set("touch=manual")
            for n in (0, 1):
                blinking = [key.expect("touch") for key in keys[:2]]
                dark = keys[1 - n].expect("cancel")
                job = Later(ask, m)
                for blinks in blinking:
                    blinks()
                keys[n].ctl("touch")
                self.assertEqual(job.result()[0].status, 200)
                dark()				# the other one blinks no more
                sessions = m.request("GET", "/session", uid=DAEMON).json["sessions"]
                self.assertEqual([x["credential"] for x in sessions], [ids[n]])
                m.request("DELETE", "/session", uid=DAEMON)
            # a foreign key stays dark
            dark = keys[2].ctl("count", "touch")
            hand(2)
            for key in keys[:2]:
                key.ctl("unplug")
            until(lambda: ask(m)[0].json["error"] == "device_not_found", what="the keys' end")
            answer = ask(m)[0]
            self.assertEqual(answer.status, 404, answer)
            self.assertIn("plug in", answer.json["error_description"])
            self.assertEqual(keys[2].ctl("count", "touch"), dark)

    def test_seen_before_it_is_felt(self):
        """touch-needed says who asks, and comes before the key blinks."""
        with Bed(1, "touch=manual") as (m, keys):
            keys[0].set("touch=auto")
            self.enrolled(m)
            keys[0].set("touch=manual")

            def run():
                with Events(m.api, None, 60.0) as events, Client(m.api, 60.0) as c:
                    events.next("ready")
                    c.send(request_bytes("POST", "/token", form={
                        "grant_type": DEVICE_GRANT, "audience": "demo"}))
                    name, needed = events.next("touch-needed")
                    told = time.monotonic()
                    name, done = events.next("touch-done")
                    return [told, needed, done, c.answer().status]
            touched = keys[0].expect("touch")
            job = Later(as_user, DAEMON, run)
            touched()
            blinks = time.monotonic()
            keys[0].ctl("touch")
            told, needed, done, status = job.result()
            self.assertLess(told, blinks)
            self.assertEqual(status, 200)
            self.assertEqual((needed["purpose"], needed["subject"], needed["audience"],
                              needed["label"], needed["seconds_left"]),
                             ("login", "daemon", "demo", "key", 30))
            self.assertEqual(needed["requester"]["uid"], DAEMON)
            self.assertEqual(done, {"touch": needed["touch"], "result": "touched"})

    def test_clone(self):
        """A counter that goes back suspends the credential, and says so."""
        with Bed(1) as (m, keys):
            c = self.enrolled(m)
            self.assertEqual(ask(m)[0].status, 200)
            keys[0].set("fault=counter-back+")

            def run():
                with Events(m.api, None, 60.0) as events, Client(m.api, 60.0) as conn:
                    events.next("ready")
                    conn.send(request_bytes("POST", "/token", form={
                        "grant_type": DEVICE_GRANT, "audience": "fresh"}))
                    told = events.next("misuse")[1]
                    name, data = events.next("credential-suspended")
                    answer = conn.answer()
                    return [told, data, answer.status, answer.json]
            told, data, status, body = as_user(DAEMON, run)
            self.assertEqual((told["kind"], told["by"]), ("clone", DAEMON))
            self.assertIn('tessera_misuse_total{kind="clone"} 1\n',
                          m.request("GET", "/metrics", uid=0).body.decode())
            self.assertEqual(data, {"id": c["id"], "reason": "clone"})
            self.assertEqual((status, body["error"]), (403, "unauthorized_client"), body)
            self.assertIn("copy", body["error_description"])
            self.assertEqual(ask(m)[0].json["error"], "device_not_found")
            shown = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]
            self.assertEqual(shown["state"], "suspended")
            self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
            until(lambda: '"event":"clone"' in self.audit(m), what="the line")
            keys[0].set("fault=none")
            m.tessera("credential", "enable", c["id"], check=True)
            self.assertEqual(ask(m)[0].status, 200)

    def test_false_answers(self):
        with Bed(1) as (m, keys):
            self.enrolled(m)
            for fault, errors in [("bad-signature", ("invalid_grant",)),
                                  ("up-clear", ("unauthorized_client", "invalid_grant",
                                                "temporarily_unavailable")),
                                  ("wrong-rp", ("unauthorized_client", "invalid_grant",
                                                "temporarily_unavailable"))]:
                with self.subTest(fault):
                    keys[0].set("fault=%s+" % fault)
                    answer = ask(m)[0]
                    self.assertNotEqual(answer.status, 200)
                    self.assertIn(answer.json["error"], errors, answer)
                    keys[0].set("fault=none")
            self.assertEqual(ask(m)[0].status, 200)

    def test_unplugged_while_it_waits(self):
        with Bed(1, "touch=manual") as (m, keys):
            keys[0].set("touch=auto")
            self.enrolled(m)
            keys[0].set("touch=manual")
            touched = keys[0].expect("touch")
            job = Later(ask, m)
            touched()
            keys[0].ctl("unplug")
            answer = job.result(20.0)[0]
            self.assertEqual((answer.status, answer.json["error"]), (409, "device_removed"), answer)

    def test_nobody_touches(self):
        """The key's own time-out; ours is told by fido_call's test."""
        with Bed(1) as (m, keys):
            self.enrolled(m)
            keys[0].set("touch=never", "timeout=300")
            answer = ask(m)[0]
            self.assertEqual((answer.status, answer.json["error"]), (408, "touch_timeout"), answer)

    def test_caller_vanishes(self):
        """Who goes takes his request with him: the key blinks no more, and the next
        request has its turn at once."""
        with Bed(1, "touch=manual") as (m, keys):
            keys[0].set("touch=auto")
            self.enrolled(m)
            keys[0].set("touch=manual")
            touched, cancelled = keys[0].expect("touch"), keys[0].expect("cancel")

            read, write = os.pipe()

            def run():
                with Client(m.api, 60.0) as c:
                    c.send(request_bytes("POST", "/token", form={
                        "grant_type": DEVICE_GRANT, "audience": "demo"}))
                    os.read(read, 1)
            job = Later(as_user, DAEMON, run)
            touched()
            os.write(write, b"x")
            job.result()
            os.close(read)
            os.close(write)
            cancelled()
            keys[0].set("touch=auto")
            self.assertEqual(ask(m)[0].status, 200)

    def test_person_is_verified(self):
        with Bed(1, "pin=1234") as (m, keys):
            answer, prompts = enrol(m, pins=["1234"], uv="required", vouch="hardware-pin")
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual((len(prompts), prompts[0]["tries_left"], prompts[0]["device"]["kind"]),
                             (1, 8, "fido"))
            self.assertEqual(answer.json["acr"], "hardware-pin")
            answer, prompts = ask(m, pins=["1234"], audience="strict")
            self.assertEqual((answer.status, len(prompts)), (200, 1), answer)
            # one that was mistyped, then right: tries left are shown
            answer, prompts = ask(m, pins=["4321", "1234"])
            self.assertEqual((answer.status, [p["tries_left"] for p in prompts]), (200, [8, 7]), answer)
            answer, prompts = ask(m, pins=[None])
            self.assertEqual((answer.status, answer.json["error"]), (409, "cancelled"), answer)
            # nobody to ask
            answer = m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "demo"})
            self.assertEqual((answer.status, answer.json["error"]), (401, "pin_required"), answer)

    def test_key_without_pin(self):
        with Bed(1) as (m, keys):
            answer, _ = enrol(m, uv="required")
            self.assertEqual((answer.status, answer.json["error"], answer.json["reason"]),
                             (401, "pin_required", "unset"), answer)
            self.assertIn("tessera device pin set", answer.json["error_description"])

    def refused(self, asked, status, error, reason, words, tries=None):
        answer = asked[0]
        self.assertEqual((answer.status, answer.json["error"], answer.json.get("reason"),
                          answer.json.get("tries_left")), (status, error, reason, tries), answer)
        self.assertIn(words, answer.json["error_description"])

    def test_states_of_a_pin(self):
        """What is the matter is said in words, and what to do."""
        with Bed(1, "pin=2580") as (m, keys):
            answer, _ = enrol(m, pins=["2580"], uv="required")
            self.assertEqual(answer.status, 201, answer)
            self.refused(ask(m, pins=["1111", "2222"]), 401, "pin_required", "wrong", "PIN", 6)
            # the third in a row; from then on the right one, too
            self.refused(ask(m, pins=["3333"]), 401, "pin_locked", "replug", "plug it in again")
            self.refused(ask(m, pins=["2580"]), 401, "pin_locked", "replug", "plug it in again")
            keys[0].ctl("unplug")
            keys[0].ctl("plug")
            until(lambda: self.there(m, keys), 60, what="the key to be back")
            answer, prompts = ask(m, pins=["2580"])
            self.assertEqual((answer.status, [p["tries_left"] for p in prompts]), (200, [5]), answer)
            keys[0].set("pin-tries=0")
            self.refused(ask(m, pins=["2580"]), 401, "pin_locked", None, "has to be reset")

    def there(self, m, keys):
        """A silent look finds it again: nobody answers the prompt."""
        return m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": DEVICE_GRANT, "audience": "demo"}).json["error"] == "pin_required"

    def test_built_in_verification(self):
        """A finger is its own PIN, until the key wants its PIN."""
        with Bed(1, "uv=ok", "pin=2580") as (m, keys):
            answer, prompts = enrol(m, uv="required", vouch="hardware-pin")
            self.assertEqual((answer.status, prompts), (201, []), answer)
            answer, prompts = ask(m, audience="strict")
            self.assertEqual((answer.status, prompts), (200, []), answer)
            keys[0].set("uv=fail", "uv-tries=1")
            answer, _ = ask(m)
            self.assertEqual((answer.status, answer.json["error"]), (401, "pin_required"), answer)
            answer, prompts = ask(m, pins=["2580"])
            self.assertEqual((answer.status, len(prompts)), (200, 1), answer)

    def test_countdown(self):
        """The command line says how long a key still blinks, and who vanishes by ^C
        takes his touch with him."""
        with Bed(1, "touch=manual") as (m, keys):
            t = Terminal(m, "enroll", "fido", "--user", "daemon", "--label", "key")
            t.expect("touch the key ... 30 s")
            t.expect("touch the key ... 29 s")
            keys[0].ctl("touch")
            t.expect("Enrolled")
            self.assertEqual(t.end()[0], 0)
            cancelled = keys[0].expect("cancel")
            t = Terminal(m, "token", "get", "-a", "demo", uid=DAEMON)
            t.expect("touch the key ... ")
            t.type("\x03")
            self.assertNotEqual(t.end()[0], 0)
            cancelled()
            # and where there is no terminal it says so once
            keys[0].set("touch=auto")
            ran = m.tessera("token", "get", "-a", "demo", "--fresh", uid=DAEMON)
            self.assertEqual((ran.status, ran.err.count("touch the key")), (0, 1), ran)

    def test_one_touch_one_request(self):
        """Two at once: one has the touch, the other is judged by the session that
        came of it, and where that will not do it is refused."""
        with Bed(1, "touch=manual") as (m, keys):
            keys[0].set("touch=auto")
            self.enrolled(m)
            for audience, status in [("demo", 200), ("fresh", 401)]:
                with self.subTest(audience):
                    keys[0].set("touch=manual")
                    touched = keys[0].expect("touch")
                    first = Later(ask, m, audience="demo")
                    touched()
                    before = int(keys[0].ctl("count", "touch"))
                    second = Later(ask, m, audience=audience)
                    until(lambda: self.pending(m) == 2, what="both to wait")
                    keys[0].ctl("touch")
                    self.assertEqual(first.result()[0].status, 200)
                    answer = second.result()[0]
                    self.assertEqual(answer.status, status, answer)
                    self.assertEqual(int(keys[0].ctl("count", "touch")), before)

    def test_hostile_loop(self):
        """A process of the owner's that asks in a loop while he asks now and then: he
        touches when he is told that the key blinks for him, and no touch pays for
        the other's request.  TESSERA_ROUNDS: how often he asks."""
        rounds = int(os.environ.get("TESSERA_ROUNDS", "5"))
        with Bed(1, "touch=manual") as (m, keys):
            keys[0].set("touch=auto")
            self.enrolled(m)
            keys[0].set("touch=manual")
            enough, say = os.pipe()
            hostile = Later(as_user, DAEMON, self.hostile, m, enough)
            for i in range(rounds):
                told, tell = os.pipe()
                owner = Later(as_user, DAEMON, self.owner, m, tell)
                os.close(tell)
                self.assertEqual(os.read(told, 1), b"t", "round %d" % i)
                keys[0].ctl("touch")
                self.assertEqual(owner.result(), 200, "round %d" % i)
                os.close(told)
                m.request("DELETE", "/session", uid=DAEMON)
            os.write(say, b"x")
            self.assertNotIn(200, hostile.result())
            os.close(enough)
            os.close(say)
            self.assertEqual(keys[0].status()["armed"], "no")
            text = m.request("GET", "/metrics").body.decode()
            minted = [int(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                      if line.startswith("tessera_tokens_minted_total") and 'grant="device"' in line]
            self.assertEqual(sum(minted), rounds)

    @staticmethod
    def owner(m, tell):
        with Events(m.api, None, 60.0) as events, Client(m.api, 60.0) as c:
            events.next("ready")
            c.send(request_bytes("POST", "/token", form={
                "grant_type": DEVICE_GRANT, "audience": "demo"}))
            while events.next("touch-needed")[1]["requester"]["pid"] != os.getpid():
                pass
            os.write(tell, b"t")
            return c.answer().status

    @staticmethod
    def hostile(m, enough):
        """Statuses of all that it got before it was enough."""
        draw, got = random.Random(5), []
        while not select.select([enough], [], [], 0)[0]:
            with Client(m.api, 60.0) as c:
                c.send(request_bytes("POST", "/token", form={
                    "grant_type": DEVICE_GRANT, "audience": "fresh"}))
                if select.select([c.sock, enough], [], [], draw.uniform(0, 0.2))[0]:
                    if c.sock in select.select([c.sock], [], [], 0)[0]:
                        got.append(c.answer().status)
        return got

    @staticmethod
    def audit(m):
        with open(m.state + "/audit.log", encoding="utf-8") as f:
            return f.read()

    @staticmethod
    def pending(m):
        """Proofs under way."""
        return m.request("GET", "/admin/status", admin=True).json["proofs"]


if __name__ == "__main__":
    harness.main()

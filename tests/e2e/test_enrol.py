# SPDX-License-Identifier: ISC
"""Who may enrol whom, and what happens to credentials afterwards."""
import os
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES
from test_callers import Unit, in_unit

PIN = "123456"


class Enrol(unittest.TestCase):
    def enrol(self, m, user, uri, *more, **kw):
        return m.tessera("enroll", "pkcs11", "--user", user, "--device", uri, "--json", *more,
                         pin=kw.pop("pin", PIN), **kw)

    def test_refusals(self):
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "rsa2048"])
            m.make_token("other", PIN, ["p256"])
            good = self.enrol(m, "daemon", "pkcs11:token=card;id=%01")
            self.assertEqual(good.status, 0, good)
            rows = [
                ("enrolled already", "bin", "pkcs11:token=card;id=%01", 9, "conflict"),
                ("no such user", "nobody-here", "pkcs11:token=card;id=%02", 6, "not_found"),
                ("no such token", "bin", "pkcs11:token=cart", 6, "device_not_found"),
                ("no such key", "bin", "pkcs11:token=card;id=%09", 6, "device_not_found"),
                ("two keys match", "bin", "pkcs11:token=card", 1, "invalid_request"),
                ("two tokens match", "bin", "pkcs11:object=p256", 1, "invalid_request"),
            ]
            for name, user, uri, status, error in rows:
                with self.subTest(name):
                    ran = self.enrol(m, user, uri)
                    self.assertEqual(ran.json["error"], error, ran)
                    self.assertEqual(ran.status, status, ran)
            for name, uri in [("not a URI", "card"),
                              ("a PIN in the URI", "pkcs11:token=card?pin-value=1"),
                              ("a PIN file in the URI", "pkcs11:token=card?pin-source=/etc/pin"),
                              ("a module in the URI", "pkcs11:token=card?module-path=/tmp/x.so"),
                              ("a module among the attributes",
                               "pkcs11:token=card;module-path=/tmp/x.so")]:
                with self.subTest(name):
                    answer = m.request("POST", "/admin/credentials", admin=True, json={
                        "kind": "pkcs11", "subject": "bin", "device": uri})
                    self.assertEqual((answer.status, answer.json["error"]),
                                     (400, "invalid_request"), answer)
                    self.assertIn(self.enrol(m, "bin", uri).status, (1, 2))
            wrong = self.enrol(m, "bin", "pkcs11:token=card;id=%02", pin="654321")
            self.assertEqual((wrong.status, wrong.json["error"]), (4, "pin_required"), wrong)
            left = m.request("GET", "/admin/credentials", admin=True).json["credentials"]
            self.assertEqual(len(left), 1, "a refusal stores nothing")

    def test_strength_is_fixed_at_enrolment(self):
        """hardware is what an admin vouches for, and never above the module's cap."""
        with harness.Machine(start=False) as m:
            m.make_token("card", PIN, ["p256", "rsa2048", "ed25519"])
            m.start()
            plain = self.enrol(m, "daemon", "pkcs11:token=card;object=p256").json
            self.assertEqual((plain["acr"], plain["vouched"]), ("software", False))
            vouched = self.enrol(m, "daemon", "pkcs11:token=card;object=rsa2048", "--vouch",
                                 "hardware").json
            self.assertEqual((vouched["acr"], vouched["vouched"]), ("hardware", True))
            m.modules["softhsm"]["acr"] = "software"
            m.write_conf()
            m.signal(harness.signal.SIGHUP)
            harness.until(lambda: "read again" in m.log(), what="the reload")
            capped = self.enrol(m, "daemon", "pkcs11:token=card;object=ed25519", "--vouch",
                                "hardware-pin").json
            self.assertEqual(capped["acr"], "software")

    def test_last_one_is_guarded(self):
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            first = self.enrol(m, "daemon", "pkcs11:token=card;object=p256").json["id"]
            self.assertEqual(m.tessera("credential", "disable", first).status, 9)
            self.assertEqual(m.tessera("credential", "remove", first).status, 9)
            second = self.enrol(m, "daemon", "pkcs11:token=card;object=ed25519").json["id"]
            self.assertEqual(m.tessera("credential", "disable", first).status, 0)
            self.assertEqual(m.tessera("credential", "disable", first).status, 9, "disabled already")
            self.assertEqual(m.tessera("credential", "remove", second).status, 9)
            self.assertEqual(m.tessera("credential", "enable", first).status, 0)
            self.assertEqual(m.tessera("credential", "remove", second).status, 0)
            self.assertEqual(m.tessera("credential", "show", second).status, 6)
            self.assertEqual(m.tessera("credential", "remove", first, "--force").status, 0)
            self.assertEqual(m.request("GET", "/credentials", uid=DAEMON).json, {"credentials": []})

    def test_last_one_of_a_configured_module(self):
        """One whose module is not configured any more is none to fall back on."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            gone = self.enrol(m, "daemon", "pkcs11:token=card;object=p256").json["id"]
            m.modules = {"renamed": m.softhsm()}
            m.write_conf()
            m.signal(harness.signal.SIGHUP)
            harness.until(lambda: "read again" in m.log(), what="the reload")
            here = self.enrol(m, "daemon", "pkcs11:token=card;object=ed25519").json["id"]
            answer = m.request("POST", "/credentials/%s/disable" % here, uid=DAEMON)
            self.assertEqual((answer.status, answer.json["error"]), (409, "conflict"), answer)
            self.assertEqual(m.tessera("credential", "remove", here).status, 9)
            self.assertEqual(m.tessera("credential", "disable", gone).status, 0)
            self.assertEqual(m.tessera("credential", "remove", here, "--force").status, 0)

    def test_own_credential(self):
        """A user may disable his own, never the last."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            first = self.enrol(m, "daemon", "pkcs11:token=card;object=p256").json["id"]
            answer = m.request("POST", "/credentials/%s/disable" % first, uid=DAEMON)
            self.assertEqual((answer.status, answer.json["error"]), (409, "conflict"))
            self.enrol(m, "daemon", "pkcs11:token=card;object=ed25519")
            answer = m.request("POST", "/credentials/%s/disable" % first, uid=DAEMON)
            self.assertEqual((answer.status, answer.json["state"]), (200, "disabled"))

    def test_admin_socket_is_for_administrators(self):
        with harness.Machine() as m:
            def ask():
                with harness.Client(m.admin) as c:
                    return c.request("GET", "/admin/credentials").status
            with self.assertRaises(PermissionError):
                harness.as_user(DAEMON, ask)
            # and where the socket's mode does not keep him out, the agent does
            os.chmod(m.admin, 0o666)
            for method, target in (("GET", "/admin/credentials"), ("GET", "/admin/devices"),
                                   ("POST", "/admin/credentials"), ("GET", "/healthz")):
                with self.subTest(target):
                    answer = m.request(method, target, uid=DAEMON, admin=True)
                    self.assertEqual((answer.status, answer.json["error"]),
                                     (403, "unauthorized_client"))

    def test_group_member_needs_a_fresh_hardware_proof(self):
        """tessera-admin may read; a change takes a proof of the last five minutes."""
        admins = [harness.grp.getgrnam("tessera-admin").gr_gid]

        with harness.Machine(rehearse=True) as m:
            m.make_token("card", PIN, ["p256", "rsa2048", "ed25519"])
            software = self.enrol(m, "games", "pkcs11:token=card;object=p256").json["id"]

            def as_admin(method, target, headers=None, json=None):
                def ask():
                    os.setgroups(admins)
                    os.setresgid(GAMES, GAMES, GAMES)
                    os.setresuid(GAMES, GAMES, GAMES)
                    return harness.one_request(m.admin, method, target, headers=headers, json=json)
                return harness.as_user(0, ask)

            self.assertEqual(as_admin("GET", "/admin/credentials").status, 200)
            change = "/admin/credentials/%s/disable" % software
            answer = as_admin("POST", change, json={"force": True})
            self.assertEqual((answer.status, answer.json["error"], answer.json["audience"]),
                             (401, "step_up_required", "tessera-admin"))
            answer, _ = m.answering(PIN, "POST", "/token", uid=GAMES, form={
                "grant_type": DEVICE_GRANT, "audience": "tessera-admin"})
            self.assertEqual(answer.json["error"], "step_up_required", "software is too weak")
            self.enrol(m, "games", "pkcs11:token=card;object=rsa2048", "--vouch", "hardware")
            answer, _ = m.answering(PIN, "POST", "/token", uid=GAMES, form={
                "grant_type": DEVICE_GRANT, "audience": "tessera-admin"})
            self.assertEqual(answer.status, 200, answer)
            token = {"Authorization": "Bearer " + answer.json["access_token"]}
            stolen = as_admin("POST", change, {"Authorization": "Bearer x"}, {"force": True})
            self.assertEqual(stolen.status, 401)
            self.assertEqual(as_admin("POST", change, token, {"force": True}).status, 200)
            m.clock.advance(301)
            self.assertEqual(as_admin("POST", change.replace("disable", "enable"), token,
                                      {}).status, 401, "older than five minutes")

    def as_admin(self, m, uid, method, target, token=None, json=None):
        """One request on the admin socket by a member of tessera-admin."""
        headers = {"Authorization": "Bearer " + token} if token else None

        def ask():
            os.setgroups([harness.grp.getgrnam("tessera-admin").gr_gid])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            return harness.one_request(m.admin, method, target, headers=headers, json=json)
        return harness.as_user(0, ask)

    def admin_token(self, m, uid):
        """A token for changes, by a fresh proof."""
        answer, _ = m.answering(PIN, "POST", "/token", uid=uid, form={
            "grant_type": DEVICE_GRANT, "audience": "tessera-admin"})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def step_up(self, answer):
        self.assertEqual((answer.status, answer.error, answer.json.get("audience")),
                         (401, "step_up_required", "tessera-admin"), answer)

    def test_every_change_takes_a_proof(self):
        """Membership in tessera-admin alone changes nothing, whatever the endpoint."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            ident = self.enrol(m, "daemon", "pkcs11:token=card;object=p256").json["id"]
            uri = "pkcs11:token=card;object=ed25519"
            changes = [("/admin/credentials", {"kind": "pkcs11", "subject": "bin", "device": uri}),
                       ("/admin/credentials/%s/confirm" % ident, {}),
                       ("/admin/enrolment-codes", {"subject": "bin"}),
                       ("/admin/clock", {}), ("/admin/store/backup", {}),
                       ("/admin/store/confirm", {}), ("/admin/keys/rotate", {}),
                       ("/admin/ssh/ca", {"do": "prepare"}), ("/admin/ssh/revoke", {"subject": "bin"}),
                       ("/admin/credentials/%s/resync" % ident, {"code": "000000", "next": "000000"}),
                       ("/admin/credentials/%s/disable" % ident, {"force": True}),
                       ("/admin/credentials/%s/enable" % ident, {}),
                       ("/admin/credentials/%s/remove" % ident, {"force": True})]
            for target, body in changes:
                with self.subTest(target):
                    self.step_up(self.as_admin(m, GAMES, "POST", target, json=body))
                    self.step_up(self.as_admin(m, GAMES, "POST", target, "x.y.z", body))
            left = m.request("GET", "/admin/credentials", admin=True).json["credentials"]
            self.assertEqual([(c["id"], c["state"]) for c in left], [(ident, "active")])

    def test_an_admins_token_is_his_own(self):
        """Who shows the token of another administrator is not taken for him."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            ident = self.enrol(m, "games", "pkcs11:token=card;object=p256", "--vouch",
                               "hardware").json["id"]
            self.enrol(m, "games", "pkcs11:token=card;object=ed25519")
            token, change = self.admin_token(m, GAMES), "/admin/credentials/%s/disable" % ident
            self.step_up(self.as_admin(m, BIN, "POST", change, token, {}))
            self.assertEqual(self.as_admin(m, GAMES, "POST", change, token, {}).status, 200)

    def test_admin_token_for_another_subject(self):
        """What a login helper got for somebody else is not the helper's own token."""
        audiences = {**harness.AUDIENCES, "tessera-admin": {
            "class": "login", "scopes": ["admin"], "acr": "hardware", "lifetime": "1m",
            "any-user": True}}
        with harness.Machine(audiences=audiences, start=False) as m, \
                Unit("system.slice", "gdm.service") as gdm:
            m.make_token("card", PIN, ["p256", "ed25519"])
            m.write_conf(m.conf_text() + 'login-helper "gdm" { user = "games" unit = "gdm.service" }\n')
            m.start()
            ident = self.enrol(m, "daemon", "pkcs11:token=card;object=p256", "--vouch",
                               "hardware").json["id"]
            answer = in_unit(m, gdm, GAMES, {"grant_type": DEVICE_GRANT, "audience": "tessera-admin",
                                             "subject": "daemon", "pin": PIN})
            self.assertEqual(answer.status, 200, answer)
            self.step_up(self.as_admin(m, GAMES, "POST", "/admin/credentials/%s/disable" % ident,
                                       answer.json["access_token"], {"force": True}))

    def test_admin_token_of_a_unit(self):
        """A unit's token is the unit's, not that of all processes of its user."""
        audiences = {**harness.AUDIENCES, "tessera-admin": {
            "scopes": ["admin"], "acr": "hardware", "lifetime": "5m", "inline-pin": True,
            "units": ["backup.service"]}}
        with harness.Machine(audiences=audiences) as m, \
                Unit("system.slice", "backup.service") as unit:
            m.make_token("card", PIN, ["p256"])
            ident = self.enrol(m, "games", "pkcs11:token=card;object=p256", "--vouch",
                               "hardware").json["id"]
            answer = in_unit(m, unit, GAMES, {"grant_type": DEVICE_GRANT,
                                              "audience": "tessera-admin", "pin": PIN})
            self.assertEqual(answer.status, 200, answer)
            self.step_up(self.as_admin(m, GAMES, "POST", "/admin/credentials/%s/disable" % ident,
                                       answer.json["access_token"], {"force": True}))

    def test_admin_token_of_a_weak_proof(self):
        """The audience may be set to less: a change still takes hardware."""
        audiences = {**harness.AUDIENCES, "tessera-admin": {
            **harness.AUDIENCES["tessera-admin"], "acr": "self"}}
        with harness.Machine(audiences=audiences) as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            ident = self.enrol(m, "games", "pkcs11:token=card;object=p256").json["id"]
            token, change = self.admin_token(m, GAMES), "/admin/credentials/%s/disable" % ident
            self.step_up(self.as_admin(m, GAMES, "POST", change, token, {"force": True}))

    def test_admin_token_of_an_old_proof(self):
        """A token may live an hour; the proof behind a change is not older than five minutes."""
        audiences = {**harness.AUDIENCES, "tessera-admin": {
            **harness.AUDIENCES["tessera-admin"], "lifetime": "1h"}}
        with harness.Machine(audiences=audiences, rehearse=True) as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            self.enrol(m, "games", "pkcs11:token=card;object=p256", "--vouch", "hardware")
            token, change = self.admin_token(m, GAMES), ("/admin/enrolment-codes", {"subject": "bin"})
            m.clock.advance(299)
            self.assertEqual(self.as_admin(m, GAMES, "POST", change[0], token, change[1]).status, 201)
            m.clock.advance(2)
            self.step_up(self.as_admin(m, GAMES, "POST", change[0], token, change[1]))

    def test_a_weaker_one_does_not_vouch(self):
        """A further credential takes a proof as strong as itself."""
        with harness.Machine(start=False) as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            m.modules["softhsm"]["acr"] = "self"
            m.write_conf()
            m.start()
            weak = self.enrol(m, "daemon", "pkcs11:token=card;object=p256").json
            self.assertEqual(weak["acr"], "self")
            del m.modules["softhsm"]["acr"]
            m.write_conf()
            m.signal(harness.signal.SIGHUP)
            harness.until(lambda: "read again" in m.log(), what="the reload")
            answer, prompts = m.answering([PIN, PIN], "POST", "/credentials", uid=DAEMON, json={
                "kind": "pkcs11", "device": "pkcs11:token=card;object=ed25519"})
            self.assertEqual((answer.status, answer.json["error"], prompts),
                             (401, "step_up_required", []), answer)
            left = m.request("GET", "/credentials", uid=DAEMON).json["credentials"]
            self.assertEqual([c["id"] for c in left], [weak["id"]])

    def test_first_credential_with_a_code(self):
        """A one-time code from an administrator; wrong, used and over ones are refused."""
        with harness.Machine(rehearse=True) as m:
            m.make_token("card", PIN, ["p256", "ed25519", "rsa2048"])

            def make():
                answer = m.request("POST", "/admin/enrolment-codes", admin=True,
                                   json={"subject": "daemon"})
                self.assertEqual(answer.status, 201, answer)
                return answer.json["code"]

            def own(kind, code=None, uid=DAEMON, pins=PIN):
                body = {"kind": "pkcs11", "device": "pkcs11:token=card;object=" + kind}
                if code:
                    body["code"] = code
                return m.answering(pins, "POST", "/credentials", uid=uid, json=body)

            answer, prompts = own("p256")
            self.assertEqual((answer.status, answer.json["error"], prompts),
                             (401, "step_up_required", []))
            code = make()
            self.assertEqual(own("p256", code, uid=BIN)[0].json["error"], "invalid_grant")
            self.assertEqual(own("p256", "AAAA-AAAA-AAAA-AAAA")[0].json["error"], "invalid_grant")
            self.assertEqual(own("p256", code, pins=None)[0].json["error"], "cancelled")
            answer, _ = own("p256", code.lower().replace("-", ""))
            self.assertEqual((answer.status, answer.json["subject"]), (201, "daemon"), answer)
            self.assertEqual(own("ed25519", code)[0].json["error"], "invalid_grant", "used")
            code = make()
            m.clock.advance(3601)
            self.assertEqual(own("ed25519", code)[0].json["error"], "invalid_grant", "over")
            code = make()
            for _ in range(5):
                own("ed25519", "BBBB-BBBB-BBBB-BBBB")
            self.assertEqual(own("ed25519", code)[0].json["error"], "invalid_grant", "voided")

    def test_further_credential_by_oneself(self):
        """A further one takes a fresh proof by an equal or stronger one."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            self.enrol(m, "daemon", "pkcs11:token=card;object=p256")
            body = {"kind": "pkcs11", "device": "pkcs11:token=card;object=ed25519"}
            answer, prompts = m.answering([PIN, PIN], "POST", "/credentials", uid=DAEMON, json=body)
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual([(p["purpose"], p["audience"]) for p in prompts],
                             [("login", "tessera-enrol"), ("enrol", "")])
            self.assertEqual(len(m.request("GET", "/credentials", uid=DAEMON).json["credentials"]), 2)
            self.assertEqual(m.answering(None, "POST", "/credentials", uid=DAEMON,
                                         json=body)[0].json["error"], "conflict")

    def test_vouching_is_the_administrators(self):
        with harness.Machine() as m:
            answer = m.request("POST", "/credentials", uid=DAEMON, json={
                "kind": "pkcs11", "device": "pkcs11:token=card", "vouch": "hardware"})
            self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_request"))

    def test_long_utf8_label(self):
        """A label longer than the store's is cut between characters, never inside one."""
        with harness.Machine() as m:
            conf = m.make_token("card", PIN)
            harness.softhsm.add_key(conf, "card", PIN, "ed25519", b"\x02",
                                    ["--label", "x" + 40 * "\u00fc"])
            m.give_tokens()
            long = self.enrol(m, "daemon", "pkcs11:token=card;id=%02")
            self.assertEqual(long.status, 0, long)
            self.assertEqual(long.json["key"]["label"], "x" + 31 * "\u00fc")
            for name, answer in (("everybody's", m.request("GET", "/admin/credentials", admin=True)),
                                 ("his own", m.request("GET", "/credentials", uid=DAEMON))):
                with self.subTest(name):
                    self.assertEqual(answer.status, 200, answer)
                    self.assertEqual([c["id"] for c in answer.json["credentials"]],
                                     [long.json["id"]])

    def test_subject_is_told(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)

            def listen(tell):
                with harness.Events(m.api, timeout=30) as events:
                    events.next("ready")
                    os.write(tell, b"x")
                    return events.next()
            read, write = os.pipe()
            job = harness.Job(DAEMON, listen, write)
            os.read(read, 1)
            cred = self.enrol(m, "daemon", "pkcs11:token=card;id=%01").json
            name, data = job.result()
            self.assertEqual((name, data["id"]), ("credential-enrolled", cred["id"]))


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""A box of hardware tokens enrolled at once: from a maker's table or PSKC container,
with a report line by line, all or nothing unless told otherwise."""
import base64
import json
import unittest

import harness
from harness import BIN, DAEMON
from otp_codes import hotp, totp

OTP_GRANT = "urn:tessera:grant:otp"
USERS = ("daemon", "bin", "sys", "games", "man", "lp", "mail", "news")

KEY = """<KeyPackage><DeviceInfo><Manufacturer>M</Manufacturer><SerialNo>%(serial)s</SerialNo></DeviceInfo>
<Key Id="%(serial)s" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:%(kind)s"><Issuer>I</Issuer>
<AlgorithmParameters><ResponseFormat Encoding="%(encoding)s" Length="%(digits)d"/></AlgorithmParameters>
<Data><Secret><PlainValue>%(secret)s</PlainValue></Secret>%(data)s</Data>
<UserId>%(user)s</UserId></Key></KeyPackage>"""
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>%s
<KeyContainer Version="1.0" Id="x" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">%s</KeyContainer>"""


def secret(n):
    return base64.b32encode(b"%020d" % n).decode()


def key(n, user, **more):
    return KEY % {"serial": "S%d" % n, "kind": "totp", "encoding": "DECIMAL", "digits": 6, "user": user,
                  "secret": base64.b64encode(b"%020d" % n).decode(),
                  "data": "<TimeInterval><PlainValue>30</PlainValue></TimeInterval>", **more}


class Import(unittest.TestCase):
    def setUp(self):
        self.m = harness.Machine(rehearse=True)
        self.addCleanup(self.m.abandon)

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    def file(self, text, name="batch"):
        path = self.m.folder + "/" + name
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def run_import(self, text, *args, **more):
        return self.m.tessera("credential", "import", self.file(text), *args, **more)

    def enrolled(self):
        return self.m.request("GET", "/admin/credentials", admin=True).json["credentials"]

    def token(self, code, uid=DAEMON):
        return self.m.request("POST", "/token", uid=uid, form={
            "grant_type": OTP_GRANT, "audience": "demo", "otp": code}).status

    # --- tables ---

    def test_table(self):
        text = "serial,secret,user,type,digits,counter\n" \
            f"A1,{secret(1)},daemon,totp,8,\nA2,{secret(2)},bin,hotp,6,5\n"
        done = self.run_import(text)
        self.assertEqual((done.status, done.out), (0, "Imported 2 tokens.\n"), done)
        self.assertEqual([(c["subject"], c["kind"], c["token"]["serial"]) for c in self.enrolled()],
                         [("daemon", "totp", "A1"), ("bin", "hotp", "A2")])
        # a token from a shelf: 12 codes were shown since
        self.assertEqual(self.token(hotp(secret(2), 17), uid=BIN), 200)
        self.assertEqual(self.token(totp(secret(1), self.m.clock.wall, 8)), 200)

    def test_all_or_nothing(self):
        rows = [f"A{i},{secret(i)},{user}" for i, user in enumerate(USERS)]
        rows[2] = "A2,GEZDGNBV,sys"
        rows[4] = "A4,%s,nobody-of-that-name" % secret(4)
        rows[5] = "A5,%s," % secret(5)
        text = "serial,secret,user\n" + "\n".join(rows) + "\n"
        refused = self.run_import(text)
        self.assertEqual(refused.status, 9, refused)
        self.assertIn("line 4: the secret is shorter than 128 bits", refused.err)
        self.assertIn("line 7: nobody is named whose token it is", refused.err)
        self.assertEqual(self.enrolled(), [])
        dry = self.run_import(text, "--partial", "--dry-run")
        self.assertEqual((dry.status, dry.out), (0, "Would import 5 tokens; 3 refused.\n"), dry)
        self.assertIn("line 6: there is no such user", dry.err)
        self.assertEqual(self.enrolled(), [])
        partial = json.loads(self.run_import(text, "--partial", "--json").out)
        self.assertEqual((partial["imported"], sorted(r["line"] for r in partial["refused"])),
                         (5, [4, 6, 7]))
        self.assertEqual(len(self.enrolled()), 5)
        # again: they are there; what the agent alone knows refuses the whole, too
        again = self.run_import("serial,secret,user\n" + rows[0] + "\n")
        self.assertEqual(again.status, 9, again)
        self.assertIn("line 2: the user has a token with this serial number", again.err)

    def test_no_user(self):
        refused = self.run_import("A1,%s,totp,6,30\n" % (b"%020d" % 1).hex())
        self.assertEqual(refused.status, 9, refused)
        self.assertIn("line 1: nobody is named", refused.err)
        named = self.run_import(f"serial,secret,owner\nA1,{secret(1)},daemon\n", "--user-column", "Owner")
        self.assertEqual(named.status, 0, named)
        self.assertEqual(self.run_import("serial,secret\n", "--user-column", "owner").status, 2)

    def test_four_of_one_user(self):
        rows = "".join(f"A{i},{secret(i)},daemon\n" for i in range(5))
        refused = self.run_import("serial,secret,user\n" + rows)
        self.assertIn("line 6: the user has as many tokens", refused.err)
        self.assertEqual(self.enrolled(), [])

    def test_thousand(self):
        """A thousand rows in several requests, most of them of users there are not."""
        count = 4 * len(USERS)
        rows = "".join(f"A{i},{secret(i)},{USERS[i % len(USERS)]}\n" for i in range(count)) + \
            "".join(f"B{i},{secret(i)},nobody-{i % 7}\n" for i in range(1000 - count))
        done = json.loads(self.run_import("serial,secret,user\n" + rows, "--partial", "--json").out)
        self.assertEqual((done["imported"], done["refused_rows"]), (count, 1000 - count))
        self.m.stop()
        with open(self.m.state + "/audit.log", encoding="utf-8") as f:
            log = f.read()
        self.assertEqual(log.count('"event":"enrol"'), count)
        self.assertIn('"credentials":%d' % count, log)
        self.assertNotIn(secret(1), log)

    def test_too_many(self):
        """Whose file has more than an import may is told to split it, and nothing was stored."""
        rows = "".join(f"A{i},{secret(i)},daemon\n" for i in range(4001))
        done = self.run_import("serial,secret,user\n" + rows)
        self.assertNotEqual(done.status, 0)
        self.assertIn("an import has at most 4000 rows: split the file", done.err)
        self.assertEqual(self.enrolled(), [])

    # --- PSKC ---

    def test_container(self):
        text = CONTAINER % ("", key(1, "daemon") + key(2, "UID=bin,DC=example", kind="hotp", digits=8,
                                                       data="<Counter><PlainValue>3</PlainValue></Counter>"))
        done = self.run_import(text)
        self.assertEqual((done.status, done.out), (0, "Imported 2 tokens.\n"), done)
        self.assertEqual(self.token(totp(secret(1), self.m.clock.wall)), 200)
        self.assertEqual([c["token"]["model"] for c in self.enrolled()],
                         ["TOTP SHA1, 6 digits, 30 s", "HOTP SHA1, 8 digits"])

    def test_refused_containers(self):
        encrypted = key(1, "daemon").replace("<PlainValue>", "<EncryptedValue>", 1)
        rows = [
            ("encrypted", CONTAINER % ("", encrypted), 1, "is encrypted"),
            ("a document type", CONTAINER % ("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>", key(1, "daemon")), 1,
             "document type"),
            ("no maker", CONTAINER % ("", key(1, "daemon").replace(">M<", "><")), 1, "Manufacturer in it is empty"),
            ("no maker, short", CONTAINER % ("", key(1, "daemon").replace(
                "<Manufacturer>M</Manufacturer>", "<Manufacturer />")), 1, "Manufacturer in it is empty"),
            ("no container", "<html/>", 1, "no PSKC container"),
            ("cut", (CONTAINER % ("", key(1, "daemon")))[:-20], 1, "no PSKC container"),
            ("empty", CONTAINER % ("", ""), 1, ""),
            ("a challenge key", CONTAINER % ("", key(1, "daemon", kind="ocra")), 9, "key 1: its algorithm"),
            ("letters", CONTAINER % ("", key(1, "daemon", encoding="ALPHANUMERIC")), 9, "not decimal"),
            ("five digits", CONTAINER % ("", key(1, "daemon", digits=5)), 9, "6, 7 or 8 digits"),
            ("short", CONTAINER % ("", key(1, "daemon", secret="AAAA")), 9, "128 bits"),
            ("no user", CONTAINER % ("", key(1, "CN=Daemon")), 9, "nobody is named"),
        ]
        for name, text, status, says in rows:
            with self.subTest(name):
                ran = self.run_import(text)
                self.assertEqual(ran.status, status, ran)
                self.assertIn(says, ran.err)
        self.assertEqual(self.enrolled(), [])

    # --- the interface ---

    def test_interface(self):
        m = self.m
        begun = m.request("POST", "/admin/imports", admin=True, json={})
        self.assertEqual((begun.status, begun.json["expires_in"]), (201, 600), begun)
        path = "/admin/imports/" + begun.json["id"]
        row = {"line": 7, "kind": "totp", "subject": "daemon", "secret": secret(1)}
        answer = m.request("POST", path, admin=True, json={"rows": [row, {**row, "x": 1}, 5, {**row, "digits": 9}]})
        self.assertEqual((answer.json["rows"], len(answer.json["refused"])), (1, 3), answer)
        self.assertEqual(m.request("POST", path, admin=True, json={"rows": 5}).status, 400)
        whole = m.request("POST", path + "/commit", admin=True, json={})
        self.assertEqual((whole.status, whole.json["error"], whole.json["refused_rows"]), (409, "conflict", 3))
        self.assertEqual(m.request("POST", path + "/commit", admin=True, json={}).status, 404)	# over
        opened = [m.request("POST", "/admin/imports", admin=True, json={}).json for _ in range(4)]
        self.assertEqual(m.request("POST", "/admin/imports", admin=True, json={}).json["error"], "slow_down")
        self.assertEqual(m.request("DELETE", "/admin/imports/" + opened[0]["id"], admin=True).status, 200)
        path = "/admin/imports/" + m.request("POST", "/admin/imports", admin=True, json={}).json["id"]
        for _ in range(16):
            self.assertEqual(m.request("POST", path, admin=True, json={"rows": [row] * 250}).status, 200)
        self.assertEqual(m.request("POST", path, admin=True, json={"rows": [row]}).status, 400)
        m.clock.advance(601)
        self.assertEqual(m.request("POST", path + "/commit", admin=True, json={}).status, 404)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""tessera support bundle: what is in it, and what never is."""
import json
import os
import re
import stat
import tarfile
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT
from test_helper import EVIL, EVIL_PIN

PIN = "73190482"
LABEL, CREDENTIAL = "blaukarte", "Gruene Karte"
SECRET = "init-geheimnis"	# a module's own settings may be secret


class Support(unittest.TestCase):
    def bundle(self, m, name="bundle.tar"):
        """{member: text} and the raw bytes."""
        path = m.folder + "/" + name
        ran = m.tessera("support", "bundle", path, "--json")
        self.assertEqual(ran.status, 0, ran)
        st = os.stat(path)
        self.assertEqual((stat.S_IMODE(st.st_mode), st.st_uid), (0o600, 0))
        with tarfile.open(path) as tar:
            for member in tar:
                self.assertTrue(member.isreg() and member.name.startswith("tessera-support/"), member)
            found = {t.name.split("/", 1)[1]: tar.extractfile(t).read().decode() for t in tar}
        self.assertEqual(list(found), ran.json["members"])
        with open(path, "rb") as f:
            return found, f.read()

    def test_nothing_leaks(self):
        with harness.Machine(start=False, settings={
                "log-level": "trace", "metrics": {"users": ["games"]},
                "realm": "geheimfirma"}) as m:
            m.modules["other"] = {"path": "/nonexistent/other.so",
                                  "environment": ["OTHER_PIN=" + SECRET]}
            m.audiences = dict(m.audiences)
            m.audiences["vpn"] = dict(m.audiences["vpn"], users=["bin"])
            m.write_conf()
            m.make_token(LABEL, PIN)
            m.start()
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=%s;id=%%01" % LABEL, "--label", CREDENTIAL, pin=PIN, check=True)
            answer = m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN})
            access = answer.json["access_token"]
            m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "demo", "pin": "99999999"})
            cred = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]
            sid = m.request("GET", "/session", uid=DAEMON).json["sessions"][0]["sid"]
            code = m.request("POST", "/admin/enrolment-codes", admin=True,
                             json={"subject": "games"}).json["code"]
            with open(m.state + "/store.key", "rb") as f:
                key = f.read()
            found, raw = self.bundle(m)
            words = [PIN, "99999999", access, access.split(".")[1], access.split(".")[2], LABEL,
                     CREDENTIAL, cred["id"], cred["token"]["serial"], sid, code, SECRET,
                     "test.example", "daemon", "games", "geheimfirma",
                     key.hex()]
            for word in words:
                self.assertNotIn(word.lower().encode(), raw.lower(), word)
            self.assertNotIn(key, raw)
            host = re.escape(os.uname().nodename.split(".")[0]).encode()	# may be two letters
            self.assertNotRegex(raw, rb"(?i)(?<![a-z0-9_])" + host + rb"(?![a-z0-9_])")
            self.assertNotIn('"bin"', found["config.json"])
            for name in ("README", "version", "os-release", "config.json", "status.json", "metrics",
                         "packages", "folders", "sandbox.json"):
                self.assertTrue(found[name], name)
            conf = json.loads(found["config.json"])
            self.assertEqual(conf["issuer"], "https://[host]/tessera")
            self.assertEqual(conf["pkcs11-module"]["other"]["environment"], ["OTHER_PIN=[hidden]"])
            self.assertEqual(conf["log-level"], "trace")
            self.assertEqual(conf["audience"]["vpn"]["users"], ["[user]"])
            self.assertEqual(json.loads(found["status.json"])["status"], "ok")
            self.assertIn('tessera_proofs_total{result="ok"} 2', found["metrics"])
            self.assertIn("libsodium23", found["packages"])
            self.assertRegex(found["folders"], r"40700 +\d+ +\d+ \S+/state\n")
            self.assertRegex(found["folders"], r"100600 +\d+ +\d+ \S+/store\.key\n")
            self.assertIn("seccomp", json.loads(found["sandbox.json"]))

    def test_module_arguments(self):
        """What a module is initialised with is not shown."""
        with harness.Machine(start=False) as m:
            m.modules["softhsm"]["init-args"] = SECRET
            m.write_conf()
            m.start()
            found, raw = self.bundle(m)
            self.assertNotIn(SECRET.encode(), raw)
            self.assertEqual(json.loads(found["config.json"])["pkcs11-module"]["softhsm"]["init-args"],
                             "[hidden]")

    def test_a_breaker_without_its_token(self):
        with harness.Machine(start=False) as m:
            path = m.folder + "/evil.so"
            with open(EVIL, "rb") as f, open(path, "wb") as g:
                g.write(f.read())
            os.chmod(path, 0o644)
            m.modules = {"evil": {"path": path, "environment": ["EVIL=sign-abort"]}}
            m.write_conf()
            m.start()
            device = m.request("GET", "/admin/devices", admin=True).json["devices"][0]
            for _ in range(5):
                m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                          device["keys"][0]["uri"], "--json", pin=EVIL_PIN)
            found, raw = self.bundle(m)
            breakers = json.loads(found["status.json"])["breakers"]
            self.assertEqual([sorted(b) for b in breakers], [["deaths", "module", "retry_after"]])
            self.assertNotIn(device["serial"].encode(), raw)
            self.assertNotIn(device["label"].encode(), raw)

    def test_without_an_agent(self):
        with harness.Machine(start=False) as m:
            found, _ = self.bundle(m)
            self.assertIn("error", json.loads(found["status.json"]))
            self.assertNotIn("metrics", found)
            self.assertIn("packages", found)

    def test_refusals(self):
        with harness.Machine() as m:
            ran = m.tessera("support", "bundle", "/tmp/tessera-bundle-of-nobody.tar", uid=BIN)
            self.assertEqual(ran.status, 5, ran)
            self.assertFalse(os.path.exists("/tmp/tessera-bundle-of-nobody.tar"))
            path = m.folder + "/there"
            os.symlink(m.folder + "/target", path)
            self.assertEqual(m.tessera("support", "bundle", path).status, 9)
            self.assertFalse(os.path.exists(m.folder + "/target"))
            ran = m.tessera("support", "bundle", m.folder + "/no/such/folder.tar")
            self.assertEqual(ran.status, 1, ran)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""SSH certificates and their CA, with the real ssh-keygen: what a certificate says,
who gets one, how it is revoked, how the CA's keys take turns."""
import base64
import os
import re
import shutil
import subprocess
import unittest

import harness
from harness import BIN, DAEMON, GAMES
from test_callers import GDM, Unit, in_unit
from wire import Events

PIN = "123456"
AUDIENCES = {**harness.AUDIENCES, "ssh": {
    "scopes": ["login"], "acr": "self", "lifetime": "5m", "reuse": "session", "inline-pin": True,
    "users": ["daemon", "bin", "root"]}}
SSH = {"audience": "ssh", "principals": ["%u", "w-%u"],
       'principal "deploy"': {"groups": ["daemon"]}, 'principal "ops"': {"users": ["bin"]},
       'principal "all"': {"any-user": True}}


def run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout


def audit(m, *words):
    """The lines that have all of these."""
    with open(m.state + "/audit.log", encoding="utf-8") as f:
        return [line for line in f if all(w in line for w in words)]


class Base(unittest.TestCase):
    def machine(self, ssh=None, **more):
        m = harness.Machine(audiences=AUDIENCES, settings={"ssh": ssh or SSH}, **more)
        self.addCleanup(m.__exit__, None, None, None)
        m.__enter__()
        m.make_token("card", PIN, ["p256"])
        self.enrol(m, "daemon")
        self.keys = 0
        return m

    @staticmethod
    def enrol(m, user, uri="pkcs11:token=card;id=%01"):
        return m.tessera("enroll", "pkcs11", "--user", user, "--device", uri, "--json", pin=PIN,
                         check=True).json["id"]

    def key(self, m, kind="ed25519", *more):
        """A fresh public key: its line."""
        self.keys += 1
        path = "%s/key%d" % (m.folder, self.keys)
        self.assertEqual(run("ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "me@desk", "-f", path)[0], 0)
        with open(path + ".pub", encoding="utf-8") as f:
            return f.read().strip()

    def ask(self, m, line=None, uid=DAEMON, pin=PIN, **more):
        """(Answer, [prompts]) of POST /ssh/certificate."""
        body = {"public_key": line or self.key(m), **more}
        return m.answering(pin, "POST", "/ssh/certificate", uid=uid, json=body)

    def certified(self, m, line=None, **more):
        """The path of a new certificate, and what the agent said of it."""
        answer, _ = self.ask(m, line, **more)
        self.assertEqual(answer.status, 200, answer)
        path = "%s/%s-cert.pub" % (m.folder, answer.json["serial"])
        with open(path, "w", encoding="utf-8") as f:
            f.write(answer.json["certificate"] + "\n")
        return path, answer.json

    @staticmethod
    def revoked(m, path):
        """What ssh-keygen says of it by the published list."""
        status, out = run("ssh-keygen", "-Q", "-f", m.public + "/ssh_krl", path)
        if "REVOKED" not in out and ": ok" not in out:
            raise AssertionError(out)
        return status != 0

    @staticmethod
    def own(answer):
        """Those of keys that the agent does not hold."""
        return [c for c in answer.json["certificates"] if not c["held"]]

    def admin(self, m, path, body, status=200):
        answer = m.request("POST", "/admin/ssh/" + path, admin=True, json=body)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    @staticmethod
    def states(m):
        keys = m.request("GET", "/ssh/ca", uid=GAMES).json["keys"]
        return [k["state"] for k in keys], keys

    @staticmethod
    def trusted(m):
        with open(m.public + "/ssh_ca.pub", encoding="utf-8") as f:
            return f.read().splitlines()


class Certificate(Base):
    def test_what_it_says(self):
        m = self.machine({**SSH, "force-command": "/bin/true \"x\"", "source-address": ["10.0.0.0/8", "::1"],
                          "extensions": ["permit-pty", "permit-X11-forwarding"]})
        path, said = self.certified(m)
        status, shown = run("ssh-keygen", "-L", "-f", path)
        self.assertEqual(status, 0, shown)
        shown = [line.strip() for line in shown.splitlines()]
        ca = m.request("GET", "/ssh/ca", uid=GAMES).json
        self.assertEqual([k["state"] for k in ca["keys"]], ["active"])
        self.assertEqual((ca["audience"], ca["forwarding"], ca["namespaces"]), ("ssh", False, ["file", "git"]))
        for line in ("Type: ssh-ed25519-cert-v01@openssh.com user certificate",
                     "Signing CA: ED25519 %s (using ssh-ed25519)" % said["ca"],
                     'Key ID: "daemon@test.example %s"' % said["serial"],
                     "Serial: %d" % int(said["serial"], 16),
                     "force-command /bin/true \"x\"", "source-address 10.0.0.0/8,::1"):
            self.assertIn(line, shown)
        self.assertEqual(shown[shown.index("Principals:") + 1:shown.index("Critical Options:")],
                         ["daemon", "w-daemon", "deploy", "all"])
        self.assertEqual(shown[shown.index("Extensions:") + 1:], ["permit-X11-forwarding", "permit-pty"])
        self.assertEqual(said["ca"], ca["keys"][0]["fingerprint"])
        self.assertEqual(self.trusted(m), [ca["keys"][0]["public_key"]])
        self.assertEqual(said["valid_before"] - said["valid_after"], 360)
        self.assertTrue(said["certificate"].endswith(" me@desk"))
        # less than he may have
        _, said = self.certified(m, lifetime=30, principals=["deploy", "daemon"])
        self.assertEqual((said["principals"], said["valid_before"] - said["valid_after"]), (["daemon", "deploy"], 90))
        _, said = self.certified(m, lifetime=4000000000)
        self.assertEqual(said["valid_before"] - said["valid_after"], 360)
        for kind in (["ecdsa", "-b", "521"], ["rsa", "-b", "2048"]):
            path, said = self.certified(m, self.key(m, *kind))
            self.assertEqual(run("ssh-keygen", "-L", "-f", path)[0], 0)
        mine = self.own(m.request("GET", "/ssh/certificates", uid=DAEMON))
        self.assertEqual(len(mine), 5)
        self.assertEqual(mine[-1]["serial"], said["serial"])
        self.assertEqual((mine[-1]["held"], mine[-1]["revoked"]), (False, False))
        self.assertEqual(m.request("GET", "/ssh/certificates", uid=BIN).json, {"certificates": []})
        every = self.own(m.request("GET", "/admin/ssh/certificates?subject=daemon", admin=True))
        self.assertEqual([c["serial"] for c in every], [c["serial"] for c in mine])
        self.assertEqual(every[0]["subject"], "daemon")
        none = m.request("GET", "/admin/ssh/certificates?subject=bin", admin=True).json
        self.assertEqual(none, {"certificates": []})
        mine[-1].pop("ca")
        self.audited(m, said["serial"])
        self.assertIn('tessera_ssh_certificates_total{holder="user"} 5\n', m.request("GET", "/metrics").body.decode())
        told = m.tessera("config", "explain", m.conf, "--user", "daemon", "--audience", "ssh", "--json",
                         check=True).json
        self.assertEqual(told["principals"], ["daemon", "w-daemon", "deploy", "all"])
        told = m.tessera("config", "explain", m.conf, "--user", "bin", "--audience", "demo", "--json",
                         check=True).json
        self.assertNotIn("principals", told)

    def audited(self, m, serial):
        line = harness.until(lambda: audit(m, '"ssh-certificate"', serial), 20, "the audit line")[0]
        for word in ('"subject":"daemon"', '"audience":"ssh"', "daemon,w-daemon,deploy,all", "SHA256:"):
            self.assertIn(word, line)

    def test_a_fresh_proof(self):
        """No session pays for a certificate, and no certificate's proof for anything
        else; the prompt says for which key."""
        m = self.machine()
        opened = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.DEVICE_GRANT, "audience": "ssh", "pin": PIN})
        self.assertEqual(opened.status, 200, opened)
        line = self.key(m)
        answer = m.request("POST", "/ssh/certificate", uid=DAEMON, json={"public_key": line})
        self.assertEqual((answer.status, answer.json["error"]), (401, "pin_required"), answer)
        m.tessera("logout", uid=DAEMON, check=True)
        answer, prompts = self.ask(m, line)
        self.assertEqual(answer.status, 200, answer)
        blob = base64.b64decode(line.split()[1])
        with open(m.folder + "/line", "w", encoding="utf-8") as f:
            f.write(line)
        print_of = run("ssh-keygen", "-l", "-f", m.folder + "/line")[1].split()[1]
        self.assertGreater(len(blob), 32)
        self.assertEqual((prompts[0]["audience"], prompts[0]["scope"]), ("ssh", "certificate " + print_of))
        answer, prompts = self.ask(m, line)
        self.assertEqual((answer.status, len(prompts)), (200, 1))
        # the proof was for the certificate, and for no token of that audience
        m.audiences["ssh"]["reuse"] = "audience"
        m.write_conf()
        m.signal(harness.signal.SIGHUP)
        harness.until(lambda: "read again" in m.log(), 20, "the reload")
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.SESSION_GRANT, "audience": "ssh"})
        self.assertEqual((answer.status, answer.json["error"]), (401, "login_required"), answer)
        # a wrong PIN, nobody's PIN
        self.assertEqual(self.ask(m, line, pin=["999999", None])[0].status, 409)

    def test_listeners_are_told(self):
        """Whoever has it made by a proof that its user gave for something else is seen."""
        m = self.machine()
        ready, listens = os.pipe()

        def hear():
            with Events(m.api) as events:
                events.next("ready")
                os.write(listens, b"r")
                return events.next("ssh-certificate")[1]
        job = harness.Job(DAEMON, hear)
        self.assertEqual(os.read(ready, 1), b"r")
        _, said = self.certified(m)
        told = job.result()
        self.assertEqual([told[k] for k in ("serial", "key_id", "valid_before")],
                         [said[k] for k in ("serial", "key_id", "valid_before")])
        self.assertEqual(told["requester"]["uid"], DAEMON)
        os.close(ready)
        os.close(listens)

    def test_another_audience_since(self):
        """A proof for what was asked pays for nothing that a reload put in its place."""
        m = self.machine()
        line = self.key(m)
        asked, ask = os.pipe()
        go, let = os.pipe()

        def slow():
            with Events(m.api, "all") as events, harness.Client(m.api) as reply:
                events.next("ready")
                os.write(ask, b"r")
                prompt = events.next("pin-needed")[1]
                os.write(ask, b"p")
                os.read(go, 1)
                reply.request("POST", "/prompt/" + prompt["prompt"], json={"pin": PIN})
        prompter = harness.Job(DAEMON, slow)
        self.assertEqual(os.read(asked, 1), b"r")
        job = harness.Job(DAEMON, lambda: harness.one_request(m.api, "POST", "/ssh/certificate",
                                                              json={"public_key": line}))
        self.assertEqual(os.read(asked, 1), b"p")
        m.audiences = {**m.audiences, "other": {**m.audiences["ssh"], "acr": "hardware"}}
        m.settings["ssh"] = {**m.settings["ssh"], "audience": "other"}
        m.write_conf()
        m.signal(harness.signal.SIGHUP)
        harness.until(lambda: "read again" in m.log(), 60, "the reload")
        os.write(let, b"g")
        prompter.result()
        answer = job.result()
        self.assertEqual((answer.status, answer.json["error"]), (403, "unauthorized_client"), answer)
        for fd in (asked, ask, go, let):
            os.close(fd)

    def test_refused(self):
        m = self.machine()
        text = m.conf_text() + 'login-helper "gdm" { user = "root" unit = "%s" }\n' % GDM
        m.write_conf(text)
        m.signal(harness.signal.SIGHUP)
        harness.until(lambda: "read again" in m.log(), 20, "the reload")
        good = self.key(m)
        weak = self.key(m, "rsa", "-b", "1024")
        cert = self.certified(m)[1]["certificate"]
        rows = [
            ("no key", {"public_key": None}, 400, "invalid_request"),
            ("a key that is none", {"public_key": "ssh-ed25519 AAAA me"}, 400, "invalid_request"),
            ("another name than its own", {"public_key": good.replace("ssh-ed25519", "ssh-rsa", 1)}, 400,
             "invalid_request"),
            ("a weak key", {"public_key": weak}, 400, "invalid_request"),
            ("a certificate", {"public_key": cert}, 400, "invalid_request"),
            ("options before it", {"public_key": "no-pty " + good}, 400, "invalid_request"),
            ("two lines", {"public_key": good + "\n" + good}, 400, "invalid_request"),
            ("somebody else's principal", {"principals": ["daemon", "root"]}, 403, "unauthorized_client"),
            ("a principal of others", {"principals": ["ops"]}, 403, "unauthorized_client"),
            ("a principal by pattern", {"principals": ["*"]}, 403, "unauthorized_client"),
            ("no principal", {"principals": []}, 400, "invalid_request"),
            ("two in one", {"principals": ["daemon,root"]}, 400, "invalid_request"),
            ("a principal that is no text", {"principals": [1]}, 400, "invalid_request"),
            ("no list", {"principals": "daemon"}, 400, "invalid_request"),
            ("no time", {"lifetime": 0}, 400, "invalid_request"),
            ("a time that is no number", {"lifetime": "5m"}, 400, "invalid_request"),
            ("an option of his own", {"extensions": ["permit-pty"]}, 400, "invalid_request"),
            ("a PIN in it", {"pin": PIN}, 400, "invalid_request"),
            ("a credential that is none", {"credential": "x"}, 404, "device_not_found"),
        ]
        for name, change, status, error in rows:
            with self.subTest(name):
                body = {k: v for k, v in {"public_key": good, **change}.items() if v is not None}
                answer = m.request("POST", "/ssh/certificate", uid=DAEMON, json=body)
                self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)
        self.assertEqual(m.request("POST", "/ssh/certificate", uid=GAMES, json={"public_key": good}).status, 403)
        self.assertEqual(self.ask(m, good, uid=BIN)[0].json["error"], "device_not_found")
        with Unit("system.slice", GDM) as gdm:
            answer = in_unit(m, gdm, 0, path="/ssh/certificate", json={"public_key": good})
            self.assertEqual((answer.status, answer.json["error"]), (403, "unauthorized_client"), answer)
            self.assertIn("login helper", answer.json["error_description"])
        self.assertEqual(len(self.own(m.request("GET", "/admin/ssh/certificates", admin=True))), 1)
        for body, status in [({}, 400), ({"do": "revoke"}, 400), ({"do": "prepare", "id": "x"}, 400),
                             ({"do": "retire"}, 400), ({"do": "retire", "id": "x"}, 404),
                             ({"do": "prepare", "at_once": True}, 400), ({"do": "rotate"}, 409)]:
            self.admin(m, "ca", body, status)
        for body, status in [({}, 400), ({"serial": "1"}, 400), ({"serial": "0" * 15 + "1"}, 404),
                             ({"serial": "0" * 16, "subject": "daemon"}, 400)]:
            self.admin(m, "revoke", body, status)
        for path in ("ca", "revoke"):	# on the wrong socket, by the wrong user
            self.assertEqual(m.request("POST", "/admin/ssh/" + path, uid=DAEMON, json={}).status, 404)
        # without the section there is nothing
        m.settings.pop("ssh")
        m.write_conf()
        m.signal(harness.signal.SIGHUP)
        harness.until(lambda: m.log().count("read again") == 2, 20, "the reload")
        for method, path in [("POST", "certificate"), ("GET", "certificates"), ("GET", "ca")]:
            answer = m.request(method, "/ssh/" + path, uid=DAEMON,
                               **({"json": {"public_key": good}} if method == "POST" else {}))
            self.assertEqual((answer.status, answer.json["error"]), (404, "not_found"), answer)


class Revocation(Base):
    def test_with_what_it_came_from(self):
        m = self.machine()
        credential = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]["id"]

        def session():
            return m.request("GET", "/session", uid=DAEMON).json["sessions"][0]["sid"]

        def post(path, **body):
            answer = m.request("POST", path, admin=True, json=body)
            self.assertEqual(answer.status, 200, answer)
            return answer

        rows = [
            ("its serial", lambda said: self.admin(m, "revoke", {"serial": said["serial"]})),
            ("its subject's certificates", lambda said: self.admin(m, "revoke", {"subject": "daemon"})),
            ("its session, by an administrator", lambda said: post("/admin/sessions/%s/revoke" % session())),
            ("its session, by its owner", lambda said: m.request("DELETE", "/session/" + session(), uid=DAEMON)),
            ("logout", lambda said: m.tessera("logout", uid=DAEMON, check=True)),
            ("its credential", lambda said: post("/admin/revoke", credential=credential)),
            ("its subject", lambda said: post("/admin/revoke", subject="daemon")),
            ("all", lambda said: post("/admin/revoke", all=True)),
        ]
        kept = None
        for name, end in rows:
            with self.subTest(name):
                path, said = self.certified(m)
                self.assertFalse(self.revoked(m, path))
                end(said)
                self.assertTrue(self.revoked(m, path))
                shown = self.own(m.request("GET", "/ssh/certificates", uid=DAEMON))
                self.assertTrue([c["revoked"] for c in shown if c["serial"] == said["serial"]][0])
                if kept:
                    self.assertTrue(self.revoked(m, kept), "for good")
                kept = path
                m.tessera("logout", uid=DAEMON, check=True)
        # a credential that is disabled when no session is left, and killed right after: it
        # is durable
        harness.until(lambda: self.ask(m)[0].status == 200, 20, "the second after all was revoked")
        path, said = self.certified(m)
        m.kill()
        m.start()
        self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
        self.assertFalse(self.revoked(m, path))
        post("/admin/credentials/%s/disable" % credential, force=True)
        self.assertTrue(self.revoked(m, path))
        m.kill()
        os.unlink(m.public + "/ssh_krl")
        m.start()
        for one in (path, kept):
            self.assertTrue(self.revoked(m, one))
        served = m.request("GET", "/ssh/krl", uid=GAMES)
        with open(m.public + "/ssh_krl", "rb") as f:
            self.assertEqual(served.body, f.read())

    def test_a_list_that_cannot_be_written(self):
        m = self.machine(rehearse=True)
        path, said = self.certified(m)
        os.mkdir(m.public + "/.ssh_krl.new")	# where the new content goes first
        self.admin(m, "revoke", {"serial": said["serial"]})
        self.assertFalse(self.revoked(m, path))
        self.assertFalse(m.request("GET", "/ssh/ca", uid=GAMES).json["published"])
        alarms = m.request("GET", "/admin/status", admin=True).json["alarms"]
        self.assertEqual([(a["alarm"], a["state"]) for a in alarms], [("ssh", "unpublished")])
        health = m.request("GET", "/healthz").json
        self.assertEqual((health["status"], health["checks"]["ssh"]), ("degraded", "unpublished"))
        os.rmdir(m.public + "/.ssh_krl.new")
        m.clock.advance(11)
        harness.until(lambda: self.revoked(m, path), 60, "another try")
        self.assertEqual(m.request("GET", "/healthz").json["checks"]["ssh"], "ok")


class Keys(Base):
    def test_they_take_turns(self):
        m = self.machine()
        old, _ = self.certified(m)
        self.admin(m, "ca", {"do": "prepare"})
        self.admin(m, "ca", {"do": "prepare"}, 409)
        states, keys = self.states(m)
        self.assertEqual(states, ["active", "next"])
        self.assertEqual(self.trusted(m), [k["public_key"] for k in keys])
        self.admin(m, "ca", {"do": "rotate"})
        states, keys = self.states(m)
        self.assertEqual(states, ["retired", "active"])
        self.assertEqual(len(self.trusted(m)), 2)
        new, said = self.certified(m)
        self.assertEqual(said["ca"], keys[1]["fingerprint"])
        self.assertFalse(self.revoked(m, old) or self.revoked(m, new))
        # a kill keeps serials and keys
        m.kill()
        m.start()
        self.assertEqual(self.states(m), (states, keys))
        shown = self.own(m.request("GET", "/ssh/certificates", uid=DAEMON))
        self.assertEqual(shown[1]["serial"], said["serial"])
        self.admin(m, "ca", {"do": "retire", "id": keys[1]["id"]}, 409)
        self.admin(m, "ca", {"do": "retire", "id": keys[0]["id"]})
        self.assertEqual(self.trusted(m), [keys[1]["public_key"]])
        # what a server with the old file still trusts can be revoked nevertheless
        serial = re.search(r"Serial: (\d+)", run("ssh-keygen", "-L", "-f", old)[1]).group(1)
        self.admin(m, "revoke", {"serial": "%016x" % int(serial)})
        self.assertTrue(self.revoked(m, old))
        # at once: nothing that was signed before is good
        self.admin(m, "ca", {"do": "rotate", "at_once": True})
        self.assertEqual(self.states(m)[0], ["revoked", "active"])
        self.assertTrue(self.revoked(m, new))
        self.assertEqual(len(self.trusted(m)), 1)
        newest, _ = self.certified(m)
        self.assertFalse(self.revoked(m, newest))
        for event in ("ssh-ca-prepared", "ssh-ca-rotated", "ssh-ca-retired", "ssh-revoked", "ssh-ca-replaced"):
            harness.until(lambda: audit(m, '"%s"' % event), 20, event)

    def offline(self, m, *args):
        done = subprocess.run([m.bin + "/tesserad", "--config", m.conf, *args], env=m.environment(), cwd="/",
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_backup_and_another_store_key(self):
        m = self.machine()
        path, _ = self.certified(m)
        states, keys = self.states(m)
        copy = m.request("POST", "/admin/store/backup", admin=True, json={}).json["path"]
        shutil.move(copy, m.folder + "/backup.db")
        late, _ = self.certified(m)	# which the copy knows nothing of
        self.admin(m, "revoke", {"subject": "daemon"})
        self.assertTrue(self.revoked(m, path))
        # an old copy does not take a revocation back
        m.stop()
        self.offline(m, "--restore", m.folder + "/backup.db")
        m.start()
        self.assertEqual(self.states(m), (states, keys))
        self.assertEqual((self.revoked(m, path), self.revoked(m, late)), (True, True))
        self.assertEqual(self.ask(m)[0].json["error"], "temporarily_unavailable")
        self.assertEqual(m.request("POST", "/admin/store/confirm", admin=True, json={}).status, 200)
        self.assertTrue(self.revoked(m, path))
        newest, _ = self.certified(m)
        self.assertFalse(self.revoked(m, newest))
        m.stop()
        self.offline(m, "--rekey")
        m.start()
        self.assertEqual(self.states(m), (states, keys))
        self.assertEqual((self.revoked(m, path), self.revoked(m, newest)), (True, False))
        self.assertEqual(self.certified(m)[1]["ca"], keys[0]["fingerprint"])


class UserMode(unittest.TestCase):
    def test_own_ca(self):
        with harness.Machine(user=BIN, settings={"ssh": {"audience": "ssh"}}, audiences={
                **harness.AUDIENCES, "ssh": {"scopes": ["login"], "acr": "self", "any-user": True}}) as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "bin", "--device", "pkcs11:token=card;id=%01",
                      uid=BIN, pin=PIN, check=True)
            self.assertEqual(run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", m.folder + "/k")[0], 0)
            with open(m.folder + "/k.pub", encoding="utf-8") as f:
                answer, _ = m.answering(PIN, "POST", "/ssh/certificate", uid=BIN,
                                        json={"public_key": f.read().strip()})
            self.assertEqual((answer.status, answer.json["principals"]), (200, ["bin"]), answer)
            with open(m.public + "/ssh_ca.pub", encoding="utf-8") as f:
                self.assertEqual(len(f.readlines()), 1)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""The recipe for servers: "tessera ssh setup --server" and who gets in then, by a
real sshd."""
import os
import sys
import unittest

import etcssh
import harness
from harness import DAEMON
from folder import new_folder, remove_folder
from sshd import keygen
from terminal import Terminal

sys.path.insert(0, os.path.join(os.environ["TESSERA_SOURCE"], "tests/client"))
from fake_agent import FakeAgent  # noqa: E402

SNIPPET = "sshd_config.d/60-tessera.conf"
PIN, USER = "123456", "daemon"
INSTALL = ("ssh", "setup", "--server", "--install")


class Recipe(unittest.TestCase):
    """What is put where, and when nothing is: the agent's answers are a fake's."""

    def setUp(self):
        self.folder, lock = new_folder()
        self.addCleanup(os.close, lock)
        self.addCleanup(remove_folder, self.folder)
        self.host = etcssh.Host(self.folder + "/host")
        self.addCleanup(self.host.close)
        keygen("-t", "ed25519", "-N", "", "-f", self.folder + "/ca")
        keygen("-k", "-f", self.folder + "/krl")
        with open(self.folder + "/ca.pub", encoding="utf-8") as f:
            self.line = f.read().strip()
        with open(self.folder + "/krl", "rb") as f:
            krl = f.read()
        self.agent = FakeAgent(self.folder + "/agent.sock")
        self.addCleanup(self.agent.close)
        self.agent.routes["GET /ssh/ca"] = (200, {"keys": [
            {"id": "k1", "state": "active", "public_key": self.line},
            {"id": "k0", "state": "revoked", "public_key": "ssh-ed25519 AAAAold"}]})
        self.agent.routes["GET /ssh/krl"] = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(krl)) + krl

    def tessera(self, *args, status=0, into=()):
        r = self.host.run(*into, os.environ["TESSERA_BIN"] + "/tessera", *args, "--socket", self.agent.path)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stdout if status == 0 else r.stderr

    def tree(self):
        found = {}
        for where, _, files in os.walk(self.host.etc):
            for name in files:
                path = os.path.join(where, name)
                with open(path, "rb") as f:
                    found[os.path.relpath(path, self.host.etc)] = (os.stat(path).st_mode & 0o7777, f.read())
        return found

    def test_installed_once_and_taken_out(self):
        before = self.tree()
        said = self.tessera(*INSTALL)
        self.assertRegex(said, r"now: systemctl reload sshd?\n")
        self.assertTrue(os.path.isdir(self.host.etc + "/tessera_principals"))
        after = self.tree()
        self.assertEqual({n: m for n, (m, _) in after.items() if n not in before},
                         {SNIPPET: 0o644, "tessera_ca.pub": 0o644, "tessera_krl": 0o644})
        self.assertEqual(after["tessera_ca.pub"][1].decode().splitlines()[1:], [self.line])
        self.assertIn("Nothing had to be changed.", self.tessera(*INSTALL))
        self.assertEqual(self.tree(), after)
        said = self.host.run("/usr/sbin/sshd", "-T").stdout
        self.assertIn("\nrevokedkeys /etc/ssh/tessera_krl\n", said)
        # a later list and later keys need no reload, and no more than what tessera-sshd.service has
        self.agent.routes["GET /ssh/ca"] = (200, {"keys": [
            {"id": "k%d" % n, "state": s, "public_key": self.line + s} for n, s in enumerate(("active", "next"))]})
        said = self.tessera(*INSTALL, into=("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"))
        self.assertIn("written    /etc/ssh/tessera_ca.pub", said)
        self.assertNotIn("reload", said)
        self.assertNotIn("tessera-old", said)
        # what a running sshd reads goes last
        self.assertIn("systemctl reload", self.tessera("ssh", "setup", "--server", "--remove"))
        self.assertEqual(sorted(set(self.tree()) - set(before)), ["tessera_ca.pub", "tessera_krl"])
        self.tessera("ssh", "setup", "--server", "--remove")
        self.assertEqual(self.tree(), before)
        self.assertFalse(os.path.exists(self.host.etc + "/tessera_principals"))
        self.assertIn("Nothing had to be changed.", self.tessera("ssh", "setup", "--server", "--remove"))

    def test_nothing_is_overruled(self):
        for line, why in (("TrustedUserCAKeys /etc/ssh/mine", "trustedusercakeys /etc/ssh/mine already"),
                          ("RevokedKeys /etc/ssh/mine", "revokedkeys /etc/ssh/mine already"),
                          ("AuthorizedPrincipalsFile /etc/p/%u", "authorizedprincipalsfile /etc/p/%u already"),
                          ("AuthorizedPrincipalsCommand /bin/x\nAuthorizedPrincipalsCommandUser nobody",
                           "authorizedprincipalscommand /bin/x already"),
                          ("Bogus yes", "Bad configuration option: Bogus")):
            with self.subTest(line):
                self.host.write("sshd_config", etcssh.SSHD_CONFIG + line + "\n")
                before = self.tree()
                said = self.tessera(*INSTALL, status=1 if line.startswith("Bogus") else 9)
                self.assertIn(why.lower(), said.lower())
                self.assertIn("nothing was changed", said)
                self.assertEqual(self.tree(), before)

    def test_taken_out_where_sshd_does_not_read_it(self):
        self.host.write("sshd_config", etcssh.SSHD_CONFIG.split("\n", 1)[1])
        self.assertIn('put "Include /etc/ssh/sshd_config.d/*.conf" at the top', self.tessera(*INSTALL, status=9))
        self.assertNotIn(SNIPPET, self.tree())
        self.host.write(SNIPPET, "# mine\n")
        self.tessera(*INSTALL, status=9)
        self.assertEqual(self.tree()[SNIPPET][1], b"# mine\n")
        self.assertEqual(self.tree()[SNIPPET + ".tessera-old"][1], b"# mine\n")

    def test_what_is_not_ours(self):
        self.host.write("tessera_ca.pub", "# mine\n" + self.line + "\n")
        self.assertIn("tessera_ca.pub.tessera-old", self.tessera(*INSTALL))
        self.host.write("tessera_ca.pub", "# mine\n")
        self.tessera("ssh", "setup", "--server", "--remove")
        self.assertIn("was not made by", self.tessera("ssh", "setup", "--server", "--remove", status=9))
        os.unlink(self.host.etc + "/tessera_ca.pub")
        os.symlink("/etc/hostname", self.host.etc + "/tessera_ca.pub")
        self.assertIn("symbolic link", self.tessera(*INSTALL, status=9))

    def test_an_offline_key(self):
        """What an administrator trusts besides stays in the file."""
        self.host.write("tessera_offline_ca.pub", self.line + "offline\n")
        self.tessera(*INSTALL)
        self.assertEqual(self.tree()["tessera_ca.pub"][1].decode().splitlines()[1:], [self.line, self.line + "offline"])
        self.host.write("tessera_offline_ca.pub", "PermitRootLogin\n")
        self.assertIn('tessera_offline_ca.pub: a line that is no public key: "PermitRootLogin"',
                      self.tessera(*INSTALL, status=1))

    def test_no_room(self):
        """What is there stays whole where the next one cannot be written."""
        r = self.host.run("sh", "-ec", "mkdir /run/small && mount -t tmpfs -o size=8k t /run/small && cd /run/small &&"
                          "echo whole >krl && head -c 4096 /dev/zero >filler")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("/run/small/krl cannot be written: No space left", self.tessera("ssh", "ca", "krl", "/run/small/krl", status=1))
        self.assertEqual(self.host.run("sh", "-c", "cd /run/small; cat krl; ls -A").stdout, "whole\nfiller\nkrl\n")

    def test_no_key(self):
        before = self.tree()
        self.agent.routes["GET /ssh/ca"] = (200, {"keys": []})
        self.assertIn("ssh {}", self.tessera(*INSTALL, status=6))
        self.agent.routes["GET /ssh/ca"] = (404, {"error": "not_found", "error_description": "no SSH here"})
        self.assertIn("no SSH here", self.tessera(*INSTALL, status=6))
        self.assertEqual(self.tree(), before)


class Logins(unittest.TestCase):
    """Who gets in, by certificates of the agent."""

    def setUp(self):
        self.m = m = harness.Machine(audiences={**harness.AUDIENCES, "ssh": {
            "scopes": ["login"], "acr": "self", "lifetime": "5m", "reuse": "session", "any-user": True}}, settings={
                "ssh": {"audience": "ssh", 'principal "deploy"': {"users": [USER]}}})
        self.addCleanup(m.abandon)
        m.make_token("card", PIN)
        m.tessera("enroll", "pkcs11", "--user", USER, "--device", "pkcs11:token=card;id=%01", pin=PIN, check=True)
        self.host = etcssh.Host(m.folder + "/host")
        self.tessera(*INSTALL)

    def tearDown(self):
        self.host.close()
        if not self.m.over:
            self.m.close()

    def tessera(self, *args, into=(), **more):
        return self.m.tessera(*args, check=True, under=self.host.inside(*into), **more).out

    def certify(self, name, *args):
        """A key with a certificate beside it."""
        key = os.path.join(self.host.folder, "home", USER, name)
        keygen("-t", "ed25519", "-N", "", "-C", name, "-f", key)
        for path in (key, key + ".pub"):
            os.chown(path, DAEMON, DAEMON)
        doc = self.m.tessera("ssh", "cert", key + ".pub", "--json", *args, uid=DAEMON, pin=PIN, check=True).json
        return key, doc["serial"]

    def test_on_a_terminal(self):
        """Who asks and for whom is shown before the PIN; a certificate for one's key is asked for each time."""
        key, _ = self.certify("key")
        self.m.tessera("login", uid=DAEMON, pin=PIN, check=True)	# which does not help
        for typed, status, said in ((PIN + "\n", 0, "Good for daemon deploy until "), ("\x03", 7, "cancelled")):
            with self.subTest(said):
                os.unlink(key + "-cert.pub")
                t = Terminal(self.m, "ssh", "cert", key, uid=DAEMON)
                self.assertIn('for the audience "ssh", scope certificate SHA256:', t.expect("PIN: "))
                t.type(typed)
                ended = t.end()
                self.assertEqual(ended[0], status, ended)
                self.assertIn(said, ended[1])
                self.assertEqual(os.path.exists(key + "-cert.pub"), status == 0)
                if status == 0:
                    self.assertTrue(self.gets_in(key))

    def gets_in(self, key, account=USER):
        status, said = self.host.ssh(key, account)
        self.assertTrue(status == 0 and said == account or status == 255 and "Permission denied" in said, said)
        return status == 0

    def krl(self):
        self.tessera("ssh", "ca", "krl", "/etc/ssh/tessera_krl")

    def test_principals(self):
        key, _ = self.certify("all")
        deploy, _ = self.certify("deploy", "--principal", "deploy")
        self.assertTrue(self.gets_in(key))
        self.assertFalse(self.gets_in(key, "games"))
        self.assertFalse(self.gets_in(deploy))
        self.host.write("../ssh/tessera_principals/games", "deploy\n")
        self.assertTrue(self.gets_in(deploy, "games"))
        self.assertTrue(self.gets_in(key, "games"))		# it has both
        os.unlink(key + "-cert.pub")
        self.assertFalse(self.gets_in(key))

    def test_revoked(self):
        key, serial = self.certify("one")
        other, _ = self.certify("other")
        self.tessera("ssh", "revoke", serial)
        self.assertTrue(self.gets_in(key))			# until the server knows
        self.krl()
        self.assertFalse(self.gets_in(key))
        self.assertTrue(self.gets_in(other))
        self.assertIn("revoked", self.host.log())
        self.tessera("ssh", "revoke", "--user", USER)
        self.krl()
        self.assertFalse(self.gets_in(other))
        os.unlink(self.host.etc + "/tessera_krl")		# sshd then takes nothing, as the manual says
        fresh, _ = self.certify("fresh")
        self.assertFalse(self.gets_in(fresh))
        self.krl()
        self.assertTrue(self.gets_in(fresh))

    def test_keys_change(self):
        first, _ = self.certify("first")
        self.tessera("ssh", "ca", "prepare")
        self.tessera("ssh", "ca", "rotate")
        second, _ = self.certify("second")
        self.assertFalse(self.gets_in(second))			# the server was not told
        self.assertIn("written    /etc/ssh/tessera_ca.pub", self.tessera(*INSTALL))
        self.assertTrue(self.gets_in(first) and self.gets_in(second))
        keys = {k["state"]: k["id"] for k in self.m.tessera("ssh", "ca", "--json", check=True).json["keys"]}
        self.tessera("ssh", "ca", "retire", keys["retired"])
        self.tessera(*INSTALL)
        self.assertFalse(self.gets_in(first))
        self.assertTrue(self.gets_in(second))
        self.tessera("ssh", "ca", "rotate", "--at-once")
        self.krl()
        self.assertFalse(self.gets_in(second))
        third, _ = self.certify("third")
        self.tessera(*INSTALL)
        self.assertTrue(self.gets_in(third))
        self.assertFalse(self.gets_in(second))

    def own(self, options=()):
        """A login by nothing but the client's files."""
        r = self.host.run("ssh", *options, "server.example", "id -un", user=USER)
        return r.stdout.strip() if r.returncode == 0 else r.stderr

    def test_the_agents_key(self):
        setup = ("ssh", "setup", "--install", "--config", self.m.conf, "--host", "server.example")
        self.m.tessera("login", uid=DAEMON, pin=PIN, check=True)
        self.assertIn("Permission denied", self.own())
        for name, uid, home, more in (("everybody", 0, "/root", ()), ("everybody, that key alone", 0, "/root", ("--identities-only",)),
                                      ("one user", DAEMON, "/home/" + USER, ()),
                                      ("one user, that key alone", DAEMON, "/home/" + USER, ("--identities-only",))):
            with self.subTest(name):
                self.host.run("mkdir", "-p", "/root/.ssh")
                into = ("setpriv", "--reuid=%d" % uid, "--regid=%d" % uid, "--clear-groups")
                self.tessera(*setup, *more, env={"HOME": home}, into=into)
                self.assertEqual(self.own(), USER)
                self.assertIn("Permission denied", self.own(("-o", "IdentityAgent=none")))
                if not more:
                    continue
                self.assertEqual(self.tessera("ssh", "setup", "--remove", env={"HOME": home}, into=into).split()[0], "removed")
                self.assertIn("Permission denied", self.own())

    def doctor(self):
        ran = self.m.tessera("doctor", "--config", self.m.conf, "--json", under=self.host.inside())
        return [(c["state"], c["mend"], c["text"]) for c in ran.json["checks"] if c["check"] == "ssh"]

    def test_doctor(self):
        self.assertEqual([c[0] for c in self.doctor()], ["ok"] * 4, self.doctor())
        for name, change, at, state, mend in (
                ("another list", lambda: self.host.write("tessera_krl", "SSHKRL"), 3, "warning", "ssh ca krl /etc/ssh/tessera_krl"),
                ("no list", lambda: os.unlink(self.host.etc + "/tessera_krl"), 3, "failure", "ssh ca krl /etc/ssh/tessera_krl"),
                ("another key", lambda: self.host.write("tessera_ca.pub", "ssh-ed25519 AAAA\n"), 2, "warning", "--server --install"),
                ("no keys", lambda: os.unlink(self.host.etc + "/tessera_ca.pub"), 2, "failure", "--server --install"),
                ("nothing", lambda: os.unlink(self.host.etc + "/" + SNIPPET), 2, "warning", "--server --install"),
                ("no list of the agent's", lambda: os.unlink(self.m.public + "/ssh_krl"), 1, "failure", "restart tesserad"),
                ("no socket", lambda: os.unlink(self.m.ssh), 0, "failure", "enable --now tessera-ssh.socket")):
            with self.subTest(name):
                change()
                found = self.doctor()[at]
                self.assertEqual(found[0], state, found)
                self.assertIn(mend, found[1], found)


if __name__ == "__main__":
    harness.main()

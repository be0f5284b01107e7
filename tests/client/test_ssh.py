# test_ssh.py - "tessera ssh": what is asked of the agent, what is written where,
# and what is left alone.
#
# SPDX-License-Identifier: ISC
import os
import pwd
import shutil
import struct
import subprocess
import tempfile
import unittest

from base import BIN, ClientTest, Terminal
from fake_agent import octets

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey alice@desk"
CERT = {"certificate": "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaCert alice@desk", "serial": "0123456789abcdef",
        "key_id": "alice", "principals": ["alice", "deploy"], "valid_after": 1700000000,
        "valid_before": 1700000300, "ca": "SHA256:x"}
CA = {"keys": [{"id": "k%d" % i, "state": state, "public_key": "ssh-ed25519 AAAA%s ca" % state,
                "fingerprint": "SHA256:" + state, "created": 1700000000, "activated": 0}
               for i, state in enumerate(("next", "active", "retired", "revoked"))], "krl_version": 3}
KRL = b"SSHKRL\n\0" + bytes(36)
USER = 5 if os.getuid() == 0 else os.getuid()	# games


class Home(ClientTest):
    """A home folder, and the command run by who owns it."""

    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        os.chmod(self.agent.path, 0o666)
        os.chown(self.agent.path, USER, -1)
        if USER != os.getuid():
            try:
                subprocess.run([BIN, "--version"], user=USER, check=True, capture_output=True)
            except PermissionError:
                self.skipTest("the build folder is closed to other users")
        # who listens must be trusted: root, "tessera" or the caller
        self.home = os.path.join(self.dir, "home")
        self.ssh = os.path.join(self.home, ".ssh")
        self.config = os.path.join(self.ssh, "config")
        self.snippet = os.path.join(self.ssh, "config.d/60-tessera.conf")
        os.mkdir(self.home)
        os.mkdir(self.ssh, 0o700)
        self.give(self.home, self.ssh)
        self.env["HOME"] = self.home
        self.agent.routes["POST /ssh/certificate"] = (200, CERT)

    def give(self, *paths, uid=USER):
        for path in paths:
            os.lchown(path, uid, pwd.getpwuid(uid).pw_gid)

    def file(self, name, text, mode=0o644, uid=USER):
        path = os.path.join(self.ssh, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        self.give(path, uid=uid)
        return path

    def read(self, path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def mine(self):
        return {"user": USER, "group": pwd.getpwuid(USER).pw_gid, "extra_groups": []} if USER != os.getuid() else {}

    def ok(self, *args, **more):
        return super().ok(*args, **{**self.mine(), **more})

    def refused(self, status, *args, **more):
        return self.fails(status, *args, **{**self.mine(), **more})

    def tree(self):
        """All that is below the home folder: {name: what it is}."""
        found = {}
        for where, folders, files in os.walk(self.home):
            for name in folders + files:
                path = os.path.join(where, name)
                found[os.path.relpath(path, self.home)] = os.readlink(path) if os.path.islink(path) else \
                    self.read(path) if os.path.isfile(path) else None
        return found


class Cert(Home):
    def test_named(self):
        key = self.file("work.pub", KEY + "\r\n")
        said = self.ok("ssh", "cert", key)
        self.assertIn("Wrote %s/work-cert.pub.\nGood for alice deploy until " % self.ssh, said)
        self.assertIn("(5 min), serial 0123456789abcdef.", said)
        self.assertEqual(self.agent.requests[-1].json(), {"public_key": KEY})
        path = os.path.join(self.ssh, "work-cert.pub")
        self.assertEqual(self.read(path), CERT["certificate"] + "\n")
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o644)
        self.ok("ssh", "cert", key, umask=0o077)	# again, over its own certificate
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o644)
        self.assertEqual(sorted(os.listdir(self.ssh)), ["work-cert.pub", "work.pub"])

    def test_options(self):
        key = self.file("work.pub", KEY)
        self.ok("ssh", "cert", key[:-4], "--lifetime", "2m", "--principal", "deploy", "--principal", "a,b",
                "--credential", "c1", "--device", "d1")
        self.assertEqual(self.agent.requests[-1].json(), {
            "public_key": KEY, "lifetime": 120, "principals": ["deploy", "a,b"], "credential": "c1", "device": "d1"})
        for asked, told in (("2m", False), ("9h", True)):
            said = self.ok("ssh", "cert", key, "--lifetime", asked)
            self.assertEqual("That is less than 9 h: " in said, told, said)
        doc = self.document(self.ok("ssh", "cert", key, "--json"))
        self.assertEqual(doc, {**CERT, "path": os.path.join(self.ssh, "work-cert.pub")})
        self.assertEqual(self.ok("ssh", "cert", key, "--out", "-"), CERT["certificate"] + "\n")
        self.assertEqual(self.ok("ssh", "cert", "-", input=KEY.encode()), CERT["certificate"] + "\n")
        self.ok("ssh", "cert", key, "--out", self.ssh + "/other")
        self.assertEqual(self.read(self.ssh + "/other"), CERT["certificate"] + "\n")

    def test_key_on_standard_input(self):
        """It is read by the program that asks, whichever of the two that is."""
        self.ok("ssh", "cert", "-", "--pinentry", input=KEY.encode())
        self.assertEqual(self.agent.requests[-1].json(), {"public_key": KEY})

    def test_not_his(self):
        self.agent.routes["POST /ssh/certificate"] = (403, {"error": "unauthorized_client", "error_description": "not yours"})
        key = self.file("work.pub", KEY)
        self.assertIn('not yours: "root"; ', self.refused(5, "ssh", "cert", key, "--principal", "root"))
        self.assertTrue(self.refused(5, "ssh", "cert", key, "--principal", "a", "--principal", "b").endswith("not yours\n"))

    def test_default(self):
        self.refused(6, "ssh", "cert")
        self.file("id_a-cert.pub", "ssh-ed25519-cert-v01@openssh.com AAAA")
        self.file("id_b.pub", KEY + "b")
        self.file("id_c.pub", KEY + "c")
        r = self.run_client("ssh", "cert", **self.mine())
        self.assertEqual((r.returncode, r.stderr), (0, b"Key: %s/id_b.pub\n" % self.ssh.encode()), r.stdout)
        self.assertEqual(self.agent.requests[-1].json()["public_key"], KEY + "b")
        self.assertTrue(os.path.exists(self.ssh + "/id_b-cert.pub"))

    def test_no_such_key(self):
        for name, text, why in (("private", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "a private key"),
                                ("empty", "\n", "it is empty"), ("two", KEY + "\n" + KEY + "\n", "more than one line"),
                                ("word", "hello", "is one line such as"), ("large", "x " * 8192, "larger than"),
                                ("control", "ssh-ed25519 \x1b[2J", "is one line such as")):
            with self.subTest(name):
                said = self.refused(1, "ssh", "cert", self.file(name + ".pub", text))
                self.assertIn(why, said)
                self.assertIn(name + ".pub", said)
        os.mkfifo(self.ssh + "/fifo.pub")
        self.give(self.ssh + "/fifo.pub")
        self.assertIn("no plain file", self.refused(1, "ssh", "cert", self.ssh + "/fifo.pub"))
        self.refused(6, "ssh", "cert", self.ssh + "/none")
        self.assertIn("name the key itself", self.refused(2, "ssh", "cert", self.ssh + "/id-cert.pub"))
        self.file("fine.pub", KEY)
        for option, value in (("--lifetime", "1w"), ("--lifetime", "0"), ("--principal", b"\xff")):
            with self.subTest(value):
                self.refused(2, "ssh", "cert", self.ssh + "/fine.pub", option, value)
        self.assertEqual(self.agent.requests, [])

    def test_places_that_are_left_alone(self):
        """Nobody is asked for anything where the certificate could not be written."""
        key = self.file("id.pub", KEY)
        path = os.path.join(self.ssh, "id-cert.pub")
        precious = self.file("precious", "precious")
        self.file("id-cert.pub", "mine", 0o600)
        self.assertIn("is no certificate and is left alone", self.refused(9, "ssh", "cert", key))
        os.unlink(path)
        os.symlink(precious, path)
        self.assertIn("is a symbolic link and is left alone", self.refused(9, "ssh", "cert", key))
        os.unlink(path)
        os.symlink("nowhere", path)
        self.refused(9, "ssh", "cert", key)
        os.unlink(path)
        os.mkdir(path)
        self.assertIn("is no plain file", self.refused(9, "ssh", "cert", key))
        os.rmdir(path)
        self.refused(6, "ssh", "cert", key, "--out", self.ssh + "/none/there")
        for out in ("", ".", self.ssh + "/", self.ssh + "/.."):
            self.assertIn('"%s" is no name of a file' % out, self.refused(2, "ssh", "cert", key, "--out", out))
        os.chmod(self.ssh, 0o777)
        self.assertIn("everybody may write the folder " + self.ssh, self.refused(5, "ssh", "cert", key))
        self.assertEqual((self.read(precious), self.agent.requests), ("precious", []))

    def found(self, status):
        """What is said of a key that was found, not named."""
        r = self.run_client("ssh", "cert", **self.mine())
        self.assertEqual((r.returncode, r.stdout, r.stderr.count(b"\n")), (status, b"", 2), r.stderr)
        return r.stderr.decode()

    @unittest.skipIf(os.getuid() != 0, "only root makes files of others")
    def test_of_others(self):
        key = self.file("id_ed25519.pub", KEY, uid=1)
        self.assertIn("belongs to uid 1", self.found(5))
        os.unlink(key)
        os.symlink("/etc/hostname", key)
        self.give(key)
        self.assertIn("symbolic link", self.found(9))
        os.unlink(key)
        self.file("id_ed25519.pub", KEY)
        self.file("id_ed25519-cert.pub", CERT["certificate"], uid=1)
        self.assertIn("belongs to uid 1", self.found(5))
        os.unlink(self.ssh + "/id_ed25519-cert.pub")
        self.give(self.ssh, uid=1)
        os.chmod(self.ssh, 0o755)
        self.assertIn("belongs to uid 1", self.found(5))
        os.chmod(self.ssh, 0o700)
        self.refused(6, "ssh", "cert")
        self.assertEqual(self.agent.requests, [])

    def test_answers_that_are_none(self):
        key = self.file("id.pub", KEY)
        for name, line in (("none", None), ("a key", KEY), ("two lines", CERT["certificate"] + "\nssh-rsa x"),
                           ("a number", 7)):
            with self.subTest(name):
                self.agent.routes["POST /ssh/certificate"] = (200, {**CERT, "certificate": line})
                self.assertIn("malformed", self.refused(1, "ssh", "cert", key))
        self.assertEqual(os.listdir(self.ssh), ["id.pub"])


class Lists(ClientTest):
    def setUp(self):
        super().setUp()
        row = {**CERT, "fingerprint": "SHA256:f", "held": True, "revoked": False, "subject": "alice"}
        self.agent.routes["GET /ssh/certificates"] = (200, {"certificates": [row]})
        self.admin.routes["GET /admin/ssh/certificates"] = (200, {"certificates": [row]})
        self.agent.routes["GET /ssh/ca"] = (200, CA)
        self.agent.routes["GET /ssh/krl"] = octets(KRL)
        self.admin.routes["POST /admin/ssh/ca"] = (200, CA)
        self.admin.routes["POST /admin/ssh/revoke"] = (200, {"revoked": 2})

    def test_list(self):
        own = self.ok("ssh", "list")
        self.assertIn("0123456789abcdef  alice deploy ", own)
        self.assertNotIn("USER", own)
        self.assertIn("USER", self.ok("ssh", "list", "--all"))
        self.ok("ssh", "list", "--user", "a b")
        self.assertEqual(self.admin.requests[-1].target, "/admin/ssh/certificates?subject=a+b")
        self.fails(2, "ssh", "list", "--user", "a", "--all")
        self.assertEqual(self.document(self.ok("ssh", "list", "--json"))["certificates"][0]["held"], True)

    def test_show(self):
        for words in ((), ("show",)):
            said = self.ok("ssh", "ca", *words)
            for key in CA["keys"]:
                self.assertRegex(said, r"(?m)^%s +%s +%s " % (key["id"], key["state"], key["fingerprint"]))
        self.assertEqual(self.ok("ssh", "ca", "--trusted"), "".join(
            k["public_key"] + "\n" for k in CA["keys"] if k["state"] != "revoked"))
        self.agent.routes["GET /ssh/ca"] = (200, {"keys": [{**CA["keys"][1], "public_key": "a\nb"}, CA["keys"][3]]})
        self.fails(6, "ssh", "ca", "show", "--trusted")

    def test_changes(self):
        for words, sent, said in ((("prepare",), {"do": "prepare"}, "ssh ca rotate"),
                                  (("rotate",), {"do": "rotate"}, "ssh ca retire ID"),
                                  (("rotate", "--at-once"), {"do": "rotate", "at_once": True}, "ssh ca krl"),
                                  (("retire", "k2"), {"do": "retire", "id": "k2"}, "--trusted")):
            with self.subTest(words):
                self.assertIn(said, self.ok("ssh", "ca", *words))
                self.assertEqual(self.admin.requests[-1].json(), sent)
                self.assertEqual(self.document(self.ok("ssh", "ca", *words, "--json")), CA)

    def test_usage(self):
        for args, said in ((("ca", "krll"), '"krll"'), (("ca", "show", "x"), "too many"), (("ca", "retire"), "which one"),
                           (("ca", "retire", "../x"), '"../x"'), (("ca", "prepare", "--trusted"), "--trusted"),
                           (("ca", "retire", "k1", "--at-once"), "--at-once"), (("ca", "show", "--join", "x"), "--join"), (("ca", "krl", "--json"), "file"),
                           (("revoke",), "--user"), (("revoke", "12"), '"12"'), (("revoke", "7577315731259309084"), "sshd's log"), (("revoke", "0123456789ABCDEF"), "0-9 and a-f"),
                           (("revoke", "0123456789abcdef", "--user", "a"), "--user"),
                           (("cert", "a", "b"), "too many"), (("cert", "x", *["--principal", "p"] * 33), "32 times"),
                           (("cert", "--lifetime"), "--lifetime needs a value"), (("cert", "--out"), "--out needs a value"),
                           (("cert", "--principal"), "--principal needs a value"), (("cert", ""), '"" is no name'),
                           (("cert", "a/"), '"a/" is no name'), (("cert", "/etc/hostname.pub", "--bogus"), "--bogus"),
                           (("list", "--user"), "--user needs a value"), (("revoke", ""), '""'),
                           (("revoke", "--all"), "--all"), (("ca", ""), '""'), (("ca", "--at-once"), "--at-once"),
                           (("ca", "retire", ""), '""'), (("setup", "--host"), "--host needs a value"),
                           (("setup", "--install"), "--host"), (("setup", "--remove", "x"), "too many"),
                           (("setup",), "--host"), (("setup", "--server", "--host", "a"), "--host"),
                           (("setup", "--client", "--server"), "exclude"), (("setup", "--install", "--remove"), "exclude")):
            with self.subTest(args):
                if "--json" not in args:
                    self.assertIn(said, self.fails(2, "ssh", *args))
                self.assertEqual(self.fails_json(2, "ssh", *args)["error"], "usage")
        self.assertEqual(self.agent.requests + self.admin.requests, [])

    def test_krl(self):
        r = self.run_client("ssh", "ca", "krl")
        self.assertEqual((r.returncode, r.stdout, r.stderr), (0, KRL, b""))
        path = os.path.join(self.dir, "krl")
        self.assertIn("Wrote " + path, self.ok("ssh", "ca", "krl", path))
        with open(path, "rb") as f:
            self.assertEqual(f.read(), KRL)
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o644)
        self.assertEqual(self.document(self.ok("ssh", "ca", "krl", path, "--json")), {"path": path, "bytes": len(KRL)})
        for answer in (octets(b"SSHKRL"), octets(b"{}", "application/json"), octets(b"x" * 64), (200, CA)):
            self.agent.routes["GET /ssh/krl"] = answer
            self.assertIn("malformed", self.fails(1, "ssh", "ca", "krl", path))
        self.agent.routes["GET /ssh/krl"] = (404, {"error": "not_found", "error_description": "no ssh {}"})
        self.assertIn("no ssh {}", self.fails(6, "ssh", "ca", "krl", path))
        with open(path, "rb") as f:
            self.assertEqual(f.read(), KRL)

    def test_join(self):
        def krl(*keys, version=1):
            """One that revokes these keys."""
            sections = b"".join(b"\2" + struct.pack(">II", 4 + len(k), len(k)) + k for k in keys)
            return b"SSHKRL\n\0" + struct.pack(">IQQQII", 1, version, 5, 0, 0, 0) + sections

        def written():
            with open(path, "rb") as f:
                return f.read()

        path, *others = [os.path.join(self.dir, name) for name in ("krl", "a", "b")]
        self.agent.routes["GET /ssh/krl"] = octets(krl(b"own"))
        for other, key in zip(others, (b"a1", b"b1")):
            with open(other, "wb") as f:
                f.write(krl(key, key))
        words = ["ssh", "ca", "krl", path, "--join", others[0], "--join", others[1]]
        want = krl(b"own", b"a1", b"a1", b"b1", b"b1", version=3)
        self.assertIn("Wrote " + path, self.ok(*words))
        for r in (written(), self.run_client("ssh", "ca", "krl", "-", *words[4:]).stdout):
            self.assertEqual(r, want)
        self.assertEqual(self.document(self.ok(*words, "--json")), {"path": path, "bytes": len(want)})
        self.assertIn("%s is the file that is written" % path, self.fails(2, *words, "--join", path))
        signed, plain, link, fifo, big = [os.path.join(self.dir, n) for n in ("signed", "plain", "link", "fifo", "big")]
        os.symlink(others[0], link)
        os.mkfifo(fifo)
        for name, data in ((signed, krl() + b"\4\0\0\0\1k\0\0\0\1s"), (plain, b"ssh-ed25519 AAAA a key\n"), (big, krl())):
            with open(name, "wb") as f:
                f.write(data)
        os.truncate(big, (16 << 20) + 1)
        for status, name, said in ((1, signed, "is signed"), (1, plain, "is no list"), (9, link, "a symbolic link"),
                                   (9, fifo, "no plain file"), (9, big, "is larger"), (6, self.dir + "/none", "there is no file"),
                                   (6, "/nowhere/krl", "the folder /nowhere")):
            with self.subTest(name):
                complaint = self.fails(status, *words, "--join", name)
                self.assertIn(said, complaint)
                self.assertIn(os.path.dirname(name) if status == 6 else name, complaint)
                r = self.run_client("ssh", "ca", "krl", "--join", name)
                self.assertEqual((r.returncode, r.stdout), (status, b""))
        self.agent.routes["GET /ssh/krl"] = octets(KRL)		# it begins as one
        self.fails(1, *words)
        self.assertEqual(written(), want)

    def test_a_list_is_nothing_to_look_at(self):
        t = Terminal(["ssh", "ca", "krl"], self.env, stdout="the terminal")
        self.assertEqual((t.end()[0], self.agent.requests), (2, []))

    def test_revoke(self):
        self.assertIn("Revoked 2 certificates.", self.ok("ssh", "revoke", CERT["serial"]))
        self.assertEqual(self.admin.requests[-1].json(), {"serial": CERT["serial"]})
        self.ok("ssh", "revoke", "--user", "alice")
        self.assertEqual(self.admin.requests[-1].json(), {"subject": "alice"})
        self.admin.routes["POST /admin/ssh/revoke"] = (404, {"error": "not_found"})
        self.assertIn('"%s"' % CERT["serial"], self.fails(6, "ssh", "revoke", CERT["serial"]))
        self.admin.routes["POST /admin/ssh/ca"] = (404, {"error": "not_found"})
        self.assertIn('"k9"', self.fails(6, "ssh", "ca", "retire", "k9"))
        self.admin.routes["POST /admin/ssh/revoke"] = (200, {"revoked": 0})
        self.assertIn("No certificate of nosuch ", self.ok("ssh", "revoke", "--user", "nosuch"))
        self.admin.routes["GET /admin/ssh/certificates"] = (200, {"certificates": []})
        for verb in ("revoke", "list"):		# a slip is told from one who has none
            self.assertIn(b'no user "nosuch"', self.run_client("ssh", verb, "--user", "nosuch").stderr)
        self.assertEqual(self.run_client("ssh", "revoke", "--user", "root").stderr, b"")


@unittest.skipUnless(shutil.which("ssh"), "no ssh")
class Setup(Home):
    INSTALL = ("ssh", "setup", "--install", "--host", "*.corp.example", "--host", "git.example")

    def means(self, host, key="identityagent"):
        """What ssh makes of the files; ssh knows another home than $HOME."""
        text = self.read(self.config).replace("~/.ssh", self.ssh)
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(text)
            f.flush()
            os.chmod(f.name, 0o644)
            r = subprocess.run(["ssh", "-G", "-F", f.name, host], capture_output=True, text=True, **self.mine())
        self.assertEqual(r.returncode, 0, r.stderr)
        return [line.split(" ", 1)[1] for line in r.stdout.splitlines() if line.startswith(key + " ")]

    def test_patterns(self):
        for pattern, why in (("*", "hide your other keys"), ("**", "hide"), ("*.*", "hide"), ("?*", "hide"), ("!*", "hide"),
                             ("", "is empty"), ("!", "is empty"), ("a b", "character"), ("a,b", "character"),
                             ("a\nHost *", "character"), ("a\"", "character"), ("%h", "character")):
            with self.subTest(pattern):
                said = self.refused(2, "ssh", "setup", "--host", "fine.example", "--host", pattern)
                self.assertIn(why, said)
                if pattern.isprintable():
                    self.assertIn('"%s"' % pattern, said)
        self.assertIn("--host '*.corp.example'", self.refused(2, "ssh", "setup", "--host", "!a.example"))

    def test_print(self):
        said = self.ok("ssh", "setup", "--host", "*.example", "--host", "!b.example")
        self.assertIn("\nMatch host *.example,!b.example\n\tIdentityAgent %s/ssh.sock\n" % self.dir, said)
        self.assertEqual(self.tree(), {".ssh": None})
        said = self.ok("ssh", "setup", "--server")
        for line in ("TrustedUserCAKeys /etc/ssh/tessera_ca.pub", "RevokedKeys /etc/ssh/tessera_krl",
                     "AuthorizedPrincipalsFile /etc/ssh/tessera_principals/%u"):
            self.assertIn("\n" + line + "\n", said)
        self.assertEqual(self.document(self.ok("ssh", "setup", "--server", "--json")), {"text": said})
        folder = os.path.join(self.home, "conf/tessera")	# of another agent than $TESSERA_SOCK means
        os.makedirs(folder)
        with open(folder + "/tessera.conf", "w", encoding="ascii") as f:
            f.write('audience "demo" { scopes = {"read"} acr = "self" any-user = true }\n')
        self.give(os.path.dirname(folder), folder, folder + "/tessera.conf")
        env = {**self.env, "XDG_RUNTIME_DIR": self.home + "/run", "XDG_CONFIG_HOME": self.home + "/conf",
               "XDG_STATE_HOME": self.home + "/state"}
        said = self.ok("ssh", "setup", "--user-mode", "--identities-only", "--host", "a.example", env=env)
        self.assertIn("IdentityAgent %s/ssh.sock\n" % self.dir, said)
        self.assertIn("IdentityFile %sd/ssh/%%i.pub\n" % self.dir, said)
        self.assertIn("/nowhere.conf", self.refused(1, "ssh", "setup", "--host", "a.example", "--config", "/nowhere.conf"))
        said = self.ok("ssh", "setup", "--host", "a.example", env={**self.env, "TESSERA_SSH_SOCK": "/x/y.sock"})
        self.assertIn("IdentityAgent /x/y.sock\n", said)
        self.assertIn('"/x y"', self.refused(2, "ssh", "setup", "--host", "a.example",
                                             env={**self.env, "TESSERA_SSH_SOCK": "/x y"}))

    def test_install_and_remove(self):
        self.file("config", "Host other.example\n\tUser bob\n", 0o640)
        before = self.tree()
        said = self.ok(*self.INSTALL)
        self.assertIn("written    " + self.snippet, said)
        self.assertIn("kept       what was there, as %s.tessera-old" % self.config, said)
        self.assertEqual(self.means("www.corp.example"), [self.dir + "/ssh.sock"])
        self.assertEqual(self.means("git.example"), [self.dir + "/ssh.sock"])
        self.assertEqual(self.means("other.example"), [])
        self.assertEqual(self.means("other.example", "user"), ["bob"])
        self.assertEqual(os.stat(self.config).st_mode & 0o777, 0o640)
        after = self.tree()
        self.assertIn("Nothing had to be changed", self.ok(*self.INSTALL))
        self.assertEqual(self.tree(), after)
        self.ok("ssh", "setup", "--remove")
        self.assertEqual(self.tree(), {**before, ".ssh/config.tessera-old": before[".ssh/config"]})
        self.assertIn("Nothing had to be changed", self.ok("ssh", "setup", "--remove"))

    def test_where_there_was_nothing(self):
        os.rmdir(self.ssh)
        self.assertIn("Nothing had to be changed", self.ok("ssh", "setup", "--remove"))
        self.ok(*self.INSTALL)
        self.assertEqual(os.stat(self.ssh).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(self.config).st_mode & 0o777, 0o600)
        self.assertEqual(self.means("git.example"), [self.dir + "/ssh.sock"])
        self.ok("ssh", "setup", "--remove")
        self.assertEqual(self.tree(), {".ssh": None})

    def test_identities_only(self):
        there = self.file("ssh.sock", "")
        env = {**self.env, "TESSERA_SSH_SOCK": there}
        self.assertIn("--config", self.refused(6, *self.INSTALL, "--identities-only", "--socket", self.agent.path, env=env))
        self.ok(*self.INSTALL, "--identities-only", "--socket", self.agent.path)
        uid = subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip()
        self.assertEqual(self.means("git.example", "identitiesonly"), ["yes"])
        self.assertIn("/ssh/%i.pub", self.read(self.snippet))
        self.assertEqual(self.means("git.example", "certificatefile"), [self.dir + "d/ssh/%i-cert.pub"], uid)

    def test_edited(self):
        """A file that somebody changed is kept aside, each version once."""
        self.ok(*self.INSTALL)
        for text, names in (("# mine\n", 1), ("# other\n", 2), ("# mine\n", 2)):
            with open(self.snippet, "w", encoding="utf-8") as f:
                f.write(text)
            self.ok(*self.INSTALL)
            self.assertIn("Match host", self.read(self.snippet))
            self.assertEqual(len([n for n in os.listdir(self.ssh + "/config.d") if "tessera-old" in n]), names)
        with open(self.snippet, "w", encoding="utf-8") as f:
            f.write("# mine\n")
        self.assertIn("was not made by", self.refused(9, "ssh", "setup", "--remove"))
        self.assertEqual(self.read(self.snippet), "# mine\n")

    def test_an_include_for_some_hosts_is_none(self):
        self.file("config", "Host x.example\nInclude ~/.ssh/config.d/60-tessera.conf\n")
        self.ok(*self.INSTALL)
        self.assertEqual(self.means("git.example"), [self.dir + "/ssh.sock"])
        self.assertEqual(self.read(self.config).count("Include"), 1)

    def test_hostile_folder(self):
        """Links are not followed, and the line can be put there by hand."""
        real = os.path.join(self.home, "dotfile")
        with open(real, "w", encoding="utf-8") as f:
            f.write("Host x\n")
        os.symlink(real, self.config)
        self.give(self.config, real)
        before = self.tree()
        said = self.refused(9, *self.INSTALL)
        self.assertIn('put at its top the line "Include ~/.ssh/config.d/60-tessera.conf" yourself', said)
        self.assertEqual({n for n in self.tree() if n not in before}, {".ssh/config.d"})
        with open(real, "w", encoding="utf-8") as f:
            f.write("Include ~/.ssh/config.d/60-tessera.conf\nHost x\n")
        self.ok(*self.INSTALL)
        self.assertEqual(os.readlink(self.config), real)
        self.assertIn("Nothing had to be changed", self.ok(*self.INSTALL))
        self.assertIn("take out the line", self.refused(9, "ssh", "setup", "--remove"))
        os.unlink(self.config)
        os.unlink(self.snippet)
        os.symlink(real, self.snippet)
        self.give(self.snippet)
        self.assertIn("symbolic link", self.refused(9, *self.INSTALL))
        os.chmod(self.ssh, 0o777)
        self.assertIn("everybody may write", self.refused(5, *self.INSTALL))

    @unittest.skipIf(os.getuid() != 0, "only root makes files of others")
    def test_of_others(self):
        self.file("config", "", uid=1)
        self.assertIn("belongs to uid 1", self.refused(5, *self.INSTALL))
        os.unlink(self.config)
        self.give(self.ssh + "/config.d", uid=1)
        self.refused(5, *self.INSTALL)
        self.assertNotIn("60-tessera.conf", str(os.listdir(self.ssh + "/config.d")))
        os.chmod(self.ssh, 0)
        self.assertIn("Permission denied", self.refused(5, *self.INSTALL))
        self.give(self.ssh, uid=1)
        self.refused(5, *self.INSTALL)
        self.assertIn("run this as root", self.refused(5, "ssh", "setup", "--server", "--install"))


if __name__ == "__main__":
    unittest.main()

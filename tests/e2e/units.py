#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Judge the systemd units offline: units.py UNITS SOURCE BIN

Verifies copies whose programs are those of BIN, so that a typo, an unknown
key or a program that is not there fails, and holds the sandboxing of the
services to a score ("systemd-analyze security": 0 is best, 10 worst)."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

UNITS, SOURCE, BIN = (os.path.abspath(a) for a in sys.argv[1:4])
NAMES = ["tesserad.service", "tessera-pkcs11@.service", "tessera.socket",
         "tessera-admin.socket", "tessera-ssh.socket", "tessera-pkcs11.socket", "tessera-pkcs11-watch@.service",
         "tessera-pkcs11-watch.socket", "tessera-fido.socket", "tessera-fido@.service",
         "tessera-fido-watch.socket", "tessera-fido-watch@.service", "tessera-sshd.path",
         "tessera-sshd.service"]
SCORE = {"tesserad.service": 1.0, "tessera-pkcs11@.service": 1.0,
         "tessera-pkcs11-watch@.service": 1.0, "tessera-fido@.service": 1.2,
         "tessera-fido-watch@.service": 1.6, "tessera-sshd.service": 1.5}


def run(*command, **env):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, check=False, env={**os.environ, **env})
    return done.returncode, done.stdout


class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name in NAMES:
            with open(os.path.join(UNITS, name), encoding="utf-8") as f:
                text = f.read()
            self.assertNotIn("@CMAKE", text, name)
            text = re.sub(r"^ExecStart=\S*/", "ExecStart=%s/" % BIN, text, flags=re.M)
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
                f.write(text)

    def verify(self):
        # an instance, since a template alone is not looked at
        for name in (n for n in NAMES if "@." in n):
            os.symlink(name, os.path.join(self.folder, name.replace("@.", "@1.")))
        names = [n.replace("@.", "@1.") for n in NAMES]
        return run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                   *[os.path.join(self.folder, n) for n in names])

    def test_verify(self):
        status, said = self.verify()
        self.assertEqual((status, said), (0, ""), said)

    def test_user_unit(self):
        """The unit for user mode, as a user's manager would read it."""
        with open(os.path.join(UNITS, "user/tesserad.service"), encoding="utf-8") as f:
            text = f.read()
        self.assertNotIn("@CMAKE", text)
        self.assertRegex(text, r"(?m)^ExecStart=\S+/tesserad --user$")
        text = re.sub(r"^ExecStart=\S*/", "ExecStart=%s/" % BIN, text, flags=re.M)
        folder = os.path.join(self.folder, "user")
        os.mkdir(folder)
        with open(os.path.join(folder, "tesserad.service"), "w", encoding="utf-8") as f:
            f.write(text)
        status, said = run("systemd-analyze", "verify", "--user", "--man=no", "--recursive-errors=no",
                           os.path.join(folder, "tesserad.service"), XDG_RUNTIME_DIR=folder)
        self.assertEqual((status, said), (0, ""), said)

    def test_a_typo_is_seen(self):
        with open(os.path.join(self.folder, "tesserad.service"), "a", encoding="utf-8") as f:
            f.write("[Service]\nProtectHoem=yes\n")
        status, said = self.verify()
        self.assertNotEqual((status, said), (0, ""))
        self.assertIn("ProtectHoem", said)

    def test_security(self):
        for name, most in SCORE.items():
            with self.subTest(name):
                unit = os.path.join(self.folder, name.replace("@.", "@1."))
                if not os.path.exists(unit):
                    os.rename(os.path.join(self.folder, name), unit)
                status, said = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                                   "--threshold=%d" % int(most * 10), unit)
                print(said.strip().splitlines()[-1])
                self.assertEqual(status, 0, said)

    def test_users(self):
        """Every user and group that a unit names is made by sysusers."""
        with open(os.path.join(SOURCE, "tessera.sysusers"), encoding="utf-8") as f:
            made = set(re.findall(r"^[ug]\s+(\S+)", f.read(), flags=re.M))
        for name in NAMES:
            with open(os.path.join(self.folder, name), encoding="utf-8") as f:
                asked = re.findall(r"^(?:Socket)?(?:User|Group)=(\S+)", f.read(), flags=re.M)
            self.assertLessEqual(set(asked), made, name)

    def text(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as f:
            return f.read()

    def test_sockets(self):
        """Whatever the first configuration connects to, a unit listens on for the agent,
        and tesserad brings it up."""
        with open(os.path.join(UNITS, "tessera.conf.example"), encoding="utf-8") as f:
            asked = re.findall(r'^\s*\S*socket\s*= "(/run/tessera/\S+)"', f.read(), flags=re.M)
        self.assertEqual(len(asked), 4)
        agent = self.text("tesserad.service")
        for path in asked:
            unit, = [n for n in NAMES if "ListenStream=%s\n" % path in self.text(n)]
            self.assertIn("SocketUser=tessera\nSocketMode=0600\n", self.text(unit))
            for key in ("Wants", "After", "Also"):
                self.assertRegex(agent, r"(?m)^%s=.*\b%s( |$)" % (key, re.escape(unit)))

    def test_sshd(self):
        """Nobody who has stopped the agent has it started again by the files that go."""
        watched = re.findall(r"(?m)^PathChanged=(\S+)$", self.text("tessera-sshd.path"))
        needed = re.findall(r"(?m)^ConditionPathExists=(\S+)$", self.text("tessera-sshd.service"))
        self.assertEqual((len(watched), len(set(watched) & set(needed))), (2, 1))
        # what changes while the service runs starts it no second time: it looks itself
        last = re.findall(r"(?m)^ExecStart=(.*)$", self.text("tessera-sshd.service"))[-1]
        self.assertEqual(last.split()[1:], ["-s", watched[0], "/etc/ssh/tessera_krl"])
        self.assertIn("\nRestart=on-failure\n", self.text("tessera-sshd.service"))

    def test_keys(self):
        """The FIDO2 helpers have hidraw nodes by the group that udev gives them to, the
        watcher hears udev, and neither has more."""
        with open(os.path.join(SOURCE, "../udev/70-tessera.rules"), encoding="utf-8") as f:
            rule, = re.findall(r'^SUBSYSTEM=="hidraw".*$', f.read(), flags=re.M)
        self.assertEqual(rule, 'SUBSYSTEM=="hidraw", ENV{ID_FIDO_TOKEN}=="1", '
                               'GROUP="tessera-dev", MODE="0660"')
        for name, families in (("tessera-fido@.service", "AF_UNIX"),
                               ("tessera-fido-watch@.service", "AF_UNIX AF_NETLINK")):
            text = self.text(name)
            for line in ("User=tessera-dev", "Group=tessera-dev", "DevicePolicy=closed",
                         "DeviceAllow=char-hidraw rw", "RestrictAddressFamilies=" + families):
                self.assertIn(line + "\n", text, name)
            self.assertNotIn("PrivateDevices=yes", text)
            # udev speaks in the host's network namespace
            self.assertEqual("PrivateNetwork=yes" in text, "NETLINK" not in families)
            self.assertEqual("--watch" in text, "NETLINK" in families)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

# SPDX-License-Identifier: ISC
"""tessera-breakglass(7) as it stands: every command of its literal blocks is run, in
the order of the page, on a machine with sshd, PAM and the agent; what is gone in a
section is taken away before it, and what the section promises is looked at after."""
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import traceback
import unittest

import etcssh
import harness
from harness import DAEMON, DEVICE_GRANT
from terminal import Terminal

PAGE = os.path.join(os.environ["TESSERA_SOURCE"], "man/tessera-breakglass.7")
PIN, PASSWORD, USER = "123456", "correct horse", "daemon"
# What the page writes for what differs from machine to machine.
WORDS = ((r"\balice\b", USER), (r"\bID\b", "{ID}"), (r"\bCODE\b", "{CODE}"))
FAILS = ("tessera doctor",)	# says that something is wrong, which it is
AUDIENCES = {**harness.AUDIENCES, "ssh": {"scopes": ["login"], "acr": "self", "lifetime": "5m", "any-user": True},
             "login": {"class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m", "any-user": True}}


def commands(path):
    """[(section, subsection, "#" or "$", command)]"""
    found, section, sub, block = [], "", "", None
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith(".Sh "):
                section, sub = line[4:], ""
            elif line.startswith(".Ss "):
                sub = line[4:]
            elif line.startswith(".Bd -literal"):
                block = []
            elif line == ".Ed":
                found += [(section, sub, text[0], text[2:]) for text in block]
                block = None
            elif block is not None:
                line = line.replace("\\e", "\\").replace("\\&", "")
                if line[:2] in ("# ", "$ "):
                    block.append(line)
                else:
                    block[-1] += "\n" + line
    return found


class Machine(harness.Machine):
    """The agent, and a host on which its paths are those of an installation."""

    def __init__(self):
        super().__init__(audiences=AUDIENCES, settings={"ssh": {"audience": "ssh"}})
        try:
            self.furnish(self.folder)
        except BaseException:
            self.abandon()
            raise

    def furnish(self, f):
        os.mkdir(f + "/stub")
        for name in ("asked", "answered"):
            os.mkfifo(f + "/" + name)
        with open(f + "/stub/systemctl", "w", encoding="ascii") as out:
            out.write('#!/bin/sh\necho "$*" >%s/asked\nread answer <%s/answered\nexit "$answer"\n' % (f, f))
        os.chmod(f + "/stub/systemctl", 0o755)
        self.pam = os.path.dirname(self.find_pam())
        shutil.copytree(self.pam, f + "/security")
        shutil.copy2(os.path.join(os.environ["TESSERA_BIN"], "../lib/pam_tessera.so"), f + "/security")
        os.mkdir(f + "/conf")
        shutil.copy2(self.conf, f + "/conf/tessera.conf")
        self.host = etcssh.Host(f + "/host", path=f + "/stub:" + self.bin, binds=(
            (f + "/conf", "/etc/tessera"), (self.run, "/run/tessera"), (self.public, "/run/tesserad"),
            (self.state, "/var/lib/tessera"), (f + "/security", self.pam)))
        threading.Thread(target=self.serve, daemon=True).start()

    @staticmethod
    def find_pam():
        for where, _, files in os.walk("/usr/lib"):
            if "pam_unix.so" in files:
                return os.path.join(where, "pam_unix.so")
        raise harness.Failed("there is no pam_unix.so")

    def serve(self):
        """systemctl, which there is none of."""
        while True:
            with open(self.folder + "/asked", encoding="ascii") as f:
                words = f.read().split()
            if not words:
                return
            status = 1
            try:
                status = int(not self.systemctl(*words))
            except (OSError, harness.Failed):
                traceback.print_exc()
            with open(self.folder + "/answered", "w", encoding="ascii") as f:
                f.write("%d\n" % status)

    def systemctl(self, what, *units):
        if units[-1] in ("ssh", "tessera-sshd.path"):
            return what in ("reload", "enable")		# each connection has a new sshd
        if what in ("stop", "restart"):
            self.stop()
        elif what == "kill" and self.process is not None:
            self.kill()
        if what in ("start", "restart"):
            self.start()
        return what in ("start", "stop", "restart", "kill")

    def vanish(self):
        """Agent and sockets are gone at once."""
        self.kill()
        for s in self.listeners:
            os.unlink(s.getsockname())
            s.close()
        self.listeners = []

    def release(self):
        if hasattr(self, "host"):
            try:
                os.close(os.open(self.folder + "/asked", os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                pass			# nobody reads: it is busy, or over
            self.host.close()
        super().release()


class Page(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.m = m = Machine()
        self.addCleanup(m.abandon)
        self.host, self.said = m.host, {}
        for name in ("card", "new"):
            m.make_token(name, PIN)
        self.credential = m.tessera("enroll", "pkcs11", "--user", USER, "--device", "pkcs11:token=card;id=%01",
                                    "--json", pin=PIN, check=True).json["id"]
        self.key = "/home/%s/.ssh/id_ed25519" % USER
        self.do("mkdir -m 0700 /home/%s/.ssh && ssh-keygen -q -t ed25519 -N '' -f %s" % (USER, self.key), user=USER)
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True)
        with open(self.host.folder + "/etc/shadow", "w", encoding="ascii") as f:
            f.write("root:*:1::::::\n%s:%s:19000::::::\n" % (USER, hashed.stdout.strip()))
        askpass = m.folder + "/stub/askpass"
        with open(askpass, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho %s\n" % shlex.quote(PASSWORD))
        os.chmod(askpass, 0o755)
        self.env = {"SSH_ASKPASS": askpass, "SSH_ASKPASS_REQUIRE": "force"}

    def do(self, text, user="root", status=(0,), **more):
        r = self.host.run("/bin/sh", "-e", "-c", text, user=user, env=self.env if hasattr(self, "env") else None, **more)
        self.assertIn(r.returncode, status, "%s: %s%s" % (text, r.stdout, r.stderr))
        return r.stdout

    def login(self, key=None, account=USER):
        """Whether the key, with the certificate beside it, gets in."""
        status, said = self.host.ssh(key or self.key, account, env=self.env)
        self.assertIn((status, said == account or "Permission denied" in said), ((0, True), (255, True)), said)
        return status == 0

    def certify(self):
        """A certificate of the agent's, by the card that there is; nothing is given in
        the second in which everything was revoked."""
        def given():
            ran = self.m.tessera("ssh", "cert", self.host.folder + self.key + ".pub", pin=PIN, uid=DAEMON)
            self.assertIn((ran.status, "cannot do this at present" in ran.err), ((0, False), (1, True)), ran)
            return ran.status == 0
        harness.until(given, 30, "a certificate")

    def pam(self, answer, user="root", service="tessera-console"):
        """Whether that answer, to whatever is asked, lets the user in at the console."""
        r = self.host.run("pamtester", service, USER, "authenticate", input=answer + "\n", user=user)
        return r.returncode == 0

    # --- what is taken away before a section, and looked at after it

    def after_ON_A_GOOD_DAY(self):
        self.assertTrue(self.login("/root/emergency", "root"))
        self.assertTrue(self.pam(PIN, user=USER))
        self.assertFalse(self.pam(PASSWORD))			# the agent answers
        self.certify()
        self.assertTrue(self.login())

    def before_A_CARD_IS_LOST(self):
        self.words["{ID}"] = self.credential

    def after_A_CARD_IS_LOST(self):
        states = {c["id"]: c["state"] for c in self.m.tessera(
            "credential", "list", "--user", USER, "--json", check=True).json["credentials"]}
        self.assertEqual((states.pop(self.credential), list(states.values())), ("disabled", ["active"]))
        self.assertFalse(self.login())				# the certificate of before
        self.certify()
        self.assertTrue(self.login())

    def before_THE_AGENT_IS_GONE(self):
        os.unlink(self.host.folder + self.key + "-cert.pub")
        self.do("sed s/timeout=10/timeout=1/ /etc/pam.d/tessera-console >/etc/pam.d/sooner")
        self.m.signal(signal.SIGSTOP)
        self.assertTrue(self.pam(PASSWORD, service="sooner"))
        self.m.vanish()
        self.assertTrue(self.pam(PASSWORD))
        os.rename(self.m.folder + "/security/pam_tessera.so", self.m.folder + "/pam_tessera.so")
        self.assertTrue(self.pam(PASSWORD))
        self.assertFalse(self.pam("another"))
        os.rename(self.m.folder + "/pam_tessera.so", self.m.folder + "/security/pam_tessera.so")

    def before_The_store_is_broken(self):
        self.m.stop()
        with open(self.m.state + "/tessera.db", "r+b") as f:
            f.write(b"no SQLite file at all")
        os.unlink(self.m.state + "/store.key")
        self.m.process = self.m.spawn()
        self.assertNotEqual(self.m.expect_exit(), 0)

    def after_The_store_is_broken(self):
        """As it was at the backup: with the card that was lost since."""
        self.certify()
        self.assertTrue(self.login())

    def after_The_agent_works(self):
        self.assertFalse(self.login())
        self.certify()
        self.assertTrue(self.login())

    def after_The_agent_does_not_work(self):
        self.assertFalse(self.login())
        shutil.copyfile(self.host.folder + "/root/%s-cert.pub" % USER, self.host.folder + self.key + "-cert.pub")
        self.assertTrue(self.login())
        self.do("tessera ssh ca rotate --at-once && tessera ssh setup --server --install")
        self.certify()
        self.assertTrue(self.login())

    def before_SSHD_TAKES_NO_KEY_OF_ANYBODY(self):
        os.unlink(self.host.etc + "/tessera_krl")
        self.assertFalse(self.login("/root/emergency", "root"))

    def after_SSHD_TAKES_NO_KEY_OF_ANYBODY(self):
        self.assertTrue(self.login())
        self.assertIn("Nothing had to be changed", self.do("tessera ssh setup --server --install"))

    # --- the page

    def at(self, when, place):
        hook = getattr(self, "%s_%s" % (when, re.sub(r"\W+", "_", place)), None)
        self.hooks.discard("%s_%s" % (when, re.sub(r"\W+", "_", place)))
        if hook is not None:
            hook()

    def perform(self, who, text):
        """One command, as the page's reader runs it."""
        for pattern, word in WORDS:
            text = re.sub(pattern, lambda _, w=word: self.words.get(w, w), text)
        if who == "$" and text.startswith("tessera "):
            t = Terminal(self.m, *shlex.split(text)[1:], uid=DAEMON)
            t.expect("PIN: ")
            t.type(PIN + "\n")
            status, said = t.end()
            self.assertEqual(status, 0, said)
            return
        out = self.do(text, user="root" if who == "#" else USER, status=(0, 1) if text in FAILS else (0,))
        found = re.match(r"([A-Z0-9-]{8,})\nGood once", out)
        if found:
            self.words["{CODE}"] = found.group(1)

    def test_page(self):
        self.words, before = {}, ("", "")
        self.hooks = {name for name in dir(self) if re.match("(before|after)_", name)}
        page = commands(PAGE)
        self.assertGreater(len(page), 30)
        for section, sub, who, text in page + [("", "", "", "")]:
            for n in (1, 0):
                if (section, sub)[n] != before[n] or section != before[0]:
                    self.at("after", before[n])
            for n in (0, 1):
                if (section, sub)[n] != before[n] or section != before[0]:
                    self.at("before", (section, sub)[n])
            before = (section, sub)
            if text:
                self.perform(who, text)
        self.assertEqual(self.hooks, set())	# each belongs to a section that there is
        self.m.close()


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""tessera-breakglass(7) as it stands: every command of its literal blocks is run, in
the order of the page, on a machine with sshd, PAM and the agent; what is gone in a
section is taken away before it, and what the section promises is looked at after."""
import os
import re
import shlex
import shutil
import subprocess
import threading
import unittest

import etcssh
import harness
from harness import DAEMON, DEVICE_GRANT
from terminal import Terminal

PAGE = os.path.join(os.environ["TESSERA_SOURCE"], "man/tessera-breakglass.7")
PIN, PASSWORD, USER = "123456", "correct horse", "daemon"
# What the page writes for what differs from machine to machine.
WORDS = ((r"\balice\b", USER), (r"\bID\b", "{ID}"), (r"\bCODE\b", "{CODE}"), (r"token=new;id=%01", "token=new;id=%01"))
FAILS = ("tessera doctor",)	# says that something is wrong, which it is
AUDIENCES = {**harness.AUDIENCES, "ssh": {"scopes": ["login"], "acr": "self", "lifetime": "5m", "any-user": True}}


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
        f = self.folder
        os.mkdir(f + "/stub")
        for name in ("asked", "answered"):
            os.mkfifo(f + "/" + name)
        with open(f + "/stub/systemctl", "w", encoding="ascii") as out:
            out.write('#!/bin/sh\necho "$*" >%s/asked\nread answer <%s/answered\nexit "$answer"\n' % (f, f))
        os.chmod(f + "/stub/systemctl", 0o755)
        self.pam = os.path.dirname(self.find_pam())
        shutil.copytree(self.pam, f + "/security")
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
            with open(self.folder + "/answered", "w", encoding="ascii") as f:
                f.write("%d\n" % (not self.systemctl(*words)))

    def systemctl(self, what, *units):
        if units[-1] == "ssh":
            return what == "reload"	# each connection has a new sshd
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
            with open(self.folder + "/asked", "w", encoding="ascii"):
                pass
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
        status, said = self.host.ssh(key or self.key, account, "-o", "CertificateFile=%s-cert.pub" % (key or self.key))
        self.assertIn((status, said == account or "Permission denied" in said), ((0, True), (255, True)), said)
        return status == 0

    def certify(self):
        """A certificate of the agent's, by the card that there is."""
        self.m.tessera("ssh", "cert", self.host.folder + self.key + ".pub", "--out", self.host.folder + "/cert", pin=PIN,
                       check=True)
        return self.use(self.host.folder + "/cert")

    def use(self, cert):
        shutil.copyfile(cert, self.host.folder + self.key + "-cert.pub")

    def pam(self, password, module="/pam_tessera.so"):
        r = self.host.run("pamtester", "tessera-console", USER, "authenticate", input=password + "\n")
        return r.returncode == 0

    # --- what is taken away before a section, and looked at after it

    def before_A_CARD_IS_LOST(self):
        pass

    def after_THE_AGENT_IS_GONE(self):
        pass

    def test_page(self):
        pass


if __name__ == "__main__":
    harness.main()

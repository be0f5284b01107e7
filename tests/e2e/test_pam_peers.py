# SPDX-License-Identifier: ISC
"""pam_tessera.so in the programs that people log in with: sshd, sudo and su, each
the real one, with an /etc of their own (etcssh)."""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import time
import unittest

import etcssh
import harness
import pam
import pivcard
from harness import DAEMON
from otp_codes import SECRET, hotp
from pivcard import seated
from test_callers import Unit
from test_login_helper import scope
from test_pam import AUDIENCES, PIN, enrol

SSHD = "sshd-%d.service" % os.getpid()
ELSEWHERE = "10.9.8.7"		# an address of this network that is not this host's name
SSHD_CONFIG = etcssh.SSHD_CONFIG.replace("UsePAM no", "UsePAM yes").replace(
    "KbdInteractiveAuthentication no", "KbdInteractiveAuthentication yes\nUseDNS no")
SUDOERS = "Defaults timestamp_timeout=0, lecture=never\ndaemon ALL = (ALL) ALL\n"
# What ssh asks goes into the file "asked", a zero byte behind it; the next line of
# "answers" goes back.
ASKPASS = """#!/bin/sh
cd "$(dirname "$0")" && printf '%s\\0' "$1" >>asked && sed -n "$(tr -dc '\\0' <asked | wc -c)p" answers
"""
REMOTE = "A card or key of this machine does not prove this login."
CLONE_NEWNET, IFF_UP, SIOCSIFFLAGS, SIOCSIFADDR = 0x40000000, 1, 0x8914, 0x8916
LIMIT_S = 60


def own_network():
    """A loopback of our own, with another address."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        fcntl.ioctl(s, SIOCSIFADDR, struct.pack("16sHH4s16x", b"lo:1", socket.AF_INET, 0,
                                                socket.inet_aton(ELSEWHERE)))


class Host(etcssh.Host):
    """Its sshd is in the cgroup of a unit, which is a login helper."""

    unit = None

    def inside(self, *argv):
        if argv[0] == "/usr/sbin/sshd":
            argv = self.in_unit(self.unit, *argv)
        return super().inside(*argv)

    @staticmethod
    def in_unit(unit, *argv):
        return ("sh", "-c", "echo 0 >%s/cgroup.procs && exec \"$@\"" % unit.path, "sh", *argv)

    def stack(self, service, text):
        with open("%s/etc/pam.d/%s" % (self.folder, service), "w", encoding="utf-8") as f:
            f.write(text + "account required pam_permit.so\nsession required pam_permit.so\n")

    def as_daemon(self, unit, answers, *argv):
        """A program of the user daemon's in that unit: (status, what was said)."""
        done = self.run(*self.in_unit(unit, "setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups",
                                      *argv), input="".join(a + "\n" for a in answers))
        return done.returncode, done.stdout + done.stderr

    def login(self, answers, *options):
        """ssh to it: (status, what it said, [what it asked])."""
        for name, text in (("asked", ""), ("answers", "".join(a + "\n" for a in answers))):
            with open("%s/root/%s" % (self.folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        done = self.run("ssh", "-o", "PreferredAuthentications=keyboard-interactive", "-o",
                        "NumberOfPasswordPrompts=1", *options, "daemon@server.example", "id -un",
                        env={"SSH_ASKPASS": "/root/askpass", "SSH_ASKPASS_REQUIRE": "force"})
        with open(self.folder + "/root/asked", encoding="utf-8") as f:
            return done.returncode, done.stdout + done.stderr, f.read().split("\0")[:-1]


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.m = harness.Machine(audiences=AUDIENCES, settings={
            'login-helper "sshd"': {"user": "root", "unit": SSHD}})
        cls.addClassCleanup(cls.m.close)
        cls.sshd = Unit("system.slice", SSHD)
        cls.addClassCleanup(cls.sshd.leave)
        cls.m.make_token("card", PIN)
        enrol(cls.m)
        answer = cls.m.request("POST", "/admin/credentials", admin=True, json={
            "kind": "hotp", "subject": "daemon", "secret": SECRET, "confirm": False})
        assert answer.status == 201, answer
        cls.codes = iter(range(1, 1000))
        cls.p = pam.Pam(cls.m)
        Host.unit = cls.sshd
        cls.host = Host(cls.m.folder + "/host", conf=SSHD_CONFIG)
        cls.addClassCleanup(cls.host.close)
        for name, text, mode in (("etc/sudoers", SUDOERS, 0o440), ("root/askpass", ASKPASS, 0o755)):
            path = "%s/%s" % (cls.host.folder, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(path, mode)

    def code(self):
        return hotp(SECRET, next(self.codes))

    # --- sshd

    def test_sshd_from_elsewhere(self):
        """A code; the card that is plugged in here proves nothing, and nobody is asked
        for its PIN."""
        self.host.stack("sshd", self.p.line("methods=device,otp"))
        status, said, asked = self.host.login([self.code()], "-b", ELSEWHERE)
        self.assertEqual((status, said.split("\n")[0]), (0, "daemon"), said)
        self.assertEqual(asked, ["(daemon@127.0.0.1) %s\nsshd: code of your token: " % REMOTE])
        self.assertEqual(self.host.login(["000000"], "-b", ELSEWHERE)[0], 255)
        self.host.stack("sshd", self.p.line("mode=device"))
        status, said, asked = self.host.login([PIN], "-b", ELSEWHERE)
        self.assertEqual((status, asked), (255, []), said)

    def test_sshd_from_this_host(self):
        """The loopback is this host where no logind says what a seat is; where it runs,
        ssh is no terminal of it."""
        self.host.stack("sshd", self.p.line("mode=device"))
        status, said, asked = self.host.login([PIN])
        self.assertEqual((status, said.split("\n")[0]), (0, "daemon"), said)
        self.assertEqual(asked, ['(daemon@127.0.0.1) sshd: PIN of "card": '])
        self.assertEqual(self.host.login(["000000", "000001"])[0], 255)
        with seated({DAEMON: "seat0"}):
            status, said, asked = self.host.login([PIN])
            self.assertEqual((status, asked), (255, []), said)

    # --- sudo and su

    def sudo(self, unit, *answers):
        return self.host.as_daemon(unit, answers, "sudo", "-S", "id", "-u")

    def test_sudo(self):
        """Whose card is here, and who sits here or at least not elsewhere."""
        self.host.stack("sudo", self.p.line())
        with seated({DAEMON: "seat0 remote"}), scope("seat0") as here, scope("remote") as there:
            status, said = self.sudo(here, PIN)
            self.assertEqual(status, 0, said)
            self.assertRegex(said, r'(?m)^0$')
            self.assertIn('sudo: PIN of "card": ', said)
            self.assertEqual(self.sudo(here, "000000", "000001")[0], 1)
            status, said = self.sudo(there, PIN)
            self.assertEqual(status, 1, said)
            self.assertNotIn("PIN of", said)

    def test_su(self):
        """Oneself; nobody becomes another by his own card."""
        self.host.stack("su", self.p.line())
        with Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as unit:
            for user, want in (("daemon", 0), ("bin", 1), ("root", 1)):
                with self.subTest(user):
                    status, said = self.host.as_daemon(unit, [PIN], "su", user, "-s", "/bin/sh", "-c", "id -un")
                    self.assertEqual(status, want, said)
                    self.assertEqual("PIN of" in said, want == 0, said)

    # --- the stack goes on

    def test_agent_away(self):
        """Not there, not installed, hung: the next module decides, within the time-out."""
        matrix = "%s/passdb" % self.host.folder
        with open(matrix, "w", encoding="utf-8") as f:
            f.write("daemon:secret:sudo\n")
        matrix = "auth required %s passdb=%s\n" % (pam.MATRIX, matrix)
        with Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as unit:
            for name, line in [
                    ("no socket", self.p.line("timeout=1 socket=/run/none/tessera.sock", "sufficient")),
                    ("no module", "-auth sufficient /usr/lib/none/pam_tessera.so\n"),
                    ("hung", self.p.line("timeout=1", "sufficient"))]:
                with self.subTest(name):
                    self.host.stack("sudo", line + matrix)
                    if name == "hung":
                        self.m.signal(signal.SIGSTOP)
                    try:
                        began = time.monotonic()
                        status, said = self.sudo(unit, "secret")
                        took = time.monotonic() - began
                        wrong, _ = self.sudo(unit, "wrong")
                    finally:
                        if name == "hung":
                            self.m.signal(signal.SIGCONT)
                    self.assertEqual((status, wrong), (0, 1), said)
                    self.assertLess(took, LIMIT_S / 2)


if __name__ == "__main__":
    pivcard.own_mounts()
    own_network()
    harness.main()

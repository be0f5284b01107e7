# SPDX-License-Identifier: ISC
"""The files of pam.d(5) in tessera-pam(7), as they stand there, with the right and
the wrong factors: pamtester, pam_unix and the agent are the real ones, in a host
with an /etc of its own."""
import glob
import os
import re
import shutil
import subprocess
import unittest

import etcssh
import harness
import pam
from harness import DAEMON, DEVICE_GRANT
from otp_codes import SECRET, hotp
from test_callers import GDM, Unit
from test_pam import AUDIENCES, PIN, enrol

PAGE = os.path.join(os.environ["TESSERA_SOURCE"], "man/tessera-pam.7")
PASSWORD, WRONG = "secret", "wrong"
# Who has what: daemon all of it, bin a code and the password, games the password.
CODE = "<code>"		# the next one
PINS = iter("%06d" % n for n in range(1000))
BAD = "<wrong PIN>"		# another one each time


def recipes():
    """{name: (service, text)}"""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    found = {}
    for name, text in re.findall(r'^\.\\" recipe: (\S+)\n\.Bd -literal[^\n]*\n(.*?)^\.Ed$', page, re.M | re.S):
        path, _, text = text.partition("\n")
        found[name] = re.fullmatch(r"# /etc/pam\.d/([a-z-]+)", path).group(1), text
    return found


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.m = harness.Machine(audiences=AUDIENCES, settings={
            'login-helper "gdm"': {"user": "root", "unit": GDM}})
        cls.addClassCleanup(cls.m.close)
        cls.gdm = Unit("system.slice", GDM)
        cls.addClassCleanup(cls.gdm.leave)
        cls.m.make_token("card", PIN)
        enrol(cls.m)
        cls.codes = {}
        for user in ("daemon", "bin"):
            answer = cls.m.request("POST", "/admin/credentials", admin=True, json={
                "kind": "hotp", "subject": user, "secret": SECRET, "confirm": False})
            assert answer.status == 201, answer
            cls.codes[user] = iter(range(1, 100))
        security = os.path.dirname(glob.glob("/usr/lib/*/security/pam_unix.so")[0])
        shutil.copytree(security, cls.m.folder + "/security")
        shutil.copy(pam.Pam(cls.m).module, cls.m.folder + "/security")
        cls.host = etcssh.Host(cls.m.folder + "/host", binds=[
            (cls.m.folder + "/security", security), (cls.m.run, "/run/tessera")])
        cls.addClassCleanup(cls.host.close)
        made = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, stdout=subprocess.PIPE, text=True)
        with open(cls.host.folder + "/etc/shadow", "w", encoding="ascii") as f:
            f.writelines("%s:%s:19000:0:99999:7:::\n" % (user, made.stdout.strip()) for user in etcssh.ACCOUNTS)
        cls.recipes = recipes()

    def answer(self, user, what):
        return hotp(SECRET, next(self.codes[user])) if what == CODE else next(PINS) if what == BAD else what

    def token(self, **form):
        return self.m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": DEVICE_GRANT, "audience": "vpn", "pin": PIN, **form}).json["access_token"]

    def tried(self, name, *rows):
        """Each row: who, what he answers, is he let in."""
        service, text = self.recipes.pop(name)
        with open("%s/etc/pam.d/%s" % (self.host.folder, service), "w", encoding="utf-8") as f:
            f.write(re.sub(r"pam_unix\.so", "pam_unix.so nodelay", text))
        for user, answers, let_in in rows:
            with self.subTest(name, user=user, answers=answers):
                said = [self.answer(user, what) for what in answers]
                done = self.host.run("sh", "-c", "echo 0 >%s/cgroup.procs && exec pamtester %s %s authenticate "
                                     "acct_mgmt" % (self.gdm.path, service, user),
                                     input="".join(a + "\n" for a in said))
                self.assertEqual("successfully authenticated" in done.stdout, bool(let_in),
                                 done.stdout + done.stderr)
                self.assertEqual(done.returncode, 0 if let_in else 1, done.stdout + done.stderr)

    def test_all(self):
        self.tried("sudo", ("daemon", [PIN], 1), ("daemon", [BAD, BAD], 0), ("daemon", [PASSWORD, PASSWORD], 0),
                   ("bin", [CODE], 1), ("bin", [PASSWORD], 0), ("games", [PASSWORD], 0), ("games", [PIN], 0))
        self.tried("sudo-begin", ("daemon", [PIN], 1), ("daemon", [BAD, BAD, PASSWORD], 0),
                   ("bin", [CODE], 1), ("bin", ["000000", PASSWORD], 0),
                   ("games", [PASSWORD], 1), ("games", [WRONG], 0))
        self.tried("login", ("daemon", [PASSWORD, PIN], 1), ("daemon", [WRONG, PIN], 0),
                   ("daemon", [PASSWORD, BAD, BAD], 0), ("daemon", [PASSWORD], 0), ("bin", [PASSWORD, CODE], 1),
                   ("games", [PASSWORD, PASSWORD], 0))
        self.tried("login-begin", ("daemon", [PASSWORD, PIN], 1), ("daemon", [PASSWORD], 0),
                   ("daemon", [WRONG, PIN], 0), ("games", [PASSWORD], 1), ("games", [WRONG], 0))
        self.tried("gdm-password", ("daemon", [PIN], 1), ("daemon", [BAD, BAD, PASSWORD], 1),
                   ("daemon", [BAD, BAD, WRONG], 0), ("games", [PASSWORD], 1), ("games", [WRONG], 0))
        self.tried("sshd", ("daemon", [CODE], 1), ("daemon", [PIN], 0), ("games", [PASSWORD], 0))
        self.tried("sshd-password", ("daemon", [PASSWORD, CODE], 1), ("daemon", [WRONG, CODE], 0),
                   ("daemon", [PASSWORD, PIN], 0), ("games", [PASSWORD, PASSWORD], 0))
        self.tried("dovecot", ("daemon", [self.token()], 1), ("daemon", [PASSWORD], 0),
                   ("daemon", [self.token(audience="demo")], 0), ("games", [self.token()], 0))
        self.assertEqual(self.recipes, {}, "a recipe that nobody has tried")


if __name__ == "__main__":
    harness.main()

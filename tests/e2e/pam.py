# SPDX-License-Identifier: ISC
"""pam_tessera.so in a program of its own, see tests/pam/pam_login.c.

    p = Pam(m)				the module, copied beside the agent m
    p.service("sudo", "timeout=5")	a service whose auth stack is the module alone
    ran = p.login("daemon", answers=[PIN], unit=gdm)
    ran.auth				what pam_authenticate returned
    ran.lines				[("off", "sudo: PIN of ..."), ("info", ...), ...]

The names of PAM's codes are here, too.
"""
import glob
import os
import shutil
import subprocess
import time

import harness

(SUCCESS, OPEN_ERR, SYMBOL_ERR, SERVICE_ERR, SYSTEM_ERR, BUF_ERR, PERM_DENIED, AUTH_ERR, CRED_INSUFFICIENT,
 AUTHINFO_UNAVAIL, USER_UNKNOWN, MAXTRIES, NEW_AUTHTOK_REQD, ACCT_EXPIRED, SESSION_ERR, CRED_UNAVAIL,
 CRED_EXPIRED, CRED_ERR, NO_MODULE_DATA, CONV_ERR) = range(20)
IGNORE, ABORT = 25, 26
MATRIX = next(iter(glob.glob("/usr/lib/*/pam_wrapper/pam_matrix.so")), "")	# of libpam-wrapper
LIMIT_S = 60.0		# of one login, whatever it waits for


class Ran:
    def __init__(self, done, seconds):
        self.status, self.seconds, self.error = done.returncode, seconds, done.stderr
        self.lines = [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]

    def code(self, call):
        found = [int(text) for word, text in self.lines if word == call]
        if len(found) != 1:
            raise harness.Failed("%s: %r, %s" % (call, self.lines, self.error))
        return found[0]

    @property
    def auth(self):
        return self.code("auth")

    def said(self, word):
        """The lines of that kind: "off", "on", "info", "error"."""
        return [text for kind, text in self.lines if kind == word]

    def __repr__(self):
        return "%d %r %s" % (self.status, self.lines, self.error)


class Pam:
    def __init__(self, m):
        self.m, self.folder = m, m.folder + "/pam"
        build = os.path.dirname(os.environ["TESSERA_BIN"].rstrip("/"))
        os.mkdir(self.folder)
        os.mkdir(self.folder + "/d")
        self.module = shutil.copy(build + "/lib/pam_tessera.so", self.folder)
        self.program = shutil.copy(build + "/tests/pam_login", self.folder)
        self.service("login")
        self.service("other", stack="auth required pam_deny.so\n")

    def line(self, options="", control="required"):
        """A line of the auth stack, with the agent's socket."""
        if "socket=" not in options:
            options = "socket=%s %s" % (self.m.api, options)
        return "auth %s %s %s\n" % (control, self.module, options)

    def service(self, name, options="", stack=None):
        """A service that is the module alone, or that stack."""
        text = self.line(options) if stack is None else stack
        text += "account required pam_permit.so\n" if "account " not in text else ""
        with open("%s/d/%s" % (self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def login(self, user, *words, answers=(), service="login", unit=None, uid=0, env=None, calls=("auth",),
              under=()):
        """Log in, from that unit and as that uid, under a command that runs it: Ran."""
        argv = [*under, self.program, self.folder + "/d", service, user, *words, *calls]
        environ = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        environ.update(env or {})

        def run():
            if unit is not None:
                unit.enter()
            return harness.as_user(uid, self.run, argv, environ, "".join(a + "\n" for a in answers))
        return harness.as_user(0, run)

    @staticmethod
    def run(argv, environ, answers):
        began = time.monotonic()
        done = subprocess.run(argv, env=environ, input=answers, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
        return Ran(done, time.monotonic() - began)

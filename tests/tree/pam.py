# SPDX-License-Identifier: ISC
"""pam_tessera.so as a file, and its profile for pam-auth-update(8).

    pam.py SOURCE LIBRARY"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, LIBRARY = (os.path.abspath(a) for a in sys.argv[1:3])
PROFILES = "/usr/share/pam-configs"


class Module(unittest.TestCase):
    def symbols(self):
        text = subprocess.run(["readelf", "--dyn-syms", "--wide", LIBRARY], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        return [line.split() for line in text.splitlines() if re.match(r"\s+\d+:", line)]

    def test_exports(self):
        """What PAM calls, and nothing that another library could take for its own."""
        out = {w[7] for w in self.symbols() if len(w) > 7 and w[6] not in ("UND", "ABS")}
        self.assertEqual(out, {"pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt"})

    def test_what_it_does_not_call(self):
        """No thread, no process, no signal handler, no environment, no exit."""
        called = {w[7].split("@")[0] for w in self.symbols() if len(w) > 7 and w[6] == "UND"}
        for name in ("pthread_create", "fork", "vfork", "posix_spawn", "execve", "system", "popen",
                     "signal", "sigaction", "getenv", "setenv", "exit", "_exit", "abort", "__assert_fail",
                     "kill", "raise", "setuid", "setreuid", "setresuid", "chdir", "umask", "dlopen",
                     "printf", "__printf_chk", "puts", "openlog", "closelog", "write", "send"):
            self.assertNotIn(name, called)

    def test_no_state(self):
        """Nothing is kept between two calls: no writable data but what the linker has."""
        text = subprocess.run(["readelf", "--sections", "--wide", LIBRARY], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        sizes = {m[1]: int(m[2], 16) for m in re.finditer(
            r"\] (\.data|\.bss|\.tbss|\.tdata)\s+\w+\s+\w+ \w+ (\w+)", text)}
        if "__asan_init" in {w[7].split("@")[0] for w in self.symbols() if len(w) > 7}:
            self.skipTest("a sanitizer has data of its own")
        self.assertLessEqual(sum(sizes.values()), 16, sizes)


@unittest.skipUnless(shutil.which("pam-auth-update"), "no pam-auth-update(8) here")
class Profile(unittest.TestCase):
    def stack(self, *more):
        """The lines of common-auth."""
        with tempfile.TemporaryDirectory() as root:
            for folder in ("usr/share/pam-configs", "etc/pam.d", "var/lib/pam"):
                os.makedirs(os.path.join(root, folder))
            shutil.copy(SOURCE + "/pam/tessera.pam-config", root + PROFILES + "/tessera")
            shutil.copy(PROFILES + "/unix", root + PROFILES)
            with open(root + "/debconf", "w", encoding="ascii") as f:	# not what this machine has answered
                f.write("".join(["Config: config\nTemplates: templates\n"] + [
                    "\nName: %s\nDriver: File\nFilename: %s/%s\n" % (n, root, n) for n in (
                        "config", "templates")]))
            subprocess.run(["pam-auth-update", "--root", root, "--package", "--force", *more], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           env={**os.environ, "DEBIAN_FRONTEND": "noninteractive",
                                "DEBCONF_SYSTEMRC": root + "/debconf"})
            with open(root + "/etc/pam.d/common-auth", encoding="utf-8") as f:
                return [line.split() for line in f if line.startswith("auth")]

    def test_not_by_itself(self):
        self.assertNotIn("pam_tessera.so", " ".join(sum(self.stack(), [])))

    def test_before_the_password(self):
        """A token lets in, whatever else goes on to the password; last comes the refusal."""
        lines = self.stack("--enable", "tessera")
        names = [line[3] if line[1].startswith("[") else line[2] for line in lines]
        self.assertEqual(names, ["pam_tessera.so", "pam_unix.so", "pam_deny.so", "pam_permit.so"])
        self.assertEqual(lines[0][1:3], ["[success=2", "default=ignore]"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

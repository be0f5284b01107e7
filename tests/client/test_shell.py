# test_shell.py - what is made from the table of commands: help, completion,
# and that the manual page knows every command and option.
#
# SPDX-License-Identifier: ISC
import os
import re
import shutil
import subprocess
import unittest

from base import SOURCE, WAIT, ClientTest


class Shell(ClientTest):
    def table(self):
        """(command, arguments) of "tessera help"."""
        text = self.ok("help")
        part = text.split("Commands:\n")[1].split("\nOptions")[0]
        rows = [re.split(r"  +", line.strip(), maxsplit=1)[0] for line in part.splitlines()]
        known = set()
        out = []
        for row in rows:
            words = [w for w in row.split() if re.fullmatch(r"[a-z0-9]+(-[a-z]+)*", w)]
            out.append(tuple(words))
            known.add(tuple(words))
        self.assertEqual(len(known), len(rows))
        return out

    def options(self, command):
        return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", self.ok("help", *command).split("Options:")[1],
                              re.MULTILINE))

    def test_help_of_each_command(self):
        commands = self.table()
        self.assertGreaterEqual(len(commands), 21)
        for c in commands:
            by_option = self.ok(*c, "--help")
            self.assertEqual(self.ok("help", *c), by_option)
            self.assertTrue(by_option.startswith("usage: tessera " + " ".join(c)), by_option)
            self.assertIn("--json", by_option)
        self.assertIn("ACTION is one of: show prepare rotate retire krl.\n", self.ok("help", "ssh", "ca"))

    def test_help_of_a_noun(self):
        out = self.ok("help", "token")
        self.assertEqual(self.ok("token", "--help"), out)
        self.assertEqual(self.ok("token", "-h"), out)
        for verb in ("get", "verify", "introspect", "revoke"):
            self.assertIn("token " + verb, out)
        self.assertNotIn("device", out)

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"^tessera \d+\.\d+\.\d+\n$")
        self.assertEqual(self.ok("-V"), self.ok("--version"))

    def test_manual_knows_every_command_and_option(self):
        with open(os.path.join(SOURCE, "man", "tessera.1")) as f:
            page = f.read()
        for c in self.table():
            self.assertRegex(page, rf"(?m)^\.(It )?Cm {' '.join(c)}\b")
            for option in self.options(c):
                name = re.escape(option[2:])
                self.assertRegex(page, rf"Fl -{name}\b", (c, option))

    def script(self, shell):
        path = os.path.join(self.dir, "tessera." + shell)
        with open(path, "w") as f:
            f.write(self.ok("completion", shell))
        return path

    def complete(self, *words):
        """What bash offers for the last word."""
        array = " ".join("'" + w + "'" for w in words)
        program = (f"source {self.script('bash')}; COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; "
                   "_tessera; printf '%s\\n' \"${COMPREPLY[@]}\"")
        r = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, timeout=WAIT, env=self.env,
                           cwd=self.dir)
        self.assertEqual(r.stderr, b"")
        return set(r.stdout.decode().splitlines()) - {""}

    @unittest.skipUnless(shutil.which("bash"), "no bash")
    def test_bash(self):
        commands = self.table()
        self.assertEqual(self.complete("tessera", ""), {c[0] for c in commands})
        self.assertEqual(self.complete("tessera", "token", ""),
                         {"get", "verify", "introspect", "refresh", "revoke"})
        self.assertEqual(self.complete("tessera", "--socket", "/x", "token", "g"), {"get"})
        self.assertEqual(self.complete("tessera", "completion", "z"), {"zsh"})
        self.assertEqual(self.complete("tessera", "help", ""), {c[0] for c in commands})
        self.assertEqual(self.complete("tessera", "help", "cr"), {"credential"})
        self.assertEqual(self.complete("tessera", "enroll", "pkcs11", "--vouch", ""), {"hardware", "hardware-pin"})
        self.assertIn("--version", self.complete("tessera", "-"))
        for c in commands:
            offered = {w.rstrip("=") for w in self.complete("tessera", *c, "--")}
            self.assertEqual(offered, self.options(c), c)

    @unittest.skipUnless(shutil.which("bash"), "no bash")
    def test_bash_files(self):
        with open(os.path.join(self.dir, "key set.json"), "w"):
            pass
        self.assertEqual(self.complete("tessera", "token", "verify", "--jwks", "k"), {"key set.json"})

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh(self):
        path = self.script("zsh")
        r = subprocess.run(["zsh", "-f", "-c", f"autoload -Uz compinit; compinit -u -d {self.dir}/dump; source {path}; "
                            "whence -w _tessera; echo $_comps[tessera]"], capture_output=True, timeout=WAIT,
                           env=self.env)
        self.assertEqual((r.stderr, r.stdout), (b"", b"_tessera: function\n_tessera\n"))

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish(self):
        path = self.script("fish")
        r = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C 'tessera token '"],
                           capture_output=True, timeout=WAIT, env=self.env)
        self.assertEqual(r.stderr, b"")
        for verb in (b"get", b"verify", b"introspect", b"revoke"):
            self.assertIn(verb, r.stdout)

    def test_scripts_name_every_command(self):
        for shell in ("bash", "zsh", "fish"):
            text = self.ok("completion", shell)
            for c in self.table():
                for word in c:
                    self.assertIn(word, text)


@unittest.skipUnless(shutil.which("readelf"), "no readelf")
class Linked(unittest.TestCase):
    """What starts with every call stays small; see light.c."""

    def needed(self, name):
        out = subprocess.run(["readelf", "-d", os.path.join(os.environ["TESSERA_BIN"], name)],
                             capture_output=True, text=True, check=True).stdout
        return set(re.findall(r"NEEDED.*\[(lib[a-z0-9-]+)", out))

    def test_tessera(self):
        self.assertLessEqual(self.needed("tessera") - {"libasan", "libubsan", "libtsan", "libm", "libgcc"},
                             {"libc", "libjansson", "libsodium", "libseccomp"})

    def test_no_libsystemd(self):
        for name in ("tessera", "tessera-full"):
            self.assertFalse(self.needed(name) & {"libsystemd", "libsqlite3", "libp11", "libpcsclite", "libfido2"})


if __name__ == "__main__":
    unittest.main()

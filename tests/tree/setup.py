#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What ./setup does around its tools: setup.py SOURCE

It runs in an empty folder with a cmake that only notes that it ran."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.abspath(sys.argv[1])
OTHER = 1	# a user who is not root

CMAKE = """#!/bin/sh
[ "$1" = --build ] || echo configured
[ -z "$CMAKE_FAILS" ] || { echo new complaint; exit 1; }
mkdir -p build/release && touch build/release/made
"""


@unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
class Build(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tessera-setup-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        shutil.copy(SOURCE + "/setup", self.folder)
        os.mkdir(self.folder + "/tools")
        with open(self.folder + "/tools/cmake", "w", encoding="utf-8") as f:
            f.write(CMAKE)
        os.chmod(self.folder + "/tools/cmake", 0o755)

    def run_setup(self, *args, env=None, **more):
        return subprocess.run([self.folder + "/setup", *args], check=False, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env={"PATH": self.folder + "/tools:/usr/bin:/bin", **(env or {})}, **more)

    def owners(self):
        return {os.lstat(os.path.join(where, name)).st_uid
                for where, folders, files in os.walk(self.folder + "/build")
                for name in [""] + folders + files}

    def test_what_root_builds_is_the_callers(self):
        done = self.run_setup("build", env={"SUDO_UID": str(OTHER), "SUDO_GID": str(OTHER)})
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.owners(), {OTHER})
        self.assertIn("building build/release", done.stdout)
        self.assertIn(self.folder + "/build/release/bin", done.stdout)
        done = self.run_setup("build", user=OTHER, group=OTHER, extra_groups=[])
        self.assertEqual(done.returncode, 0, done)

    def test_without_sudo_it_stays_roots(self):
        self.assertEqual(self.run_setup("build").returncode, 0)
        self.assertEqual(self.owners(), {0})
        done = self.run_setup("build", user=OTHER, group=OTHER, extra_groups=[])
        self.assertEqual((done.returncode, done.stdout.strip()), (1, "== building build/release"))
        self.assertIn("chown", done.stderr)
        self.assertNotIn("configured", done.stderr)

    def test_no_old_log_is_printed(self):
        self.assertEqual(self.run_setup("build").returncode, 0)
        with open(self.folder + "/build/release.log", "w", encoding="utf-8") as f:
            f.write("old complaint\n")
        done = self.run_setup("build", env={"CMAKE_FAILS": "1"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("new complaint", done.stderr)
        self.assertNotIn("old complaint", done.stderr)


class Text(unittest.TestCase):
    def setUp(self):
        with open(SOURCE + "/setup", encoding="utf-8") as f:
            self.text = f.read()

    def test_readers_of_cards_are_installed(self):
        packages = re.search(r"^PACKAGES=\((.*?)^\)", self.text, flags=re.M | re.S).group(1).split()
        for name in "pcscd", "libccid", "opensc":
            self.assertIn(name, packages)

    def test_shown_commands_can_be_typed(self):
        show = re.search(r"^show\(\) \{.*?^\}", self.text, flags=re.M | re.S).group(0)
        done = subprocess.run(["bash", "-c", "background() { :; }\n" + show +
                               "\nshow background agent tesserad --config x\nshow true a"],
                              check=True, text=True, capture_output=True)
        self.assertEqual(done.stdout, "   $ tesserad --config x &\n   $ true a\n")

    def test_the_demo_waits_for_a_healthy_agent(self):
        start = re.search(r"^demo_start\(\) \{.*?^\}", self.text, flags=re.M | re.S).group(0)
        self.assertLess(start.index("demo_healthy"), start.index("show curl"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

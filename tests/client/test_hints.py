# test_hints.py - what somebody is told who mistyped something, or does not know
# what to do next.
#
# SPDX-License-Identifier: ISC
import os
import shutil
import subprocess
import tempfile
import unittest

from base import BIN, WAIT, ClientTest


class Hints(ClientTest):
    def test_mistyped(self):
        for args, meant in (
                (("tokne", "get"), 'there is no command "tokne", is "token" meant?'),
                (("xyzzy",), 'there is no command "xyzzy"; see'),
                (("token", "gte"), '"token" has no "gte", is "get" meant?'),
                (("token", "xyzzy"), '"token" has no "xyzzy"; see "tessera help token"'),
                (("help", "token", "gte"), 'there is no command "token gte"; see'),
                (("token", "get", "--audiense", "x"), "there is no option --audiense here, is --audience meant?"),
                (("token", "get", "--bogus"), "there is no option --bogus here\n"),
                (("token", "get", "-z"), "there is no option -z here\n"),
                (("token", "get", "--fresh=secret"), "option --fresh takes no value\n"),
                (("token", "get", "--o"), "option --o stands for several: --o"),
                (("token", "get", "--max-age"), "option --max-age needs a value\n"),
                (("token", "get", "--pin=1234"), "option --pin stands for several: --pin-fd --pinentry; a PIN is never"),
                (("status", "--" + "x" * 300), "there is no option --xxx"),
                (("x" * 300,), 'there is no command "xxx')):
            with self.subTest(args):
                said = self.fails(2, *args)
                self.assertIn(meant, said)
                self.assertNotIn("1234", said)
                self.assertNotIn("secret", said)

    def test_hints(self):
        """A refusal names what was typed, and what to do then."""
        for code, args, hint in (("invalid_scope", ("-s", "wrong"), ': "wrong"'),
                                 ("login_required", ("--no-prompt",), "without --no-prompt you are asked"),
                                 ("step_up_required", ("--no-prompt",), "without --no-prompt you are asked"),
                                 ("device_removed", ("--no-prompt",), "put it back")):
            with self.subTest(code):
                self.agent.routes["POST /token"] = (401, {"error": code, "error_description": "so it is"})
                r = self.run_client("token", "get", "-a", "x", *args)
                self.assertIn(b"so it is" + (b"; " if hint[0] != ":" else b""), r.stderr)
                self.assertIn(hint.encode(), r.stderr)

    def test_nothing_revoked(self):
        """A misspelt name is no success that nobody notices."""
        self.admin.routes["POST /admin/revoke"] = (200, {"ended": 0})
        self.assertIn("No session of nosuch ", self.ok("revoke", "--user", "nosuch"))
        self.assertEqual(self.ok("revoke", "--all"), "Revoked. 0 sessions ended.\n")


class Elsewhere(unittest.TestCase):
    """An installation that stands elsewhere than it was built for."""

    def test_finds_the_other_program(self):
        with tempfile.TemporaryDirectory() as top:
            for source, folder in (("tessera", "bin"), ("tessera-full", "libexec/tessera")):
                os.makedirs(os.path.join(top, folder))
                shutil.copy(os.path.join(os.path.dirname(BIN), source), os.path.join(top, folder))
            r = subprocess.run([os.path.join(top, "bin", "tessera"), "token", "verify", "/nonexistent"],
                               capture_output=True, timeout=WAIT)
            self.assertEqual(r.returncode, 6, r.stderr)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: ISC
"""libtessera as it is installed, against a real agent: login with a prompt,
tokens, their verification offline, and a rotation of the signing key seen."""
import json
import os
import pty
import pwd
import sys
import unittest

import harness
from harness import BIN, DAEMON, GAMES, until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import installed  # noqa: E402  (its folder had to be named first)

PIN = "123456"
LOGIN_REQUIRED, UNKNOWN_KEY, BAD_AUDIENCE, UNTRUSTED = "-60", "-25", "-24", "-69"


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lib = installed.Installed()
        cls.addClassCleanup(cls.lib.close)

    def program(self, m, path=None, uid=DAEMON, owner=None, **more):
        p = installed.Program(path or self.lib.by_pkg_config, m.api, m.public + "/jwks.json",
                              m.issuer, "demo", uid=uid,
                              owner=pwd.getpwnam("tessera").pw_uid if owner is None else owner, **more)
        self.addCleanup(p.__exit__)
        return p

    def test_whole_way(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            p = self.program(m)
            self.assertEqual(p.do("token session demo 10000")[:3],
                             ["error", LOGIN_REQUIRED, "login_required"])
            for path in (self.lib.by_pkg_config, self.lib.by_package):
                p = self.program(m, path)
                self.assertEqual(p.do("login 30000")[:3], ["ok", "1", "daemon"])
                self.assertEqual(p.do("list 10000")[2], "daemon")
                ok, token, seconds, asked = p.do("token any demo 30000")[:4]
                self.assertEqual(ok, "ok")
                self.assertGreater(int(seconds), 0)
                self.assertEqual(p.do("verify " + token)[:3], ["ok", "daemon", "demo"])
                self.assertEqual(p.do("verify " + token[:-4] + "AAAA")[0], "error")
                self.assertGreaterEqual(int(p.do("logout 10000")[1]), 1)
            # by poll, and the person is asked again
            self.assertEqual(p.do("poll any demo 30000")[3], "1")
            self.assertEqual(self.program(m, uid=GAMES).do("token session demo 10000")[1],
                             LOGIN_REQUIRED)

    def test_the_example_of_the_manual(self):
        """libtessera(3)'s program, typed in, at a terminal."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            program = self.lib.build_example()

            def run():
                pid, fd = pty.fork()
                if pid == 0:
                    try:
                        harness.become(DAEMON)
                        os.execve(program, [program, m.public + "/jwks.json", m.issuer],
                                  {**m.environment(), "TESSERA_SOCK": m.api})
                    finally:
                        os._exit(127)
                said = b""
                try:
                    while True:
                        said += os.read(fd, 4096)
                        if said.endswith(b"PIN of your token: "):
                            os.write(fd, PIN.encode() + b"\n")
                except OSError:
                    pass		# its end
                os.close(fd)
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()

            status, said = run()
            self.assertEqual(status, 0, said)
            self.assertRegex(said, r"PIN of your token: \s*daemon, until [0-9]{10}\s*$")
            status, said = run()		# the session of before will do
            self.assertEqual(status, 0, said)
            self.assertRegex(said, r"^daemon, until [0-9]{10}\s*$")

    def test_rotation_is_seen(self):
        """The file of keys is replaced under a verifier that runs: by other keys, by
        the same again, by a link."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            p = self.program(m)
            token = p.do("token fresh demo 30000")[1]
            self.assertEqual(p.do("verify " + token)[0], "ok")
            path = m.public + "/jwks.json"
            with open(path, encoding="utf-8") as f:
                was = f.read()
            other = json.loads(was)
            other["keys"][0]["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
            other["keys"][0]["kid"] = "kPrK_qmx"
            self.replace(path, json.dumps(other))
            until(lambda: p.do("verify " + token)[1] == UNKNOWN_KEY)
            self.replace(path, was)
            until(lambda: p.do("verify " + token)[0] == "ok")
            os.unlink(path)
            os.symlink("/etc/passwd", path)
            until(lambda: p.do("verify " + token)[1] == UNTRUSTED)

    def test_keys_at_once(self):
        """An emergency rotation: the old key's tokens are dead at once, also those that the
        verifier had judged and those that are given again; the new key's are good."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            seen, other = self.program(m), self.program(m)
            again = lambda: m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": harness.SESSION_GRANT, "audience": "demo",
                "min_valid": "0"}).json["access_token"]
            tokens = [seen.do("token fresh demo 30000")[1], again()]
            self.assertEqual(again(), tokens[1])
            for token in tokens:
                self.assertEqual(seen.do("verify " + token)[0], "ok")
            until(lambda: other.do("verify " + tokens[0])[0] == "ok")
            answer = m.request("POST", "/admin/keys/rotate", admin=True, json={"at_once": True})
            self.assertEqual(answer.status, 200, answer)
            for p in (seen, other):
                for token in tokens:
                    self.assertEqual(p.do("verify " + token)[:2], ["error", UNKNOWN_KEY])
            for token in tokens:
                self.assertFalse(m.request("POST", "/introspect", uid=BIN,
                                           form={"token": token}).json["active"])
            new = again()
            self.assertNotEqual(new, tokens[1])
            for p in (seen, other):
                self.assertEqual(p.do("verify " + new)[0], "ok")

    def test_agent_restarts(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin=PIN, check=True)
            p = self.program(m)
            first = p.do("token any demo 30000")[1]
            m.stop()
            m.start()
            second = p.do("token any demo 30000")[1]
            self.assertNotEqual(first, second)
            until(lambda: p.do("verify " + second)[0] == "ok")

    @staticmethod
    def replace(path, text):
        st = os.stat(path)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path + ".new", 0o644)
        os.chown(path + ".new", st.st_uid, st.st_gid)
        os.rename(path + ".new", path)


if __name__ == "__main__":
    harness.main()

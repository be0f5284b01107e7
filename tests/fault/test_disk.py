# SPDX-License-Identifier: ISC
"""Disks that are full or fail under the production agent: no token, no word
that is not kept, and all is well again when the disk is."""
import base64
import json
import os
import subprocess
import sys
import unittest

from disk import MIB, Disk, possible
from load import PIN, Load, copy_of, harness
from sshagent import Agent

SHIM = os.environ.get("TESSERA_SHIM", "")
WHY_NOT = possible()
FORM = {"grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": PIN}


class Faulty(unittest.TestCase):
    def refused(self, m):
        answer = m.request("POST", "/token", uid=harness.DAEMON, form=FORM)
        self.assertEqual((answer.status, answer.json["error"]), (503, "temporarily_unavailable"), answer)
        answer = m.request("GET", "/admin/credentials", admin=True)
        self.assertEqual(answer.status, 200, "what is there can be read")

    def good(self, m, load):
        answer = m.request("POST", "/token", uid=harness.DAEMON, form=FORM)
        self.assertEqual(answer.status, 200, answer)
        load.proofs += 1
        return answer.json["access_token"]

    def good_again(self, m, load):
        """Its log fails by itself, too, and is tried again a little later."""
        harness.until(lambda: m.request("POST", "/token", uid=harness.DAEMON, form=FORM).status == 200,
                      30, "a token")
        load.proofs += 1

    def revoked(self, m, token):
        """Everything can be revoked with a store that cannot be written."""
        check = ("token", "verify", "--jwks", m.public + "/jwks.json", "--issuer", m.issuer, "-a", "demo")
        m.tessera(*check, stdin=token, check=True)
        m.tessera("revoke", "--all", check=True)
        self.assertIn("revoked", m.tessera(*check, stdin=token).err)

    def certificate(self, m, load):
        answer, _ = m.answering(PIN, "POST", "/ssh/certificate", uid=harness.DAEMON, json={
            "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"})
        self.assertEqual(answer.status, 200, answer)
        load.proofs += 1
        with open(m.folder + "/cert.pub", "w", encoding="utf-8") as f:
            f.write(answer.json["certificate"] + "\n")
        return f.name

    @staticmethod
    def listed(m, certificate):
        """What ssh-keygen says of it by the published list."""
        return subprocess.run(["ssh-keygen", "-Q", "-f", m.public + "/ssh_krl", certificate], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout

    def whole(self, m):
        found = m.request("POST", "/admin/store/check", admin=True, json={}).json
        self.assertEqual((found["whole"], found["verdict"]), (True, "good"))

    def test_full(self):
        if WHY_NOT is not None:
            sys.stderr.write("\n*** NO FULL DISK WAS TRIED: no file system can be mounted "
                             "here: %s\n" % WHY_NOT)
            self.skipTest("mounts are impossible here")
        disk = Disk(8 * MIB)
        m = harness.Machine(start=False, settings={"ssh": {"audience": "demo"}})
        try:
            st = os.stat(m.state)
            disk.mount(m.state)
            os.chown(m.state, st.st_uid, st.st_gid)
            os.chmod(m.state, 0o700)
            m.start()
            load = Load(m)
            load.make()
            ident = load.fixed[0]
            m.tessera("credential", "disable", "--force", load.fixed[1], check=True)
            m.tessera("credential", "disable", "--force", load.fixed[2], check=True)
            token = self.good(m, load)
            certificate = self.certificate(m, load)
            self.assertNotIn("REVOKED", self.listed(m, certificate))
            ballast = m.state + "/ballast"
            self.fill(ballast)
            self.revoked(m, token)
            self.assertIn("REVOKED", self.listed(m, certificate))
            for _ in range(3):
                self.refused_somewhen(m, load)
            os.unlink(ballast)
            harness.until(lambda: m.request("POST", "/token", uid=harness.DAEMON, form=FORM).status == 200,
                          30, "the log of what was revoked")
            load.proofs += 1
            self.assertIn("REVOKED", self.listed(m, certificate))
            self.whole(m)
            m.kill()
            load.state = {i: "disabled" for i in load.fixed[1:]}
            self.assertEqual(load.check(copy_of(m.state, m.folder + "/copy"), adopt=False), [])
            m.start()
            self.assertIn("REVOKED", self.listed(m, certificate), "by now the store knows")
            self.good(m, load)
            self.assertEqual(m.request("GET", "/credentials", uid=harness.DAEMON)
                             .json["credentials"][0]["id"], ident)
            m.stop()
            disk.close()
            m.close()
        except BaseException:
            m.abandon()
            raise
        finally:
            disk.close()

    @staticmethod
    def fill(path):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT)
        size = MIB
        while size > 0:
            try:
                os.write(fd, b"x" * size)
                os.fsync(fd)
            except OSError:
                size //= 4
        os.close(fd)

    def refused_somewhen(self, m, load):
        """The log has room that it took before: a few proofs still fit."""
        for _ in range(1000):
            answer = m.request("POST", "/token", uid=harness.DAEMON, form=FORM)
            if answer.status == 200:
                load.proofs += 1
                continue
            self.assertEqual((answer.status, answer.json["error"]), (503, "temporarily_unavailable"))
            return
        self.fail("the disk is not full")

    def test_sync_fails(self):
        """EIO at fsync: the batch is not acknowledged, nothing is built on it."""
        if harness.sanitized():
            self.skipTest("a sanitizer comes first")
        m = harness.Machine(start=False)
        try:
            flag = m.folder + "/eio"
            m.env.update(LD_PRELOAD=SHIM, TESSERA_SHIM="eio:" + flag)
            m.start()
            load = Load(m)
            load.make()
            for _ in range(5):
                self.good(m, load)
                with open(flag, "wb"):
                    pass
                self.refused(m)
                self.refused(m)
                os.unlink(flag)
                self.good_again(m, load)
                self.whole(m)
            m.stop()
            m.close()
        except BaseException:
            m.abandon()
            raise

    @staticmethod
    def listen(path, ready):
        """The first two events."""
        with harness.Events(path) as events:
            events.next("ready")
            os.write(ready, b"r")
            heard = []
            while len(heard) < 2:
                name, data = events.next()
                heard += [(name, data)] if name != "ping" else []
            return heard

    def keys(self, m, want):
        """What ssh.sock lists in the end: the key alone without a store, and without files."""
        def listing():
            kind, body = harness.as_user(harness.DAEMON, lambda: Agent(m.ssh).once(lambda a: a.ask(11)))
            return kind == 12 and body[3] == want
        harness.until(listing, 30, "%d keys" % want)
        files = sorted(name for name in os.listdir(m.public + "/ssh") if name[0] != ".")
        self.assertEqual(files, ["1-cert.pub", "1.pub"] if want == 2 else [])

    def test_nothing_of_a_failed_commit(self):
        """A proof whose record is not durable is none: no token, no session,
        and no event says otherwise.  Nor is an SSH certificate shown."""
        if harness.sanitized():
            self.skipTest("a sanitizer comes first")
        session = {"grant_type": harness.SESSION_GRANT, "audience": "demo"}
        m = harness.Machine(start=False, settings={"ssh": {"audience": "demo"}})
        flag = m.folder + "/eio"
        m.env.update(LD_PRELOAD=SHIM, TESSERA_SHIM="eio:" + flag)
        with m:
            m.start()
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card",
                      pin=PIN, check=True)
            harness.until(lambda: os.path.exists(m.public + "/ssh_ca.pub"), 30, "the CA's key")
            listens, ready = os.pipe()
            heard = harness.Job(harness.DAEMON, self.listen, m.api, ready)
            self.assertEqual(os.read(listens, 1), b"r")
            with open(flag, "wb"):
                pass
            self.refused(m)
            self.keys(m, 1)
            os.unlink(flag)
            answer = m.request("POST", "/token", uid=harness.DAEMON, form=session)
            self.assertEqual(answer.error, "login_required", answer)
            self.keys(m, 2)
            answer = m.request("POST", "/token", uid=harness.DAEMON, form=FORM)
            self.assertEqual(answer.status, 200)
            # the first that is heard of is what happened at last
            told = dict(heard.result())
            self.assertEqual(sorted(told), ["session-started", "token-issued"])
            part = answer.json["access_token"].split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            self.assertEqual((told["token-issued"]["jti"], told["session-started"]["sid"]),
                             (claims["jti"], claims["sid"]))
            os.close(listens)
            os.close(ready)
            answer = m.request("POST", "/token", uid=harness.DAEMON, form=session)
            self.assertEqual(answer.status, 200, answer)


if __name__ == "__main__":
    harness.main()

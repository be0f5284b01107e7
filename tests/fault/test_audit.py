# SPDX-License-Identifier: ISC
"""The audit log's disk fails under the production agent: read-only, full, EIO,
power cuts.  No token that left, no enrolment that was acknowledged is without
its line; what is refused says why; all is well again when the disk is.
TESSERA_AUDIT_CUTS: how many power cuts, default 12."""
import base64
import fcntl
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
import unittest

from disk import MIB, Disk, possible
from load import PIN, Load, harness

CUTS = int(os.environ.get("TESSERA_AUDIT_CUTS", "12"))
SHIM = os.environ.get("TESSERA_SHIM", "")
WHY_NOT = possible()
DEVICE = {"grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": PIN}
SESSION = {"grant_type": harness.SESSION_GRANT, "audience": "demo"}


def jti(answer):
    part = answer.json["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["jti"]


def lines_of(state):
    """The whole log's lines, the oldest first."""
    names = sorted((n for n in os.listdir(state) if re.fullmatch(r"audit\.log(\.\d+)?", n)),
                   key=lambda n: -int(n[10:] or 0))
    for name in names:
        with open(state + "/" + name, encoding="utf-8") as f:
            yield from (json.loads(line) for line in f)


class Askers:
    """Two clients that ask for tokens, by device and by session, and write down
    the jti of each they got; take() tells what came since."""

    def __init__(self, m):
        self.m, self.pids, self.have = m, [], b""
        self.tokens, self.refusals, self.others = set(), 0, []
        self.pipe, self.write = os.pipe()
        fcntl.fcntl(self.pipe, fcntl.F_SETFL, os.O_NONBLOCK)
        for form in (DEVICE, SESSION):
            pid = os.fork()
            if pid == 0:
                self.ask(form)
            self.pids.append(pid)

    def ask(self, form):
        """Never returns."""
        try:
            harness.become(harness.DAEMON)
            with harness.Client(self.m.api) as c:
                while True:
                    answer = c.request("POST", "/token", form=form)
                    said = "t " + jti(answer) if answer.status == 200 else \
                        "e %d %s" % (answer.status, answer.error)
                    os.write(self.write, said.encode() + b"\n")
        finally:
            os._exit(0)

    def take(self):
        """(tokens, refusals) since the last call."""
        before = len(self.tokens), self.refusals
        while select.select([self.pipe], [], [], 0)[0]:
            *lines, self.have = (self.have + os.read(self.pipe, 1 << 16)).split(b"\n")
            for line in lines:
                what, _, rest = line.decode().partition(" ")
                if what == "t":
                    self.tokens.add(rest)
                elif rest in ("503 temporarily_unavailable", "401 login_required"):
                    self.refusals += 1
                else:
                    self.others.append(rest)
        return len(self.tokens) - before[0], self.refusals - before[1]

    def close(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.pids = []
        self.take()
        os.close(self.pipe)
        os.close(self.write)


class Base(unittest.TestCase):
    def mounts(self):
        if WHY_NOT is not None:
            sys.stderr.write("\n*** NO FAILING DISK WAS TRIED: no file system can be mounted "
                             "here: %s\n" % WHY_NOT)
            self.skipTest("mounts are impossible here")

    def machine(self, disk=None, **more):
        """The log's folder on disk, the store on another one: the log alone fails."""
        m = harness.Machine(start=False, **more)
        store = m.folder_for(m.folder + "/store", harness.AGENT, 0o700)
        m.settings["store"] = "sqlite:%s/tessera.db" % store
        m.write_conf()
        if disk is not None:
            self.mount(disk, m.state)
        return m

    @staticmethod
    def mount(disk, where, image=None):
        st = os.stat(where)
        disk.mount(where, image)
        os.chown(where, st.st_uid, st.st_gid)
        os.chmod(where, 0o700)

    def begin(self, m):
        m.start()
        m.make_token("card", PIN, ["p256"] * 2)
        self.ident = m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                               "pkcs11:token=card;id=%01", "--json", pin=PIN, check=True).json["id"]
        answer = m.request("POST", "/token", uid=harness.DAEMON, form=DEVICE)
        self.assertEqual(answer.status, 200, answer)

    @staticmethod
    def there(m):
        """SoftHSM writes the token's file anew at each login of an asker: who reads it
        just then sees no token."""
        for _ in range(20):
            answer = m.request("POST", "/token", uid=harness.DAEMON, form=DEVICE)
            if answer.error != "device_not_found":
                break
        return answer

    def refused(self, m):
        """By name, whoever asks and whatever for; and the agent says what is wrong."""
        answer = self.there(m)
        self.assertEqual((answer.status, answer.error), (503, "temporarily_unavailable"), answer)
        # the proof that failed may have ended the session
        answer = m.request("POST", "/token", uid=harness.DAEMON, form=SESSION)
        self.assertIn(answer.error, ("temporarily_unavailable", "login_required"), answer)
        answer = m.request("POST", "/admin/credentials/%s/disable" % self.ident, admin=True,
                           json={"force": True})
        self.assertEqual((answer.status, answer.error), (503, "temporarily_unavailable"), answer)
        ran = m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                        "pkcs11:token=card;id=%02", pin=PIN)
        self.assertNotEqual(ran.status, 0, ran)
        health = m.request("GET", "/healthz")
        self.assertEqual((health.status, health.json["checks"]["audit"]), (503, "failing"), health)
        self.assertIn("audit log", health.json["error_description"])
        alarms = m.request("GET", "/admin/status", admin=True).json["alarms"]
        self.assertEqual([a["alarm"] for a in alarms if a["alarm"] == "audit"], ["audit"])
        self.assertIn("the audit log cannot be written", m.log())

    def trouble(self, m, fail, mend):
        """fail() and mend() under load: refusals in between, tokens before and after."""
        askers = Askers(m)
        try:
            harness.until(lambda: askers.take()[0] > 0, 20, "tokens")
            fail()
            harness.until(lambda: askers.take()[1] > 0, 30, "a refusal")
            harness.until(lambda: m.request("GET", "/healthz").status == 503, 20, "bad health")
            self.refused(m)
            askers.take()
            for _ in range(5):
                tokens, _ = askers.take()
                self.assertEqual(tokens, 0)
                self.refused(m)
            mend()
            harness.until(lambda: askers.take()[0] > 0, 30, "tokens again")
            harness.until(lambda: m.request("GET", "/healthz").status == 200, 20, "good health")
        finally:
            askers.close()
        self.assertEqual(askers.others, [])
        return askers.tokens

    def judge(self, m, tokens):
        """The agent has stopped: the log is whole and has every token."""
        ran = m.tessera("audit", "verify", "--config", m.conf)
        self.assertEqual(ran.status, 0, ran)
        lines = list(lines_of(m.state))
        self.assertEqual(tokens - {e.get("jti") for e in lines if e["event"] == "mint"}, set())
        # refused: neither disabled nor enrolled
        self.assertEqual(len([e for e in lines if e["event"] == "credential-disabled"]), 0)
        self.assertEqual(len([e for e in lines if e["event"] == "enrol" and "verdict" not in e]) or 1, 1)
        return lines


class Disks(Base):
    def run_on_a_disk(self, size, fail, mend):
        self.mounts()
        disk = Disk(size)
        m = self.machine(disk)
        try:
            self.begin(m)
            tokens = self.trouble(m, lambda: fail(m), lambda: mend(m))
            m.stop()
            lines = self.judge(m, tokens)
            self.assertGreaterEqual(len([e for e in lines if e["event"] == "resumed"]), 1)
            disk.close()
            m.close()
        except BaseException:
            m.abandon()
            raise
        finally:
            disk.close()

    @staticmethod
    def fill(m):
        fd, size = os.open(m.state + "/ballast", os.O_WRONLY | os.O_CREAT), MIB
        while size > 0:
            try:
                os.write(fd, b"x" * size)
                os.fsync(fd)
            except OSError:
                size //= 4
        os.close(fd)

    @staticmethod
    def remount(m, how):
        return subprocess.run(["/usr/bin/mount", "-o", "remount," + how, m.state], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0

    def test_full(self):
        self.run_on_a_disk(8 * MIB, self.fill, lambda m: os.unlink(m.state + "/ballast"))

    def test_read_only(self):
        """The kernel lets nobody remount what is open for writing: the disk is
        full first, so that the agent lets go of its log."""
        def fail(m):
            self.fill(m)
            harness.until(lambda: self.remount(m, "ro"), 30, "a file system that is read-only")

        def mend(m):
            self.assertTrue(self.remount(m, "rw"))
            os.unlink(m.state + "/ballast")
        self.run_on_a_disk(8 * MIB, fail, mend)


class Errors(Base):
    def fails_with(self, how):
        if harness.sanitized():
            self.skipTest("a sanitizer comes first")
        m = self.machine()
        flag = m.folder + "/eio"
        m.env.update(LD_PRELOAD=SHIM, TESSERA_SHIM="%s:%s" % (how, flag))
        with m:
            self.begin(m)
            tokens = set()
            for _ in range(2):
                tokens |= self.trouble(m, lambda: open(flag, "wb").close(), lambda: os.unlink(flag))
            m.stop()
            lines = self.judge(m, tokens)
            self.assertGreaterEqual(len([e for e in lines if e["event"] == "resumed"]), 2)
            m.start()

    def test_sync_fails(self):
        self.fails_with("log-sync")

    def test_write_is_torn(self):
        self.fails_with("log-write")


class AuditLoad(Load):
    """Remembers the tokens that left and what was enrolled."""

    def make(self):
        self.jtis, self.enrolled = set(), set()
        super().make()

    def prove(self):
        form = dict(DEVICE, credential=self.fixed[0])
        with harness.Client(self.m.api) as c:
            while True:
                self.say("begin", "proof", "+")
                answer = c.request("POST", "/token", form=form)
                if answer.status != 200:
                    raise harness.Failed(repr(answer))
                self.say("ack", "proof", jti(answer))

    def take(self, what, name, value):
        super().take(what, name, value)
        if what == "ack" and name == "proof":
            self.jtis.add(value)
        elif what == "ack" and name.startswith("key") and value != "-":
            self.enrolled.add(value)


class Power(Base):
    def cut(self, m, disk, load):
        """The disk of a moment, and what had been acknowledged by then."""
        pid = m.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            def stopped():
                with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                    return f.read().rpartition(")")[2].split()[0] == "T"
            harness.until(stopped, 10, "the agent to stand still")
            load.drain()
            return disk.power_cut(), set(load.jtis), set(load.enrolled)
        finally:
            os.kill(pid, signal.SIGCONT)

    def after(self, disk, image, jtis, enrolled, tear):
        """An agent starts on it: its log is whole and has it all."""
        m = harness.Machine(start=False)
        try:
            self.mount(disk, m.state, image)
            try:
                if tear:		# a write was under way, too
                    with open(m.state + "/audit.log", "ab") as f:
                        f.write(b'{"seq":99999,"time":1700000000,"event":"mi')
                m.start()
                m.stop()
                ran = m.tessera("audit", "verify", "--config", m.conf)
                self.assertEqual(ran.status, 0, ran)
                lines = list(lines_of(m.state))
            finally:
                if m.process is not None:
                    m.kill()
                    m.check_gone()
                disk.unmount(m.state)
            m.close()
        except BaseException:
            m.abandon()
            raise
        self.assertEqual(jtis - {e.get("jti") for e in lines if e["event"] == "mint"}, set())
        self.assertEqual(enrolled - {e.get("credential") for e in lines if e["event"] == "enrol"}, set())
        self.assertEqual([e for e in lines if e.get("reason") == "lost"], [])
        if tear:
            self.assertIn("recovered", [e["event"] for e in lines])

    def test_nothing_acknowledged_lacks_its_line(self):
        self.mounts()
        disk, cuts = Disk(24 * MIB), []
        m = harness.Machine(start=False)
        try:
            self.mount(disk, m.state)
            m.start()
            load = AuditLoad(m)
            load.make()
            load.start()
            try:
                harness.until(lambda: load.drain() or load.enrolled, 120, "an enrolment")
                for _ in range(CUTS):
                    time.sleep(random.uniform(0.0, 0.3))	# the cut comes at any moment
                    cuts.append(self.cut(m, disk, load))
            finally:
                m.kill()
                load.close()
            self.assertGreater(len(load.jtis), CUTS)
            disk.unmount(m.state)
            disk.mounted = None
            for n, (image, jtis, enrolled) in enumerate(cuts):
                with self.subTest(cut=n):
                    self.after(disk, image, jtis, enrolled, tear=n % 2)
            print("%d cuts, %d tokens, %d enrolments" % (CUTS, len(load.jtis), len(load.enrolled)))
            m.close()
        except BaseException:
            m.abandon()
            raise
        finally:
            disk.close()


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""The Nth allocation, read, write, sync and library call of the production agent
fails, in turn, over each of its flows until the flow meets no failing call:
nobody is granted what he may not have, the agent lives, what was answered is on
record once, an error left nothing behind, and the same works right afterwards.

Commonly a sample of the calls, spread evenly, fails; TESSERA_SWEEP=full is each
single one, once and from there on.
"""
import os
import shutil
import time
import unittest

from cryptography.hazmat.primitives.asymmetric import ed25519

from sweep import ANSWER_S, KINDS, harness
from sweep_bench import DAEMON, Bench, injection
from sweep_fido import FIDO, MORE
from sweep_flows import CERTIFICATES, FLOWS
from sweep_hostile import EVIL, HOSTILE, ForeignSignature
from sweep_ssh import SSH
from fidoliar import Liar
from test_impostor import ED25519, Impostor

FULL = os.environ.get("TESSERA_SWEEP") == "full"
SAMPLE = 6		# calls of one kind in one flow, commonly
FEW = 3			# of a flow that costs a start, or must be refused anyway
LEAST = 1000		# injected failures of a common run
LEAK = 1000		# allocations an agent may have more: SQLite's statements come and go


def places(seen, sample):
    """Which of the calls fail: all, or some from the first to the last."""
    if FULL or seen <= sample:
        return list(range(1, seen + 1))
    return sorted({1 + i * (seen - 1) // (sample - 1) for i in range(sample)})


@unittest.skipIf(harness.sanitized(), "a sanitizer comes first")
class Sweep(unittest.TestCase):
    injected = runs = 0
    whole = set()		# tests that went to their end

    def sweep(self, b, flow, sample):
        """All kinds over one flow."""
        for kind in KINDS:
            flow.prepare()
            b.page.arm()
            flow.run()
            b.page.disarm()
            seen = b.page.seen(kind)
            for n in places(seen, sample):
                self.inject(b, flow, kind, n, False)
            if FULL:
                for n in range(seen + 1, seen + 1000):	# runs differ a little
                    if not self.inject(b, flow, kind, n, False):
                        break
            for n in range(1, seen + 1) if FULL else places(seen, sample)[1::5]:
                self.inject(b, flow, kind, n, True)
        flow.end()

    def inject(self, b, flow, kind, n, on):
        what = "%s: %s %d%s" % (flow.NAME, kind, n, " and all after it" if on else "")
        try:
            failed, said = injection(b, flow, kind, n, on)
        except harness.Failed as e:
            failed, said = 1, [str(e)]
        Sweep.runs += 1
        Sweep.injected += failed > 0
        if said:
            self.fail("%s: %s\nat %s" % (what, "; ".join(said), b.page.where(b.m.process.pid)))
        return failed

    def over(self, b, flows, sample):
        try:
            for kind in flows[:4]:		# warm
                kind(b).end()
            for kind in flows:
                begun, flow = time.monotonic(), kind(b)
                live = b.page.live()
                self.sweep(b, flow, sample)
                b.settle()
                print("%s: %.1f s" % (flow.NAME, time.monotonic() - begun), flush=True)
                self.assertLess(b.page.live(), live + LEAK, "allocations left by " + flow.NAME)
            ran = b.m.tessera("audit", "verify", "--config", b.m.conf)
            self.assertEqual(ran.status, 0, ran)
            b.close()
        except BaseException:
            b.abandon()
            raise
        Sweep.whole.add(self.id())

    def test_flows(self):
        self.over(Bench(), FLOWS, SAMPLE)

    def test_ssh(self):
        def more(m):
            m.settings["ssh"] = {"audience": "vpn"}
        self.over(Bench(more), CERTIFICATES, FEW)

    def test_ssh_socket(self):
        def more(m):
            m.settings["ssh"] = {"audience": "demo"}
        self.over(Bench(more), SSH, FEW)

    def test_hostile(self):
        def more(m):
            m.audiences = {**harness.AUDIENCES, "closed": {
                "scopes": ["all"], "acr": "self", "users": ["games"], "inline-pin": True}}
            shutil.copy(EVIL, m.folder + "/evil.so")
            os.chmod(m.folder + "/evil.so", 0o644)
            m.modules["evil"] = {"path": m.folder + "/evil.so"}
        self.over(Bench(more), HOSTILE, FEW)

    def test_foreign_signature(self):
        key, fakes = ed25519.Ed25519PrivateKey.generate(), []

        def more(m):
            m.modules = {"fake": {"path": "/nonexistent.so"}}
            m.settings["helper-socket"] = m.folder + "/impostor"
            fakes.append(Impostor(m.folder + "/impostor", key, 1 << ED25519))
        b = Bench(more, "pkcs11:token=fake")
        b.fake, b.other = fakes[0], ed25519.Ed25519PrivateKey.generate()
        with b.fake:
            self.over(b, (ForeignSignature,), SAMPLE)

    def test_fido(self):
        liars = []

        def more(m):
            m.settings["fido"] = {"socket": m.folder + "/liar"}
            liars.append(Liar(m.folder + "/liar"))
        b = Bench(more)
        b.liar, b.other = liars[0], ed25519.Ed25519PrivateKey.generate()
        with b.liar:
            self.over(b, FIDO + MORE if FULL else FIDO, FEW)

    # --- from start to end

    def begins(self, b, status):
        """Starts, or ends with an error that has a name: 1 where it serves."""
        process, end = b.m.process, time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            if process.wait(0.002) is not None:
                self.assertIn(process.status, status, b.m.log()[-400:])
                return False
            try:
                with harness.Client(b.m.api, 0.1) as c:
                    answer = c.request("GET", "/healthz")
                if answer is not None and answer.json.get("checks"):
                    return True
            except (OSError, harness.Failed, ValueError):
                pass
            b.m.clock.advance(0.2)
        raise harness.Failed("the agent neither serves nor ends")

    def start_once(self, b, kind, n):
        """One start with a failing call, on the store that is there."""
        said = len(b.m.log())
        b.page.arm(kind, n)
        b.m.process = b.m.spawn()
        serves = self.begins(b, (0, 1))
        failed = b.page.disarm()
        Sweep.runs += 1
        Sweep.injected += failed > 0
        if serves:
            self.assertEqual(b.settle(), [])
            b.m.stop()
        else:
            b.m.process = None
            self.assertTrue(failed, b.m.log()[said:])
            self.assertIn("tesserad: ", b.m.log()[said:], "it ended without a word")
        return failed

    def test_start(self):
        b = Bench()
        try:
            self.assertEqual(b.device(DAEMON).status, 200)
            self.assertEqual(b.settle(), [])
            b.m.stop()
            b.page.arm()
            b.m.start()
            b.page.disarm()
            counts = {kind: b.page.seen(kind) for kind in KINDS}
            b.m.stop()
            for kind in KINDS:
                for n in places(counts[kind], FEW):
                    with self.subTest("start: %s %d" % (kind, n)):
                        self.start_once(b, kind, n)
            b.m.start()
            self.assertEqual(b.settle(), [])
            self.finish(b)
        except BaseException:
            b.abandon()
            raise

    def stop_once(self, b, kind, n):
        """One graceful end with a failing call: nothing acknowledged is lost."""
        b.m.start()
        self.assertEqual(b.sure(lambda: b.device(DAEMON)).status, 200)
        b.page.arm(kind, n)
        b.m.signal(harness.signal.SIGTERM)
        status = b.m.expect_exit()
        failed = b.page.disarm()
        Sweep.runs += 1
        Sweep.injected += failed > 0
        self.assertIn(status, (0, 1) if failed else (0,), b.m.log()[-400:])
        b.m.start()
        self.assertEqual(b.settle(), [])
        b.m.stop()
        return failed

    def test_stop(self):
        b = Bench()
        try:
            b.sure(lambda: b.device(DAEMON))
            b.page.arm()
            b.m.stop()
            b.page.disarm()
            counts = {kind: b.page.seen(kind) for kind in KINDS}
            for kind in KINDS:
                for n in places(counts[kind], FEW):
                    with self.subTest("stop: %s %d" % (kind, n)):
                        self.stop_once(b, kind, n)
            b.m.start()
            self.finish(b)
        except BaseException:
            b.abandon()
            raise

    def finish(self, b):
        lost = [line for line in b.records.all if line["event"] == "file" and line["reason"] == "lost"]
        self.assertEqual(lost, [])
        ran = b.m.tessera("audit", "verify", "--config", b.m.conf)
        self.assertEqual(ran.status, 0, ran)
        b.close()
        Sweep.whole.add(self.id())

    @classmethod
    def tearDownClass(cls):
        print("%d runs, %d with failing calls" % (cls.runs, cls.injected))
        if len(cls.whole) == 7 and cls.injected < LEAST:
            raise AssertionError("only %d failures were injected" % cls.injected)


if __name__ == "__main__":
    harness.main()

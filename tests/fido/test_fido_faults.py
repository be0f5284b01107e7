# SPDX-License-Identifier: ISC
"""tessera-fido when things go wrong: PINs, keys that break their protocol, are
pulled out or held by others, agents that go away.  Each time a named error, in
time, and a key that waits for nothing more."""
import fcntl
import os
import resource
import signal
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), HERE]

import frames			# noqa: E402
from frames import CODES, Refused, assertion, credential, ids, make	# noqa: E402
from bench import Bench, Case	# noqa: E402
from harness import sanitized	# noqa: E402
from process import until	# noqa: E402

UV = frames.UV
WAIT_S = 4.0		# for an error of a key that is there
# What a key does wrong, and what may be said of it: none is accepted silently
# where the helper can see it; what only the agent can see passes.
FAULTS = {
    "cbor-truncated": {"failed"}, "cbor-garbage": {"failed"}, "cbor-deep": {"failed"},
    "bad-sequence": {"failed"}, "huge-length": {"failed"}, "wrong-channel": {"failed", "timeout"},
    "wrong-command": {"failed"}, "no-response": {"failed", "timeout"}, "short-report": {"failed", "timeout"},
    "unplug-waiting": {"removed"}, "unplug-mid-reply": {"removed"}, "unplug": {"removed"},
    "credential-count": {"failed"}, "time-out": {"timeout"}, "cancel": {"cancelled"},
    "status:0x27": {"cancelled"}, "status:0x2e": {"not_found"}, "status:0x2f": {"timeout"},
    "status:0x7f": {"failed"}, "status:0x99": {"failed"}, "status:0x06": {"busy"},
    "bad-signature": None, "wrong-rp": None, "up-clear": None, "counter-back": None,
}


class Faults(Case):
    def made(self, bench, **more):
        return credential(bench.ask("make", **make(**more))[-1][1]["authdata"])[0]

    def quiet(self, bench):
        until(lambda: all(k.status()["waiting"] == "no" for k in bench), 2.0, "keys that wait for nothing")

    def test_each_fault(self):
        with Bench() as bench:
            ident = self.made(bench)
            for fault, codes in FAULTS.items():
                if fault == "credential-count" and sanitized():
                    continue	# its memory is not limited
                with self.subTest(fault):
                    bench[0].set("fault=" + fault, "touch-delay=30")
                    since = time.monotonic()
                    try:
                        answer = bench.ask("assert", deadline=2500, **assertion(ident))
                        self.assertIsNone(codes, answer)
                    except Refused as said:
                        print("%s: %s (%.0f ms)" % (fault, said, 1e3 * frames.elapsed(since)))
                        self.assertIn(said.code, {CODES[c] for c in codes or ()}, said)
                        self.assertNotEqual(said.detail, "")
                    self.assertLess(frames.elapsed(since), WAIT_S)
                    bench[0].set("fault=none")
                    bench[0].ctl("plug")
                    until(bench.devices, what="the key again")
                    bench.gone()
                    # the very next operation is good
                    self.assertEqual(bench.ask("assert", **assertion(ident))[-1][0], "asserted")

    def test_faults_at_the_beginning(self):
        """A key that is bad from the first byte, beside one that is good."""
        with Bench(2) as bench:
            good, bad = bench.devices()
            ident = self.made(bench, device=good)
            for fault in ("bad-nonce+", "no-response+", "cbor-garbage+", "huge-length+", "wrong-channel+"):
                with self.subTest(fault):
                    bench[1].set("fault=" + fault)
                    self.refused("failed", bench, "assert", **assertion(ident, device=bad))
                    flags = {v["device"]: v["flags"] for n, v in bench.ask("list") if n == "key"}
                    self.assertEqual(flags[bad], 512)
                    self.assertEqual(flags[good] & 1, 1)
                    self.assertEqual(bench.ask("assert", **assertion(ident, b"x"))[-1][1]["device"], good)
                    bench[1].set("fault=none")
            bench.gone()

    @unittest.skipIf(sanitized(), "a sanitizer's memory is not limited")
    def test_memory(self):
        """Twenty million credentials cost neither gigabytes nor seconds."""
        with Bench() as bench:
            ident = self.made(bench)
            bench[0].set("fault=credential-count")
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            since = time.monotonic()
            self.refused("failed", bench, "assert", **assertion(ident))
            self.assertLess(frames.elapsed(since), 2.0)
            bench.gone()
            with bench.helper() as h:
                bench[0].set("touch=manual")
                h.send("assert", **assertion(ident))
                until(lambda: bench[0].status()["waiting"] != "no")
                limited = 0
                for pid in bench.helpers():
                    with open("/proc/%d/limits" % pid, encoding="ascii") as f:
                        limited += "Max address space         419430400" in f.read()
                self.assertEqual(limited, 2)	# the worker and the key's process
            self.assertLess(before, 1 << 20)

    def test_gone_while_waiting(self):
        """However the request ends, the key stops to blink at once."""
        def agent(h, _):
            h.close()

        def deadline(h, _):
            self.assertRefused("timeout", h.answer)

        def unplug(h, bench):
            bench[0].ctl("unplug")
            self.assertRefused("removed", h.answer)
            bench[0].ctl("plug")

        def killed(h, bench, which):
            pids = sorted(bench.helpers())
            self.assertEqual(len(pids), 3)
            os.kill(pids[which], signal.SIGKILL)
            if which > 0:
                self.assertRefused("helper" if which == 1 else "failed", h.answer)

        ways = {"agent": agent, "deadline": deadline, "unplug": unplug,
                "keeper": lambda h, b: killed(h, b, 0)}
        with Bench(1, "touch=manual") as bench:
            for what, fields in (("assert", None), ("make", make()), ("select", {})):
                for name, way in ways.items():
                    with self.subTest(what + " " + name):
                        bench[0].set("touch=auto")
                        until(bench.devices, what="the key")
                        values = assertion(self.made(bench)) if fields is None else fields
                        bench[0].set("touch=manual")
                        h = bench.helper()
                        h.send(what, deadline=700 if name == "deadline" else 20000, **values)
                        until(lambda: bench[0].status()["waiting"] != "no", what="the key waits")
                        since = time.monotonic()
                        way(h, bench)
                        if name != "unplug":
                            self.quiet(bench)
                        print("%s, %s: %.0f ms" % (what, name, 1e3 * frames.elapsed(since)))
                        h.close()
                        bench.gone()

    def test_deadline_in_time(self):
        with Bench(1, "touch=manual") as bench:
            for ms in (100, 400, 1000):
                since = time.monotonic()
                self.assertRefused("timeout", bench.ask, "make", deadline=ms, **make())
                self.assertLess(frames.elapsed(since), ms / 1000 + 3)	# a busy machine's

    def test_held(self):
        """By another program: a quick word instead of 21 silent seconds."""
        with Bench(2) as bench:
            held, free = bench.devices()
            ident = self.made(bench, device=free)
            root = "/proc/%d/root" % bench.inside()
            with open("%s/dev/%s" % (root, os.readlink("%s/dev/%s" % (root, held.split("-")[0]))[len("/dev/"):]),
                      "rb", buffering=0) as f:
                fcntl.flock(f, fcntl.LOCK_EX)
                since = time.monotonic()
                self.refused("busy", bench, "make", **make(device=held))
                self.assertLess(frames.elapsed(since), 1.0)
                flags = {v["device"]: v["flags"] for n, v in bench.ask("list") if n == "key"}
                self.assertEqual((flags[held], flags[free] & 1), (256, 1))
                self.assertEqual(bench.ask("assert", **assertion(ident, b"x"))[-1][1]["device"], free)
                self.refused("busy", bench, "assert", **assertion(b"nobody's"))
            bench.ask("make", **make(device=held))

    def test_pins(self):
        with Bench(1, "touch=auto") as bench:
            device = bench.devices()[0]
            self.refused("unset", bench, "make", **make(flags=UV))
            self.refused("pin_length", bench, "pin", device="", old=b"", new=b"123")
            self.refused("unset", bench, "pin", device=device, old=b"1111", new=b"123456")
            bench.ask("pin", device=device, old=b"", new=b"123456")
            self.assertEqual(bench[0].status()["pin"], "set")
            self.refused("pin_required", bench, "pin", device=device, old=b"", new=b"654321")
            self.assertEqual(self.refused("pin_required", bench, "make", **make(flags=UV)).tries, 8)
            said = bench.ask("make", **make(flags=UV, pin=b"123456"))[-1][1]
            self.assertEqual(said["authdata"][32] & 4, 4)
            ident = credential(said["authdata"])[0]
            self.assertEqual(bench.ask("assert", **assertion(ident))[-1][1]["authdata"][32], 1)
            preferred = assertion(ident, flags=frames.UV_PREFERRED, pin=b"123456")
            self.assertEqual(bench.ask("assert", **preferred)[-1][1]["authdata"][32], 5)
            for left in (7, 6):
                error = self.refused("pin_wrong", bench, "assert", **assertion(ident, flags=UV, pin=b"000000"))
                self.assertEqual(error.tries, left)
            error = self.refused("replug", bench, "assert", **assertion(ident, flags=UV, pin=b"000000"))
            self.assertIn("unplug", error.detail)
            self.refused("replug", bench, "assert", **assertion(ident, flags=UV, pin=b"123456"))
            bench[0].ctl("unplug")
            bench[0].ctl("plug")
            device = until(bench.devices)[0]
            bench.ask("pin", device=device, old=b"123456", new=b"654321")
            self.refused("pin_wrong", bench, "pin", device=device, old=b"123456", new=b"111111")
            bench[0].set("pin-tries=0")
            error = self.refused("pin_locked", bench, "assert", **assertion(ident, flags=UV, pin=b"654321"))
            self.assertEqual(error.tries, 0)

    def test_own_verification(self):
        with Bench(1, "uv=ok") as bench:
            said = bench.ask("make", **make(flags=UV))[-1][1]
            self.assertEqual(said["authdata"][32] & 4, 4)
            ident = credential(said["authdata"])[0]
            self.assertEqual(bench.ask("assert", **assertion(ident, flags=UV))[-1][1]["authdata"][32], 5)
            bench[0].set("uv=fail")
            with self.assertRaises(Refused) as caught:
                bench.ask("assert", **assertion(ident, flags=UV))
            print(caught.exception)
            self.assertIn(caught.exception.code, {CODES["pin_wrong"], CODES["pin_required"], CODES["cancelled"]})

    def test_watch(self):
        with Bench(2) as bench:
            with bench.watch() as h:
                self.assertEqual(h.receive(), ("service", {"available": 1, "detail": ""}))
                seen = [h.receive() for _ in range(2)]
                self.assertEqual({n for n, _ in seen}, {"plugged"})
                self.assertEqual(h.receive()[0], "done")
                self.assertEqual({v["device"] for _, v in seen}, set(bench.devices()))
                old = bench.devices()[0]
                for _ in range(20):
                    since = time.monotonic()
                    bench[0].ctl("unplug")
                    self.assertEqual(h.receive(), ("unplugged", {"device": old}))
                    bench[0].ctl("plug")
                    name, values = h.receive()
                    self.assertEqual((name, values["product"]), ("plugged", "Virtual FIDO2 key 1"))
                    self.assertNotEqual(values["device"], old)
                    old = values["device"]
                print("unplugged and plugged again: %.0f ms" % (1e3 * frames.elapsed(since)))
                os.unlink("/proc/%d/root/run/udev/control" % bench.inside())
                bench[0].ctl("unplug")
                name, values = h.receive()
                self.assertEqual((name, values["available"]), ("service", 0))
                self.assertIn("udev", values["detail"])
                with open("/proc/%d/root/run/udev/control" % bench.inside(), "wb"):
                    pass
                self.assertEqual(h.receive()[1]["available"], 1)
                self.assertEqual([h.receive()[0] for _ in range(2)], ["plugged", "done"])
                h.socket.sendall(b"x")
                self.assertRaises((EOFError, ConnectionResetError), h.receive)
            bench.gone()


if __name__ == "__main__":
    unittest.main(verbosity=2)

# SPDX-License-Identifier: ISC
"""The virtual FIDO2 key under Debian's own libfido2: fido2-token, fido2-cred and
fido2-assert, unmodified, in the world of tessera-sim run."""
import base64
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from fidokey import BIN, Keys
from keyscripts import MONITOR, PING
from process import Failed, as_user, until

CDH = base64.b64encode(bytes(range(32))).decode()
SALT = base64.b64encode(bytes(32)).decode()
RP = "agent.test"
FAST_S = 20		# an error has to come within this; a lost reply never would
NOBODY = 65534


class Tools(unittest.TestCase):
    """What the tools of libfido2 do, as functions."""

    def ok(self, done):
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout

    def given(self, *lines):
        """A file of these lines: standard input is for PINs."""
        path = os.path.join(self.scratch(), "given")
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        return path

    def make(self, keys, alg="es256", options=(), user="alice", say="", check=()):
        """A new credential: (id, PEM of its public key, what fido2-cred -M said)."""
        given = self.given(CDH, RP, user, base64.b64encode(user.encode()).decode())
        made = self.ok(keys.run("fido2-cred", "-M", *options, "-i", given, "/dev/hidraw0", alg,
                                say=say))
        verified = self.ok(subprocess.run(
            ["fido2-cred", "-V", *check, alg], input=made, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True))
        ident, pem = verified.split("\n", 1)
        return ident, pem, made

    def asking(self, ident, options=(), dev=0):
        """The words of fido2-assert -G."""
        given = self.given(CDH, RP, *([ident] if ident else []), *([SALT] if "-h" in options else []))
        return ["fido2-assert", "-G", *options, "-i", given, "/dev/hidraw%d" % dev]

    def ask(self, keys, ident, options=(), say="", dev=0, timeout=FAST_S):
        """fido2-assert -G: the finished process."""
        return keys.run(*self.asking(ident, options, dev), say=say, timeout=timeout)

    def verify(self, said, pem, alg="es256", options=()):
        """fido2-assert -V with the first four lines: its status."""
        path = os.path.join(self.scratch(), "key.pem")
        with open(path, "w", encoding="ascii") as f:
            f.write(pem)
        lines = "\n".join(said.splitlines()[:4]) + "\n"
        return subprocess.run(["fido2-assert", "-V", *options, path, alg], input=lines, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode

    def scratch(self):
        """A folder for this test."""
        if not hasattr(self, "folder"):
            holder = tempfile.TemporaryDirectory(prefix="tessera-key.")
            self.addCleanup(holder.cleanup)
            self.folder = holder.name
        return self.folder

    def plugged(self, n, *settings, **more):
        keys = Keys(n, *settings, **more)
        self.addCleanup(keys.stop)
        return keys

    def pin(self, keys, pin="1234", new=None):
        """Set the PIN, or change it."""
        if new is None:
            return keys.run("fido2-token", "-S", "/dev/hidraw0", say="%s\n%s\n" % (pin, pin))
        return keys.run("fido2-token", "-C", "/dev/hidraw0", say="%s\n%s\n%s\n" % (pin, new, new))


def authdata(said):
    """Flags and counter out of what fido2-assert -G said."""
    raw = base64.b64decode(said.splitlines()[2])
    raw = raw[2:] if raw[0] == 0x58 else raw	# 1.12 gives it wrapped in CBOR
    return raw[32], struct.unpack(">I", raw[33:37])[0]


class Device(Tools):
    """What it looks like."""

    def test_listed_and_described(self):
        keys = self.plugged(2, "aaguid=00112233-4455-6677-8899-aabbccddeeff")
        said = self.ok(keys.run("fido2-token", "-L"))
        self.assertIn("/dev/hidraw0: vendor=0x1209", said)
        self.assertIn("/dev/hidraw1: vendor=0x1209", said)
        said = self.ok(keys.run("fido2-token", "-I", "/dev/hidraw1"))
        self.assertIn("version strings: FIDO_2_0, FIDO_2_1\n", said)
        self.assertIn("caps: 0x0d (wink, cbor, nomsg)", said)
        self.assertIn("aaguid: 00112233445566778899aabbccddeeff", said)
        self.assertIn("pin protocols: 2, 1\n", said)

    def test_old_one(self):
        keys = self.plugged(1, "version=2.0", "protocols=1")
        said = self.ok(keys.run("fido2-token", "-I", "/dev/hidraw0"))
        self.assertIn("version strings: FIDO_2_0\n", said)
        self.assertIn("pin protocols: 1\n", said)
        ident, pem, _ = self.make(keys)
        self.assertEqual(self.verify(self.ok(self.ask(keys, ident)), pem), 0)

    def test_sixty_at_once(self):
        keys = self.plugged(60, "algorithms=eddsa")
        script = ("fido2-token -L | wc -l; for i in $(seq 0 59); do "
                  "fido2-token -I /dev/hidraw$i >/dev/null && echo fine & done; wait")
        said = self.ok(keys.run("sh", "-c", script, timeout=120))
        self.assertEqual(said.split(), ["60"] + ["fine"] * 60)

    def test_other_ioctls_are_the_kernels(self):
        keys = self.plugged(1)
        script = ("import fcntl,os\n"
                  "for p in ('/dev/null','/dev/ptmx','/dev/hidraw0'):\n"
                  " b=bytearray(4)\n"
                  " try:\n"
                  "  fcntl.ioctl(os.open(p,os.O_RDWR),0x80044801,b); print(p,b[0])\n"
                  " except OSError as e: print(p,e.errno)\n")
        said = self.ok(keys.run(sys.executable, "-c", script))
        self.assertEqual(said.split("\n")[:3],
                         ["/dev/null 25", "/dev/ptmx 25", "/dev/hidraw0 34"])

    def test_owner_alone_may_use_it(self):
        keys = self.plugged(1)
        drop = "import os,sys\nos.setgroups([])\nos.setresgid(%d,%d,%d)\nos.setresuid(%d,%d,%d)\n" \
            "os.execvp('fido2-token',['fido2-token','-I','/dev/hidraw0'])" % ((NOBODY,) * 6)
        self.ok(keys.run(sys.executable, "-c", drop, owner="nobody"))
        self.assertNotEqual(keys.run(sys.executable, "-c", drop, owner="root").returncode, 0)

    def test_control(self):
        keys = self.plugged(1)
        seen = keys[0].expect("getInfo")
        self.ok(keys.run("fido2-token", "-I", "/dev/hidraw0"))
        seen()
        keys[0].ctl("wait-for", "GETINFO", "1")
        for bad in (("dance",), ("set", "touch"), ("set", "touch=1"), ("wait-for", "godot"),
                    ("wait-for", "init", "many"), ("count", "godot"), ("touch", "twice")):
            with self.assertRaises(Failed):
                keys[0].ctl(*bad)
        self.assertIn("getInfo; status 0x00", keys[0].ctl("log"))
        keys[0].ctl("unplug")
        with self.assertRaises(Failed):
            keys[0].ctl("touch")
        keys[0].ctl("quit")
        self.assertEqual(keys[0].process.wait(FAST_S), 0)
        self.assertEqual(os.listdir(keys.folder), [])

    def test_one_key_one_socket_one_folder(self):
        keys = self.plugged(1, state=True)
        for more in (["--listen", keys[0].socket], ["--listen", keys[0].socket + "x", "--control",
                     keys[0].control], ["--listen", keys[0].socket + "y", "--state", keys[0].state]):
            done = subprocess.run([BIN, "key", *more], stderr=subprocess.PIPE, timeout=FAST_S)
            self.assertEqual(done.returncode, 1, done.stderr)
        self.ok(keys.run("fido2-token", "-I", "/dev/hidraw0"))

    def test_command_lines(self):
        for words in (["key"], ["key", "--listen"], ["key", "--listen", "a", "b"],
                      ["key", "--listen", "a", "--set", "touch"], ["key", "--colour"],
                      ["key", "--listen", "a", "--set", "touch=1"], ["run"], ["run", "--key"],
                      ["run", "--keys", "x", "true"]):
            done = subprocess.run([BIN, *words], stderr=subprocess.PIPE, timeout=FAST_S, text=True)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("usage: tessera-sim " if "--set" not in words else "touch", done.stderr)
        done = subprocess.run([BIN, "run", "--owner", "no such user", "true"], timeout=FAST_S,
                              stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)

    def test_status_of_the_program(self):
        keys = self.plugged(1)
        self.assertEqual(keys.run("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(keys.run("sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(keys.run("/nonexistent/program").returncode, 127)

    def test_signals_reach_the_program(self):
        keys = self.plugged(1)
        job = keys.start("sh", "-c", "trap 'echo term; exit 3' TERM; echo up; while :; do sleep 0.05; done")
        self.assertEqual(job.stdout.readline(), "up\n")
        job.terminate()
        self.assertEqual(job.communicate(timeout=FAST_S)[0], "term\n")
        self.assertEqual(job.returncode, 3)

    def test_unprivileged_world(self):
        if not os.path.isdir("/run/udev"):
            os.mkdir("/run/udev", 0o755)

        def inside():
            with Keys(1) as keys:
                return keys.run("sh", "-c", "id -u; fido2-token -L; fido2-token -I /dev/hidraw0",
                                owner=None).stdout

        said = as_user(NOBODY, inside)
        self.assertTrue(said.startswith("0\n/dev/hidraw0: vendor=0x1209"), said)
        self.assertIn("FIDO_2_1", said)


class Credentials(Tools):
    def test_made_and_used(self):
        for attestation in ("self", "packed"):
            keys = self.plugged(1, "attestation=" + attestation)
            for alg in ("es256", "eddsa"):
                with self.subTest(alg=alg, attestation=attestation):
                    ident, pem, made = self.make(keys, alg)
                    self.assertEqual(len(made.splitlines()), 7 if attestation == "packed" else 6)
                    said = self.ok(self.ask(keys, ident, ("-p",)))
                    self.assertEqual(self.verify(said, pem, alg, ("-p",)), 0)
                    flipped = said.replace(CDH, SALT)
                    self.assertNotEqual(self.verify(flipped, pem, alg), 0)

    def test_attestation_chain(self):
        keys = self.plugged(1, "attestation=packed", state=True)
        _, _, made = self.make(keys)
        der = base64.b64decode(made.splitlines()[-1])
        ca = os.path.join(keys[0].state, "attestation-ca.pem")
        leaf = os.path.join(keys.folder, "leaf.pem")
        subprocess.run(["openssl", "x509", "-inform", "DER", "-out", leaf], input=der, check=True)
        subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", ca, leaf], check=True,
                       stdout=subprocess.DEVNULL)
        self.assertIn(bytes.fromhex("060b2b0601040182e51c010104"), der)
        self.assertIn(b"TESSERA-SIM-KEY1", der)

    def test_foreign_credential(self):
        keys = self.plugged(1)
        ident, _, _ = self.make(keys)
        raw = bytearray(base64.b64decode(ident))
        raw[3] ^= 1
        done = self.ask(keys, base64.b64encode(raw).decode())
        self.assertIn("FIDO_ERR_NO_CREDENTIALS", done.stderr)

    def test_silent_look(self):
        keys = self.plugged(1)
        ident, pem, _ = self.make(keys)
        keys[0].set("touch=never")
        said = self.ok(self.ask(keys, ident, ("-t", "up=false")))
        self.assertEqual(authdata(said)[0], 0)
        self.assertEqual(self.verify(said, pem), 0)

    def test_resident(self):
        keys = self.plugged(1, "pin=1234")
        ident, pem, _ = self.make(keys, options=("-r",), say="1234\n")
        self.make(keys, options=("-r",), user="bob", say="1234\n")
        said = self.ok(self.ask(keys, None, ("-r", "-v"), say="1234\n"))
        self.assertIn(base64.b64encode(b"bob").decode(), said)
        said = self.ok(keys.run("fido2-token", "-L", "-r", "/dev/hidraw0", say="1234\n"))
        self.assertIn(RP, said)
        said = self.ok(keys.run("fido2-token", "-L", "-k", RP, "/dev/hidraw0", say="1234\n"))
        self.assertEqual(len(said.splitlines()), 2)
        self.assertIn(ident, said)
        self.ok(keys.run("fido2-token", "-D", "-i", ident, "/dev/hidraw0", say="1234\n"))
        self.assertEqual(keys[0].status()["resident"], "1")
        done = self.ask(keys, ident, ("-v",), say="1234\n")
        self.assertIn("FIDO_ERR_NO_CREDENTIALS", done.stderr)
        self.assertTrue(pem.startswith("-----BEGIN PUBLIC KEY"))

    def test_hmac_secret(self):
        for protocol in ("1", "2"):
            with self.subTest(protocol=protocol):
                keys = self.plugged(1, "protocols=" + protocol)
                ident, _, _ = self.make(keys, options=("-h",), check=("-h",))
                said = [self.ok(self.ask(keys, ident, ("-h",))).splitlines()[-1] for _ in range(2)]
                self.assertEqual(said[0], said[1])
                self.assertEqual(len(base64.b64decode(said[0])), 32)

    def test_cred_protect(self):
        keys = self.plugged(1, "pin=1234")
        ident, _, _ = self.make(keys, options=("-c", "3"), check=("-c", "3"))
        self.assertIn("FIDO_ERR_NO_CREDENTIALS", self.ask(keys, ident).stderr)
        self.ok(self.ask(keys, ident, ("-v",), say="1234\n"))

    def test_counters(self):
        keys = self.plugged(1)
        ident, _, _ = self.make(keys)
        other, _, _ = self.make(keys, user="bob")

        def count(which):
            return authdata(self.ok(self.ask(keys, which)))[1]

        a, b = count(ident), count(other)
        self.assertEqual(b, a + 1)
        keys[0].set("counter=back")
        self.assertEqual(count(ident), b - 1)
        keys[0].set("counter=zero")
        self.assertEqual([count(ident), count(ident)], [0, 0])
        keys[0].set("counter=per-credential")
        first = count(ident)
        self.assertEqual([count(ident), count(ident)], [first + 1, first + 2])
        self.assertLessEqual(count(other), first + 1)
        keys[0].set("counter=grow", "counter=1000")
        self.assertEqual(count(other), 1001)

    def test_kept_after_a_kill(self):
        keys = self.plugged(1, state=True)
        ident, pem, _ = self.make(keys)
        before = authdata(self.ok(self.ask(keys, ident)))[1]
        keys[0].stop(kill=True)
        keys[0].start()
        said = self.ok(self.ask(keys, ident))
        self.assertEqual(self.verify(said, pem), 0)
        self.assertEqual(authdata(said)[1], before + 1)

    def test_reset(self):
        keys = self.plugged(1, "pin=1234")
        ident, _, _ = self.make(keys)
        self.ok(keys.run("fido2-token", "-R", "/dev/hidraw0"))
        self.assertEqual(keys[0].status()["pin"], "none")
        self.assertIn("FIDO_ERR_NO_CREDENTIALS", self.ask(keys, ident).stderr)
        keys[0].set("reset-window=1")
        self.assertIn("FIDO_ERR_NOT_ALLOWED",
                      keys.run("fido2-token", "-R", "/dev/hidraw0").stderr)


class Verification(Tools):
    """PIN and built-in verification."""

    def test_pin_set_and_changed(self):
        for protocol in ("1", "2"):
            with self.subTest(protocol=protocol):
                keys = self.plugged(1, "protocols=" + protocol)
                self.ok(self.pin(keys))
                self.assertNotEqual(self.pin(keys, "5678").returncode, 0)
                self.ok(self.pin(keys, "1234", "longer pin"))
                ident, pem, _ = self.make(keys)
                said = self.ok(self.ask(keys, ident, ("-v",), say="longer pin\n"))
                self.assertEqual(authdata(said)[0], 5)
                self.assertEqual(self.verify(said, pem, options=("-v",)), 0)

    def test_wrong_pins(self):
        keys = self.plugged(1, "pin=1234")
        ident, _, _ = self.make(keys)
        said = []
        for _ in range(4):
            said.append(re.search(r"FIDO_ERR_\w+",
                                  self.ask(keys, ident, ("-v",), say="9999\n").stderr).group())
        self.assertEqual(said, ["FIDO_ERR_PIN_INVALID"] * 2 + ["FIDO_ERR_PIN_AUTH_BLOCKED"] * 2)
        self.assertEqual(keys[0].status()["pin-tries"], "5")
        keys[0].ctl("unplug")
        keys[0].ctl("plug")
        self.ok(self.ask(keys, ident, ("-v",), say="1234\n"))
        self.assertEqual(keys[0].status()["pin-tries"], "8")
        keys[0].set("pin-tries=1")
        said = [self.ask(keys, ident, ("-v",), say=p + "\n").stderr for p in ("9999", "1234")]
        self.assertIn("FIDO_ERR_PIN_BLOCKED", said[0])
        self.assertIn("FIDO_ERR_PIN_BLOCKED", said[1])

    def test_built_in(self):
        keys = self.plugged(1, "uv=ok")
        ident, pem, _ = self.make(keys)
        said = self.ok(self.ask(keys, ident, ("-t", "uv=true")))
        self.assertEqual(authdata(said)[0], 5)
        self.assertEqual(self.verify(said, pem, options=("-v",)), 0)
        keys[0].set("uv=fail")
        self.assertNotEqual(self.ask(keys, ident, ("-t", "uv=true")).returncode, 0)
        self.assertEqual(keys[0].status()["uv-tries"], "4")


class Plug(Tools):
    """Unplugged and plugged in, touched and not."""

    def waiting(self, keys, ident):
        """fido2-assert in the world, waiting for a touch."""
        keys[0].set("touch=manual")
        job = keys.start(*self.asking(ident))
        keys[0].ctl("wait-for", "touch")
        return job

    def test_touch(self):
        keys = self.plugged(1)
        ident, pem, _ = self.make(keys)
        job = self.waiting(keys, ident)
        self.assertIsNone(job.poll())
        keys[0].ctl("touch")
        out, _ = job.communicate(timeout=FAST_S)
        self.assertEqual(self.verify(out, pem), 0)
        keys[0].ctl("touch")			# beforehand: for one request
        self.ok(self.ask(keys, ident))
        self.assertEqual(keys[0].status()["armed"], "no")
        keys[0].set("touch=auto", "touch-delay=300")
        before = time.monotonic()
        self.ok(self.ask(keys, ident))
        self.assertGreaterEqual(time.monotonic() - before, 0.3)
        keys[0].set("touch=deny", "touch-delay=0")
        self.assertIn("FIDO_ERR_OPERATION_DENIED", self.ask(keys, ident).stderr)
        keys[0].set("touch=never", "timeout=200")
        self.assertIn("FIDO_ERR_USER_ACTION_TIMEOUT", self.ask(keys, ident).stderr)

    def test_unplugged_while_waiting(self):
        keys = self.plugged(1)
        ident, pem, _ = self.make(keys)
        job = self.waiting(keys, ident)
        before = time.monotonic()
        keys[0].ctl("unplug")
        _, err = job.communicate(timeout=FAST_S)
        self.assertLess(time.monotonic() - before, 3)
        self.assertIn("FIDO_ERR_RX", err)
        self.assertEqual(keys[0].status()["plugged"], "no")
        keys[0].ctl("plug")
        keys[0].set("touch=auto")
        self.assertEqual(self.verify(self.ok(self.ask(keys, ident)), pem), 0)

    def test_killed_and_cancelled(self):
        keys = self.plugged(1)
        ident, pem, _ = self.make(keys)
        job = self.waiting(keys, ident)
        job.kill()
        job.communicate()
        keys[0].set("touch=auto")
        # the next one brings the channel to order, or has one of its own
        keys[0].ctl("touch")
        self.assertEqual(self.verify(self.ok(self.ask(keys, ident)), pem), 0)

    def test_again_is_another_device(self):
        keys = self.plugged(2)
        job = keys.start("sh", "-c", "while read x; do fido2-token -L | cut -d: -f1 | tr '\\n' ' '; "
                         "echo; done")

        def listed():
            job.stdin.write("\n")
            job.stdin.flush()
            return sorted(job.stdout.readline().split())

        self.assertEqual(listed(), ["/dev/hidraw0", "/dev/hidraw1"])
        keys[0].ctl("unplug")
        until(lambda: listed() == ["/dev/hidraw1"], what="the first is gone")
        keys[0].ctl("plug")
        until(lambda: listed() == ["/dev/hidraw1", "/dev/hidraw2"], what="it is another one")
        job.communicate(timeout=FAST_S)

    def test_events_of_udev(self):
        keys = self.plugged(1)
        job = keys.start(sys.executable, "-u", "-c", MONITOR)
        self.assertEqual(job.stdout.readline(), "listening\n")
        for turn in range(3):
            keys[0].ctl("unplug")
            self.assertEqual(job.stdout.readline(), "remove /dev/hidraw%d\n" % turn)
            keys[0].ctl("plug")
            self.assertEqual(job.stdout.readline(), "add /dev/hidraw%d\n" % (turn + 1))
        job.kill()
        job.communicate()

    def test_hundred_times_and_nothing_left(self):
        keys = self.plugged(1)
        job = keys.start("sh", "-c", "read x; find /sys/devices/pci0000:00 /sys/class/hidraw "
                         "-name 'hidraw[0-9]*' | wc -l; ls /dev/hidraw*")
        until(lambda: keys[0].status()["hosts"] == "1", what="it is plugged in")

        def held():
            return [len(os.listdir("/proc/%d/fd" % pid)) for pid in (job.pid, keys[0].process.pid)]

        before = held()
        for turn in range(100):
            keys[0].ctl("unplug")
            keys[0].ctl("plug")
            keys[0].ctl("wait-for", "connected", str(turn + 2))
        # one or two may come and go at any moment; a hundred would be lost ones
        until(lambda: all(now <= then + 3 for now, then in zip(held(), before)),
              what="descriptors are given back")
        out, _ = job.communicate("\n", timeout=FAST_S)
        self.assertEqual(out, "2\n/dev/hidraw100\n")

    def test_comes_late(self):
        keys = self.plugged(1)
        keys[0].ctl("unplug")
        job = keys.start("sh", "-c", "echo up; until [ -e /dev/hidraw0 ]; do sleep 0.02; done; "
                         "fido2-token -L")
        self.assertEqual(job.stdout.readline(), "up\n")
        keys[0].ctl("plug")
        self.assertIn("/dev/hidraw0: ", job.communicate(timeout=FAST_S)[0])

    def test_reports_are_not_split(self):
        keys = self.plugged(1)
        done = keys.run(sys.executable, "-c", PING)
        self.assertEqual(self.ok(done), "same\n")


class Faults(Tools):
    """Each ends in an error of fido2-assert or of its verification, in time;
    afterwards the key is as good as before."""

    # fault: how; the answer to getAssertion is the reply to the third message
    FAULTS = (
        "cbor-truncated", "cbor-garbage", "cbor-deep", "cbor-duplicate", "cbor-indefinite",
        "cbor-unsorted", "bad-sequence", "huge-length", "wrong-channel", "wrong-command",
        "no-response", "short-report", "unplug-mid-reply", "status:0x27", "status:0x99",
        "time-out", "cancel", "credential-count", "unplug",
    )
    VERIFIED = ("bad-signature", "wrong-rp", "up-clear", "flags-junk")

    @classmethod
    def setUpClass(cls):
        cls.keys = Keys(1)
        cls.addClassCleanup(cls.keys.stop)

    def after(self, ident, pem):
        self.keys[0].set("fault=none", "touch=auto")
        self.keys[0].ctl("plug")
        self.assertEqual(self.verify(self.ok(self.ask(self.keys, ident)), pem), 0)

    def test_of_transport_and_cbor(self):
        ident, pem, _ = self.make(self.keys)
        for fault in self.FAULTS:
            with self.subTest(fault=fault):
                self.keys[0].set("fault=%s@3" % fault)
                # 1.12 waits for ever for a reply that does not come
                lost = fault in ("wrong-channel", "no-response")
                script = "ulimit -v 400000; exec timeout %g " % (1 if lost else FAST_S)
                script += " ".join(self.asking(ident))
                before = time.monotonic()
                done = self.keys.run("sh", "-c", script)
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertLess(time.monotonic() - before, 5)
                self.assertEqual(done.returncode, 124 if lost else 1, done.stderr)
                self.assertEqual(self.keys[0].status()["fault"], "none")
                self.after(ident, pem)

    def test_of_content(self):
        ident, pem, _ = self.make(self.keys)
        for fault in self.VERIFIED:
            with self.subTest(fault=fault):
                self.keys[0].set("fault=" + fault)
                done = self.ask(self.keys, ident, ("-p",))
                self.assertEqual(self.keys[0].status()["fault"], "none")
                bad = done.returncode != 0 or self.verify(done.stdout, pem, options=("-p",)) != 0
                self.assertTrue(bad or fault == "flags-junk")
                self.after(ident, pem)
        self.keys[0].set("fault=counter-back", "counter=100")
        self.assertLess(authdata(self.ok(self.ask(self.keys, ident)))[1], 100)

    def test_nonce(self):
        look = ("fido2-token", "-I", "/dev/hidraw0")
        self.keys[0].set("fault=bad-nonce")
        self.assertNotEqual(self.keys.run(*look).returncode, 0)
        self.ok(self.keys.run(*look))

    def test_unplug_at_every_message(self):
        ident, pem, _ = self.make(self.keys)
        for n in range(1, 4):
            with self.subTest(message=n):
                self.keys[0].set("fault=unplug@%d" % n)
                self.assertEqual(self.ask(self.keys, ident).returncode, 1)
                self.assertEqual(self.keys[0].status()["plugged"], "no")
                self.after(ident, pem)
        self.keys[0].set("fault=unplug-waiting", "touch=manual")
        self.assertIn("FIDO_ERR_RX", self.ask(self.keys, ident).stderr)
        self.after(ident, pem)


if __name__ == "__main__":
    unittest.main(verbosity=2)

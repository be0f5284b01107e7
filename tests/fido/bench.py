# SPDX-License-Identifier: ISC
"""Keys that are plugged in, and tessera-fido for each connection."""
import os
import shutil
import subprocess
import sys
import unittest

from fidokey import Keys
from folder import new_folder, tree
from frames import CODES, Helper, Refused
from process import processes_of, until

HERE = os.path.dirname(os.path.abspath(__file__))
CONF = """issuer = "https://localhost/tessera"
fido { environment = {"SYSTEMD_DEVICE_VERIFY_SYSFS=0"} }
"""


class Bench(Keys):
    """with Bench(2, "touch=manual") as bench: bench.ask("list")"""

    def __init__(self, count=1, *settings, **more):
        self.top, self.lock = new_folder()
        os.mkdir(self.top + "/keys")
        super().__init__(count, *settings, folder=self.top + "/keys", **more)
        self.bin = self.top + "/bin"
        tree(os.environ["TESSERA_BIN"], self.bin)
        self.conf = self.top + "/tessera.conf"
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(CONF)
        self.socket, self.watcher = self.top + "/fido.sock", self.top + "/watch.sock"
        self.jobs = []
        self.activator = self.activate()

    def activate(self):
        """Both activators in one world."""
        start = "exec 9<&0; for s in '%s' '%s --watch'; do set -- $s; " % (self.socket, self.watcher) + \
            "p=$1; shift; %s -B %s/activator.py $p tessera-dev %s/tessera-fido --config %s $* <&9 & done; wait" % (
                sys.executable, HERE, self.bin, self.conf)
        job = subprocess.Popen(self.argv("/bin/sh", "-c", start), stdin=subprocess.PIPE, start_new_session=True)
        until(lambda: os.path.exists(self.socket) and os.path.exists(self.watcher), what="the activators")
        return job

    def helper(self, **more):
        return Helper(self.socket, **more)

    def watch(self):
        h = Helper(self.watcher, opened=False)
        h.send("watch")
        return h

    def inside(self):
        """A process in the world, to see its files."""
        for pid in os.listdir("/proc"):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    if self.socket.encode() in f.read().split(b"\0") and \
                       os.readlink("/proc/%s/ns/mnt" % pid) != os.readlink("/proc/self/ns/mnt"):
                        return int(pid)
            except OSError:
                pass
        raise LookupError("nobody is inside")

    def ask(self, name, **values):
        with self.helper() as h:
            return h.ask(name, **values)

    def devices(self):
        """In the order of the keys."""
        return sorted((v["device"] for n, v in self.ask("list") if n == "key"),
                      key=lambda d: int(d[len("hidraw"):].split("-")[0]))

    def helpers(self):
        """What runs of tessera-fido."""
        return [p for p, exe in processes_of(self.bin).items() if exe.endswith("/tessera-fido")]

    def filters(self):
        """How many system call filters each worker is in, and what it has started."""
        found = []
        for pid in self.helpers():
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    words = f.read()
                with open("/proc/%d/status" % pid, encoding="utf-8") as f:
                    status = dict(line.split(":", 1) for line in f)
            except OSError:
                continue		# it has ended
            if b"--worker" in words and "Seccomp_filters" in status:
                found.append(int(status["Seccomp_filters"]))
        return found

    def gone(self, timeout=10.0):
        until(lambda: not self.helpers(), timeout, "the end of the helpers")

    def stop(self):
        self.activator.stdin.close()
        self.activator.terminate()
        self.activator.wait(20)
        super().stop()
        shutil.rmtree(self.top, ignore_errors=True)
        os.close(self.lock)


class Case(unittest.TestCase):
    """A test that expects refusals."""

    def assertRefused(self, code, what, *args, **more):
        with self.assertRaises(Refused) as caught:
            what(*args, **more)
        said = caught.exception
        self.assertEqual(said.code, CODES[code], said)
        self.assertGreater(len(said.detail), 3, said) if code != "invalid" else None
        return said

    def refused_by(self, code, helper, name, **values):
        return self.assertRefused(code, helper.ask, name, **values)

    def refused(self, code, bench, name, **values):
        return self.assertRefused(code, bench.ask, name, **values)

# base.py - what the tests of the command line share: the program, a folder, a
# fake agent, a terminal.
#
# SPDX-License-Identifier: ISC
import errno
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_agent import FakeAgent  # noqa: E402

BIN = os.path.join(os.environ["TESSERA_BIN"], "tessera")
SOURCE = os.environ["TESSERA_SOURCE"]
WAIT = 20       # seconds until a test gives up


class Terminal:
    """The program with a terminal of its own as controlling terminal; standard
    output and error go to pipes unless told otherwise."""

    def __init__(self, args, env, stdout=None):
        self.out = b""
        r, w = os.pipe()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:	# the tests do not go on in the child, whatever comes
                os.close(r)
                if stdout is None:
                    os.dup2(w, 1)
                    os.dup2(w, 2)
                os.close(w)
                os.execve(BIN, [BIN] + args, env)
            finally:
                os._exit(127)
        os.close(w)
        self.pipe = r
        self.seen = b""

    def _take(self, timeout):
        fds = [fd for fd in (self.master, self.pipe) if fd is not None]
        ready = select.select(fds, [], [], timeout)[0]
        for fd in ready:
            try:
                data = os.read(fd, 4096)
            except OSError as e:
                if e.errno != errno.EIO:
                    raise
                data = b""
            if fd == self.master:
                self.seen += data
                if not data:
                    os.close(self.master)
                    self.master = None
            else:
                self.out += data
                if not data:
                    os.close(self.pipe)
                    self.pipe = None
        return bool(ready)

    def expect(self, text):
        end = time.monotonic() + WAIT
        while text.encode() not in self.seen:
            if time.monotonic() > end or (self.master is None and self.pipe is None):
                raise AssertionError(f"{text!r} is not in {self.seen!r} (output {self.out!r})")
            self._take(0.1)
        at = self.seen.index(text.encode()) + len(text)
        before, self.seen = self.seen[:at], self.seen[at:]
        return before.decode()

    def type(self, text):
        os.write(self.master, text.encode())

    def typed(self, text):
        """type(), and wait until the terminal has it: the kernel hands on what is
        written to a terminal later, and a flush in between would not meet it.  It
        waits for a line that nobody has begun to read, by the other end."""
        import array
        import fcntl
        import termios
        have = array.array("i", [0])
        other = os.open(self.name(), os.O_RDWR | os.O_NOCTTY)
        try:
            self.type(text)
            end = time.monotonic() + WAIT
            while have[0] < len(text.encode()):
                if time.monotonic() > end:
                    raise AssertionError("the terminal has not got what was typed")
                fcntl.ioctl(other, termios.FIONREAD, have)
        finally:
            os.close(other)

    def name(self):
        """The path of the other end."""
        import array
        import fcntl
        number = array.array("I", [0])
        fcntl.ioctl(self.master, 0x80045430, number)	# TIOCGPTN
        return "/dev/pts/%d" % number[0]

    def echo_is_off(self):
        import termios
        return not termios.tcgetattr(self.master)[3] & termios.ECHO

    def end(self):
        """(exit status, standard output and error, all that the terminal showed since)"""
        end = time.monotonic() + WAIT
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"does not end; terminal {self.seen!r}, output {self.out!r}")
            if self.master is None and self.pipe is None:
                time.sleep(0.01)
            else:
                self._take(0.05)
        while (self.master is not None or self.pipe is not None) and self._take(0.05):
            pass
        for fd in (self.master, self.pipe):
            if fd is not None:
                os.close(fd)
        self.master = self.pipe = None
        return os.waitstatus_to_exitcode(status), self.out.decode(), self.seen.decode()


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="tessera-client-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.agent = FakeAgent(os.path.join(self.dir, "tessera.sock"))
        self.admin = FakeAgent(os.path.join(self.dir, "admin.sock"))
        self.addCleanup(self.agent.close)
        self.addCleanup(self.admin.close)
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "TERM": "xterm", "HOME": self.dir,
                    "TESSERA_SOCK": self.agent.path, "TESSERA_ADMIN_SOCK": self.admin.path}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def run_client(self, *args, input=b"", env=None, **more):
        """Without a controlling terminal."""
        return subprocess.run([BIN, *args], input=input, capture_output=True, timeout=WAIT,
                              env=env or self.env, start_new_session=True, **more)

    def ok(self, *args, **more):
        r = self.run_client(*args, **more)
        self.assertEqual(r.returncode, 0, (args, r.stdout, r.stderr))
        return r.stdout.decode()

    def fails(self, status, *args, **more):
        """Exit status, a sentence on standard error, and with --json exactly one
        document on standard output that says the same."""
        r = self.run_client(*args, **more)
        self.assertEqual(r.returncode, status, (args, r.stdout, r.stderr))
        self.assertEqual(r.stdout, b"")
        self.assertTrue(r.stderr.startswith(b"tessera: "), r.stderr)
        self.assertEqual(r.stderr.count(b"\n"), 1, r.stderr)
        return r.stderr.decode()

    def fails_json(self, status, *args, **more):
        r = self.run_client("--json", *args, **more)
        self.assertEqual(r.returncode, status, (args, r.stdout, r.stderr))
        self.assertEqual(r.stderr, b"")
        doc = self.document(r.stdout)
        self.assertIn("error", doc)
        self.assertIn("error_description", doc)
        return doc

    def document(self, out):
        """Exactly one JSON document in one line."""
        text = out.decode() if isinstance(out, bytes) else out
        self.assertEqual(text.count("\n"), 1, text)
        return json.loads(text)

    def terminal(self, *args):
        return Terminal(list(args), self.env)

    def pin_fd(self, pin):
        """A descriptor that gives the line."""
        r, w = os.pipe()
        os.write(w, pin)
        os.close(w)
        os.set_inheritable(r, True)
        self.addCleanup(os.close, r)
        return r

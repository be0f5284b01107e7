# SPDX-License-Identifier: ISC
"""The command line on a terminal, for end-to-end tests."""
import fcntl
import os
import pty
import select
import struct
import termios
import time

from process import become

DECOY_ENV = {"LC_ALL": "C.UTF-8", "TERM": "xterm", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


class Terminal:
    """The command line on a terminal of its own."""

    def __init__(self, m, *args, uid=0, rows=60, columns=120, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if uid != 0:
                    become(uid)
                os.chdir("/")
                os.execve(m.bin + "/tessera", ["tessera", *args], {
                    **DECOY_ENV, "TESSERA_SOCK": m.api, "TESSERA_ADMIN_SOCK": m.admin, **(env or {}),
                    **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}})
            finally:
                os._exit(99)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.shown = ""

    def read(self, deadline):
        if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError("nothing more came: %r" % self.shown)
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            got = b""
        self.shown += got.decode("utf-8", "replace")
        return got

    def expect(self, text):
        deadline = time.monotonic() + 60
        while text not in self.shown:
            if not self.read(deadline):
                raise AssertionError("it ended: %r" % self.shown)
        before, self.shown = self.shown.split(text, 1)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        deadline = time.monotonic() + 60
        while self.read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status), self.shown

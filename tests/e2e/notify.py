# SPDX-License-Identifier: ISC
"""What a service manager hears of the agent."""
import os
import socket

from process import until


class Notify:
    """A NOTIFY_SOCKET, as the service manager has it: sd_notify(3).  It holds ten
    messages: whoever brings about more must poll() meanwhile, or the agent waits."""

    def __init__(self, path, uid):
        self.path, self.seen = path, []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        os.chown(path, uid, -1)
        os.chmod(path, 0o600)
        self.sock.setblocking(False)

    def poll(self):
        while True:
            try:
                self.seen += self.sock.recv(65536).decode().split("\n")
            except BlockingIOError:
                return self.seen

    def wait(self, line, timeout=10.0, count=1):
        """Until a line has come count times ("STATUS=" matches all of STATUS)."""
        until(lambda: sum(1 for s in self.poll() if s == line or
                          (line.endswith("=") and s.startswith(line))) >= count,
              timeout, "%s by sd_notify, came: %r" % (line, self.seen))

    def close(self):
        self.sock.close()

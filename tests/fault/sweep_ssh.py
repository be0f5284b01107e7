# SPDX-License-Identifier: ISC
"""ssh.sock in the fault sweep: keys listed with a certificate that is made anew, and a
signature by a live session.  See test_sweep.py."""
import base64

from sshagent import LISTED, SIGNED, Agent, file_data
from sweep_bench import DAEMON, harness
from sweep_flows import Flow

SESSION_S = 3600
RENEWED_S = 241		# 80 % of the audience's 5 minutes, and 1


class Said:
    """What came of it, as an answer of HTTP would say it."""

    def __init__(self, keys=(), signed=None):
        self.keys, self.signed = list(keys), signed
        good = len(self.keys) == 2 and signed == SIGNED
        self.status, self.error, self.body = (200, "", b"{}") if good else (503, "failure", b"{}")

    def __repr__(self):
        return "%d keys, signature %r" % (len(self.keys), self.signed)


def talk(path):
    try:
        with Agent(path) as a:
            listed = a.ask(11)
            if listed is None or listed[0] != LISTED:
                return Said()
        with Agent(path) as a:
            keys = a.keys()
            signed = a.sign(keys[-1], file_data(b"git")) if keys else None
            return Said(keys, signed[0] if signed else None)
    except (OSError, harness.Failed):
        return Said()


class Keys(Flow):
    NAME = "SSH keys and a signature"

    def setup(self):
        self.began = self.b.m.clock.wall

    def prepare(self):
        """A session, and one that does not end while it is tried again and again."""
        if self.b.m.clock.wall - self.began > SESSION_S:
            self.b.api(DAEMON, "DELETE", "/session")
            self.setup()
        self.b.proved(DAEMON)

    def run(self):
        self.b.m.clock.advance(RENEWED_S)
        return self.b.workers[DAEMON](talk, self.b.m.ssh)

    def well(self, answer):
        """The files are what was listed."""
        return super().well(answer) and [self.file("1-cert.pub"), self.file("1.pub")] == answer.keys

    def file(self, name):
        with open("%s/ssh/%s" % (self.b.m.public, name), encoding="ascii") as f:
            return base64.b64decode(f.read().split()[1])


SSH = (Keys,)

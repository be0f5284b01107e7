# SPDX-License-Identifier: ISC
"""What the fault sweep runs with FIDO2 keys: a helper that signs with keys of its own
(tests/e2e/fidoliar.py), honestly or not.  See test_sweep.py."""
import sqlite3

from load import copy_of
from sweep import FAILED
from sweep_bench import GAMES, harness
from sweep_flows import Enrol, Flow
from sweep_hostile import Hostile


def enrol_fido(b):
    return b.admin("POST", "/admin/credentials", {"kind": "fido", "subject": "games"})


class Key:
    """A credential of games', made once a bench."""

    def setup(self):
        if getattr(self.b, "key", None) is None:
            self.b.key = self.b.sure(lambda: enrol_fido(self.b)).json["id"]
            self.b.liar.stays = list(self.b.liar.keys)[-1]
        super().setup()

    def counter(self):
        """The last one that is stored."""
        aside = copy_of(self.b.m.state, self.b.m.folder + "/counted")
        db = sqlite3.connect(aside + "/tessera.db")
        try:
            return db.execute("SELECT counter FROM fido WHERE credential = ?", (self.b.key,)).fetchone()[0]
        finally:
            db.close()

    def login(self):
        return self.b.got(self.b.api(GAMES, "POST", "/token", {
            "grant_type": harness.DEVICE_GRANT, "audience": "demo"}))


class FidoLogin(Key, Flow):
    NAME = "login with a FIDO2 key"

    def prepare(self):
        self.before = self.b.liar.counter

    def run(self):
        return self.login()

    def complaints(self, answer):
        """A count that was answered for is stored: it buys nothing twice."""
        said, stored = super().complaints(answer), self.counter()
        if answer is not None and answer.status == 200 and stored != self.b.liar.counter:
            said.append("counted %d, stored %d" % (self.b.liar.counter, stored))
        if not 0 <= stored <= self.b.liar.counter:
            said.append("a counter of %d is stored, the key is at %d" % (stored, self.b.liar.counter))
        return said


class FidoEnrol(Key, Enrol):
    NAME = "enrolment of a FIDO2 key"

    def mine(self):
        return [c for c in super().mine() if c != self.b.key]

    def run(self):
        return enrol_fido(self.b)


class FidoForged(Key, Hostile):
    """A login that another key signed."""
    NAME = "a FIDO2 key's foreign signature"
    change = {}

    def lie(self, said):
        said.sign(key=self.b.other)

    def run(self):
        self.b.liar.lie = self.lie
        try:
            return self.login()
        finally:
            self.b.liar.lie = None


class FidoUntouched(FidoForged):
    NAME = "a FIDO2 key that nobody touched"

    def lie(self, said):
        said.sign(flags=0)


class FidoReplayed(FidoForged):
    """The last good assertion again."""
    NAME = "a FIDO2 key's old assertion"

    def prepare(self):
        self.b.sure(self.login)
        self.old = self.b.liar.last

    def lie(self, said):
        return self.old


class FidoClone(FidoForged):
    """A counter that went back: nobody is let in by it, and the credential is
    suspended where that can be written."""
    NAME = "a FIDO2 key's copy"

    def prepare(self):
        if self.state() == "suspended":
            self.b.sure(lambda: self.b.admin(
                "POST", "/admin/credentials/%s/enable" % self.b.key, {"force": True}))
        self.b.sure(self.login)

    def state(self):
        return self.b.sure(lambda: self.b.admin("GET", "/admin/credentials/" + self.b.key)).json["state"]

    def lie(self, said):
        said.sign(counter=1)

    def complaints(self, answer):
        said = super().complaints(answer)
        if answer is not None and self.b.page.get(FAILED) == 0 and self.state() != "suspended":
            said.append("it is not suspended: %r" % answer)
        return said

    def end(self):
        self.prepare()


FIDO = (FidoLogin, FidoEnrol, FidoForged, FidoClone)
MORE = (FidoUntouched, FidoReplayed)		# of TESSERA_SWEEP=full

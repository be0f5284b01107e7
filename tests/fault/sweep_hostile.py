# SPDX-License-Identifier: ISC
"""What the fault sweep tries on an agent without being allowed to: whatever call
fails meanwhile, none of it is ever granted.  See test_sweep.py."""
import os

from sweep_bench import BIN, DAEMON, GAMES, URI, ask, harness
from sweep_flows import Change, Flow

WRONG = "654321"
EVIL = os.path.join(os.environ.get("TESSERA_BIN", ""), "..", "tests", "p11_evil.so")
EVIL_PIN = "good"


class Hostile(Flow):
    """Well is what it says where nothing fails: a refusal."""

    def setup(self):
        self.prepare()
        answer = self.b.sure(self.run, tuple(range(400, 500)))
        self.STATUS = (answer.status,)

    def complaints(self, answer):
        said = super().complaints(answer)
        if answer is not None and answer.status < 400:
            said.append("GRANTED: %r" % answer)
        return said


class WrongPin(Hostile):
    NAME = "a wrong PIN"

    def run(self):
        return self.b.device(DAEMON, WRONG)


class WrongPinPrompted(Hostile):
    NAME = "a wrong PIN at the prompt"

    def run(self):
        return self.b.got(self.b.prompted(DAEMON, self.b.m.api, "POST", "/token", {
            "grant_type": harness.DEVICE_GRANT, "audience": "vpn"}, pin=WRONG))


class WrongAudience(Hostile):
    NAME = "an audience of others"

    def run(self):
        return self.b.device(DAEMON, audience="closed")


class NoSession(Hostile):
    NAME = "no session"

    def run(self):
        return self.b.session(GAMES)


class Disabled(Hostile):
    NAME = "a disabled credential"

    def prepare(self):
        change = Change.__new__(Change)
        change.b = self.b
        if change.state() != "disabled":
            self.b.sure(lambda: change.change("disable"))

    def run(self):
        return self.b.device(DAEMON)

    def end(self):
        change = Change.__new__(Change)
        change.b = self.b
        change.end()


class WrongCode(Hostile):
    NAME = "a wrong enrolment code"

    def prepare(self):
        self.b.sure(lambda: self.b.admin("POST", "/admin/enrolment-codes", {"subject": "games"}))

    def run(self):
        return self.b.prompted(GAMES, self.b.m.api, "POST", "/credentials", None, {
            "kind": "pkcs11", "device": URI % 4, "code": "AAAA-BBBB-CCCC-DDDD"})


class NoProof(Hostile):
    """A member of tessera-admin without a proof."""
    NAME = "a change without a proof"

    def run(self):
        return self.b.workers["administrator"](
            ask, self.b.m.admin, "POST", "/admin/credentials/%s/disable" % self.b.credential,
            None, {"force": True})


class FalseSignature(Hostile):
    """The evil module signs rubbish."""
    NAME = "a key that cannot sign"

    def run(self):
        return self.b.prompted(0, self.b.m.admin, "POST", "/admin/credentials", None, {
            "kind": "pkcs11", "subject": "games", "device": "pkcs11:token=evil"}, pin=EVIL_PIN)


class ForeignSignature(Hostile):
    """A login whose signature is another key's; self.b.fake is the helper."""
    NAME = "a foreign signature"

    def run(self):
        self.b.fake.sign = lambda challenge: self.b.other.sign(challenge)
        try:
            return self.b.device(DAEMON)
        finally:
            self.b.fake.sign = self.b.fake.honest


class Forged(Hostile):
    """Introspection calls a forged token what it is, or nothing."""
    NAME = "a forged token"

    def setup(self):
        self.token = self.b.proved(DAEMON).json["access_token"]
        head, _, signature = self.token.rpartition(".")
        self.token = head + "." + ("B" if signature[0] == "A" else "A") + signature[1:]

    def run(self):
        return self.b.api(BIN, "POST", "/introspect", {"token": self.token})

    def complaints(self, answer):
        said = Flow.complaints(self, answer)
        if answer is not None and answer.status == 200 and answer.json["active"]:
            said.append("GRANTED: %r" % answer)
        return said


HOSTILE = (WrongPin, WrongPinPrompted, WrongAudience, NoSession, Disabled, WrongCode, NoProof,
           FalseSignature, Forged)

# SPDX-License-Identifier: ISC
"""A helper is assumed to be taken over: killed, hung and lying workers."""
import os
import signal
import unittest

import harness
import softhsm
from harness import BIN, DAEMON, DEVICE_GRANT, SESSION_GRANT

PIN = "123456"
EVIL_PIN = "good"		# what the misbehaving module takes
EVIL = os.path.join(os.environ.get("TESSERA_BIN", ""), "..", "tests", "p11_evil.so")


def workers(m):
    """The pids of the modules' workers that are there; those that wait for a key are
    others."""
    found = []
    for pid in harness.processes_of(m.folder):
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                if {b"--worker", b"--module"} <= set(f.read().split(b"\0")):
                    found.append(pid)
        except OSError:
            pass
    return found


def signal_workers(m, number):
    for pid in workers(m):
        try:
            os.kill(pid, number)
        except ProcessLookupError:	# one that was idle, and was let go
            pass


class Helper(unittest.TestCase):
    FORM = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}

    def enrol(self, m, user="daemon", uri="pkcs11:token=card;id=%01"):
        return m.tessera("enroll", "pkcs11", "--user", user, "--device", uri, "--json", pin=PIN,
                         check=True).json

    def proof(self, m, uid=DAEMON, **more):
        return m.request("POST", "/token", uid=uid, form={**self.FORM, **more})

    def refused(self, answer, *errors):
        self.assertIn(answer.json["error"], errors, answer)
        self.assertNotIn("access_token", answer.json)

    def evil(self, m, what):
        """A copy of the misbehaving module under another name."""
        path = m.folder + "/evil.so"
        if not os.path.exists(path):
            with open(EVIL, "rb") as f, open(path, "wb") as g:
                g.write(f.read())
            os.chmod(path, 0o644)
        section = {"path": path}
        if what:
            section["environment"] = ["EVIL=" + what]
        return section

    def test_warm_helper_is_kept(self):
        """The module is not loaded again for each request."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(self.proof(m).status, 200)
            before = set(workers(m))
            for _ in range(5):
                self.assertEqual(self.proof(m).status, 200)
            self.assertEqual(set(workers(m)) & before, before)

    def test_one_helper_a_subject(self):
        """Two subjects of one token are served by two processes."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            self.enrol(m)
            harness.until(lambda: len(workers(m)) == 3, what="lister, daemon's own and a spare")
            for _ in range(3):
                self.assertEqual(self.proof(m).status, 200)
            self.assertEqual(len(workers(m)), 3)
            self.enrol(m, "bin", "pkcs11:token=card;object=ed25519")
            self.assertEqual(self.proof(m, uid=BIN).status, 200)
            harness.until(lambda: len(workers(m)) == 4, what="a worker of bin's own")

    def test_killed_while_idle(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            for _ in range(3):	# its end may be seen only by who comes just then
                harness.until(lambda: self.proof(m).status == 200, what="a proof by a new helper")
                signal_workers(m, signal.SIGKILL)
            harness.until(lambda: self.proof(m).status == 200, what="a proof after the kills")

    def test_killed_at_work(self):
        """kill -9 of the worker in a proof: a named error, the next proof succeeds."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(self.proof(m).status, 200)
            signal_workers(m, signal.SIGSTOP)
            job = harness.Job(DAEMON, lambda: harness.one_request(
                m.api, "POST", "/token", form=self.FORM))
            self.assertEqual(m.request("GET", "/healthz", uid=BIN).status, 200)
            signal_workers(m, signal.SIGKILL)
            self.refused(job.result(), "temporarily_unavailable")
            self.assertEqual(self.proof(m).status, 200)

    def test_hung_module(self):
        """A module that hangs: its deadline ends it while other callers are served."""
        with harness.Machine(rehearse=True) as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(self.proof(m).status, 200)
            signal_workers(m, signal.SIGSTOP)
            job = harness.Job(DAEMON, lambda: harness.one_request(
                m.api, "POST", "/token", form=self.FORM))
            self.assertEqual(m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": SESSION_GRANT, "audience": "demo"}).status, 200)
            self.assertEqual(m.request("GET", "/credentials", uid=BIN).status, 200)
            m.clock.advance(17)
            self.refused(job.result(), "timeout")
            signal_workers(m, signal.SIGKILL)	# the spare was stopped as well
            harness.until(lambda: self.proof(m).status == 200, what="a proof by a new helper")

    def test_unplugged_token(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            cred = self.enrol(m)
            self.assertEqual(self.proof(m).status, 200)
            for name in os.listdir(m.tokens + "/tokens"):
                os.rename(m.tokens + "/tokens/" + name, m.folder + "/away-" + name)
            signal_workers(m, signal.SIGKILL)
            answer = harness.until(lambda: (lambda a: a if a.json.get("error") !=
                                            "temporarily_unavailable" else None)(self.proof(m)))
            self.refused(answer, "device_not_found", "device_removed")
            answer, prompts = m.answering(PIN, "POST", "/session", uid=DAEMON, json={})
            self.refused(answer, "device_not_found", "device_removed")
            self.assertEqual(prompts, [], "nobody is asked for the PIN of an absent token")
            self.assertIn("card", answer.json["error_description"])
            self.assertEqual(m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]["id"],
                             cred["id"])

    def test_token_written_meanwhile(self):
        """SoftHSM reads a token's file when its generation tells it to: what a worker knows
        of a token whose PIN was set beside it is no longer so, and it begins anew."""
        with harness.Machine(start=False) as m:
            conf = softhsm.write_conf(m.tokens)
            softhsm.init_without_pin(conf, "card")
            token = "%s/tokens/%s/token.object" % (m.tokens, os.listdir(m.tokens + "/tokens")[0])
            with open(token, "rb") as f:
                blank = f.read()
            softhsm.set_pin(conf, "card", PIN)
            softhsm.add_key(conf, "card", PIN, "p256", b"\1")
            m.give_tokens()
            m.start()
            self.enrol(m)
            with open(token, "rb") as f:
                whole = f.read()
            with open(token, "wb") as f:
                f.write(blank)
            signal_workers(m, signal.SIGKILL)	# those that come now read it so
            answer = harness.until(lambda: (lambda a: a if a.json.get("reason") == "unset" else None)(
                self.proof(m)), 60, "a token without a PIN")
            self.refused(answer, "pin_required")
            self.assertNotIn("locked", answer.json["error_description"])
            with open(token, "wb") as f:
                f.write(whole)
            answer = self.proof(m)
            self.assertEqual(answer.status, 200, answer)

    def test_lying_module_is_not_believed(self):
        """The evil module's token answers every login and signs rubbish: no enrolment."""
        with harness.Machine(start=False) as m:
            m.modules = {"evil": self.evil(m, None)}
            m.write_conf()
            m.start()
            shown = m.request("GET", "/admin/devices", admin=True).json["devices"]
            self.assertEqual(len(shown), 1, shown)
            uri = shown[0]["keys"][0]["uri"]
            ran = m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", uri, "--json", pin=EVIL_PIN)
            self.assertEqual(ran.json["error"], "invalid_grant", ran)
            self.assertEqual(m.request("GET", "/admin/credentials", admin=True).json,
                             {"credentials": []})

    def test_token_that_blinks(self):
        """Listed, then not there, then there again: the enrolment looks once more."""
        with harness.Machine(start=False) as m:
            m.modules = {"evil": self.evil(m, "slots-blink")}
            m.write_conf()
            m.start()
            answer, prompts = m.answering(EVIL_PIN, "POST", "/admin/credentials", admin=True, json={
                "kind": "pkcs11", "subject": "daemon", "device": "pkcs11:token=evil"})
            self.assertEqual(len(prompts), 1, answer)
            self.assertEqual(answer.json["error"], "invalid_grant", "its signature is rubbish")

    def test_last_try_is_a_persons(self):
        """Who was shown that it is the last try may spend it."""
        with harness.Machine(start=False) as m:
            m.modules = {"evil": self.evil(m, "pin-final")}
            m.write_conf()
            m.start()
            uri = m.request("GET", "/admin/devices", admin=True).json["devices"][0]["keys"][0]["uri"]
            answer, prompts = m.answering(EVIL_PIN, "POST", "/admin/credentials", admin=True, json={
                "kind": "pkcs11", "subject": "daemon", "device": uri})
            self.assertEqual([p["tries_left"] for p in prompts], [1])
            self.assertEqual(answer.json["error"], "invalid_grant", "it was tried, and signed rubbish")

    def test_last_try_is_not_spent(self):
        """A wrong PIN is asked for again, but not where one try is left, and never where
        the PIN is locked."""
        for what, prompts, error in (("", 2, "pin_required"), ("pin-low", 2, "pin_required"),
                                     ("pin-final", 1, "pin_required"),
                                     ("pin-locked", 0, "pin_locked")):
            with self.subTest(what), harness.Machine(start=False) as m:
                m.modules = {"evil": self.evil(m, what)}
                m.write_conf()
                m.start()
                answer, asked = m.answering(["baad"] * 5, "POST", "/admin/credentials", admin=True,
                                            json={"kind": "pkcs11", "subject": "daemon",
                                                  "device": "pkcs11:token=evil"})
                self.assertEqual((len(asked), answer.error), (prompts, error), answer)

    def test_modules_that_cannot_be_used(self):
        """Each says its name and why; the good module beside it goes on."""
        with harness.Machine(start=False) as m:
            m.make_token("card", PIN)
            text = m.folder + "/text.so"
            with open(text, "w", encoding="ascii") as f:
                f.write("not a module\n")
            m.modules["missing"] = {"path": m.folder + "/nowhere.so"}
            m.modules["text"] = {"path": text}
            m.write_conf()
            m.start()
            self.enrol(m)
            self.assertEqual(self.proof(m).status, 200)
            errors = {e["module"]: e for e in
                      m.request("GET", "/devices", uid=DAEMON).json["errors"]}
            self.assertEqual(set(errors), {"missing", "text"})
            for e in errors.values():
                self.assertEqual(e["error"], "temporarily_unavailable", e)

    def test_token_that_kills_its_helpers_rests(self):
        """Five deaths in a row open the circuit breaker; it closes after a minute."""
        with harness.Machine(start=False, rehearse=True) as m:
            m.make_token("card", PIN)
            m.modules["evil"] = self.evil(m, "sign-abort")
            m.write_conf()
            m.start()
            shown = m.request("GET", "/admin/devices", admin=True).json["devices"]
            uri = [d for d in shown if d["module"] == "evil"][0]["keys"][0]["uri"]
            said = []
            for _ in range(7):
                ran = m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", uri, "--json",
                                pin=EVIL_PIN)
                said.append((ran.json["error"], ran.json.get("retry_after")))
            self.assertEqual([retry for _, retry in said], [None] * 5 + [60] * 2, said)
            self.assertEqual({error for error, _ in said}, {"temporarily_unavailable"})
            self.enrol(m)
            self.assertEqual(self.proof(m).status, 200, "the good token beside it")
            m.clock.advance(61)
            ran = m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", uri, "--json", pin=EVIL_PIN)
            self.assertNotIn("retry_after", ran.json, ran)

    def test_hostile_environment(self):
        """Variables of whoever starts the agent reach neither it nor its helpers."""
        hostile = dict.fromkeys(("SOFTHSM2_CONF", "OPENSSL_CONF", "OPENSC_CONF", "PKCS11_PROVIDER_MODULE",
                                 "PKCS11_MODULE_PATH", "TESSERA_SOCK"), "/hostile")
        with harness.Machine(env=hostile) as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(self.proof(m).status, 200)
            seen = 0
            for pid in harness.processes_of(m.folder):
                if pid == m.process.pid:	# its own were cleared, but not where they came from
                    continue
                with open("/proc/%d/environ" % pid, "rb") as f:
                    self.assertNotIn(b"/hostile", f.read())
                seen += 1
            self.assertGreaterEqual(seen, 3, "names worker, keepers and workers")

    def test_many_at_once(self):
        """30 proofs of one token at the same time, then nothing is left behind."""
        with harness.Machine(settings={"limits": {"pending-per-uid": 64}}) as m:
            m.make_token("card", PIN)
            self.enrol(m)
            jobs = [harness.Job(DAEMON, lambda: harness.one_request(
                m.api, "POST", "/token", form=self.FORM).status) for _ in range(30)]
            self.assertEqual([j.result() for j in jobs], [200] * 30)
            self.assertLessEqual(len(workers(m)), 4)

    def test_pending_limit(self):
        """One uid cannot fill the queue: the ninth proof at once is told to slow down."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(self.proof(m).status, 200)
            signal_workers(m, signal.SIGSTOP)
            jobs = [harness.Job(DAEMON, lambda: harness.one_request(
                m.api, "POST", "/token", form=self.FORM)) for _ in range(8)]
            answer = harness.until(lambda: (lambda a: a if a.json["error"] == "slow_down" else None)(
                self.proof(m, credential="x" * 22)))
            self.assertEqual(answer.status, 429)
            signal_workers(m, signal.SIGCONT)
            self.assertEqual([j.result().status for j in jobs], [200] * 8)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""Smart cards through the whole stack: tesserad, tessera-pkcs11, OpenSC,
pcscd, a virtual reader, and a card.  One card is ours, one was written by
others."""
import unittest

import harness
import pcsc
from harness import DAEMON, DEVICE_GRANT
from pcsc import PIN


class Base(unittest.TestCase):
    def enrol(self, m, uri, pin):
        return m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", uri, "--json",
                         pin=pin, check=True).json

    def login(self, m, credential, pin):
        return m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": DEVICE_GRANT, "audience": "demo", "credential": credential, "pin": pin})

    def accepted(self, m, credential, pin):
        answer = self.login(m, credential, pin)
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("access_token", answer.json)

    def confirmed(self, m, credential, pin):
        """Few tries are left: a person is asked, and confirms how many."""
        answer = self.login(m, credential, pin)
        self.assertEqual((answer.status, answer.json["error"]), (401, "pin_required"), answer)
        answer, prompts = m.answering(pin, "POST", "/token", uid=DAEMON, form={
            "grant_type": DEVICE_GRANT, "audience": "demo", "credential": credential})
        self.assertEqual((answer.status, prompts[0]["confirm"]), (200, 2), answer)

    def refused(self, answer):
        self.assertEqual((answer.status, answer.json["error"], answer.json["reason"]),
                         (401, "pin_required", "wrong"), answer)


class Piv(Base):
    def uri(self, card, key_id="%01"):
        return "pkcs11:serial=%s;id=%s" % (card.serial, key_id)

    def test_every_kind_of_key(self):
        """9A wants the PIN once, 9C for each signature, 9E never."""
        with pcsc.Bench() as bench:
            card = bench.card("card", "--algorithm", "9a=p256,9c=rsa2048,9e=p384")
            with harness.Machine(modules={"opensc": bench.module()}) as m:
                for key_id, algorithm in (("%01", "ecdsa-p256-sha256"), ("%02", "rsa-pss-sha256"),
                                          ("%04", "ecdsa-p384-sha256")):
                    with self.subTest(id=key_id):
                        cred = self.enrol(m, self.uri(card, key_id), PIN)
                        self.assertEqual(cred["algorithm"], algorithm)
                        self.accepted(m, cred["id"], PIN)
                self.assertEqual(card.tries(), (3, 3))

    def test_one_card_in_one_reader(self):
        """A second one is told; it may have the reader once the first is pulled."""
        with pcsc.Bench() as bench:
            first = bench.card("first")
            second = (bench.sim, "card", "--state", bench.folder + "/second")
            bench.run(*second, "--init", "--serial", "2")
            said = bench.run(*second, "--pcscd", bench.pcscd, status=1)
            self.assertIn("another card is in the reader", said)
            first.pull()
            bench.card("third", reader=0)

    def test_a_wrong_pin_costs_one_try(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            with harness.Machine(modules={"opensc": bench.module()}) as m:
                cred = self.enrol(m, self.uri(card), PIN)
                wrong = self.login(m, cred["id"], "999999")
                self.refused(wrong)
                self.assertIn('refused the PIN, 2 tries are left: with its PUK "tessera device pin unblock"',
                              wrong.json["error_description"])
                self.assertEqual(card.tries(), (2, 3))
                self.confirmed(m, cred["id"], PIN)
                self.assertEqual(card.tries(), (3, 3))

    def test_helpers_of_their_own_user(self):
        """As under systemd: tessera-dev has the reader, the agent has not."""
        with pcsc.Bench(user=harness.HELPER) as bench:
            card = bench.card("card")
            with harness.Machine(modules={"opensc": bench.module()}, helper="activate") as m:
                cred = self.enrol(m, self.uri(card), PIN)
                self.accepted(m, cred["id"], PIN)

    def test_another_card_is_not_his(self):
        """Two cards alike but for their keys: the one that was enrolled counts,
        in whichever reader it is."""
        with pcsc.Bench(readers=2) as bench:
            his = bench.card("his", "--subject", "same", "--serial", "1")
            other = bench.card("other", "--subject", "same", "--serial", "2")
            with harness.Machine(modules={"opensc": bench.module()}) as m:
                cred = self.enrol(m, self.uri(his), PIN)
                self.accepted(m, cred["id"], PIN)
                his.pull()
                answer = self.login(m, cred["id"], PIN)
                self.assertNotEqual(answer.status, 200, answer)
                self.assertNotIn("access_token", answer.json)
                self.assertEqual(other.tries(), (3, 3))
                other.pull()
                his.insert(reader=1)
                self.accepted(m, cred["id"], PIN)


class Foreign(Base):
    def test_a_card_that_others_wrote(self):
        """libcacard's CAC card and our PIV card, side by side."""
        with pcsc.Bench(readers=2) as bench:
            cac, piv = bench.cac("bob"), bench.card("piv")
            with harness.Machine(modules={"opensc": bench.module()}) as m:
                for uri, pin in (("pkcs11:token=cac%20bob;id=%00%01", cac.PIN),
                                 ("pkcs11:token=cac%20bob;id=%00%02", cac.PIN),
                                 ("pkcs11:serial=%s;id=%%01" % piv.serial, PIN)):
                    with self.subTest(uri=uri):
                        cred = self.enrol(m, uri, pin)
                        self.accepted(m, cred["id"], pin)
                        self.accepted(m, cred["id"], pin)

    def test_its_wrong_pin(self):
        with pcsc.Bench() as bench:
            cac = bench.cac("bob")
            with harness.Machine(modules={"opensc": bench.module()}) as m:
                cred = self.enrol(m, "pkcs11:token=cac%20bob;id=%00%01", cac.PIN)
                self.refused(self.login(m, cred["id"], "9999"))
                self.assertEqual(cac.tries(), 2)
                self.confirmed(m, cred["id"], cac.PIN)
                self.assertEqual(cac.tries(), 3)


if __name__ == "__main__":
    harness.main()

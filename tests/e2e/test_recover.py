# SPDX-License-Identifier: ISC
"""Smart cards as they behave in the hand: pcscd and cards come and go, other
programs use the reader.  Nobody starts anything again: the next request works."""
import os
import signal
import time
import unittest

import cards
import harness
import pcsc
from harness import DAEMON
from test_helper import workers

LOGIN_S = 15.0			# of the agent's deadline for a proof
BUSY_S = 8.0			# another program's reader is given up long before
GONE = ("device_removed", "device_not_found")


class Base(unittest.TestCase):
    def good(self, answer):
        self.assertEqual(answer.status, 200, answer)

    def refused(self, answer, *errors):
        self.assertIn(answer.error, errors, answer)
        self.assertNotIn("access_token", answer.json)

    def ready(self, **settings):
        """A desk whose card is daemon's, with a warm helper."""
        d = cards.Desk(**settings)
        try:
            d.enrol()
            self.good(d.prove())
            d.settle()
        except BaseException:
            d.__exit__(True, None, None)
            raise
        return d

    def back(self, d):
        """The card is in the reader again; the first request succeeds."""
        d.card.insert()
        self.good(d.prove())


class Recover(Base):
    def test_kinds_of_keys(self):
        for kind in ("p256", "p384", "rsa2048"):
            with self.subTest(kind=kind), cards.Desk(keys="9a=%s,9c=none,9d=none,9e=none" % kind) as d:
                d.enrol()
                for _ in range(3):
                    self.good(d.prove())

    def test_helpers_of_their_own_user(self):
        """The system's way: socket-activated helpers that run as tessera-dev."""
        with self.ready(helper="activate") as d:
            self.good(d.prove())

    def test_pcscd_restarted(self):
        """While nobody asks; all that was warm knows the old one."""
        with self.ready() as d:
            d.b.stop()
            d.b.start()
            d.card.await_seen()
            self.good(d.prove())
            self.good(d.prove())
            self.assertEqual(d.m.request("GET", "/devices", uid=DAEMON).json["errors"], [])

    def test_pcscd_gone(self):
        """It is named, with what to look at."""
        with self.ready() as d:
            d.b.kill()
            for _ in range(2):
                answer = d.prove()
                self.refused(answer, "temporarily_unavailable")
                self.assertIn("systemctl status pcscd", answer.json["error_description"])
            shown = d.m.request("GET", "/devices", uid=DAEMON).json
            self.assertEqual([e["error"] for e in shown["errors"]], ["temporarily_unavailable"])
            d.b.start()
            d.card.await_seen()
            self.good(d.prove())

    def test_another_card_after_a_restart(self):
        """A module that still knows the card before is not believed."""
        with self.ready() as d:
            first = d.m.request("GET", "/devices", uid=DAEMON).json["devices"]
            d.card.ctl("pull")
            d.b.kill()
            d.b.start()
            other = d.b.card("other", "--subject", "other", reader=0)
            second = d.m.request("GET", "/devices", uid=DAEMON).json["devices"]
            self.assertNotEqual([c["serial"] for c in first], [c["serial"] for c in second])
            self.refused(d.prove(), *GONE)
            self.assertEqual(other.tries(), (3, 3))

    def test_pcscd_killed_in_a_signature(self):
        with self.ready() as d:
            d.settle()
            d.card.ctl("delay", "200")		# a proof's forty commands stay within its deadline
            signing = d.card.next_apdu("general-authenticate")
            job = d.proving()
            signing.wait(30)
            d.b.kill()
            self.refused(job.result(), "temporarily_unavailable")
            d.card.ctl("delay", "0")
            d.b.start()
            d.card.await_seen()
            self.good(d.prove())

    def test_pulled_at_each_command(self):
        """Before pcscd has noticed: its next command has no answer."""
        with self.ready() as d:
            for command in ("verify", "general-authenticate"):
                with self.subTest(command=command):
                    d.settle()
                    d.card.ctl("pull", command)
                    began = time.monotonic()
                    self.refused(d.prove(), *GONE)
                    self.assertLess(time.monotonic() - began, LOGIN_S)
                    d.card.await_seen(False)
                    self.refused(d.prove(), *GONE)
                    self.back(d)
            self.assertEqual(d.card.tries(), (3, 3))

    def test_pulled_while_a_signature_takes_long(self):
        with self.ready() as d:
            d.card.ctl("delay", "300")
            job = d.proving()
            d.card.ctl("wait-for-apdu", "general-authenticate")
            d.card.ctl("pull")
            self.refused(job.result(), "device_removed")
            d.card.ctl("delay", "0")
            self.back(d)

    def test_put_back_while_idle(self):
        with self.ready() as d:
            for _ in range(3):
                d.card.pull()
                self.back(d)

    def test_another_card(self):
        """It is not given the PIN of the one before."""
        with self.ready() as d:
            d.card.pull()
            other = d.b.card("other", "--subject", "other", reader=0)
            self.refused(d.prove(), *GONE)
            self.refused(d.prove(), *GONE)
            self.assertEqual(other.tries(), (3, 3))
            other.pull()
            self.back(d)

    def test_another_reader(self):
        with self.ready(readers=2) as d:
            d.card.ctl("pull")
            d.card.insert(1)
            self.good(d.prove())
            self.good(d.prove())

    def test_no_reader(self):
        """All readers unplugged, and plugged in again."""
        with self.ready() as d:
            d.b.kill()
            self.no_reader(d)
            d.b.start()
            d.card.await_seen()
            self.good(d.prove())

    def no_reader(self, d):
        none = d.m.folder_for(d.m.folder + "/none", "root", 0o755)
        with cards.Activated(d.b.socket, none) as bare:
            self.refused(d.prove(), *GONE)
            self.assertGreater(bare.started, 0)

    def test_pcscd_that_ends_when_idle(self):
        """systemd starts it again for whoever connects."""
        with self.ready() as d:
            d.b.kill()
            with cards.Activated(d.b.socket, d.b.pcscd + "/conf", d.b.pcscd + "/pid") as a:
                for n in range(1, 4):
                    harness.until(lambda: d.prove().status == 200, 20, "a proof by activation")
                    self.assertEqual(a.started, n)
                    a.kill()
                    harness.until(lambda: d.prove().error in GONE + (None,), 5, "a new pcscd")

    def test_card_that_does_not_answer(self):
        with self.ready() as d:
            d.card.ctl("mute", "on")
            began = time.monotonic()
            self.refused(d.prove(), "timeout", "device_busy")
            self.assertLess(time.monotonic() - began, LOGIN_S + 1)
            d.card.ctl("mute", "off")
            d.card.pull()
            self.back(d)

    def test_doubtful_worker_is_replaced(self):
        """The card fails: the worker that saw it is not asked again, and the PIN is
        not given a second time."""
        with self.ready() as d:
            before, count = set(workers(d.m)), d.card.count("verify")
            self.good(d.prove())
            usual = d.card.count("verify") - count
            count += usual
            d.card.ctl("status-word", "general-authenticate", "6f00", "9")
            self.refused(d.prove(), "temporarily_unavailable", "device_removed", "timeout")
            self.assertLessEqual(d.card.count("verify") - count, usual)
            d.card.ctl("status-word", "general-authenticate", "6f00", "0")
            self.good(d.prove())
            harness.until(lambda: not before <= set(workers(d.m)), what="the end of a worker")


class Sharing(Base):
    def test_reader_is_let_go(self):
        """Who wants it for himself has it right after a proof, a listing, a start."""
        with self.ready() as d:
            for _ in range(3):
                self.good(d.prove())
                self.free(d)
                self.assertEqual(d.m.request("GET", "/devices", uid=DAEMON).status, 200)
                self.free(d)

    def free(self, d):
        """Soon: a reset may be under way, and a spare being loaded."""
        harness.until(lambda: d.other(cards.connect, cards.EXCLUSIVE) == 0, 2, "the reader to be free")

    def test_held_exclusively(self):
        with self.ready() as d:
            holder = cards.Holder(d, cards.EXCLUSIVE)
            self.busy(d, 2)
            holder.end()
            self.good(d.prove())

    def test_held_in_a_transaction(self):
        with self.ready() as d:
            holder = cards.Holder(d, cards.SHARED)
            self.busy(d, 6)		# would open a breaker, if these were deaths
            holder.end()
            self.good(d.prove())

    def busy(self, d, times):
        for _ in range(times):
            began = time.monotonic()
            answer = d.prove()
            self.refused(answer, "device_busy")
            self.assertIn("another program", answer.json["error_description"])
            self.assertLess(time.monotonic() - began, BUSY_S)
        self.assertEqual(d.m.request("GET", "/devices", uid=DAEMON).json["errors"][0]["error"],
                         "device_busy")

    def test_waited_for(self):
        """A program that is done soon costs a moment, not an error."""
        with self.ready() as d:
            for mode in (cards.EXCLUSIVE, cards.SHARED):
                holder = cards.Holder(d, mode)
                job = d.proving()
                time.sleep(0.3)		# that is what "soon" means here
                holder.end()
                self.good(job.result())

    def test_card_is_closed_afterwards(self):
        with self.ready() as d:
            for _ in range(5):
                self.good(d.prove())
                self.assertEqual(d.other(cards.sign), cards.CLOSED)
            self.refused(d.prove(pin="654321"), "pin_required")
            self.assertEqual(d.other(cards.sign), cards.CLOSED)
            self.refused(d.prove(), "pin_required")	# few tries are for a person

    def test_card_is_closed_when_the_worker_dies(self):
        with self.ready() as d:
            d.card.ctl("delay", "200")
            job = d.proving()
            d.card.ctl("wait-for-apdu", "general-authenticate")
            for pid in workers(d.m):
                os.kill(pid, signal.SIGKILL)
            job.result()
            d.card.ctl("delay", "0")
            self.assertEqual(d.other(cards.sign), cards.CLOSED)
            harness.until(lambda: d.prove().status == 200, what="a proof by a new worker")

    def test_nobody_uses_what_our_pin_opens(self):
        """Another program tries to sign all the time that others prove themselves."""
        with self.ready() as d:
            jobs = [harness.Job(DAEMON, self.many, d, 15) for _ in range(2)]
            seen = harness.as_user(0, cards.other, d.b.socket, cards.sign_for, 3.0)
            self.assertEqual([j.result() for j in jobs], [[200] * 15] * 2)
            self.assertEqual(seen - {cards.CLOSED}, set(), [hex(s) for s in seen])

    @staticmethod
    def many(d, n):
        form = {"grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": pcsc.PIN}
        return [harness.one_request(d.m.api, "POST", "/token", form=form).status for _ in range(n)]

    def test_beside_other_programs(self):
        """pkcs11-tool signs, opensc-tool looks, all the while."""
        with self.ready() as d:
            data = d.m.folder + "/data"
            with open(data, "wb") as f:
                f.write(bytes(32))
            jobs = [harness.Job(DAEMON, self.many, d, 10) for _ in range(2)]
            for _ in range(8):
                for argv in (("/usr/bin/pkcs11-tool", "--module", pcsc.OPENSC, "--login", "--pin",
                              pcsc.PIN, "--sign", "-m", "ECDSA", "--id", "01", "-i", data, "-o",
                              "/dev/null"), ("/usr/bin/opensc-tool", "-a")):
                    d.b.run(*argv)
            self.assertEqual([j.result() for j in jobs], [[200] * 10] * 2)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""The virtual PIV card under programs that others wrote: OpenSC and
yubico-piv-tool, through pcscd and the vpcd reader driver."""
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness			# noqa: E402
import pcsc			# noqa: E402
from pcsc import PIN, PUK	# noqa: E402
from process import Failed, until	# noqa: E402

MECHANISMS = {"p256": ("ECDSA-SHA256", "-sha256"), "p384": ("ECDSA-SHA384", "-sha384"),
              "rsa2048": ("SHA256-RSA-PKCS", "-sha256")}
MANAGEMENT = "00112233445566778899aabbccddeeff0011223344556677"


class Base(unittest.TestCase):
    def pkcs11(self, bench, *args, **more):
        return bench.run("pkcs11-tool", "--module", pcsc.OPENSC, *args, **more)

    def yubico(self, card, *args, **more):
        return card.bench.run("yubico-piv-tool", "-r", card.reader_name, *args, **more)

    def openssl(self, bench, *args):
        return bench.run("openssl", *args)

    def sign(self, bench, slot, key_id, kind, pin=PIN, name="out"):
        """A signature by OpenSC, verified by OpenSSL with the card's certificate."""
        base = os.path.join(bench.folder, name)
        with open(base + ".data", "wb") as f:
            f.write(os.urandom(100))
        mechanism, digest = MECHANISMS[kind]
        self.pkcs11(bench, "--slot", slot, "--login", "--pin", pin, "--sign", "--id", key_id, "-m", mechanism,
                    "--signature-format", "openssl", "-i", base + ".data", "-o", base + ".sig")
        self.pkcs11(bench, "--slot", slot, "--read-object", "--type", "cert", "--id", key_id,
                    "-o", base + ".der")
        self.openssl(bench, "x509", "-inform", "DER", "-in", base + ".der", "-out", base + ".pem")
        with open(base + ".pub", "w", encoding="ascii") as f:
            f.write(self.openssl(bench, "x509", "-in", base + ".pem", "-pubkey", "-noout"))
        said = self.openssl(bench, "dgst", digest, "-verify", base + ".pub", "-signature", base + ".sig",
                            base + ".data")
        self.assertIn("Verified OK", said)
        return base


class OpenSC(Base):
    def test_every_key(self):
        """Each kind of key in each slot signs, and its certificate is the authority's."""
        with pcsc.Bench() as bench:
            for i, kinds in enumerate((["p256", "rsa2048", "p384", "p384"],
                                       ["rsa2048", "p384", "p256", "rsa2048"])):
                card = bench.card("card%d" % i, "--algorithm",
                                  ",".join("%s=%s" % z for z in zip(("9a", "9c", "9d", "9e"), kinds)), reader=0)
                for key_id, slot in (("01", 0), ("02", 1), ("04", 3)):
                    with self.subTest(kind=kinds[slot], id=key_id):
                        base = self.sign(bench, "0", key_id, kinds[slot])
                        self.openssl(bench, "verify", "-purpose", "any", "-CAfile", card.state + "/ca.pem", base + ".pem")
                card.end()
                card.await_seen(False)

    def test_what_it_is(self):
        with pcsc.Bench() as bench:
            card = bench.card("card", "--serial", "4711", "--subject", "Alice Example")
            self.assertIn("Personal Identity Verification Card", bench.run("opensc-tool", "-n"))
            self.assertIn("3b:87:81:31:fe:45:54:45:53:53:45:52:41", bench.run("opensc-tool", "-a"))
            listed = self.pkcs11(bench, "-L")
            self.assertIn("Alice Example", listed)
            self.assertRegex(listed, r"serial num +: 0000000000001267\n")
            self.assertEqual(card.serial, "0000000000001267")
            self.assertIn("00 00 12 67", bench.run("piv-tool", "--serial"))
            # logon to Windows and TLS clients ask for these
            base = self.sign(bench, "0", "01", "p256")
            text = self.openssl(bench, "x509", "-in", base + ".pem", "-noout", "-text")
            for word in ("TLS Web Client Authentication", "Microsoft Smartcard Login",
                         "Digital Signature", "urn:uuid:54455353-4552-8000-0000-000000001267"):
                self.assertIn(word, text)

    def test_contactless(self):
        with pcsc.Bench() as bench:
            card = bench.card("card", "--contactless")
            self.assertIn("3b:87:80:01:54:45:53:53:45:52:41", bench.run("opensc-tool", "-a"))
            self.sign(bench, "0", "01", "p256")
            card.end()
            card.await_seen(False)
            card.options = ["--contactless=strict"]
            card.start()
            with self.assertRaises(Failed):
                self.sign(bench, "0", "01", "p256")
            # the card authentication key, which pkcs11-tool would log in for
            said = bench.run("opensc-tool", "-s", "00a4040009a00000030800001000",
                             "-s", "0087119e267c2482008120" + "5a" * 32 + "00")
            self.assertEqual(said.count("SW1=0x90"), 2, said)
            self.assertEqual(card.tries(), (3, 3))

    def test_wrong_pins(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            for left in (2, 1):
                self.pkcs11(bench, "--login", "--pin", "999999", "-O", status=1)
                self.assertEqual(card.tries(), (left, 3))
            self.assertIn("final user PIN try", self.pkcs11(bench, "-L"))
            card.end(signal.SIGKILL)		# what was paid is paid
            card.await_seen(False)
            card.start()
            self.assertEqual(card.tries(), (1, 3))
            self.pkcs11(bench, "--login", "--pin", "999999", "-O", status=1)
            self.assertIn("user PIN locked", self.pkcs11(bench, "-L"))
            self.pkcs11(bench, "--login", "--pin", PIN, "-O", status=1)
            self.yubico(card, "-a", "unblock-pin", "-P", PUK, "-N", "222222")
            self.assertEqual(card.tries(), (3, 3))
            self.sign(bench, "0", "01", "p256", pin="222222")


class Yubico(Base):
    def test_generate_and_import(self):
        with pcsc.Bench() as bench:
            card = bench.card("card", "--algorithm", "none")
            for slot, kind, key_id in (("9a", "p256", "01"), ("9c", "rsa2048", "02"), ("9e", "p384", "04")):
                with self.subTest(kind=kind):
                    base = os.path.join(bench.folder, slot)
                    name = {"p256": "ECCP256", "p384": "ECCP384", "rsa2048": "RSA2048"}[kind]
                    self.yubico(card, "-a", "generate", "-s", slot, "-A", name, "-o", base + ".pub")
                    self.openssl(bench, "x509", "-new", "-force_pubkey", base + ".pub", "-subj", "/CN=made by hand",
                                 "-CA", card.state + "/ca.pem", "-CAkey", card.state + "/ca.key", "-out", base + ".crt")
                    self.yubico(card, "-a", "import-certificate", "-s", slot, "-i", base + ".crt")
                    self.sign(bench, "0", key_id, kind)
            self.assertIn("made by hand", self.pkcs11(bench, "-L"))

    def test_pin_puk_and_management_key(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            self.yubico(card, "-a", "change-pin", "-P", PIN, "-N", "654321")
            self.yubico(card, "-a", "change-puk", "-P", PUK, "-N", "87654321")
            self.yubico(card, "-a", "verify-pin", "-P", PIN, status=1)
            self.assertEqual(card.tries(), (2, 3))
            self.yubico(card, "-a", "unblock-pin", "-P", PUK, "-N", "111111", status=1)
            self.assertEqual(card.tries(), (2, 2))
            self.yubico(card, "-a", "unblock-pin", "-P", "87654321", "-N", "111111")
            self.yubico(card, "-a", "verify-pin", "-P", "111111")
            self.yubico(card, "-a", "set-mgm-key", "-n", MANAGEMENT)
            self.yubico(card, "-a", "set-chuid", status=1)
            before = card.serial
            self.yubico(card, "-k" + MANAGEMENT, "-a", "set-chuid")
            self.assertNotEqual(card.serial, before)


class Readers(Base):
    def test_two_readers_and_a_card_that_moves(self):
        with pcsc.Bench(readers=2) as bench:
            a = bench.card("a", "--serial", "1")
            b = bench.card("b", "--serial", "2")
            listed = self.pkcs11(bench, "-L")
            self.assertLess(listed.index("0000000000000001"), listed.index("0000000000000002"))
            self.sign(bench, "0", "01", "p256", name="a")
            self.sign(bench, "8", "01", "p256", name="b")
            b.pull()
            a.pull()
            a.insert(reader=1)
            self.assertFalse(bench.present(0))
            listed = self.pkcs11(bench, "-L")
            self.assertIn("0000000000000001", listed)
            self.assertNotIn("0000000000000002", listed)
            with self.assertRaisesRegex(Failed, "in another reader"):
                a.ctl("insert", 0)
            with self.assertRaisesRegex(Failed, "no such reader"):
                b.ctl("insert", 7)

    def test_two_pcscds_and_another_user(self):
        with pcsc.Bench() as one, pcsc.Bench(user=harness.HELPER) as two:
            one.card("card", "--serial", "1")
            card = two.card("card", "--serial", "2")
            self.assertIn("0000000000000001", self.pkcs11(one, "-L", user="daemon"))
            self.assertIn("0000000000000002", self.pkcs11(two, "-L"))
            self.sign(two, "0", "01", "p256")
            with open("/proc/%d/status" % two.pid(), encoding="ascii") as f:
                self.assertNotIn("Uid:\t0", f.read())
            self.assertEqual(os.stat(card.state).st_mode & 0o777, 0o700)

    def test_pcscd_dies(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            bench.kill()
            until(lambda: card.ctl("status").startswith("reader-away"))
            bench.start()
            card.await_seen()
            self.sign(bench, "0", "01", "p256")


class Control(Base):
    def ask(self, bench):
        return subprocess.Popen(
            ["pkcs11-tool", "--module", pcsc.OPENSC, "--login", "--pin", PIN, "-O"],
            env={"PATH": "/usr/bin", **bench.env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ended(self, process, status):
        said = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, status, said)
        return said

    def test_wait_and_pull(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            card.ctl("mute")
            waits = card.next_apdu()
            asks = self.ask(bench)
            self.ended(waits, 0)
            card.ctl("mute", "off")
            self.ended(asks, 0)
            count = card.count("verify")
            waits = card.next_apdu("verify")
            card.ctl("pull", "verify")		# at that moment, unanswered
            asks = self.ask(bench)
            self.ended(asks, 1)
            self.ended(waits, 0)
            card.await_seen(False)
            self.assertTrue(card.ctl("status").startswith("pulled"))
            self.assertTrue(card.ctl("log").endswith("00200080=-"))
            self.assertEqual(card.ctl("wait-for-apdu", "verify", count), "")	# has been
            card.insert()
            self.ended(self.ask(bench), 0)

    def test_who_is_killed_waits_no_more(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            for _ in range(40):
                waits = card.ctl_later("wait-for-apdu", "generate")
                with self.assertRaises(subprocess.TimeoutExpired):
                    waits.communicate(timeout=0.05)
                waits.kill()
                self.assertEqual(waits.communicate()[0], "")

    def test_delay(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            card.ctl("delay", 600000)
            waits = card.next_apdu()
            asks = self.ask(bench)
            self.ended(waits, 0)
            self.assertIsNone(asks.poll())
            card.ctl("pull")			# served while an answer waits
            self.ended(asks, 1)

    def test_status_words(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            card.ctl("status-word", "verify", "6983", 1000)
            self.ended(self.ask(bench), 1)
            self.assertIn("00200080=6983", card.ctl("log"))
            self.assertEqual(card.tries(), (3, 3))
            card.ctl("status-word", "verify", "6983", 0)
            self.ended(self.ask(bench), 0)

    def test_malformed(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            for kind in ("truncated", "too-long", "garbage", "tlv-length", "empty"):
                with self.subTest(kind=kind):
                    card.ctl("malformed", kind, 1000, "get-data")
                    said = self.pkcs11(bench, "--login", "--pin", PIN, "-O", status=None)
                    self.assertNotIn("PIV AUTH key", said)
                    card.ctl("malformed", kind, 0, "get-data")
                    card.await_seen()
                    self.ended(self.ask(bench), 0)

    def test_refusals(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            for words, why in ((["jump"], "a card knows pull,"), (["delay"], "milliseconds"),
                               (["delay", "-1"], "milliseconds"), (["mute", "maybe"], "mute off"),
                               (["status-word", "verify", "90"], "four hexadecimal"),
                               (["status-word", "zz", "9000"], "an instruction is"),
                               (["status-word", "20"], "which status word"),
                               (["malformed", "badly"], "in which way"),
                               (["malformed", "empty", "often"], "a number"),
                               (["wait-for-apdu"], "which instruction"), (["log", "all"], "too many words")):
                with self.subTest(words=words), self.assertRaisesRegex(Failed, why):
                    card.ctl(*words)


class CommandLine(Base):
    def test_usage(self):
        with pcsc.Bench() as bench:
            card = bench.card("card")
            state, fresh = card.state, bench.folder + "/fresh"
            for args, status, why in (
                    ([], 2, "a command is missing"), (["fly"], 2, 'no command "fly"'),
                    (["card"], 2, "--state"), (["card", "--state"], 2, "a value is missing"),
                    (["card", "--state", fresh, "--colour"], 2, "no such option"),
                    (["card", "--state", fresh, "--init", "--algorithm", "dsa"], 2, "p256"),
                    (["card", "--state", fresh, "--init", "--serial", "x"], 2, "a number"),
                    (["card", "--state", fresh, "--init", "--subject", "x" * 65], 2, "1 to 64"),
                    (["card", "--state", fresh, "--init", "--ca", "/nonexistent"], 1, "no such folder"),
                    (["card", "--state", fresh, "--subject", "x"], 2, "for --init"),
                    (["card", "--state", fresh, "--port", "0"], 2, "1 to 65535"),
                    (["card", "--state", fresh, "--port", "1", "--reader", "0"], 2, "excludes"),
                    (["card", "--state", fresh + "2", "--pcscd", bench.pcscd], 1, "make one by --init"),
                    (["card", "--state", state, "--init"], 1, "already, or in use"),
                    (["card", "--state", state, "--pcscd", bench.pcscd], 1, "already, or in use"),
                    (["ctl", "--socket", fresh, "card", "pull"], 3, "is the device running"),
                    (["ctl", "card", "pull"], 2, "TESSERA_SIM_CARD"), (["ctl", "bird", "fly"], 2, "card or key"),
                    (["ctl", "--socket", state, "card", "pull now"], 2, "a blank"),
                    (["pcscd"], 2, "name one folder"), (["pcscd", fresh + "3", "--stop"], 1, "No such file"),
                    (["pcscd", state, "--stop"], 1, "none runs there"),
                    (["pcscd", bench.pcscd], 1, "one runs there already"),
                    (["pcscd", fresh + "4", "--readers", "9"], 2, "1 to 8"),
                    (["pcscd", fresh + "4", "--driver", "/nonexistent"], 1, "No such file")):
                with self.subTest(args=args):
                    said = bench.run(bench.sim, *args, status=status)
                    self.assertIn(why, said)
            self.assertIn("tessera-sim 0.", bench.run(bench.sim, "--version"))
            self.assertIn("virtual PIV card", bench.run(bench.sim, "help"))

    def test_background_and_stop(self):
        with pcsc.Bench() as bench:
            folder = bench.folder + "/own"
            line = bench.run(bench.sim, "pcscd", folder, "--readers", "2")
            self.assertEqual(line, "export PCSCLITE_CSOCK_NAME='%s/pcscd.comm'\n" % folder)
            with open(folder + "/pid", encoding="ascii") as f:
                pid = int(f.read())
            self.assertEqual(os.getsid(pid), pid)
            with open("/proc/%d/limits" % pid, encoding="ascii") as f:
                self.assertRegex(f.read(), r"Max file size +1048576 ")	# its log
            with open(folder + "/readers", encoding="ascii") as f:
                ports = f.read()
            bench.run(bench.sim, "pcscd", folder, "--stop")
            self.assertEqual(os.waitpid(pid, os.WNOHANG)[0], pid)	# an orphan of ours
            self.assertFalse(os.path.exists(folder + "/pcscd.comm"))
            bench.run(bench.sim, "pcscd", folder, "--readers", "2")
            with open(folder + "/readers", encoding="ascii") as f:
                self.assertEqual(f.read(), ports)
            bench.run(bench.sim, "pcscd", folder, "--stop")

    def test_unprivileged_without_pcscds_folder(self):
        """Where no pcscd was ever started there is no /run/pcscd: a user makes
        his own in a namespace, also where his folder is below /run."""
        with pcsc.Bench(user="daemon") as bench:
            script = bench.folder + "/script"
            with open(script, "w", encoding="ascii") as f:
                f.write("""set -e
mount -t tmpfs -o mode=0755 none /run
install -d -o daemon /run/user-daemon
as="setpriv --reuid=daemon --regid=daemon --clear-groups"
for folder in /run/user-daemon/p %s/elsewhere; do
	eval "$($as %s pcscd $folder)"
	test ! -e /run/pcscd
	opensc-tool -l
	$as %s pcscd $folder --stop
done
""" % (bench.folder, bench.sim, bench.sim))
            said = bench.run("unshare", "-m", "sh", script)
            self.assertEqual(said.count("Tessera 0 00 00"), 2, said)

    def test_one_authority_for_all(self):
        with pcsc.Bench() as bench:
            os.mkdir(bench.folder + "/ca")
            for name in ("a", "b"):
                bench.run(bench.sim, "card", "--state", bench.folder + "/" + name, "--init",
                          "--ca", bench.folder + "/ca")
                self.assertFalse(os.path.exists(bench.folder + "/%s/ca.pem" % name))
            self.assertEqual(os.stat(bench.folder + "/ca/ca.key").st_mode & 0o777, 0o600)
            self.assertIn("Tessera rehearsal CA",
                          self.openssl(bench, "x509", "-in", bench.folder + "/ca/ca.pem", "-noout", "-subject"))


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""tessera-fido with the packaged libfido2, its sandbox on, and virtual keys: what
it is asked, answered well."""
import hashlib
import os
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), HERE]

from cryptography.hazmat.primitives import hashes	# noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519	# noqa: E402

import frames			# noqa: E402
from frames import assertion, credential, ids, make	# noqa: E402
from bench import Bench, Case	# noqa: E402
from process import until	# noqa: E402

UP, UV_DONE = 1, 4
X, Y, OKP_X = b"\x21\x58\x20", b"\x22\x58\x20", b"\x21\x58\x20"	# labels of a COSE key


def verify(cose, signature, data):
    """Raises where it is no signature of that key's."""
    x = cose[cose.index(X) + 3:][:32]
    if Y in cose:
        y = cose[cose.rindex(Y) + 3:][:32]
        public = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"),
                                               ec.SECP256R1()).public_key()
        public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    else:
        ed25519.Ed25519PublicKey.from_public_bytes(x).verify(signature, data)


class Operations(Case):
    def made(self, bench, **more):
        said = bench.ask("make", **make(**more))[-1][1]
        return (said, *credential(said["authdata"]))

    def check(self, said, ident, cose, flags=UP, rp=frames.RP):
        data = said["authdata"]
        self.assertEqual(said["credential"], ident)
        self.assertEqual(data[:32], hashlib.sha256(rp.encode()).digest())
        self.assertEqual(data[32], flags)
        verify(cose, said["signature"], data + frames.HASH)

    def test_list(self):
        with Bench(2, "uv=ok", "pin=1234", "resident=7") as bench:
            keys = [v for n, v in bench.ask("list") if n == "key"]
            self.assertEqual(len({k["device"] for k in keys}), 2)
            for key in keys:
                self.assertEqual(key["aaguid"], b"TESSERA-SIM-KEY1")
                self.assertEqual((key["manufacturer"], key["product"][:19]), ("Tessera", "Virtual FIDO2 key %s" % key["product"][-1]))
                self.assertEqual((key["versions"], key["transports"]), ("FIDO_2_0 FIDO_2_1", "usb"))
                self.assertEqual(key["flags"] & 0x1f, 0x1f)		# rk, PIN, set, uv, set
                self.assertEqual((key["pin_tries"], key["resident_left"], key["algorithms"]),
                                 (8, 7, frames.ES256 | frames.ED25519))
                self.assertGreater(key["uv_tries"], 0)
                self.assertLess(key["uv_tries"], 10)
            bench.gone()

    def test_none(self):
        with Bench(1) as bench:
            bench[0].ctl("unplug")
            until(lambda: not bench.devices(), what="nothing plugged in")
            self.refused("no_device", bench, "make", **make())
            self.refused("no_device", bench, "assert", **assertion(b"x"))
            self.assertEqual(bench.ask("look", device="", rp_id=frames.RP, allow=ids(b"x")), [("done", {})])

    def test_make_and_assert(self):
        rows = [("es256, none", frames.ES256, "none", "none"), ("eddsa, none", frames.ED25519, "none", "none"),
                ("es256, self", frames.ES256, "self", "packed"), ("eddsa, self", frames.ED25519, "self", "packed"),
                ("es256, packed", frames.ES256, "packed", "packed"),
                ("either", frames.ES256 | frames.ED25519, "none", "none")]
        with Bench() as bench:
            for name, algorithms, attestation, form in rows:
                with self.subTest(name):
                    bench[0].set("attestation=" + attestation)
                    said, ident, cose = self.made(bench, algorithms=algorithms)
                    self.assertEqual((said["format"], said["transports"]), (form, "usb"))
                    self.assertEqual(b"x5c" in said["statement"], attestation == "packed")
                    self.assertEqual(Y in cose, algorithms != frames.ED25519)
                    self.assertEqual(said["device"], bench.devices()[0])
                    with bench.helper() as h:
                        answer = h.ask("assert", **assertion(ident))[-1][1]
                        self.assertEqual(h.touches, [(said["device"], 0), (said["device"], 1)])
                    self.check(answer, ident, cose)
                    silent = bench.ask("assert", **assertion(ident, flags=frames.SILENT))[-1][1]
                    self.check(silent, ident, cose, flags=0)
            bench.gone()

    def test_refusals(self):
        """What is asked wrongly, or twice."""
        with Bench() as bench:
            _, ident, _ = self.made(bench)
            self.refused("conflict", bench, "make", **make(exclude=ids(b"other", ident)))
            self.refused("not_found", bench, "assert", **assertion(b"nobody's" * 8))
            self.refused("not_found", bench, "assert", **assertion(b"a" * 64, b"b" * 64))
            self.refused("no_device", bench, "assert", **assertion(ident, device="hidraw0-999"))
            self.refused("unusable", bench, "make", **make(algorithms=1 << 3))
            self.refused("invalid", bench, "make", **make(user_id=b""))
            self.refused("invalid", bench, "make", **make(exclude=b"\0\0\0\5abcd"))
            self.refused("invalid", bench, "assert", **assertion(ident, hash=b"short"))
            self.refused("invalid", bench, "assert", **assertion(*[b"%d" % i for i in range(65)]))
            self.refused("invalid", bench, "assert", **assertion(ident, pin=b"12\x0034"))
            with bench.helper() as h:
                h.ask("list")
                self.refused_by("invalid", h, "list")
            with bench.helper(opened=False) as h:
                self.refused_by("not_found", h, "open", module="softhsm")
            with bench.helper() as h:
                h.send("watch")
                self.assertEqual(h.receive()[0], "error")

    def test_long_lists(self):
        """More ids than the key takes in one message."""
        with Bench() as bench:
            _, ident, cose = self.made(bench)
            others = [struct.pack(">I", i) * 60 for i in range(63)]
            for at in (0, 31, 63):
                allow = others[:at] + [ident] + others[at:]
                self.check(bench.ask("assert", **assertion(*allow))[-1][1], ident, cose)
            self.refused("conflict", bench, "make", **make(exclude=ids(*others, ident)))
            said, _, _ = self.made(bench, exclude=ids(*others))
            self.assertTrue(said["authdata"])

    def test_resident(self):
        with Bench() as bench:
            _, ident, cose = self.made(bench, flags=frames.RESIDENT)
            self.assertEqual(bench[0].status()["resident"], "1")
            said = bench.ask("assert", **assertion())[-1][1]
            self.check(said, ident, cose)
            self.assertEqual(said["user_id"], b"alice's")
            found = bench.ask("look", device="", rp_id=frames.RP, allow=b"")
            self.assertEqual([n for n, _ in found], ["found", "done"])
            self.assertEqual(bench.ask("look", device="", rp_id="tessera:other", allow=b""), [("done", {})])
            bench[0].set("resident=1")
            self.refused("too_large", bench, "make", **make(flags=frames.RESIDENT, user_id=b"bob"))

    def test_look(self):
        """Which key holds what, and nobody is asked."""
        with Bench(3, "touch=never") as bench:
            made = []
            for key, device in zip(bench, bench.devices()):
                key.set("touch=auto")
                made.append((device, self.made(bench, device=device)[1]))
                key.set("touch=never")
            answer = bench.ask("look", device="", rp_id=frames.RP, allow=ids(*[i for _, i in made[1:]], b"x"))
            self.assertEqual(answer.pop(), ("done", {}))
            self.assertEqual({(v["device"], v["credential"]) for _, v in answer}, set(made[1:]))
            answer = bench.ask("look", device=made[0][0], rp_id=frames.RP, allow=ids(*[i for _, i in made]))
            self.assertEqual([v.get("credential") for _, v in answer], [made[0][1], None])

    def test_waiting(self):
        """Helpers that run before a key is plugged in: each asks those of the moment of
        its request, and is inside its sandbox then."""
        with Bench() as bench:
            said, ident, cose = self.made(bench)
            bench.gone()
            bench[0].ctl("unplug")
            with bench.helper() as look, bench.helper() as late, bench.helper() as h:
                waiting = bench.filters()
                self.assertEqual((len(waiting), len(set(waiting))), (3, 1), waiting)
                bench[0].ctl("plug")
                until(bench.devices, what="the key")
                bench[0].set("touch=manual")
                found = look.ask("look", device="", rp_id=frames.RP, allow=ids(ident))
                self.assertEqual([v.get("credential") for _, v in found], [ident, None])
                device = found[0][1]["device"]
                self.assertNotEqual(device, said["device"])
                self.refused_by("no_device", late, "assert", **assertion(ident, device=said["device"]))
                self.refused("no_device", bench, "assert", **assertion(ident, device=device + "9"))
                h.send("assert", **assertion(ident, device=device))
                until(lambda: bench[0].status()["waiting"] == "getAssertion")
                # three workers, one of them with a process at the key
                until(lambda: bench.filters() == 4 * [waiting[0] + 1], what="four in their sandbox")
                bench[0].ctl("touch")
                self.check(h.answer()[-1][1], ident, cose)

    def test_the_touched_one(self):
        """A key and its spare: the touched one wins, the other stops; one that
        holds nothing stays dark."""
        with Bench(3, "touch=auto") as bench:
            devices = bench.devices()
            made = [self.made(bench, device=d) for d in devices[:2]]
            for key in bench:
                key.set("touch=manual")
            for touched in (0, 1):
                with bench.helper() as h:
                    h.send("assert", **assertion(made[0][1], made[1][1]))
                    for key in bench[:2]:
                        until(lambda key=key: key.status()["waiting"] == "getAssertion")
                    self.assertEqual(bench[2].status()["waiting"], "no")
                    bench[touched].ctl("touch")
                    answer = h.answer()[-1][1]
                    self.check(answer, *made[touched][1:])
                    self.assertIn((devices[touched], 1), h.touches)
                    self.assertNotIn((devices[2], 0), h.touches)
                    until(lambda: {k.status()["waiting"] for k in bench} == {"no"}, 2.0, "keys that wait for nothing")
            bench.gone()

    def test_make_on_the_touched_one(self):
        with Bench(3, "touch=manual") as bench:
            devices = bench.devices()
            with bench.helper() as h:
                h.send("make", **make())
                for key in bench:
                    until(lambda key=key: key.status()["waiting"] == "makeCredential")
                bench[1].ctl("touch")
                self.assertEqual(h.answer()[-1][1]["device"], devices[1])
                until(lambda: {k.status()["waiting"] for k in bench} == {"no"}, 2.0, "keys that wait for nothing")
            with bench.helper() as h:
                h.send("select")
                for key in bench:
                    until(lambda key=key: key.status()["waiting"] != "no")
                bench[2].ctl("touch")
                self.assertEqual(h.answer(), [("done", {})])
                self.assertEqual(h.touches[-1], (devices[2], 1))
                until(lambda: {k.status()["waiting"] for k in bench} == {"no"})
            # one that wants its PIN is touched before it says so
            bench[0].set("pin=1234", "version=2.0")
            with bench.helper() as h:
                h.send("make", **make())
                for key in bench:
                    until(lambda key=key: key.status()["waiting"] != "no")
                bench[0].ctl("touch")
                error = self.assertRefused("pin_required", h.answer)
                self.assertEqual(error.tries, 8)
                self.assertEqual(h.touches[-1], (devices[0], 1))
            self.refused("conflict", bench, "make", **make(pin=b"1234"))
            bench.gone()

    def test_sixty_keys(self):
        with Bench(60) as bench:
            devices = bench.devices()
            self.assertEqual(len(devices), 60)
            _, ident, cose = self.made(bench, device=devices[41])
            since = time.monotonic()
            self.check(bench.ask("assert", **assertion(ident, b"another"))[-1][1], ident, cose)
            print("one of 60 keys: %.0f ms" % (1e3 * frames.elapsed(since)))
            bench.gone()


if __name__ == "__main__":
    unittest.main(verbosity=2)

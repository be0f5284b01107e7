# SPDX-License-Identifier: ISC
"""pam_tessera.so with the agent: who gets in, who does not, and with which code."""
import os
import subprocess
import unittest

import harness
import pam
import pivcard
from fidobed import Bed
from fidobed import enrol as enrol_key
from harness import BIN, DAEMON, GAMES
from otp_codes import SECRET, totp
from pivcard import Card, seated
from test_callers import GDM, Unit
from test_pin import audited

PIN = "123456"
LOGIN = {"class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m", "any-user": True}
AUDIENCES = {**harness.AUDIENCES, "login": LOGIN,
             "vpn": {"scopes": ["connect"], "acr": "self", "any-user": True, "lifetime": "5m",
                     "inline-pin": True, "verifiers": {"users": ["bin", "root"]}}}
HELPER = {'login-helper "gdm"': {"user": "root", "unit": GDM}}


def machine(**more):
    more.setdefault("settings", {}).update(HELPER)
    return harness.Machine(audiences=AUDIENCES, **more)


def enrol(m, user="daemon"):
    m.tessera("enroll", "pkcs11", "--user", user, "--device", "pkcs11:token=card;id=%01", pin=PIN,
              check=True)


def missing(m):
    """How many proofs failed since there was no device."""
    return sum(line.get("verdict") == "device_not_found" for line in audited(m))


class Case(unittest.TestCase):
    """A machine with a card for daemon, a greeter's unit, and the module."""

    more = {}

    @classmethod
    def setUpClass(cls):
        cls.m = machine(**cls.more)
        cls.addClassCleanup(cls.m.close)
        cls.gdm = Unit("system.slice", GDM)
        cls.addClassCleanup(cls.gdm.leave)
        cls.m.make_token("card", PIN)
        enrol(cls.m)
        cls.p = pam.Pam(cls.m)

    def login(self, options="", user="daemon", words=(), stack=None, unit="gdm", **more):
        self.p.service("login", options, stack)
        ran = self.p.login(user, *words, unit=self.gdm if unit == "gdm" else unit, **more)
        self.assertNotIn("Sanitizer", ran.error, ran.error)
        return ran

    def code(self, want, *args, **more):
        ran = self.login(*args, **more)
        self.assertEqual(ran.auth, want, ran)
        return ran

    def ignored(self, options, **more):
        """Did the module say PAM_IGNORE?  That alone jumps over the refusal."""
        stack = self.p.line(options, "[ignore=1 default=die]") + \
            "auth requisite pam_deny.so\nauth required pam_permit.so\n"
        return self.login(stack=stack, **more).auth == pam.SUCCESS


class Device(Case):
    def test_login_manager(self):
        """Root, in a unit that is a login helper: the PIN goes through the conversation."""
        ran = self.code(0, words=["tty=:0"], answers=[PIN], calls=("auth", "cred", "acct"))
        self.assertEqual([ran.code("cred"), ran.code("acct")], [0, 0], ran)
        self.assertEqual(ran.lines[0], ("off", 'login: PIN of "card": '))
        self.assertEqual(self.m.request("GET", "/session", uid=DAEMON).json, {"sessions": []})
        ran = self.code(pam.AUTH_ERR, "debug", answers=["999999", "111111", "222222"])
        self.assertEqual(ran.said("error")[0], "Wrong PIN.")
        for secret in ("999999", "111111", "222222"):
            self.assertNotIn(secret, repr(ran.lines), "a PIN is never logged")

    def test_nobody_else(self):
        """Another's card, another host, root in no unit, another user's locker."""
        rows = [("nothing enrolled", {"user": "games"}, pam.USER_UNKNOWN),
                ("nobody", {"user": "nobody-here"}, pam.AUTH_ERR),
                ("from elsewhere", {"words": ["rhost=10.0.0.7"]}, pam.AUTH_ERR),
                ("no login helper", {"unit": None}, pam.AUTH_ERR),
                ("a locker of another's", {"uid": BIN, "unit": None}, pam.AUTH_ERR),
                ("a locker that has a card, for another", {"uid": DAEMON, "unit": None, "user": "bin"},
                 pam.AUTH_ERR),
                ("no conversation", {}, pam.CONV_ERR),
                ("an empty line", {"answers": [""]}, pam.AUTH_ERR),
                ("a line that is too long", {"answers": [PIN + 300 * "1"]}, pam.AUTH_ERR),
                ("no text", {"answers": ["\x01\x02\x03\x04"]}, pam.AUTH_ERR)]
        for name, more, want in rows:
            with self.subTest(name):
                ran = self.code(want, **{"answers": [PIN], **more} if "convers" not in name else more)
                if want != pam.CONV_ERR and "line" not in name and "text" not in name:
                    self.assertEqual(ran.said("off"), [], "nobody is asked for a PIN")

    def test_screen_locker(self):
        """A user's own process proves him; no environment moves the module."""
        evil = self.m.folder + "/evil.sock"
        env = {"TESSERA_SOCK": evil, "XDG_RUNTIME_DIR": self.m.folder, "TESSERA_ADMIN_SOCK": evil,
               "HOME": self.m.folder, "LD_LIBRARY_PATH": self.m.folder}
        for environment in (None, env):
            ran = self.code(0, uid=DAEMON, unit=None, answers=[PIN], env=environment)
            self.assertEqual(len(ran.said("off")), 1, ran)
        self.code(pam.AUTH_ERR, uid=DAEMON, unit=None, answers=["000000", "000001", "000002"])

    def test_sudo(self):
        """Root under a user's slice proves that user alone."""
        with Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as sudo:
            self.code(0, unit=sudo, answers=[PIN])
            self.code(pam.AUTH_ERR, unit=sudo, user="root", answers=[PIN])

    def test_nouserok(self):
        """Past the module goes who never had a credential, and nobody else."""
        self.assertTrue(self.ignored("nouserok", user="games"))
        self.assertTrue(self.ignored("nouserok methods=device,otp", user="games"))
        rows = [("his card is there", {"user": "daemon", "answers": ["", ""]}),
                ("no such user", {"user": "nobody-here"}), ("without the option", {"user": "games"}),
                ("no login helper", {"user": "games", "unit": None}),
                ("another user's process", {"user": "games", "unit": None, "uid": BIN}),
                ("from elsewhere", {"user": "daemon", "words": ["rhost=10.0.0.7"]})]
        for name, more in rows:
            for methods in ("device", "otp", "device,otp", "otp,device"):
                with self.subTest(name, methods=methods):
                    options = "methods=" + methods + ("" if "without" in name else " nouserok")
                    self.assertFalse(self.ignored(options, **more))
        self.assertEqual(self.login("nouserok", user="games").auth, pam.PERM_DENIED,
                         "a stack of nothing but it lets nobody in")
        # whose credential was removed had one
        answer = self.m.request("POST", "/admin/credentials", admin=True, json={
            "kind": "totp", "subject": "bin", "secret": SECRET, "confirm": False})
        for step in (None, "disable", "remove"):
            if step:
                self.assertEqual(self.m.request("POST", "/admin/credentials/%s/%s" % (
                    answer.json["id"], step), admin=True, json={"force": True}).status, 200)
            with self.subTest(step):
                self.assertFalse(self.ignored("nouserok", user="bin"))
                self.assertFalse(self.ignored("nouserok mode=otp", user="bin", answers=["123456"]))
                self.code(pam.AUTH_ERR, "nouserok", user="bin")

    def test_account_and_credentials(self):
        """No other call of the module is a way in."""
        alone = "auth required pam_deny.so\naccount required %s\n" % self.p.module
        ran = self.login(stack=alone, calls=("auth", "acct", "cred"))
        self.assertNotIn(0, [ran.auth, ran.code("acct"), ran.code("cred")], ran)
        ran = self.login("timeout=5", answers=["000000"], calls=("auth", "cred"))
        self.assertNotIn(0, [ran.auth, ran.code("cred")], ran)

    def test_pending_file(self):
        """Made where root alone can make files, no link is followed, no FIFO waited for."""
        folder, theirs = self.m.folder + "/pending", self.m.folder + "/theirs"
        for path in (folder, theirs):
            os.mkdir(path)
        os.chown(theirs, DAEMON, DAEMON)
        os.symlink(folder + "/target", folder + "/link")
        os.symlink(folder, self.m.folder + "/via")
        os.mkfifo(folder + "/fifo")
        for path, made in [(folder + "/plain", True), (folder + "/fifo", True), (theirs + "/x", False),
                           (folder + "/link", False), (self.m.folder + "/via/x", False),
                           (folder + "/none/x", False)]:
            with self.subTest(path):
                self.code(0, "authpending_file=" + path, answers=[PIN])
                self.assertEqual(os.path.exists(path), made)
        self.assertEqual(sorted(os.listdir(folder)), ["fifo", "link", "plain"])

    def test_options(self):
        rows = ["nonsense", "timeout=0", "timeout=301", "timeout=9x", "timeout=", "mode=card", "mode=",
                "methods=token", "methods=otp,otp", "methods=device,", "mode=otp methods=otp",
                "mode=otp mode=otp", "socket=relative", "socket=", "authpending_file=x", "cue_prompt=",
                "mode=token", "mode=token audience=vpn nouserok", "use_first_pass",
                "methods=otp,device try_first_pass", "mode=otp try_first_pass use_first_pass",
                "audience=" + 256 * "a", "socket=/tmp/x/../tessera.sock", "socket=/tmp/tessera.sock",
                "socket=/" + 200 * "a", "audience=nosuch", "Debug", "debug=1"]
        for options in rows:
            with self.subTest(options):
                ran = self.code(pam.SERVICE_ERR if options != "audience=nosuch" else pam.AUTH_ERR,
                                stack="auth required %s socket=%s %s\n" % (
                                    self.p.module, self.m.api, options), answers=[PIN])
                self.assertTrue(ran.said("log"), "the log says why")
        self.assertIn("(audience=nosuch)", self.login("audience=nosuch").said("log")[0])
        self.assertIn('"timeout=9x"', self.login("timeout=9x").said("log")[0])
        for options in ("debug", "cue", "cue_prompt=x", "interactive", "timeout=300", "mode=device",
                        "methods=device", "audience=login", "[cue_prompt=touch it now]"):
            with self.subTest(options):
                self.code(0, options, answers=[PIN])
        self.assertEqual(self.code(0, words=["silent"], answers=[PIN]).said("error"), [])

    def test_pamtester(self):
        """An application that knows nothing of us, with a service in a file of its own."""
        with open(self.p.module, "rb") as f:
            if b"__asan_init" in f.read():
                self.skipTest("pamtester has no sanitizer")
        wrapper = subprocess.run(["sh", "-c", "ls /usr/lib/*/libpam_wrapper.so"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.split()[0]
        self.p.service("login")
        env = {"LD_PRELOAD": wrapper, "PAM_WRAPPER": "1", "PAM_WRAPPER_SERVICE_DIR": self.p.folder + "/d"}

        def run(pin):
            self.gdm.enter()
            return subprocess.run(["pamtester", "login", "daemon", "authenticate"], env=env, check=False,
                                  input=pin + "\n", text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT).stdout
        self.assertIn("successfully authenticated", harness.as_user(0, run, PIN))
        self.assertIn("Authentication failure", harness.as_user(0, run, ""))


class Enrolled(Case):
    more = {"rehearse": True}

    def ask(self, subject, unit=None, uid=0):
        """(status, what is said of enrolled) of GET /enrolled by that process."""
        def request():
            if unit is not None:
                unit.enter()
            return harness.as_user(uid, lambda: harness.one_request(
                self.m.api, "GET", "/enrolled" + ("?subject=" + subject if subject else "")))
        answer = harness.as_user(0, request)
        return answer.status, answer.json.get("enrolled", answer.json.get("error"))

    def test_enrolled(self):
        """Who may ask about whom, and what is said where the agent cannot know."""
        no, denied = (200, False), (403, "unauthorized_client")
        with Unit("user.slice", "user-1.slice", "session-%d.scope" % os.getpid()) as sudo:
            rows = [("daemon", self.gdm, 0, (200, True)), ("games", self.gdm, 0, no),
                    ("nobody-here", self.gdm, 0, denied), ("daemon", None, 0, denied),
                    ("root", None, 0, no), ("daemon", None, BIN, denied), ("bin", None, BIN, no),
                    ("daemon", None, DAEMON, (200, True)), ("daemon", sudo, 0, (200, True)),
                    ("games", sudo, 0, denied), ("", self.gdm, 0, (400, "invalid_request")),
                    ("daemon&subject=games", self.gdm, 0, (400, "invalid_request")),
                    ("games&x=y", self.gdm, 0, (400, "invalid_request"))]
            for subject, unit, uid, want in rows:
                with self.subTest(subject, uid=uid):
                    self.assertEqual(self.ask(subject, unit, uid), want)
        self.m.clock.set_wall(self.m.clock.wall - 10 ** 6)
        self.m.clock.advance(30)
        harness.until(lambda: self.ask("games", self.gdm) == (503, "temporarily_unavailable"), 60,
                      "the clock to be looked at")
        self.assertFalse(self.ignored("nouserok", user="games"))
        self.code(pam.AUTHINFO_UNAVAIL, "nouserok", user="games")


class Tries(unittest.TestCase):
    def test_card(self):
        """A card that tells its tries: shown, confirmed by number, and locked."""
        with seated({0: "seat0", DAEMON: "seat0"}), \
                Card(audiences=AUDIENCES, settings=dict(HELPER)) as c, \
                Unit("user.slice", "user-1.slice", "user@1.service", "app-%d.scope" % os.getpid()) as sudo:
            c.enrol("daemon", 1)
            p = pam.Pam(c.m)

            def login(*answers, **more):
                return p.login("daemon", answers=answers, unit=sudo, **more)
            p.service("login", "timeout=30")
            ran = login(PIN)
            self.assertEqual((ran.auth, ran.said("off")[0][-15:]), (0, "3 tries left): "), ran)
            ran = login("654321", "654322")		# the second is no number of tries
            self.assertEqual((ran.auth, c.tries()), (pam.AUTH_ERR, 2), ran)
            self.assertEqual(ran.said("on"), ["login: number of tries left (2), to go on: "])
            ran = login("2", PIN)
            self.assertEqual((ran.auth, c.tries()), (0, 3), ran)
            for wrong in ("111111", "222222", "333333"):
                pivcard.raw(c.socket, ("verify", wrong))
            ran = login(PIN)
            self.assertEqual((ran.auth, ran.said("off")), (pam.MAXTRIES, []), ran)
            self.assertIn("locked", ran.said("error")[0])
            p.service("login", "interactive timeout=20")
            c.ask("pull")
            ran = login()
            self.assertEqual((ran.auth, ran.said("on")), (pam.CONV_ERR, [
                "login: plug in your card or key and press Enter: "]), ran)
            p.service("login", "timeout=20")
            ran = login(PIN)
            self.assertEqual((ran.auth, ran.said("off")), (pam.AUTH_ERR, []), ran)
            self.assertEqual(ran.said("error"), ["No card or key of yours is plugged in."])
            # it is looked for until it comes
            p.service("login", "interactive timeout=120")
            before = missing(c.m)
            job = harness.Job(0, lambda: login("", PIN))
            harness.until(lambda: missing(c.m) > before + 1, 60, what="a second look")
            c.ask("insert")
            ran = job.result()
            self.assertEqual((ran.auth, len(ran.said("on")), len(ran.said("off"))), (pam.MAXTRIES, 1, 0), ran)


class Touch(unittest.TestCase):
    def test_key(self):
        """The touch is shown, with the file that others watch; and its time-out is none."""
        with Bed(1, "touch=auto", audiences=AUDIENCES, settings=dict(HELPER)) as (m, keys), \
                Unit("system.slice", GDM) as gdm:
            self.assertEqual(enrol_key(m)[0].status, 201)
            p = pam.Pam(m)
            pending = p.folder + "/pending"
            rows = [("", [], []), ("cue authpending_file=" + pending, ["login: touch the key that blinks"], []),
                    ("[cue_prompt=Bitte tippen]", ["Bitte tippen"], []),
                    ("cue interactive", [], ["login: touch the key that blinks, then press Enter: "])]
            for options, info, on in rows:
                with self.subTest(options):
                    p.service("login", options)
                    ran = p.login("daemon", answers=[""], unit=gdm)
                    self.assertEqual((ran.auth, ran.said("info"), ran.said("on")), (0, info, on), ran)
                    self.assertEqual(os.path.exists(pending), options != "")
            self.assertEqual(os.stat(pending).st_mode & 0o777, 0o644)


class Otp(Case):
    more = {"rehearse": True}

    def setUp(self):
        if not hasattr(Otp, "enrolled"):
            answer = self.m.request("POST", "/admin/credentials", admin=True, json={
                "kind": "totp", "subject": "bin", "secret": SECRET, "confirm": False})
            self.assertEqual(answer.status, 201, answer)
            Otp.enrolled = True

    def right(self):
        self.m.clock.advance(30)
        return totp(SECRET, self.m.clock.wall)

    def test_codes(self):
        right = self.right()
        ran = self.code(0, "mode=otp", user="bin", answers=[right])
        self.assertEqual(ran.said("off"), ["login: code of your token: "])
        refused = []
        for name, user, answers in [
                ("used", "bin", [right]), ("wrong", "bin", ["000000"]), ("no code", "bin", ["abc"]),
                ("empty", "bin", [""]), ("long", "bin", [200 * "1"]), ("has none", "games", ["000000"]),
                ("nobody", "nobody-here", ["000000"])]:
            with self.subTest(name):
                refused.append(self.code(pam.AUTH_ERR, "mode=otp", user=user, answers=answers).lines)
        self.assertEqual(refused[1], refused[5], "who has none is told what a wrong code is told")
        self.assertEqual(refused[1], refused[6], "and so is who does not exist")
        self.code(pam.CONV_ERR, "mode=otp", user="bin")

    def test_after_another_method(self):
        """No card here, or from elsewhere: the code; not after a wrong PIN."""
        for user, words, order in [("bin", [], "device,otp"), ("bin", ["rhost=10.0.0.7"], "device,otp"),
                                   ("bin", [], "otp,device")]:
            with self.subTest(order, words=words):
                self.code(0, "methods=" + order, user=user, words=words, answers=[self.right()])
        self.code(0, "methods=otp,device", answers=["", PIN])
        ran = self.code(pam.AUTH_ERR, "methods=device,otp", answers=["000001", "000002", "000003", "1"])
        self.assertNotIn("login: code of your token: ", ran.said("off"))

    def test_of_another_module(self):
        """use_first_pass and try_first_pass, after one that asked for a password."""
        first = "auth optional %s socket=%s mode=token audience=vpn\n" % (self.p.module, self.m.api)
        for option, answers, want in [
                ("use_first_pass", ["right"], 0), ("use_first_pass", ["000000", "right"], pam.AUTH_ERR),
                ("try_first_pass", ["right"], 0), ("try_first_pass", ["000000", "right"], 0),
                ("", ["000000", "right"], 0), ("", ["right", "000000"], pam.AUTH_ERR)]:
            with self.subTest(option, answers=answers):
                said = [self.right() if a == "right" else a for a in answers]
                self.code(want, user="bin", answers=said,
                          stack=first + self.p.line("mode=otp " + option))
        self.code(pam.AUTH_ERR, "mode=otp use_first_pass", user="bin", answers=[self.right()])


class Token(Case):
    more = {"rehearse": True}

    def token(self, uid=DAEMON, audience="vpn", **more):
        answer = self.m.request("POST", "/token", uid=uid, form={
            "grant_type": harness.DEVICE_GRANT, "audience": audience, "pin": PIN, **more})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def test_as_password(self):
        jwt, opaque = self.token(), self.token(token_format="opaque")
        tokens = {"jwt": jwt, "opaque": opaque, "demo": self.token(audience="demo"),
                  "altered": jwt[:-2] + ("AA" if jwt[-2:] != "AA" else "BB"), "empty": "",
                  "long": jwt + 9000 * "A", "blank": jwt + " x", "text": "correct horse"}
        rows = [("jwt", "daemon", 0, 0), ("jwt", "daemon", BIN, 0), ("opaque", "daemon", BIN, 0),
                ("jwt", "bin", BIN, pam.AUTH_ERR), ("opaque", "bin", 0, pam.AUTH_ERR),
                ("jwt", "nobody-here", 0, pam.AUTH_ERR), ("jwt", "daemon", GAMES, pam.AUTH_ERR),
                ("demo", "daemon", BIN, pam.AUTH_ERR)]
        rows += [(name, "daemon", BIN, pam.AUTH_ERR) for name in ("altered", "empty", "long", "blank", "text")]
        for name, user, uid, want in rows:
            with self.subTest(name, user=user, uid=uid):
                ran = self.code(want, "mode=token audience=vpn debug", user=user, uid=uid, unit=None,
                                answers=[tokens[name]])
                self.assertEqual(ran.said("off"), ["Token: "])
                self.assertNotIn(jwt[20:40], repr(ran.said("log")), "a token is never logged")
        # left for the next module, and taken from one before
        line = self.p.line
        twice = line("mode=token audience=demo", "optional") + line("mode=token audience=vpn use_first_pass")
        self.assertEqual(self.code(0, stack=twice, unit=None, answers=[jwt]).said("off"), ["Token: "])
        again = line("mode=token audience=demo", "optional") + line("mode=token audience=vpn try_first_pass")
        self.code(0, stack=again, unit=None, answers=["wrong", jwt])
        self.code(pam.AUTH_ERR, stack=twice, unit=None, answers=["wrong", jwt])
        self.m.clock.advance(301)
        self.code(pam.AUTH_ERR, "mode=token audience=vpn", unit=None, answers=[jwt])
        jwt = self.token()
        self.m.tessera("revoke", "--all", check=True)
        self.code(pam.AUTH_ERR, "mode=token audience=vpn", unit=None, answers=[jwt])


if __name__ == "__main__":
    pivcard.own_mounts()
    harness.main()

# SPDX-License-Identifier: ISC
"""A store that was altered or put back suspends everything until an
administrator confirms it; backup, restore, another key."""
import os
import shutil
import random
import signal
import sqlite3
import subprocess
import time
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, SESSION_GRANT

PIN = "123456"
DEVICE = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}
SESSION = {"grant_type": SESSION_GRANT, "audience": "demo"}


class Base(unittest.TestCase):
    def setUp(self):
        self.m = harness.Machine(start=False)
        self.addCleanup(self.m.abandon)

    def begin(self, anchor=False):
        m = self.m
        if anchor:
            self.anchor = m.folder_for(m.folder + "/elsewhere", "tessera", 0o700) + "/anchor"
            m.settings["anchor"] = self.anchor
            m.write_conf()
        m.start()
        m.make_token("card", PIN, ["p256", "ed25519"])
        self.enrol("id=%01")

    def enrol(self, key):
        return self.m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                              "pkcs11:token=card;" + key, "--json", pin=PIN, check=True).json["id"]

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    def token(self, form=DEVICE):
        return self.m.request("POST", "/token", uid=DAEMON, form=form)

    def good(self):
        answer = self.token()
        self.assertEqual(answer.status, 200, answer)

    def suspended(self, verdict):
        """No token by any way, and it outlives a restart."""
        for _ in range(2):
            for form in (DEVICE, SESSION):
                answer = self.token(form)
                self.assertEqual((answer.status, answer.json["error"]),
                                 (503, "temporarily_unavailable"), answer)
                self.assertIn("tessera store confirm", answer.json["error_description"])
            self.assertEqual(self.store()["verdict"], verdict)
            states = {c["state"] for c in self.credentials()}
            self.assertEqual(states, {"suspended"})
            self.m.stop()
            self.m.start()
        health = self.m.request("GET", "/healthz").json
        self.assertEqual((health["status"], health["checks"]["store"]), ("degraded", verdict))

    def store(self):
        return self.m.request("GET", "/admin/store", admin=True).json

    def post(self, what):
        return self.m.request("POST", "/admin/store/" + what, admin=True, json={})

    def credentials(self):
        return self.m.request("GET", "/admin/credentials", admin=True).json["credentials"]

    def db(self):
        return self.m.state + "/tessera.db"

    def sql(self, *statements):
        """On the files, while the agent is stopped."""
        db = sqlite3.connect(self.db())
        for s in statements:
            db.execute(s)
        db.commit()
        db.close()

    def copy_state(self, to):
        shutil.copytree(self.m.state, to)

    def put_back(self, copy):
        for name in ("tessera.db", "tessera.db-wal"):
            if os.path.exists(self.m.state + "/" + name):
                os.unlink(self.m.state + "/" + name)
        shutil.copy(copy + "/tessera.db", self.db())
        st = os.stat(self.m.state)
        os.chown(self.db(), st.st_uid, st.st_gid)
        os.chmod(self.db(), 0o600)


class Altered(Base):
    def test_altered_row(self):
        """One row altered while the agent was stopped: all is suspended, the row is dropped."""
        self.begin()
        other = self.enrol("object=ed25519")
        self.m.stop()
        self.sql("UPDATE credential SET uid = 2, subject = 'bin' WHERE id = '%s'" % other)
        self.m.start()
        harness.until(lambda: self.store()["verdict"] == "altered", 10, "the check in the background")
        found = self.post("check").json
        self.assertEqual((found["whole"], found["damaged"], [f["table"] for f in found["found"]]),
                         (False, 1, ["credential"]))
        self.assertEqual(self.m.request("POST", "/token", uid=BIN, form=DEVICE).status, 503)
        answer = self.post("confirm")
        self.assertEqual((answer.status, answer.json["dropped"], answer.json["verdict"]),
                         (200, 1, "good"))
        self.good()
        self.assertTrue(self.post("check").json["whole"])
        self.assertEqual(self.m.request("POST", "/token", uid=BIN, form=DEVICE).status, 404)

        def told():
            with open(self.m.state + "/audit.log", encoding="utf-8") as f:
                return '"store-confirmed"' in f.read()
        harness.until(told, what="the line of the audit log")

    def test_lost_row(self):
        """A row taken out with its tag, such as a revocation that somebody would undo."""
        self.begin()
        other = self.enrol("object=ed25519")
        self.m.stop()
        self.sql("DELETE FROM row_tag WHERE place = 2 AND row IN "
                 "(SELECT seq FROM credential WHERE id = '%s')" % other,
                 "DELETE FROM credential WHERE id = '%s'" % other)
        self.m.start()
        harness.until(lambda: self.store()["verdict"] == "altered", 10, "the check in the background")
        self.suspended("altered")
        self.assertEqual(self.post("confirm").status, 200)
        self.good()
        self.assertEqual(self.post("confirm").status, 409)

    def test_on_demand(self):
        """A look at everything while it runs."""
        self.begin()
        self.good()
        self.assertEqual(self.token(SESSION).status, 200)
        self.assertTrue(self.post("check").json["whole"])
        self.assertEqual(self.store()["verdict"], "good")
        self.assertEqual(self.m.request("POST", "/admin/store/check", admin=True,
                                        json={"deep": True}).status, 400)


class Anchor(Base):
    def test_put_back(self):
        """Older files with their own good sums: the anchor knows."""
        self.begin(anchor=True)
        other = self.enrol("object=ed25519")
        self.m.stop()
        self.copy_state(self.m.folder + "/copy")
        self.m.start()
        self.m.tessera("credential", "disable", other, check=True)
        self.m.stop()
        self.put_back(self.m.folder + "/copy")
        self.m.start()
        self.suspended("rolled-back")
        self.assertIn("earlier day", self.m.log())
        self.assertEqual(self.post("confirm").status, 200)
        self.good()
        self.m.stop()
        self.m.start()
        self.assertEqual(self.store()["verdict"], "good")

    def test_without_an_anchor_nothing_is_known(self):
        """Says why there is one."""
        self.begin()
        self.m.stop()
        self.copy_state(self.m.folder + "/copy")
        self.m.start()
        self.enrol("object=ed25519")
        self.m.stop()
        self.put_back(self.m.folder + "/copy")
        self.m.start()
        self.good()

    def test_anchor_follows_within_a_second(self):
        self.begin(anchor=True)

        def noted():
            with open(self.anchor, encoding="ascii") as f:
                return int(f.read().split()[3])
        before = noted()
        other = self.enrol("object=ed25519")
        harness.until(lambda: noted() == self.store()["generation"] > before, 5, "the anchor")
        self.m.kill()		# the store may be ahead of its anchor
        self.m.start()
        self.m.tessera("credential", "disable", other, check=True)
        self.m.kill()
        self.m.start()
        self.assertEqual(self.store()["verdict"], "good")
        self.good()

    def test_anchor_gone(self):
        self.begin(anchor=True)
        self.m.stop()
        os.unlink(self.anchor)
        self.m.start()
        self.suspended("rolled-back")
        self.assertEqual(self.post("confirm").status, 200)
        self.good()

    def test_anchor_of_a_folder_that_is_not_there(self):
        m = self.m
        m.settings["anchor"] = m.folder + "/nowhere/anchor"
        m.write_conf()
        process = m.spawn()
        self.assertEqual(process.wait(20), 1)
        self.assertIn("anchor", m.log())


class Backup(Base):
    def offline(self, *args, kill_after=None):
        """tesserad --restore or --rekey, as root."""
        argv = [self.m.bin + "/tesserad", "--config", self.m.conf, *args]
        p = subprocess.Popen(argv, env=self.m.environment(), cwd="/", stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        if kill_after is not None:
            time.sleep(kill_after)	# any moment will do
            p.send_signal(signal.SIGKILL)
        err = p.communicate(timeout=60)[1].decode()
        return p.returncode, err

    def backup(self):
        answer = self.post("backup")
        self.assertEqual(answer.status, 200, answer)
        st = os.stat(answer.json["path"])
        self.assertEqual(st.st_mode & 0o777, 0o600)
        return answer.json["path"]

    def test_there_and_back(self):
        """A backup made while it serves; what came after it is gone, and all is suspended."""
        for anchor in (False, True):
            with self.subTest(anchor=anchor):
                if anchor:
                    self.setUp()
                self.begin(anchor=anchor)
                copy = shutil.move(self.backup(), self.m.folder + "/backup.db")
                other = self.enrol("object=ed25519")
                status, err = self.offline("--restore", copy)
                self.assertEqual(status, 1)
                self.assertIn("in use", err)
                self.m.stop()
                status, err = self.offline("--restore", copy)
                self.assertEqual(status, 0, err)
                self.assertEqual(os.stat(self.db()).st_uid, os.stat(self.m.state).st_uid)
                self.m.start()
                self.assertNotIn(other, [c["id"] for c in self.credentials()])
                self.suspended("restored")
                self.assertEqual(self.post("confirm").status, 200)
                self.good()
                self.assertTrue(self.post("check").json["whole"])
                self.tearDown()

    def test_command_line(self):
        self.begin()
        m, target = self.m, self.m.folder + "/copy.db"
        shown = m.tessera("store", "show", "--json", check=True).json
        self.assertEqual((shown["verdict"], shown["anchor"]), ("good", None))
        self.assertTrue(m.tessera("store", "check", "--json", check=True).json["whole"])
        self.assertEqual(m.tessera("store", "confirm").status, 9)
        self.assertEqual(m.tessera("store", "backup", target, "--json", check=True).json["path"], target)
        self.assertEqual(os.stat(target).st_mode & 0o777, 0o600)
        self.assertEqual(os.listdir(m.state + "/backups"), [])
        self.assertEqual(m.tessera("store", "backup", target).status, 9)
        m.stop()
        self.sql("UPDATE credential SET uid = 0")
        m.start()
        self.assertEqual(m.tessera("store", "check").status, 1)
        ran = m.tessera("status")
        self.assertEqual(ran.status, 1)
        self.assertIn("altered", ran.out)
        m.stop()
        status, err = self.offline("--restore", target)
        self.assertEqual(status, 0, err)
        m.start()
        self.assertEqual(m.tessera("store", "confirm", "--json", check=True).json["verdict"], "good")
        self.good()

    def test_what_is_not_restored(self):
        self.begin()
        good = self.backup()
        self.m.stop()
        with open(self.db(), "rb") as f:
            before = f.read()
        for name, change, sentence in [
                ("an altered row", "UPDATE credential SET uid = 0", "altered"),
                ("a lost row", "DELETE FROM credential", "altered"),
                ("another program's", "PRAGMA application_id = 1", "another program"),
                ("a newer one", "PRAGMA user_version = 99", "schema version 99")]:
            with self.subTest(name):
                bad = shutil.copy(good, self.m.folder + "/bad.db")
                db = sqlite3.connect(bad)
                db.execute(change)
                db.commit()
                db.close()
                status, err = self.offline("--restore", bad)
                self.assertEqual((status, sentence in err), (1, True), err)
        self.assertEqual(self.offline("--restore", self.m.folder + "/nothing")[0], 1)
        self.assertEqual(self.offline("--restore", "/dev/null")[0], 1)
        with open(self.db(), "rb") as f:
            self.assertEqual(f.read(), before)
        self.assertEqual([n for n in os.listdir(self.m.state) if "restore" in n], [])
        self.m.start()
        self.good()

    def test_damaged_store_is_replaced(self):
        self.begin()
        copy = self.backup()
        self.m.stop()
        with open(self.db(), "r+b") as f:
            f.write(b"\0" * 8192)
        process = self.m.spawn()
        self.assertEqual(process.wait(20), 1)
        self.assertEqual(self.offline("--restore", copy)[0], 0)
        self.m.start()
        self.assertEqual(self.store()["verdict"], "restored")
        self.assertEqual(self.post("confirm").status, 200)
        self.good()

    def test_backups_are_few(self):
        self.begin()
        self.m.stop()
        size = os.path.getsize(self.db())
        self.m.start()
        path = self.backup()
        self.assertGreaterEqual(os.path.getsize(path), size)
        for _ in range(15):
            self.backup()
        answer = self.post("backup")
        self.assertEqual((answer.status, answer.json["error"]), (409, "conflict"))

    def log_is_good(self):
        """tessera audit verify, with the store key that is in force."""
        done = subprocess.run([self.m.bin + "/tessera", "audit", "verify", "--config", self.m.conf],
                              text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_rekey(self):
        for anchor in (False, True):
            with self.subTest(anchor=anchor):
                if anchor:
                    self.setUp()
                self.begin(anchor=anchor)
                jwks = self.m.request("GET", "/.well-known/jwks.json").json
                old_backup = self.backup()
                with open(self.m.state + "/store.key", "rb") as f:
                    key = f.read()
                self.m.stop()
                status, err = self.offline("--rekey")
                self.assertEqual(status, 0, err)
                with open(self.m.state + "/store.key", "rb") as f:
                    self.assertNotEqual(f.read(), key)
                self.assertNotIn("store.key.new", os.listdir(self.m.state))
                self.assertNotIn("audit.key.next", os.listdir(self.m.state))
                self.log_is_good()
                self.m.start()
                self.assertEqual(self.store()["verdict"], "good")
                self.assertTrue(self.post("check").json["whole"])
                self.assertEqual(self.m.request("GET", "/.well-known/jwks.json").json, jwks)
                self.good()
                self.m.stop()
                status, err = self.offline("--restore", old_backup)
                self.assertEqual(status, 1)
                self.assertIn("does not open with this store key", err)
                self.m.start()
                self.tearDown()

    def test_rekey_makes_nothing_good(self):
        self.begin()
        self.m.stop()
        self.sql("UPDATE credential SET uid = 2, subject = 'bin'")
        self.assertEqual(self.offline("--rekey")[0], 1)
        self.m.start()
        harness.until(lambda: self.store()["verdict"] == "altered", 10, "the check in the background")
        self.m.stop()
        self.assertEqual(self.offline("--rekey")[0], 1)
        self.m.start()

    def test_rekey_killed(self):
        """At any moment: one of the keys opens it, and the agent finds out which."""
        self.begin()
        self.m.stop()
        begun = time.monotonic()
        self.assertEqual(self.offline("--rekey")[0], 0)
        took = time.monotonic() - begun
        seen = set()
        for i in range(40):
            status, err = self.offline("--rekey", kill_after=random.uniform(0, took))
            seen.add(status)
            if i % 8 == 7:
                self.m.start()
                self.assertEqual(self.store()["verdict"], "good")
                self.good()
                self.m.stop()
                self.log_is_good()
        self.assertIn(-signal.SIGKILL, seen)

    def test_rekey_killed_after_its_commit(self):
        """The very window: the store has the new key, the file not yet."""
        self.begin()
        self.m.stop()
        key = self.m.state + "/store.key"
        shutil.copy(key, self.m.folder + "/old")
        self.assertEqual(self.offline("--rekey")[0], 0)
        os.rename(key, key + ".new")
        shutil.copy(self.m.folder + "/old", key)
        st = os.stat(self.m.state)
        os.chown(key, st.st_uid, st.st_gid)
        os.chmod(key, 0o600)
        self.m.start()
        self.good()
        self.assertNotIn("store.key.new", os.listdir(self.m.state))


if __name__ == "__main__":
    harness.main()

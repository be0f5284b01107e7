# SPDX-License-Identifier: ISC
"""The journal as witness: what the agent tells it each minute, and what of it
the agent believes at its start.

All of it in a mount namespace of its own, where /run/systemd/journal/socket is
ours and the journal's files are those that systemd-journal-remote makes of what
came there."""
import ctypes
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT

PIN = "123456"
REMOTE = "/lib/systemd/systemd-journal-remote"
SOCKET = "/run/systemd/journal/socket"
MACHINE = "8e1b2d3c4f5a4b6c8d7e9f0a1b2c3d4e"
MESSAGE_ID = "e5b5c7b6f0b14c3a9d1f6a2cb8b0a7d4"	# agent/journal.h
DEVICE = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags):
    if libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags, None) != 0:
        raise OSError(ctypes.get_errno(), "mount", target)


def setUpModule():
    if libc.unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest("no mount namespaces here")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    for path in ("/run/systemd", "/run/log", "/var/log/journal"):
        if path == "/run/systemd" or os.path.isdir(path):
            os.makedirs(path, exist_ok=True)
            mount("tmpfs", path, "tmpfs", 0)
    folder = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, folder)
    with open(folder + "/machine-id", "w", encoding="ascii") as f:
        f.write(MACHINE + "\n")
    os.chmod(folder + "/machine-id", 0o444)
    mount(folder + "/machine-id", "/etc/machine-id", None, MS_BIND)
    os.makedirs("/run/log/journal/" + MACHINE, exist_ok=True)
    os.makedirs(os.path.dirname(SOCKET))


class Journald:
    """The socket, and the entries that came there."""

    def __init__(self):
        self.sock, self.entries = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), []
        self.sock.bind(SOCKET)
        os.chmod(SOCKET, 0o666)
        self.sock.setblocking(False)

    def poll(self):
        while True:
            try:
                text = self.sock.recv(65536).decode()
            except BlockingIOError:
                return self.entries
            self.entries.append(dict(line.split("=", 1) for line in text.splitlines()))

    def ours(self):
        return [e for e in self.poll() if e.get("MESSAGE_ID") == MESSAGE_ID]

    def close(self):
        self.sock.close()
        os.unlink(SOCKET)


def make_journal(entries):
    """A journal of (uid, entry), in its order; readable for everybody."""
    folder = "/run/log/journal/" + MACHINE
    shutil.rmtree(folder)
    os.mkdir(folder)
    text, seen = "", []
    for i, (uid, entry) in enumerate(entries):
        when = int(entry.get("TESSERA_TIME", 1_800_000_000)) + 3600 * (entry in seen)
        seen.append(entry)
        text += "__CURSOR=s=%032x;i=%d\n__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n" \
            "_BOOT_ID=%032x\n_MACHINE_ID=%s\n_UID=%d\n_TRANSPORT=journal\n" % (
                7, i + 1, when * 1_000_000 + i, 1_000_000 + i, 9, MACHINE, uid)
        text += "".join("%s=%s\n" % pair for pair in entry.items()) + "\n"
    subprocess.run([REMOTE, "-o", folder + "/system.journal", "-"], input=text.encode(),
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(folder + "/system.journal", 0o644)


class Base(unittest.TestCase):
    JOURNAL = True

    def setUp(self):
        make_journal([])
        self.journald = Journald()
        self.addCleanup(self.journald.close)
        self.m = harness.Machine(start=False, rehearse=True)
        self.addCleanup(self.m.abandon)
        self.agent = pwd.getpwnam("tessera").pw_uid
        st = os.stat(self.m.stderr_path)
        self.m.env["JOURNAL_STREAM"] = "%d:%d" % (st.st_dev, st.st_ino + (not self.JOURNAL))
        self.m.start()
        self.m.make_token("card", PIN, ["p256", "ed25519"])
        self.enrol("id=%01")

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    def enrol(self, key):
        return self.m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                              "pkcs11:token=card;" + key, "--json", pin=PIN, check=True).json["id"]

    def token(self):
        return self.m.request("POST", "/token", uid=DAEMON, form=DEVICE)

    def after_minutes(self, condition, what):
        """Let time go on until it is so: the head is told a minute after its line was
        written, which is up to a second after what it says."""
        def so():
            self.m.clock.advance(20)
            self.m.request("GET", "/healthz")
            return condition()
        harness.until(so, 60, what)

    def store(self):
        return self.m.request("GET", "/admin/store", admin=True).json

    def copy_of_state(self):
        shutil.copytree(self.m.state, self.m.folder + "/copy", copy_function=self.copy)

    @staticmethod
    def copy(a, b):
        shutil.copy2(a, b)
        os.chown(b, os.stat(a).st_uid, os.stat(a).st_gid)

    def put_back(self, *names):
        for name in names or os.listdir(self.m.folder + "/copy"):
            self.copy("%s/copy/%s" % (self.m.folder, name), "%s/%s" % (self.m.state, name))
        if not names:
            for name in set(os.listdir(self.m.state)) - set(os.listdir(self.m.folder + "/copy")):
                os.unlink("%s/%s" % (self.m.state, name))


class Told(Base):
    def test_each_minute(self):
        self.after_minutes(self.journald.ours, "the first entry")
        entry = self.journald.ours()[-1]
        head = entry["TESSERA_AUDIT_HEAD"]
        path = self.m.state + "/audit.head"
        harness.until(lambda: os.path.exists(path), 10, "the head's file")
        with open(path, encoding="ascii") as f:
            self.assertEqual(f.read().strip(), head)
        self.assertEqual(entry["MESSAGE"], "audit head " + head)
        self.assertEqual((entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]), ("5", "tesserad"))
        note = entry["TESSERA_STORE_NOTE"].split()
        self.assertEqual(note[:2] + [int(note[3])],
                         ["tessera-anchor", "1", self.store()["generation"]])
        self.assertEqual(note[2], entry["TESSERA_STORE"])
        self.assertEqual(self.store()["anchor"], "journal")
        self.assertEqual(self.token().status, 200)
        self.after_minutes(lambda: len(self.journald.ours()) > 1, "the second entry")
        for _ in range(20):		# nothing happens, nothing is told
            self.m.clock.advance(20)
            self.m.request("GET", "/healthz")
        heads = [int(e["TESSERA_AUDIT_HEAD"].split(":")[0]) for e in self.journald.ours()]
        self.assertEqual(heads, sorted(set(heads)))
        self.assertLessEqual(len(heads), 3)
        self.m.stop()			# the last words are told, too
        last = self.journald.ours()[-1]["TESSERA_AUDIT_HEAD"]
        self.assertGreater(int(last.split(":")[0]), heads[-1])
        done = self.m.tessera("audit", "verify", "--config", self.m.conf, "--head", last)
        self.assertEqual(done.status, 0, done)
        self.assertNotIn("audit head", self.m.log())
        self.m.start()

    def test_a_journal_that_does_not_read_keeps_nobody_waiting(self):
        """Its queue is full: the head goes to stderr, and nothing waits."""
        full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        full.setblocking(False)
        with full, self.assertRaises(BlockingIOError):
            while True:
                full.sendto(b"MESSAGE=noise\n", SOCKET)
        self.after_minutes(lambda: "<5>audit head " in self.m.log(), "the head on stderr")
        self.assertEqual(self.token().status, 200)
        self.journald.poll()
        self.assertEqual(self.journald.ours(), [])


class Untold(Base):
    JOURNAL = False

    def test_stderr_is_another_file(self):
        """$JOURNAL_STREAM was inherited from somebody else."""
        self.after_minutes(lambda: "tesserad: audit head " in self.m.log(), "the head on stderr")
        self.m.stop()
        self.assertEqual(self.journald.ours(), [])
        self.m.start()
        self.assertIsNone(self.store()["anchor"])


@unittest.skipUnless(os.path.exists(REMOTE), "systemd-journal-remote makes the files")
class Believed(Base):
    def history(self):
        """A copy of the state, and what the journal was told after it."""
        self.m.stop()
        self.copy_of_state()
        self.m.start()
        self.enrol("object=ed25519")
        self.m.stop()
        return self.journald.ours()

    def start(self, uid, entries):
        make_journal([(uid, e) for e in entries])
        self.m.start()

    def test_a_store_put_back(self):
        entries = self.history()
        self.put_back()
        self.start(self.agent, entries)
        self.assertEqual(self.token().status, 503)
        self.assertEqual(self.store()["verdict"], "rolled-back")
        self.assertIn("the journal knows", self.m.log())
        self.assertIn("earlier day", self.m.log())
        self.assertEqual(self.m.request("POST", "/admin/store/confirm", admin=True, json={}).status, 200)
        self.m.stop()
        self.start(self.agent, self.journald.ours())
        self.assertEqual(self.store()["verdict"], "good")
        self.assertEqual(self.token().status, 200)

    def test_the_store_as_it_was_left(self):
        self.start(self.agent, self.history())
        self.assertEqual(self.store()["verdict"], "good")
        self.assertNotIn("altered, cut or lost", self.m.log())
        self.assertEqual(self.token().status, 200)

    def test_only_our_uid_counts(self):
        """Anybody can send such an entry; the journal says who did."""
        entries = self.history()
        self.put_back()
        self.start(BIN, entries)
        self.assertEqual(self.store()["verdict"], "good")
        self.assertIn("the journal has nothing about this store", self.m.log())

    def test_a_forged_note_suspends_nobody(self):
        entry = dict(self.history()[-1])
        words = entry["TESSERA_STORE_NOTE"].split()
        words[3] = str(int(words[3]) + 100)
        entry["TESSERA_STORE_NOTE"] = " ".join(words)
        self.start(self.agent, [entry, {"MESSAGE_ID": MESSAGE_ID, "TESSERA_STORE": words[2],
                                        "TESSERA_STORE_NOTE": "x" * 2000, "TESSERA_AUDIT_HEAD": "9:"}])
        self.assertEqual(self.store()["verdict"], "good")

    def test_noise_hides_nothing(self):
        """Whoever runs as our uid may send what looks like ours, after what is."""
        entries = self.history()
        noise = dict(entries[-1], TESSERA_STORE_NOTE="x")
        self.put_back()
        self.start(self.agent, entries + 300 * [noise])
        self.assertEqual(self.store()["verdict"], "rolled-back")
        self.assertIn("300 entries about this store that this user sent", self.m.log())

    def test_a_forged_head_is_none(self):
        """Under a note that we did write; the log goes on where it was."""
        entries = self.history()
        mac = entries[-1]["TESSERA_AUDIT_HEAD"].split(":")[1]
        for seq in 100_000, 2**36 - 1, 2**36:
            with self.subTest(seq):
                self.start(self.agent, entries + [
                    dict(entries[-1], TESSERA_AUDIT_HEAD="%d:%s" % (seq, mac))])
                self.assertEqual(self.token().status, 200)
                self.m.stop()
        self.m.start()
        self.assertNotIn("altered, cut or lost", self.m.log())

    def test_old_entries_sent_again_hide_nothing(self):
        entries = self.history()
        self.put_back()
        self.start(self.agent, entries + 300 * entries[:1])
        self.assertEqual(self.store()["verdict"], "rolled-back")

    def test_a_cut_log(self):
        """Log and head file of an earlier day, under the store of today."""
        entries = self.history()
        self.put_back("audit.log", "audit.head")
        self.start(self.agent, entries)
        self.assertIn("altered, cut or lost", self.m.log())
        self.m.stop()
        with open(self.m.state + "/audit.log", encoding="utf-8") as f:
            first = json.loads(f.readline())
        self.assertEqual((first["event"], first["reason"]), ("file", "lost"))
        self.m.start()

    def test_an_old_entry_sent_again_hides_no_cut(self):
        """Whoever runs as our uid may send again what we said once."""
        self.after_minutes(self.journald.ours, "the first entry")
        entries = self.history()
        self.put_back("audit.log", "audit.head")
        self.start(self.agent, entries + entries[:1])
        self.assertIn("altered, cut or lost", self.m.log())


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""The audit log: what each flow writes, that no secret is in it, and what
crashes, floods and full disks do to it."""
import inspect
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import threading
import time
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, GAMES, SESSION_GRANT

PIN = "314159"
WRONG = "271828"


def flood(path, seconds, connections=8, depth=64):
    """Refused requests as fast as one process can, pipelined: how many."""
    body = b"grant_type=urn:tessera:grant:session&audience=vpn"
    one = (b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sel, done, end = selectors.DefaultSelector(), 0, time.monotonic() + seconds
    for _ in range(connections):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect(path)
        s.setblocking(False)
        s.send(one * depth)
        sel.register(s, selectors.EVENT_READ, [0])
    while time.monotonic() < end:
        for key, _ in sel.select(0.1):
            try:
                data = key.fileobj.recv(262144)
            except BlockingIOError:
                continue
            if not data:
                sel.unregister(key.fileobj)
                continue
            n = data.count(b"HTTP/1.1 401")
            done += n
            key.data[0] += n
            if key.data[0] >= depth:
                key.data[0] -= depth
                try:
                    key.fileobj.send(one * depth)
                except BlockingIOError:
                    pass
    return done


class Base(unittest.TestCase):
    def enrol(self, m, user="daemon", key="01", check=True, pin=PIN):
        return m.tessera("enroll", "pkcs11", "--user", user, "--device",
                         "pkcs11:token=card;id=%" + key, "--json", pin=pin, check=check)

    def device(self, m, pin=PIN, audience="demo", uid=DAEMON):
        return m.request("POST", "/token", uid=uid, form={
            "grant_type": DEVICE_GRANT, "audience": audience, "pin": pin})

    def session(self, m, audience="demo", uid=DAEMON):
        return m.request("POST", "/token", uid=uid,
                         form={"grant_type": SESSION_GRANT, "audience": audience})

    def lines(self, m):
        out = []
        for name in sorted(os.listdir(m.state), reverse=True):
            if name == "audit.log" or name.startswith("audit.log."):
                with open(m.state + "/" + name, encoding="utf-8") as f:
                    out += [json.loads(line) for line in f if line.endswith("\n")]
        return sorted(out, key=lambda line: line["seq"])

    def events(self, m, name):
        return [line for line in self.lines(m) if line["event"] == name]

    def audit(self, m, verb, *more, json_=True):
        argv = [m.bin + "/tessera", "audit", verb, "--config", m.conf, *more]
        return subprocess.run(argv + (["--json"] if json_ else []), text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)

    def verify(self, m, *more):
        done = self.audit(m, "verify", *more)
        return done.returncode, json.loads(done.stdout)


class Flows(Base):
    def test_each_flow_has_its_line(self):
        """Proof, mint, enrolment, codes, changes, sessions, reload, start, stop, refusals."""
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "p256"])
            cred = self.enrol(m).json["id"]
            answer = self.device(m)
            self.assertEqual(answer.status, 200, answer)
            tokens = [answer.json["access_token"]]
            self.assertEqual(self.device(m, pin=WRONG).status, 401)
            tokens.append(self.session(m).json["access_token"])
            self.assertEqual(self.session(m, uid=BIN).status, 401)
            second = self.enrol(m, key="02").json["id"]
            m.tessera("credential", "disable", second, "--json", check=True)
            m.tessera("credential", "enable", second, "--json", check=True)
            m.tessera("credential", "remove", second, "--json", check=True)
            code = m.tessera("enroll", "code", "--user", "games", "--json", check=True).json["code"]
            self.assertEqual(m.request("POST", "/credentials", uid=GAMES, json={
                "kind": "pkcs11", "device": "pkcs11:token=card", "code": "AAAA-BBBB-CCCC-DDDD"}).status,
                400)
            self.assertEqual(m.request("DELETE", "/session", uid=DAEMON).json["ended"], 1)
            m.signal(harness.signal.SIGHUP)
            harness.until(lambda: "configuration read again" in m.log(), what="the reload")
            m.stop()
            names = [line["event"] for line in self.lines(m)]
            self.assertEqual(names[:2], ["file", "start"])
            self.assertEqual(names[-1], "refused")
            self.assertIn("stop", names)
            for name in ("reload", "proof", "mint", "enrol", "session-ended", "credential-disabled",
                         "credential-enabled", "credential-removed", "code-made", "code-spent"):
                self.assertIn(name, names)
            good, bad = self.events(m, "proof")
            self.assertEqual((good["verdict"], good["by"], good["subject"], good["credential"],
                              good["audience"]), ("ok", DAEMON, "daemon", cred, "demo"))
            self.assertEqual((bad["verdict"], bad["code"], bad["credential"]),
                             ("pin_required", -44, cred))
            self.assertEqual(len(self.events(m, "mint")), 2)
            self.assertEqual({line["client"] for line in self.events(m, "mint")}, {"uid:%d" % DAEMON})
            refused = {(line.get("by"), line["verdict"]): line["count"]
                       for line in self.events(m, "refused")}
            self.assertEqual(refused[(BIN, "login_required")], 1)
            self.assertNotIn((DAEMON, "pin_required"), refused)	# it has a line of its own
            self.assertEqual(self.events(m, "code-spent")[0]["verdict"], "invalid_grant")
            with open(m.state + "/audit.log", "rb") as f:
                text = f.read()
            for secret in [PIN, WRONG, code, code.replace("-", "")] + \
                    [part for t in tokens for part in t.split(".")[1:]]:
                self.assertNotIn(secret.encode(), text)
            status, said = self.verify(m)
            self.assertEqual((status, said["valid"], said["head"]), (0, True, True), said)
            self.assertIn("audit head %d:" % said["last"], m.log())

    def test_key_rotation(self):
        with harness.Machine(rehearse=True, settings={"signing": {"rotate": "1h"}}) as m:
            for _ in range(62):
                m.clock.advance(61)
                harness.until(lambda: self.session(m).status == 401)

            def rotated():
                m.clock.advance(1)		# a line waits for company, or for its time
                return self.events(m, "key-rotated")

            harness.until(rotated, what="the rotation's line")
            start, rotated = self.events(m, "start")[0], self.events(m, "key-rotated")[0]
            self.assertNotEqual(start["kid"], rotated["kid"])
            heads = [line for line in m.log().splitlines() if "audit head" in line]
            self.assertTrue(heads)			# each minute in which there was something
            self.assertEqual(self.verify(m)[0], 0)


class Commands(Base):
    def edited(self, m, edit):
        path = m.state + "/audit.log"
        with open(path, "rb") as f:
            good = f.read()
        with open(path, "wb") as f:
            f.write(edit(good))
        try:
            return self.verify(m)
        finally:
            with open(path, "wb") as f:
                f.write(good)

    def test_verify_tail_export(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            for _ in range(5):
                self.assertEqual(self.device(m).status, 200)
            m.stop()

            def flip(text):
                at = random.randrange(len(text))
                return text[:at] + bytes([text[at] ^ (1 << random.randrange(8))]) + text[at + 1:]

            def drop(n):
                return lambda text: b"".join(line for i, line in enumerate(text.splitlines(True)) if i != n)

            for _ in range(20):
                status, said = self.edited(m, flip)
                self.assertEqual(status, 1, said)
            self.assertEqual(self.edited(m, drop(4))[1]["error"], "audit_gap")
            self.assertEqual(self.edited(m, drop(4))[1]["line"], 5)
            self.assertEqual(self.edited(m, lambda t: b"".join(t.splitlines(True)[:-2]))[1]["error"],
                             "audit_cut")
            self.assertEqual(self.verify(m)[0], 0)
            head = [line for line in m.log().splitlines() if "audit head" in line][-1].split()[-1]
            self.assertEqual(self.verify(m, "--head", head, m.state + "/audit.log")[0], 0)
            later = "%d:%s" % (int(head.split(":")[0]) + 1, head.split(":")[1])
            self.assertEqual(self.verify(m, "--head", later)[1]["error"], "audit_cut")
            with open(m.folder + "/other.key", "wb") as f:
                f.write(os.urandom(32))
            self.assertEqual(self.verify(m, "--store-key", m.folder + "/other.key")[1]["error"],
                             "audit_wrong_key")
            self.assertEqual(self.verify(m, m.folder + "/none")[0], 6)
            lines = self.audit(m, "tail", json_=False).stdout.splitlines()
            self.assertEqual(len(lines), 10)
            self.assertIn("subject=daemon", "\n".join(lines))
            array = json.loads(self.audit(m, "export", "--user", "daemon").stdout)
            self.assertTrue(array and all(line["subject"] == "daemon" for line in array))
            self.assertEqual(json.loads(self.audit(m, "export", "--since", "2099-01-01").stdout), [])
            csv = self.audit(m, "export", "--csv", json_=False).stdout.splitlines()
            self.assertEqual(len(csv), len(self.lines(m)) + 1)
            self.assertEqual(self.audit(m, "export", "--since", "x").returncode, 2)
            done = harness.as_user(DAEMON, lambda: self.audit(m, "verify").returncode)
            self.assertEqual(done, 5)			# not his to read

    def test_tail_follows(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            tail = subprocess.Popen([m.bin + "/tessera", "audit", "tail", "-f", "--config", m.conf],
                                    stdout=subprocess.PIPE, text=True)
            try:
                self.device(m)
                for line in tail.stdout:
                    if " mint " in line:
                        break
                self.assertIn("audience=demo", line)
            finally:
                tail.kill()
                tail.wait()
                tail.stdout.close()


class Administrators(Base):
    def test_what_they_did_to_the_agent(self):
        """The clock accepted, the store copied and confirmed: a line each, with who."""
        with harness.Machine(rehearse=True) as m:
            m.clock.set_wall(m.clock.wall + 3600)
            self.assertEqual(m.request("POST", "/admin/clock", admin=True, json={}).status, 200)
            self.assertEqual(m.request("POST", "/admin/store/backup", admin=True, json={}).status, 200)
            m.stop()
            for event in ("clock-accepted", "store-copied"):
                found = self.events(m, event)
                self.assertEqual([line["by"] for line in found], [0], event)
            m.start()


class Trouble(Base):
    def test_killed_under_load(self):
        """kill -9 while tokens leave: the log is good, and has every token's proof."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            n = 0
            for _ in range(10):
                self.assertEqual(self.device(m).status, 200)
                harness.until(lambda: len(self.events(m, "proof")) == n + 1, what="the line")
                before, n = n + 1, n + 4
                got, stop = [0], threading.Event()

                def load():
                    with harness.Client(m.api) as c:
                        while not stop.is_set():
                            try:
                                c.request("POST", "/token", form={
                                    "grant_type": SESSION_GRANT, "audience": "demo"})
                            except (OSError, harness.Failed):
                                return
                            got[0] += 1
                t = threading.Thread(target=load)
                t.start()
                harness.until(lambda: got[0] > 50, what="some load")
                proofs = sum(self.device(m).status == 200 for _ in range(3))
                m.kill()
                stop.set()
                t.join()
                self.assertEqual(self.verify(m)[0], 0)
                m.start()
                harness.until(lambda: len(self.events(m, "proof")) == before + proofs,
                              what="every proof's line")
                self.assertEqual(self.verify(m)[0], 0)

    def test_flood_of_refusals(self):
        """One uid is refused as fast as it can: a few lines, and others get tokens."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m)
            self.assertEqual(self.device(m).status, 200)
            harness.until(lambda: self.events(m, "mint"), what="the mint's line")
            size = os.path.getsize(m.state + "/audit.log")
            code = "import selectors, socket, time\n%s\nprint(flood(%r, 4.0))" % (
                inspect.getsource(flood), m.api)
            other = subprocess.Popen([sys.executable, "-c", code], user=GAMES, group=60,
                                     extra_groups=[], stdout=subprocess.PIPE, text=True)
            got = 0
            while other.poll() is None:
                self.assertEqual(self.session(m).status, 200)
                got += 1
            done = int(other.communicate()[0])
            self.assertGreater(done, 20000)
            print("%d refusals/s, %d tokens of another uid beside them" % (done / 4, got))
            self.assertGreater(got, 20)
            m.stop()
            others = sum(len(json.dumps(line)) + 60 for line in self.lines(m)
                         if line.get("by") != GAMES)
            self.assertLess(os.path.getsize(m.state + "/audit.log") - size, others + 16 * 400)
            mine = [line for line in self.events(m, "refused") if line.get("by") == GAMES]
            self.assertLessEqual(len(mine), 16)
            self.assertGreaterEqual(sum(line["count"] for line in mine), done)
            self.assertEqual(self.verify(m)[0], 0)

    def test_full_disk(self):
        """No space for the log: no token; space again: tokens again, and the log is good."""
        with harness.Machine(start=False) as m:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700,uid=%d" %
                            harness.pwd.getpwnam(harness.AGENT).pw_uid, "none", m.state], check=True)
            try:
                m.make_token("card", PIN)
                m.start()
                self.enrol(m)
                self.assertEqual(self.device(m).status, 200)
                filler = m.state + "/filler"
                with open(filler, "wb", buffering=0) as f:
                    try:
                        while f.write(b"x" * 4096):
                            pass
                    except OSError:
                        pass
                statuses = set()

                def refused():
                    statuses.add(self.session(m).status)
                    return self.session(m).status == 503

                harness.until(refused, 20, "the first refusal")
                for _ in range(20):
                    self.assertEqual(self.session(m).status, 503)
                    self.assertEqual(self.device(m).status, 503)
                os.unlink(filler)
                harness.until(lambda: self.session(m).status == 200, 20, "tokens again")
                self.assertEqual(self.device(m).status, 200)
                m.stop()
                self.assertEqual(len(self.events(m, "resumed")), 1)
                status, said = self.verify(m)
                self.assertEqual(status, 0, said)
            finally:
                if m.process is not None:
                    m.kill()
                    m.check_gone()
                subprocess.run(["umount", m.state], check=True)


if __name__ == "__main__":
    harness.main()

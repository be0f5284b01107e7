# SPDX-License-Identifier: ISC
"""The SSH agent's socket with the real ssh, sshd, scp, git and ssh-keygen."""
import contextlib
import os
import socket
import struct
import time
import unittest

import fidobed
import harness
import sshagent
import sshd
from folder import new_folder, remove_folder
from granted import PIN
from harness import BIN, DAEMON, GAMES, as_user, until
from readers import Readers
from sshagent import FAILURE, SIGNED, Agent, Prompter, file_data, login_data, server, session
from wire import Events


class Fill:
    """One connection more, and what came of it."""

    def __init__(self, path, kept):
        a = kept.enter_context(Agent(path))
        try:
            self.asked = a.ask(99)
        except OSError:
            self.asked = None


class Bed(unittest.TestCase):
    def open(self, **more):
        m = self.enterContext(sshagent.machine(**more))
        return m, self.enterContext(server(m))

    def good(self, ran, out=None):
        self.assertEqual(ran.status, 0, ran)
        if out is not None:
            self.assertEqual(ran.out, out)

    def bad(self, ran, *parts):
        self.assertNotEqual(ran.status, 0, ran)
        for part in parts:
            self.assertIn(part, ran.err)

    def file(self, m, name):
        """What lies in the public folder, without the comment."""
        with open("%s/ssh/%s" % (m.public, name), encoding="ascii") as f:
            return f.read()


class Clients(Bed):
    def test_the_server(self):
        """The sshd of these tests takes certificates of its CA, and those alone."""
        folder, lock = new_folder()
        try:
            for name in ("ca", "other", "user"):
                sshd.keygen("-q", "-t", "ed25519", "-N", "", "-f", "%s/%s" % (folder, name))
            os.chown(folder + "/user", DAEMON, -1)
            with sshd.Server(folder, ca=folder + "/ca.pub") as s:
                for ca, status in (("ca", 0), ("other", 255)):
                    sshd.keygen("-q", "-s", "%s/%s" % (folder, ca), "-I", "id", "-n", "daemon",
                                folder + "/user.pub")
                    options = ("IdentitiesOnly=yes", "IdentityFile=%s/user" % folder)
                    ran = s.ssh("id -un", uid=DAEMON, options=options)
                    self.assertEqual((ran.status, ran.out), (status, "" if status else "daemon\n"),
                                     "%r\n%s" % (ran, s.log()))
        finally:
            remove_folder(folder)
            os.close(lock)

    def test_programs(self):
        """With a live session: ssh-add, ssh, scp, git, ssh-keygen -Y."""
        m, s = self.open()
        env = {"SSH_AUTH_SOCK": m.ssh, "GIT_SSH_COMMAND": "ssh -F %s -o IdentityAgent=%s" %
               (s.client_conf, m.ssh), "GIT_CONFIG_GLOBAL": "/dev/null"}
        session(m)
        self.assertEqual(os.stat(m.public + "/ssh/1.pub").st_mode & 0o777, 0o644)
        listed = s.run("/usr/bin/ssh-add", "-L", uid=DAEMON, env=env)
        self.good(listed, self.file(m, "1-cert.pub") + self.file(m, "1.pub"))
        self.assertIn("(ED25519-CERT)", s.run("/usr/bin/ssh-add", "-l", uid=DAEMON, env=env).out)
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
        s.said("Accepted publickey for daemon")
        self.assertIn("ED25519-CERT", s.log())
        self.identities_only(m, s)
        self.copies(m, s, env)
        self.signs(m, s, env)
        lines = self.audited(m, "git")
        self.assertIn(("daemon", s.fingerprint), [(e.get("user"), e.get("host_key")) for e in lines])
        self.assertTrue(all(e["subject"] == "daemon" and e["audience"] == "ssh" for e in lines), lines)
        # nothing else of the user's was asked for, and nothing of it is written down
        self.assertNotIn(self.file(m, "1.pub").split()[1], m.log())

    def audited(self, m, namespace):
        """The lines about signatures, once there is one of that namespace."""
        found = []

        def there():
            ran = m.tessera("audit", "export", "--config", m.conf, "--json", check=True)
            found[:] = [e for e in ran.json if e["event"] == "ssh-signature"]
            return any(e.get("namespace") == namespace for e in found)
        until(there, 30, "lines about signatures")
        return found

    def identities_only(self, m, s):
        options = ("IdentitiesOnly=yes", "IdentityFile=%s/ssh/1.pub" % m.public)
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh, options=(
            *options, "CertificateFile=%s/ssh/1-cert.pub" % m.public)), "daemon\n")
        self.bad(s.ssh(uid=DAEMON, agent=m.ssh, options=(
            *options, "CertificateFile=none")), "Permission denied")

    def copies(self, m, s, env):
        home = s.home("daemon")
        conf = ("-F", s.client_conf, "-o", "IdentityAgent=" + m.ssh)
        self.good(s.run("/usr/bin/scp", "-q", *conf, m.conf, "daemon@%s:copy" % s.name, uid=DAEMON))
        self.good(s.run("/usr/bin/cmp", m.conf, home + "/copy"))
        self.good(s.ssh("git init -q --bare r.git && git init -q w && cd w && git -c user.name=d "
                        "-c user.email=d@example commit -q --allow-empty -m first && "
                        "git push -q ../r.git HEAD:main && echo pushed", uid=DAEMON, agent=m.ssh),
                  "pushed\n")
        at = "daemon@%s:r.git" % s.name
        self.good(s.run("/usr/bin/git", "clone", "-q", "-b", "main", at, home + "/c", uid=DAEMON, env=env))
        self.good(s.run("/usr/bin/git", "-C", home + "/c", "push", "-q", "origin", "HEAD:other",
                        uid=DAEMON, env=env))

    def signs(self, m, s, env):
        with open(m.public + "/ssh_ca.pub", encoding="ascii") as f:
            ca = " ".join(f.read().split()[:2])
        allowed = s.write("allowed", 'daemon cert-authority,namespaces="git" %s\n' % ca)
        argv = ("/usr/bin/ssh-keygen", "-Y")
        for namespace, status in (("git", 0), ("mail", 255)):
            ran = s.run(*argv, "sign", "-f", m.public + "/ssh/1-cert.pub", "-n", namespace, uid=DAEMON,
                        env=env, stdin=b"text\n")
            self.assertEqual(ran.status, status, ran)
            if status == 0:
                signature = s.write("text.sig", ran.out)
        verify = (*argv, "verify", "-f", allowed, "-I", "daemon", "-n", "git", "-s", signature)
        self.good(s.run(*verify, uid=BIN, stdin=b"text\n"))
        self.bad(s.run(*verify, uid=BIN, stdin=b"tixt\n"))

    def test_user_mode(self):
        """An agent of one's own has the socket to itself."""
        with harness.Machine(audiences=sshagent.AUDIENCES, settings={"ssh": {"audience": "ssh"}},
                             user=GAMES) as m:
            self.assertEqual(os.stat(m.ssh).st_mode & 0o777, 0o600)
            kinds = as_user(GAMES, lambda: [b[4:15] for b in Agent(m.ssh).once(Agent.keys)])
            self.assertEqual(kinds, [b"ssh-ed25519", b"ssh-ed25519"])


class Proofs(Bed):
    def test_destination_is_shown(self):
        """Without a session somebody is asked, and told where it goes; meanwhile nobody waits."""
        m, s = self.open()
        p = Prompter(m, [None, PIN, PIN])
        self.bad(s.ssh(uid=DAEMON, agent=m.ssh), "agent refused operation")
        waiting = s.start(s.ssh_argv("id -un", agent=m.ssh), DAEMON)
        self.good(s.end(waiting), "daemon\n")
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")	# by the session that came of it
        env = {"SSH_AUTH_SOCK": m.ssh}
        m.request("DELETE", "/session", uid=DAEMON)
        self.good(s.run("/usr/bin/ssh-keygen", "-Y", "sign", "-f", m.public + "/ssh/1.pub", "-n", "file",
                        uid=DAEMON, env=env, stdin=b"x"))
        shown = p.shown()
        for data in shown[:2]:
            self.assertEqual(data["destination"], {"host_key": s.fingerprint, "user": "daemon",
                                                   "forwarded": False})
            self.assertEqual((data["audience"], data["requester"]["program"]), ("ssh", "ssh"))
        self.assertEqual(shown[2]["namespace"], "file")
        self.assertNotIn("destination", shown[2])

    def test_listings_while_somebody_is_asked(self):
        """50 listings do not wait for a PIN; a session from elsewhere ends the wait, and so does
        the end of who asked."""
        m, s = self.open()

        def ask():
            with Events(m.api, "all") as events, Agent(m.ssh) as a, contextlib.ExitStack() as all_:
                events.next("ready")
                request = (sshagent.string(a.keys()[1]) + sshagent.string(file_data(b"git")) +
                           struct.pack(">I", 0))
                a.send(sshagent.SIGN, request)
                prompt = events.next("pin-needed")[1]
                agents = [all_.enter_context(Agent(m.ssh)) for _ in range(50)]
                for b in agents:
                    b.send(sshagent.LIST)
                kinds = [b.answer()[0] for b in agents]
                with harness.Client(m.api) as c:
                    c.request("POST", "/token", form={"grant_type": harness.DEVICE_GRANT,
                                                      "audience": "ssh", "pin": PIN})
                    kind = a.answer()[0]
                    ended = events.next("prompt-ended")[1]
                    c.request("DELETE", "/session")
                a.send(sshagent.SIGN, request)
                again = events.next("pin-needed")[1]
                a.sock.shutdown(socket.SHUT_RDWR)
                gone = events.next("prompt-ended")[1]
                return kinds, kind, [(p["prompt"], e["prompt"]) for p, e in ((prompt, ended), (again, gone))]
        kinds, kind, prompts = as_user(DAEMON, ask)
        self.assertEqual(kinds, [sshagent.LISTED] * 50)
        self.assertEqual(kind, SIGNED)
        for prompt, ended in prompts:
            self.assertEqual(prompt, ended)

    def test_reuse_never(self):
        """Such a proof pays for its own signature, and no other.  A host with a certificate is
        shown by its key."""
        audiences = {**sshagent.AUDIENCES, "ssh": {**sshagent.AUDIENCES["ssh"], "reuse": "never"}}
        m, s = self.open(audiences=audiences)
        p = Prompter(m, [PIN, None])
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
        s.certify()
        self.bad(s.ssh(uid=DAEMON, agent=m.ssh), "agent refused operation")
        self.assertEqual([data["destination"]["host_key"] for data in p.shown()], [s.fingerprint] * 2)
        s.said("host key algorithm: ssh-ed25519-cert-v01@openssh.com")

    def test_touch(self):
        """A FIDO2 key: what it will be touched for is told; refused and given."""
        with fidobed.Bed(1, audiences=sshagent.AUDIENCES, settings={"ssh": {"audience": "ssh"}}) as (m, keys):
            s = self.enterContext(server(m))
            self.assertEqual(fidobed.enrol(m)[0].status, 201)

            def run(ready):
                with Events(m.api) as events:
                    events.next("ready")
                    os.write(ready, b"r")
                    return [events.next("touch-needed")[1], events.next("touch-done")[1],
                            events.next("ssh-refused")[1], events.next("touch-needed")[1],
                            events.next("ssh-signature")[1]]
            read, write = os.pipe()
            job = harness.Job(DAEMON, run, write)
            self.assertEqual(os.read(read, 1), b"r")
            keys[0].set("touch=deny")
            self.bad(s.ssh(uid=DAEMON, agent=m.ssh), "agent refused operation")
            keys[0].set("touch=auto")
            self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
            told = job.result()
            os.close(read)
            os.close(write)
        to = {"host_key": s.fingerprint, "user": "daemon", "forwarded": False}
        self.assertEqual([data.get("destination") for data in told], [to, None, to, to, to])
        self.assertEqual(told[4]["result"], "proof")

    def test_card_is_pulled(self):
        """A session whose card is gone signs nothing."""
        with Readers(1) as r:
            m = self.enterContext(r.machine(audiences=sshagent.AUDIENCES,
                                            settings={"ssh": {"audience": "ssh"}}))
            s = self.enterContext(server(m))
            card = r.card("one")
            until(lambda: m.request("GET", "/devices").json["devices"], 30, "a device")
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:id=%01", pin=PIN,
                      check=True)
            session(m)
            self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
            card.pull()
            until(lambda: s.ssh(uid=DAEMON, agent=m.ssh).status != 0, 30, "a refusal")
            self.assertIn("(ED25519-CERT)", s.run("/usr/bin/ssh-add", "-l", uid=DAEMON,
                                                  env={"SSH_AUTH_SOCK": m.ssh}).out)


class Servers(Bed):
    def test_principals_and_revocation(self):
        """Another's account, and a certificate that was taken back."""
        m, s = self.open()
        session(m)
        self.bad(s.ssh(uid=DAEMON, agent=m.ssh, user="games"), "Permission denied")
        s.said("name is not a listed principal")
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
        before = self.file(m, "1-cert.pub")
        old = s.write("old-cert.pub", before)
        m.tessera("revoke", "--user", "daemon", check=True)
        # nothing of the old ones signs, nor is listed
        self.bad(s.ssh(uid=DAEMON, agent=m.ssh), "agent refused operation")
        self.assertNotEqual(self.file(m, "1-cert.pub"), before)
        session(m)
        key = ("IdentitiesOnly=yes", "IdentityFile=%s/ssh/1.pub" % m.public)
        self.bad(s.ssh(uid=DAEMON, agent=m.ssh, options=(*key, "CertificateFile=" + old)),
                 "Permission denied")
        s.said("revoked")
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")

    def test_retired_too_early(self):
        """A key that servers trust no more: who was certified by it gets another certificate."""
        m, s = self.open()
        session(m)

        def change(what, *ids):
            m.tessera("ssh", "ca", what, *ids, check=True)
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
        first = m.tessera("ssh", "ca", "--json", check=True).json["keys"][0]["id"]
        change("prepare")
        change("rotate")
        change("retire", first)
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
        change("rotate", "--at-once")
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")

    def test_expired(self):
        """Whoever's clock is wrong: a server takes no certificate whose time is over."""
        m = self.enterContext(sshagent.machine(start=False, rehearse=True))
        m.clock.set_wall(time.time() - 7200)
        m.start()
        sshagent.enrol(m)
        s = self.enterContext(server(m))
        session(m)
        self.bad(s.ssh(uid=DAEMON, agent=m.ssh), "Permission denied")
        s.said("expired")
        before = self.file(m, "1-cert.pub")
        m.clock.advance(7201)
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")
        self.assertNotEqual(self.file(m, "1-cert.pub"), before)

    def test_renewed(self):
        """A certificate is another one before its time is over, without being asked for; also
        where its user may ask for the audience as a member of a group."""
        ssh = {"scopes": ["login"], "acr": "self", "groups": ["daemon"]}
        with harness.Machine(audiences={**sshagent.AUDIENCES, "ssh": ssh}, rehearse=True,
                             settings={"ssh": {"audience": "ssh"}}) as m:
            keys = as_user(DAEMON, lambda: Agent(m.ssh).once(Agent.keys))
            before = self.file(m, "1-cert.pub")
            m.clock.advance(230)		# 80 % of 5 minutes are not over
            self.assertEqual(as_user(DAEMON, lambda: Agent(m.ssh).once(Agent.keys)), keys)
            self.assertEqual(self.file(m, "1-cert.pub"), before)
            m.clock.advance(30)
            until(lambda: self.file(m, "1-cert.pub") != before, 30, "another certificate")
            self.assertEqual(as_user(DAEMON, lambda: Agent(m.ssh).once(Agent.keys))[1], keys[1])
            # nobody asks for an hour: there is no key any more
            m.clock.advance(3700)
            until(lambda: os.listdir(m.public + "/ssh") == [], 30, "the end of the key")

    def test_forwarded(self):
        """ssh -A: from the first host nothing is signed, unless policy lets it."""
        ssh = {"audience": "ssh", "extensions": ["permit-agent-forwarding"]}
        m, first = self.open(settings={"ssh": ssh})
        second = self.enterContext(server(m))
        session(m)
        inner = "ssh -F %s daemon@%s id -un" % (second.path("forwarded_config"), second.name)
        options = ("ForwardAgent=yes",)
        self.bad(first.ssh(inner, uid=DAEMON, agent=m.ssh, options=options), "agent refused operation")
        self.assertNotIn("Accepted publickey", second.log())
        m.settings["ssh"] = {**ssh, "forwarding": True}
        m.write_conf()
        m.process.signal(1)
        until(lambda: "configuration read again" in m.log(), 30, "the reload")
        session(m)
        self.bad(first.ssh(inner, uid=DAEMON, agent=m.ssh, options=options), "agent refused operation")
        p = Prompter(m, [PIN, PIN])	# each time, whatever session there is
        for _ in range(2):
            self.good(first.ssh(inner, uid=DAEMON, agent=m.ssh, options=options), "daemon\n")
        self.assertEqual([data["destination"] for data in p.shown()],
                         2 * [{"host_key": second.fingerprint, "user": "daemon", "forwarded": True}])
        # a file is never signed for another host
        sign = "ssh-keygen -Y sign -n git -f %s/ssh/1.pub </dev/null" % m.public
        self.bad(first.ssh(sign, uid=DAEMON, agent=m.ssh, options=options), "refused")
        self.good(first.run("/usr/bin/ssh-keygen", "-Y", "sign", "-n", "git", "-f",
                            m.public + "/ssh/1.pub", uid=DAEMON, env={"SSH_AUTH_SOCK": m.ssh}, stdin=b"x"))

    def test_restart(self):
        """A key ends with its agent; the next one has another, and its files."""
        m, s = self.open()
        session(m)
        key = self.file(m, "1.pub")
        blob = as_user(DAEMON, lambda: Agent(m.ssh).once(Agent.keys)[1])
        m.stop()
        self.assertEqual(os.listdir(m.public + "/ssh"), [])
        with open(m.public + "/ssh/1.pub", "w", encoding="ascii") as f:
            f.write(key)	# of an agent that was killed
        m.start()
        self.assertEqual(os.listdir(m.public + "/ssh"), [])
        kind = as_user(DAEMON, lambda: Agent(m.ssh).once(lambda a: a.sign(blob, file_data(b"git")))[0])
        self.assertEqual(kind, FAILURE)
        session(m)
        self.assertNotEqual(self.file(m, "1.pub"), key)
        self.good(s.ssh("id -un", uid=DAEMON, agent=m.ssh), "daemon\n")


class Refusals(Bed):
    def test_messages(self):
        """What is no message of ours, and what is not signed."""
        m, _ = self.open()
        session(m)

        def ask():
            found = {}
            with Agent(m.ssh) as a:
                cert, key = a.keys()
                found["unbound login"] = a.sign(key, login_data(key))[0]
                found["unbound, certificate"] = a.sign(cert, login_data(cert))[0]
                found["anything"] = a.sign(key, b"x" * 100)[0]
                found["nothing"] = a.sign(key, b"")[0]
                found["namespace"] = a.sign(key, file_data(b"mail"))[0]
                found["empty namespace"] = a.sign(key, file_data(b""))[0]
                found["bytes left over"] = a.ask(13, sshagent.string(key) + sshagent.string(
                    file_data(b"git")) + bytes(5))[0]
                found["cut"] = a.ask(13, sshagent.string(key))[0]
                for kind in (0, 1, 9, 12, 17, 18, 19, 20, 22, 23, 25, 26, 255):
                    found["type %d" % kind] = a.ask(kind)[0]
                found["another extension"] = a.ask(27, sshagent.string(b"restrict@example"))[0]
                found["list with more"] = a.ask(11, b"x")[0]
                found["long"] = a.ask(11, bytes(200000))[0]
                found["longest"] = a.ask(13, bytes(262143))[0]
                good = a.sign(key, file_data(b"git"))[0], a.ask(27, sshagent.string(b"query"))
                found["a bad binding"] = a.ask(27, sshagent.string(b"session-bind@openssh.com") +
                                               b"x")[0]
                found["after it"] = a.sign(key, file_data(b"git"))[0]
            for name, head in (("empty", bytes(4)), ("too long", struct.pack(">I", 262145))):
                with Agent(m.ssh) as a:
                    a.sock.sendall(head)
                    found[name] = FAILURE if a.answer() is None else "an answer"
            return found, good, key
        found, good, key = as_user(DAEMON, ask)
        self.assertEqual({k: v for k, v in found.items() if v != FAILURE}, {})
        self.assertEqual(good, (SIGNED, (29, b"".join(sshagent.string(n) for n in (
            b"query", b"query", b"session-bind@openssh.com")))))
        self.another_user(m, key)

    def another_user(self, m, key):
        """Nobody is shown another's key, or has it sign; refused uids are not let in."""
        def ask():
            with Agent(m.ssh) as a:
                return a.keys(), a.sign(key, file_data(b"git"))[0]
        mine, kind = as_user(BIN, ask)
        self.assertEqual(kind, FAILURE)
        self.assertEqual(len(mine), 2)
        self.assertNotIn(key, mine)

        def passed(sock):
            sock.sendall(sshagent.string(b"\x0b"))
            return sock.recv(1)
        with socket.socket(socket.AF_UNIX) as a:
            a.connect(m.ssh)	# root's: whoever else writes there ends it
            a.settimeout(60)
            self.assertEqual(as_user(BIN, passed, a), b"")

    def test_refused_without_end(self):
        """A listener that does not read, as while a PIN is typed, is not drowned."""
        m = self.enterContext(sshagent.machine())

        def ask():
            with Events(m.api, "all") as events, Agent(m.ssh) as a:
                events.next("ready")
                key = a.keys()[1]
                refused = {a.sign(key, file_data(b"mail"))[0] for _ in range(3000)}
                harness.one_request(m.api, "POST", "/token", form={
                    "grant_type": harness.DEVICE_GRANT, "audience": "ssh", "pin": PIN})
                said = []
                while "session-started" not in said:
                    said.append(events.next()[0])
                return refused, said.count("ssh-refused")
        refused, said = as_user(DAEMON, ask)
        self.assertEqual(refused, {FAILURE})
        self.assertTrue(30 <= said <= 120, said)	# in a minute, and this may take some

    def test_pieces_and_slow_clients(self):
        """Messages in pieces and many at once; who stops in the middle is let go."""
        m = self.enterContext(sshagent.machine(rehearse=True))

        def ask():
            with Agent(m.ssh) as a:
                for byte in sshagent.string(b"\x0b") * 2:
                    a.sock.sendall(bytes([byte]))
                a.sock.sendall(sshagent.string(b"\x0b") * 20 + sshagent.string(b"\x01") +
                               sshagent.string(b"\x0b" + bytes(70000)) + sshagent.string(b"\x0b"))
                return [a.answer()[0] for _ in range(25)]
        self.assertEqual(as_user(DAEMON, ask), [12] * 22 + [FAILURE] * 2 + [12])
        with Agent(m.ssh) as slow, Agent(m.ssh) as idle:
            slow.sock.sendall(b"\x00\x00\x00\x02\x0b")
            idle.keys()
            for _ in range(29):
                m.clock.advance(1)
            idle.keys()
            slow.sock.setblocking(False)
            self.assertRaises(BlockingIOError, slow.sock.recv, 1)
            slow.sock.settimeout(60)
            m.clock.advance(5)
            self.assertEqual(slow.sock.recv(1), b"")
            m.clock.advance(3600)
            idle.keys()

    def test_not_configured(self):
        """No section ssh: nobody has a key; nor has whoever is not one of its audience."""
        def listing():
            return Agent(m.ssh).once(lambda a: a.ask(11))
        with harness.Machine() as m:
            self.assertEqual(as_user(DAEMON, listing), (12, bytes(4)))
            m.stop()
            m.listeners.pop().close()	# an installation that does not hand the socket over
            m.start()
            self.assertRaises(ConnectionRefusedError, Agent, m.ssh)
            self.assertEqual(os.listdir(m.public + "/ssh"), [])
        audiences = {"ssh": {"scopes": ["login"], "acr": "self", "users": ["bin"]}}
        settings = {"ssh": {"audience": "ssh"},
                    "limits": {"requests-per-minute": 10, "connections-per-uid": 8}}
        with harness.Machine(audiences=audiences, settings=settings) as m:
            self.assertEqual(as_user(DAEMON, listing), (12, bytes(4)))
            self.assertEqual(len(as_user(BIN, lambda: Agent(m.ssh).once(Agent.keys))), 2)

            def many():
                with Agent(m.ssh) as a:
                    return [a.ask(11)[0] for _ in range(15)].count(FAILURE)
            self.assertEqual(as_user(BIN, many), 6)	# and nobody else's
            self.assertEqual(as_user(DAEMON, listing), (12, bytes(4)))
            self.assertEqual(as_user(BIN, self.fill, m), ([(FAILURE, b"")] * 4 + [None] * 4, 200))

    @staticmethod
    def fill(m):
        """What a host does that the agent is forwarded to: the user has connections left."""
        with contextlib.ExitStack() as kept:
            asked = [Fill(m.ssh, kept).asked for _ in range(8)]
            return asked, harness.one_request(m.api, "GET", "/healthz").status


if __name__ == "__main__":
    harness.main()

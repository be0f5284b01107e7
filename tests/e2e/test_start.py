# SPDX-License-Identifier: ISC
"""tesserad as a service: start, readiness, reload, refusals to start, stop."""
import os
import re
import select
import shutil
import signal
import socket
import stat
import statistics
import subprocess
import time
import unittest

import harness
from harness import BIN, DAEMON, Client, Events, Failed, Machine, as_user, until

READY_S = 0.2			# from exec to the first answer
PRIVATE_DIRTY_KIB = 4 * 1024	# idle
RSS_KIB = 14 * 1024


def connects(path):
    """Somebody listens there (not: answers)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        try:
            s.connect(path)
            return True
        except OSError:
            return False


class Base(unittest.TestCase):
    def ends(self, m, process, status=1, says=()):
        """The process ends by itself with status, and its log has the words."""
        got = process.wait(harness.STOP_S)
        if got is None:
            process.kill()
        self.assertEqual(got, status, m.log())
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, m.log())


class Start(Base):
    def test_answers_and_stops(self):
        for listen in "handed", "own":
            for helper in "fork", "activate":
                with self.subTest(listen=listen, helper=helper):
                    with Machine(listen=listen, helper=helper) as m:
                        answer = m.request("GET", "/healthz", uid=DAEMON)
                        self.assertEqual(answer.status, 200)
                        self.assertEqual(answer.json["status"], "ok")

    def test_user_mode(self):
        with Machine(user=DAEMON) as m:
            metadata = m.request("GET", "/.well-known/oauth-authorization-server", uid=DAEMON)
            self.assertEqual(metadata.json["issuer"], m.issuer + "/user/1")
            for path in m.run, m.public, m.state:
                self.assertEqual(os.stat(path).st_uid, DAEMON, path)
            self.assertEqual(stat.S_IMODE(os.stat(m.run).st_mode), 0o700)
            with self.assertRaises(PermissionError):
                m.request("GET", "/healthz", uid=BIN)

    def test_modes_of_what_it_binds(self):
        with Machine(listen="own") as m:
            admins = harness.grp.getgrnam(harness.ADMINS).gr_gid
            self.assertEqual(stat.S_IMODE(os.stat(m.api).st_mode), 0o666)
            self.assertEqual(stat.S_IMODE(os.stat(m.admin).st_mode), 0o660)
            self.assertEqual(os.stat(m.admin).st_gid, admins)
            with self.assertRaises(PermissionError):
                m.request("GET", "/admin/credentials", uid=DAEMON, admin=True)

    def test_files_it_leaves(self):
        with Machine() as m:
            jwks = os.stat(m.public + "/jwks.json")
            self.assertEqual(stat.S_IMODE(jwks.st_mode), 0o644)
            for name in os.listdir(m.state):
                mode = stat.S_IMODE(os.stat(os.path.join(m.state, name)).st_mode)
                self.assertEqual(mode & 0o077, 0, "%s has mode %04o" % (name, mode))

    def test_ready_within_200_ms(self):
        times = []
        with Machine() as m:
            for _ in range(7):
                times.append(m.ready_s)
                m.stop()
                m.start()
            first = times.pop(0)	# makes the store and the keys
        print("ready after %.0f ms (median of %d starts; the first one, with a new store, %.0f ms)"
              % (statistics.median(times) * 1e3, len(times), first * 1e3))
        if harness.sanitized():
            self.skipTest("a sanitizer's times mean nothing")
        self.assertLessEqual(statistics.median(times), READY_S)
        self.assertLessEqual(first, READY_S)

    def test_idle_memory(self):
        if harness.sanitized():
            self.skipTest("a sanitizer's memory means nothing")
        with Machine() as m:
            m.make_token("card", "123456")
            m.request("GET", "/devices")	# a helper has been there
            said = harness.memory(m.process.pid)
            private = said["Private_Dirty"]
            print("idle: private dirty %d KiB, RSS %d KiB" % (private, said["Rss"]))
            self.assertLessEqual(private, PRIVATE_DIRTY_KIB)
            self.assertLessEqual(said["Rss"], RSS_KIB)

    def test_not_dumpable(self):
        """Its own uid cannot look into it."""
        with Machine() as m:
            uid = os.stat("/proc/%d" % os.getpid()).st_uid
            self.assertEqual(uid, 0)
            for pid in harness.processes_of(m.bin):
                def peek(pid=pid):
                    with open("/proc/%d/mem" % pid, "rb"):
                        pass
                with self.assertRaises(PermissionError):
                    as_user(harness.pwd.getpwnam(harness.AGENT).pw_uid, peek)


class Notify(Base):
    def test_ready_watchdog_stopping(self):
        with Machine(notify=True, env={"WATCHDOG_USEC": "100000"}) as m:
            m.notify.wait("READY=1")
            m.notify.wait("WATCHDOG=1", count=3)
            self.assertNotIn("STOPPING=1", m.notify.poll())
            m.stop()
            m.notify.wait("STOPPING=1")

    def test_ready_is_true(self):
        """READY=1 is not said before a request would be answered."""
        with Machine(notify=True, start=False) as m:
            m.listeners = [harness.listening(m.api, 0o666),
                           harness.listening(m.admin, 0o660, harness.ADMINS)]
            m.process = m.spawn()
            m.notify.wait("READY=1")
            with Client(m.api, 5) as c:
                self.assertEqual(c.request("GET", "/healthz").status, 200)


class Stop(Base):
    def test_handed_sockets_stay(self):
        with Machine(listen="handed") as m:
            m.stop()
            for path in m.api, m.admin:
                self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
                self.assertTrue(connects(path))
            m.start()			# the waiting connections are served by the next one
            self.assertEqual(m.request("GET", "/healthz").status, 200)

    def test_own_sockets_go(self):
        with Machine(listen="own") as m:
            m.stop()
            self.assertEqual(os.listdir(m.run), [])

    def test_stale_sockets_are_replaced(self):
        with Machine(listen="own") as m:
            m.kill()
            self.assertTrue(os.path.exists(m.api))
            self.assertFalse(connects(m.api))
            m.check_gone()		# its children have followed
            m.start()
            self.assertEqual(m.request("GET", "/healthz").status, 200)

    def test_with_clients(self):
        """Idle connections, event streams and half a request do not keep it."""
        with Machine() as m, Client(m.api) as idle, Client(m.api) as half, Events(m.api) as e:
            idle.request("GET", "/healthz")
            half.send(b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Le")
            e.next("ready")
            begun = time.monotonic()
            m.stop()
            print("stopped after %.0f ms with clients" % ((time.monotonic() - begun) * 1e3))
            self.assertIsNone(idle.answer())
            with self.assertRaises(Failed):
                e.next()

    def test_with_a_parked_request(self):
        """A proof under way, its helper at work: nothing is left behind."""
        with Machine() as m:
            m.make_token("card", "123456")
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                      "pkcs11:token=card;id=%01", pin="123456", check=True)

            asked, tell = os.pipe()

            def ask(api):
                """A request that waits for a PIN."""
                with Events(api, "self") as e, Client(api) as c:
                    c.send(harness.request_bytes(
                        "POST", "/token", {"grant_type": harness.DEVICE_GRANT,
                                           "audience": "vpn"}))
                    e.next("pin-needed")
                    os.write(tell, b"!")
                    try:
                        return repr(c.answer())
                    except (Failed, ConnectionResetError) as gone:
                        return repr(gone)

            job = harness.Job(DAEMON, ask, m.api)
            os.close(tell)
            self.assertEqual(os.read(asked, 1), b"!")
            os.close(asked)
            m.stop()
            self.assertNotIn("access_token", job.result())

    def test_sigint(self):
        with Machine() as m:
            m.signal(signal.SIGINT)
            self.assertEqual(m.expect_exit(), 0)


class Reload(Base):
    def token(self, m, audience):
        return m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.SESSION_GRANT, "audience": audience})

    def test_audience_appears_and_goes(self):
        with Machine(notify=True) as m:
            m.notify.wait("READY=1")
            self.assertEqual(self.token(m, "demo").error, "login_required")
            before = self.token(m, "late")
            self.assertNotEqual(before.error, "login_required", before)
            m.audiences = {"late": m.audiences["demo"]}
            m.write_conf()
            m.signal(signal.SIGHUP)
            m.notify.wait("READY=1", count=2)
            self.assertEqual(self.token(m, "late").error, "login_required")
            gone = self.token(m, "demo")
            self.assertEqual((gone.status, gone.error), (before.status, before.error))
            self.assertEqual(m.request("GET", "/healthz").status, 200)

    def test_broken_file_changes_nothing(self):
        with Machine(notify=True) as m:
            m.notify.wait("READY=1")
            good = m.conf_text()
            for number, (text, says) in enumerate([
                    (good.replace('audience "demo"', 'adience "demo"'), "adience"),
                    (good + "\nissuer = \"https://other.example\"\n", "issuer"),
                    ("", "issuer"),
                    (good + "audience \"x\" {\n", m.conf)]):
                with self.subTest(says=says):
                    m.write_conf(text)
                    m.signal(signal.SIGHUP)
                    m.notify.wait("READY=1", count=number + 2)
                    self.assertEqual(self.token(m, "demo").error, "login_required")
                    until(lambda: m.log().count("stays as it was") == number + 1,
                          what="a complaint in the log")
                    line = m.log().strip().splitlines()[-1]
                    self.assertIn(m.conf, line)
                    self.assertIn(says, line)
            m.write_conf(good)
            m.signal(signal.SIGHUP)
            m.notify.wait("READY=1", count=number + 3)
            self.assertIn("configuration read again", m.log())

    def test_what_only_a_start_changes_is_told(self):
        rows = [
            ("issuer", "https://other.example"), ("store", "sqlite:%s/other.db"),
            ("store-key", "%s/other.key"), ("anchor", "%s/anchor"), ("state-dir", "%s"),
            ("socket-dir", "%s"), ("public-dir", "%s"), ("libexec-dir", "%s"),
            ("helper-socket", "%s/helper.sock"), ("helper-socket", "%s/helper2.sock"),
            ("helper-user", "daemon"), ("admin-group", "mail"),
        ]
        with Machine(notify=True, start=False) as m:
            m.settings["helper-socket"] = m.folder + "/helper0.sock"
            m.write_conf()
            m.start()
            m.notify.wait("READY=1")
            count, told = 1, 0

            def reload():
                m.write_conf()
                m.signal(signal.SIGHUP)
                m.notify.wait("READY=1", count=count)
                until(lambda: m.log().count("configuration read again") == count - 1,
                      what="the reload")
            plain = dict(m.settings)
            for key, value in rows:
                with self.subTest(key):
                    m.settings = {**plain, key: value % m.folder if "%s" in value else value}
                    count += 1
                    reload()
                    told += 1
                    self.assertEqual(m.log().count("at the next start"), told)
                    m.settings = dict(plain)
                    count += 1
                    reload()
                    told += 1	# and back
                    self.assertEqual(m.log().count("at the next start"), told)
            m.settings["realm"] = "other"
            count += 1
            reload()
            self.assertEqual(m.log().count("at the next start"), told)

    def test_lost_file_changes_nothing(self):
        with Machine(notify=True) as m:
            m.notify.wait("READY=1")
            os.unlink(m.conf)
            m.signal(signal.SIGHUP)
            m.notify.wait("READY=1", count=2)
            self.assertEqual(self.token(m, "demo").error, "login_required")
            self.assertIn(m.conf, m.log())

    def test_requests_go_on(self):
        """Nobody sees an error while the configuration is read again and again."""
        with Machine() as m, Client(m.api) as c:
            for _ in range(50):
                m.signal(signal.SIGHUP)
                self.assertEqual(c.request("GET", "/healthz").status, 200)


class CheckConfig(Base):
    def check(self, m, user="root"):
        return subprocess.run(m.argv("--check-config"), env=m.environment(), user=user,
                              extra_groups=[], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True, check=False, timeout=60)

    def test_good(self):
        with Machine(start=False) as m:
            for user in "root", harness.AGENT:
                done = self.check(m, user)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn(m.conf, done.stdout)

    def test_the_command_warns_of_the_same(self):
        """A warning each, the same from the agent and from the command."""
        with Machine(start=False) as m:
            m.audiences = {"x": {"scopes": ["a"], "users": ["nobody-by-this-name"],
                                 "groups": ["no-group-by-this-name"], "verifiers": {"users": ["ghost"]}}}
            m.write_conf()
            done = self.check(m)
            words = [line.partition(": ")[2] for line in done.stderr.splitlines()]
            self.assertEqual((done.returncode, len(words)), (0, 3), done)
            ran = m.tessera("config", "check", m.conf)
            self.assertEqual(ran.status, 0, ran)
            self.assertEqual([line.partition("warning: ")[2] for line in ran.err.splitlines()], words)
            ran = m.tessera("config", "check", "--json", m.conf)
            self.assertEqual((ran.json["valid"], ran.json["warnings"], ran.err), (True, words, ""))
            self.assertIn('no user "ghost"', words[2])

    def test_the_example(self):
        """What is installed as /etc/tessera/tessera.conf is good as it is."""
        example = os.path.join(os.environ["TESSERA_BIN"], "../systemd/tessera.conf.example")
        with Machine(start=False) as m:
            with open(example, encoding="utf-8") as f:
                m.write_conf(f.read())
            self.assertEqual(self.check(m).returncode, 0, self.check(m).stderr)

    def test_bad(self):
        """File, line, and what to do."""
        rows = [
            ("unknown key", "colour = \"red\"\n", "colour"),
            ("unknown section", "audiences \"x\" { }\n", "audiences"),
            ("wrong type", "limits { connections = \"many\" }\n", "many"),
            ("out of range", "limits { pending-per-uid = 0 }\n", "pending-per-uid"),
            ("no scopes", "audience \"x\" { any-user = true }\n", "scopes"),
            ("unclosed section", "audience \"x\" {\n scopes = {\"a\"}\n", ""),
            ("module path relative", "pkcs11-module \"x\" { path = \"x.so\" }\n", "x.so"),
        ]
        with Machine(start=False) as m:
            good = m.conf_text()
            for name, text, says in rows:
                with self.subTest(name):
                    m.write_conf(good + text)
                    done = self.check(m)
                    self.assertEqual(done.returncode, 1, done)
                    self.assertRegex(done.stderr, re.escape(m.conf) + r":\d+")
                    self.assertIn(says, done.stderr)

    def test_names_that_nobody_has(self):
        """A warning each, and good all the same: they may be made later."""
        with Machine(start=False) as m:
            m.write_conf(m.conf_text() + """
                audience "x" { scopes = {"a"} users = {"nobody-here", "12345", "root"}
                    groups = {"no-group-here", "54321"} verifiers { users = {"nobody-there"} } }
                login-helper "gdm" { user = "no-greeter" unit = "gdm.service" }
                """)
            done = self.check(m)
            self.assertEqual(done.returncode, 0, done)
            for name in "nobody-here", "no-group-here", "nobody-there", "no-greeter":
                self.assertIn('"%s"' % name, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 4, done.stderr)

    def test_missing_file(self):
        with Machine(start=False) as m:
            os.unlink(m.conf)
            done = self.check(m)
            self.assertEqual(done.returncode, 1)
            self.assertIn(m.conf, done.stderr)

    def test_usage(self):
        with Machine(start=False) as m:
            for argv, status in ((["--nonsense"], 2), (["word"], 2), (["--rehearse", "x"], 2),
                                 (["--version"], 0), (["-V"], 0), (["--help"], 0), (["-h"], 0)):
                with self.subTest(argv):
                    done = subprocess.run([m.bin + "/tesserad", *argv], capture_output=True,
                                          stdin=subprocess.DEVNULL, text=True, check=False,
                                          timeout=60)
                    self.assertEqual(done.returncode, status, done)
                    said = done.stdout if status == 0 else done.stderr
                    self.assertIn("tesserad", said)


class Refusals(Base):
    """What tesserad does not start with: an error that names it, exit status 1."""

    def refused(self, m, *says):
        m.listeners = m.listeners or [harness.listening(m.api, 0o666)]
        self.ends(m, m.spawn(), 1, says)

    def each_conf(self):
        def owner(m):
            os.chown(m.conf, DAEMON, -1)

        def group_writable(m):
            os.chmod(m.conf, 0o664)

        def world_writable(m):
            os.chmod(m.conf, 0o646)

        def folder_owner(m):
            os.chown(m.folder, DAEMON, -1)

        def folder_writable(m):
            os.chmod(m.folder, 0o777)

        def link(m):
            os.rename(m.conf, m.conf + ".real")
            os.symlink(m.conf + ".real", m.conf)

        def fifo(m):
            os.unlink(m.conf)
            os.mkfifo(m.conf, 0o644)

        def folder(m):
            os.unlink(m.conf)
            os.mkdir(m.conf)

        def conf_d(m):
            os.mkdir(m.folder + "/conf.d")
            with open(m.folder + "/conf.d/more.conf", "w", encoding="utf-8") as f:
                f.write("realm = \"other\"\n")
            os.chown(m.folder + "/conf.d/more.conf", DAEMON, -1)

        def conf_d_writable(m):
            os.mkdir(m.folder + "/conf.d")
            os.chmod(m.folder + "/conf.d", 0o777)

        return [owner, group_writable, world_writable, folder_owner, folder_writable, link,
                fifo, folder, conf_d, conf_d_writable]

    def test_configuration_others_may_change(self):
        for spoil in self.each_conf():
            with self.subTest(spoil.__name__), Machine(start=False) as m:
                spoil(m)
                self.refused(m, m.folder)

    def test_module_others_may_change(self):
        with Machine(start=False) as m:
            path = m.folder + "/module.so"
            shutil.copyfile(harness.softhsm.MODULE, path)
            os.chown(path, DAEMON, -1)
            m.modules = {"softhsm": m.softhsm(path=path)}
            m.write_conf()
            self.refused(m, path)

    def test_root(self):
        with Machine(start=False) as m:
            m.agent_user = "root"
            self.refused(m, "root")

    def test_unknown_helper_user(self):
        """Whom the sockets refuse must be known: no agent with an open door."""
        with Machine(start=False) as m:
            m.settings["helper-user"] = "tessera-nobody"
            m.write_conf()
            self.refused(m, m.conf, "helper-user", "tessera-nobody")

    def test_state_of_another(self):
        with Machine(start=False) as m:
            os.chown(m.state, DAEMON, -1)
            self.refused(m, m.state)

    def test_store_key_others_may_read(self):
        with Machine() as m:
            m.stop()
            os.chmod(m.state + "/store.key", 0o644)
            self.refused(m, m.state + "/store.key")

    def test_other_store_key(self):
        """A store key that is not the store's: not one token."""
        with Machine() as m:
            m.stop()
            with open(m.state + "/store.key", "r+b") as f:
                first = f.read(1)
                f.seek(0)
                f.write(bytes([first[0] ^ 1]))
            self.refused(m, m.state)

    def test_second_on_the_same_folder(self):
        with Machine(listen="own") as m:
            self.ends(m, m.spawn(), 1, [m.folder])
            self.assertEqual(m.request("GET", "/healthz").status, 200)

    def test_second_on_the_same_store(self):
        with Machine(listen="handed") as m:
            other = harness.listening(m.folder + "/other.sock", 0o666)
            self.ends(m, m.spawn(listeners=[other]), 1, [m.state])
            other.close()
            self.assertEqual(m.request("GET", "/healthz").status, 200)

    def test_something_else_in_the_sockets_place(self):
        with Machine(listen="own", start=False) as m:
            with open(m.api, "w", encoding="ascii") as f:
                f.write("mine")
            self.ends(m, m.spawn(), 1, [m.api])
            with open(m.api, encoding="ascii") as f:
                self.assertEqual(f.read(), "mine")

    def test_socket_folder_of_another(self):
        with Machine(listen="own", start=False) as m:
            os.chown(m.run, DAEMON, -1)
            self.ends(m, m.spawn(), 1, [m.run])

    def test_foreign_socket_handed_over(self):
        with Machine(start=False) as m, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            self.ends(m, m.spawn(listeners=[s]), 1, ["api"])


class Rehearsal(Base):
    def test_issuer(self):
        with Machine(rehearse=True, start=False) as m:
            m.issuer = harness.ISSUER
            m.write_conf()
            self.ends(m, m.spawn(listeners=[]), 1, ["/rehearsal"])

    def test_system_folders(self):
        for key, value in (("state-dir", "/var/lib/tessera"), ("socket-dir", "/run/tessera"),
                           ("public-dir", "/run/tesserad"),
                           ("store", "sqlite:/var/lib/tessera/tessera.db")):
            with self.subTest(key), Machine(rehearse=True, start=False) as m:
                m.settings[key] = value
                m.write_conf()
                self.ends(m, m.spawn(listeners=[]), 1, ["rehearsal"])

    def test_not_a_page(self):
        with Machine(rehearse=True, start=False) as m:
            m.clock.page[0] = 0x77
            self.ends(m, m.spawn(listeners=[]), 1, ["clock page"])

    def test_without_a_descriptor(self):
        with Machine(start=False) as m:
            self.ends(m, m.spawn("--rehearse", "77"), 1, ["77"])


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: ISC
"""The production programs on a machine of their own, for end-to-end tests.

A test file is a unittest module named test_NOUN.py and registered by
tessera_e2e(NOUN) in CMakeLists.txt.  It runs as root, because it needs the
system users of the agent and several client users; everything that it makes
lies in a folder of its own below /var/lib/tessera-test.

    import unittest
    import harness

    class Token(unittest.TestCase):
        def test_own_token(self):
            with harness.Machine() as m:
                m.make_token("card", "123456", ["p256"])
                m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                          "pkcs11:token=card;id=%01", pin="123456", check=True)
                answer = m.request("POST", "/token", uid=harness.DAEMON, form={
                    "grant_type": harness.DEVICE_GRANT, "audience": "demo",
                    "pin": "123456"})
                self.assertEqual(answer.status, 200)
                answer.json["access_token"]

    if __name__ == "__main__":
        harness.main()

What there is

    Machine(...)        one agent with its folders; see its docstring
    m.request(...)      one HTTP request as any uid -> Answer
    m.answering(...)    the same, with a prompter that gives a PIN beside it
    m.tessera(...)      the command line as any uid -> Ran
    m.clock             in a rehearsal: advance(seconds), set_wall(seconds)
    m.signal, m.stop, m.start, m.write_conf, m.log
    Client(path)        a connection: request(...), send(bytes), answer(), closed()
    Events(path)        GET /events: next(name) -> (name, data)
    as_user(uid, fn)    fn() in a forked child with that uid; its result or exception
    until(condition)    polls; nothing sleeps for a fixed time

They come from process.py, wire.py, clock.py and others; harness has them all.

The credentials of a connection are those of the process that called connect()
and of the one that writes: whatever shall come from another uid must run as a
whole inside as_user().
"""
import ctypes
import grp
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
import unittest

import softhsm
from clock import Clock
from conf import conf_section, conf_value
from folder import new_folder, remove_folder, sweep, tree
from notify import Notify
from process import (Failed, Job, Process, as_user, become, more_files, processes_of,
                     until)
from wire import Answer, Client, Events, answered_request, one_request, request_bytes

AGENT, HELPER, ADMINS = "tessera", "tessera-dev", "tessera-admin"
DAEMON, BIN, GAMES = 1, 2, 5		# client uids: those of base-passwd
DEVICE_GRANT = "urn:tessera:grant:device"
SESSION_GRANT = "urn:tessera:grant:session"
ISSUER = "https://test.example/tessera"
START_S = 20.0				# an agent that does not answer by then has failed
STOP_S = 20.0

AUDIENCES = {
    "demo": {"scopes": ["read", "write"], "acr": "self", "reuse": "session",
             "inline-pin": True, "refresh": True, "any-user": True,
             "verifiers": {"any-user": True}},
    "vpn": {"scopes": ["connect"], "acr": "self", "any-user": True,
            "verifiers": {"users": ["bin"]}},
    "strict": {"scopes": ["all"], "acr": "hardware-pin", "any-user": True},
    "fresh": {"scopes": ["all"], "acr": "self", "reuse": "never", "any-user": True},
    "tessera-admin": {"scopes": ["admin"], "acr": "hardware", "lifetime": "5m",
                      "max-age": "5m", "any-user": True},
}


def listening(path, mode, group=None):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    if group is not None:
        os.chown(path, 0, grp.getgrnam(group).gr_gid)
    os.chmod(path, mode)
    s.listen(4096)
    return s


class Machine:
    """One agent with its folders, helpers and sockets.

    audiences   {name: {key: value}}, default AUDIENCES; a dict as a value is a
                section (verifiers)
    settings    further keys of the configuration; a dict is a section:
                {"limits": {"pending-per-uid": 2}}
    modules     {name: {key: value}}, default "softhsm" over m.tokens
    helper      "fork": the agent starts the helpers; "activate": they are
                socket-activated under their own user
    listen      "handed": root makes the sockets, as a socket unit does;
                "own": the agent binds them
    rehearse    the agent reads m.clock
    user        a uid: tesserad --user, run by that user
    notify      collect sd_notify messages in m.notified
    env         further environment of the agent
    start       0: made, not started; see m.start()

    Leaving the with block stops the agent and checks that it ended cleanly
    and left no process behind (not after an exception, nor after
    m.expect_exit()).  Where anything failed, its log is printed.
    """

    def __init__(self, audiences=None, settings=None, modules=None, helper="fork",
                 listen="handed", rehearse=False, user=None, notify=False, env=None,
                 start=True):
        if os.geteuid() != 0:
            raise Failed("end-to-end tests need several users: run them as root")
        self.bin_source = os.environ.get("TESSERA_BIN")
        if not self.bin_source:
            raise Failed("TESSERA_BIN is not set: run the tests by ctest, or set it to BUILD/bin")
        self.helper, self.listen, self.user = helper, listen, user
        self.audiences = AUDIENCES if audiences is None else audiences
        self.settings, self.modules = dict(settings or {}), modules
        self.env = dict(env or {})
        self.process = self.clock = self.notify = None
        self.activators = []
        self.sockets, self.listeners, self.over = [], [], False
        self.folder, self.lock = new_folder()
        try:
            self.lay_out(rehearse, notify)
            if start:
                self.start()
        except BaseException:
            self.abandon()
            raise

    def lay_out(self, rehearse, notify):
        f = self.folder
        self.agent_user = AGENT if self.user is None else pwd.getpwuid(self.user).pw_name
        self.bin = f + "/bin"
        self.conf, self.stderr_path = f + "/tessera.conf", f + "/stderr"
        self.state, self.public, self.run = f + "/state", f + "/public", f + "/run"
        self.tokens, self.softhsm_conf = f + "/tokens", f + "/tokens/softhsm2.conf"
        self.helper_socket = f + "/helper/pkcs11.sock"
        self.watch_socket = f + "/helper/watch.sock"
        tree(self.bin_source, self.bin)
        agent = self.agent_user
        if self.user is not None:
            self.home = self.folder_for(f + "/home", agent, 0o700)
            self.state, self.run = self.home + "/state/tessera", self.home + "/run/tessera"
            self.public = self.home + "/run/tesserad"
            self.folder_for(self.home + "/run", agent, 0o700)
            self.folder_for(self.home + "/state", agent, 0o700)
            self.listen = "own"
        else:
            self.folder_for(self.state, agent, 0o700)
            self.folder_for(self.public, agent, 0o755)
            self.folder_for(self.run, "root" if self.listen == "handed" else agent, 0o755)
        self.token_user = HELPER if self.helper == "activate" else agent
        self.folder_for(self.tokens, self.token_user, 0o700)
        if self.helper == "activate":
            self.folder_for(f + "/helper", "root", 0o755)
        self.api, self.admin = self.run + "/tessera.sock", self.run + "/admin.sock"
        self.ssh = self.run + "/ssh.sock"
        if self.modules is None:
            self.modules = {"softhsm": self.softhsm()}
        if rehearse:
            self.clock = Clock()
        self.issuer = ISSUER + ("/rehearsal" if rehearse else "")
        if notify:
            self.notify = Notify(f + "/notify", pwd.getpwnam(agent).pw_uid)
            self.env["NOTIFY_SOCKET"] = self.notify.path
        self.write_conf()
        open(self.stderr_path, "wb").close()

    @staticmethod
    def folder_for(path, user, mode):
        os.mkdir(path)
        os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        os.chmod(path, mode)
        return path

    def softhsm(self, **more):
        """The section of a SoftHSM2 module over m.tokens."""
        section = {"path": softhsm.MODULE, "pin-tries": "unlimited",
                   "environment": ["SOFTHSM2_CONF=" + self.softhsm_conf],
                   "read-paths": [self.tokens], "write-paths": [self.tokens]}
        section.update(more)
        return section

    def conf_text(self):
        root = {"issuer": self.issuer, "libexec-dir": self.bin}
        if self.user is None:
            root.update({"state-dir": self.state, "socket-dir": self.run,
                         "public-dir": self.public})
        if self.helper == "activate":
            root["helper-socket"] = self.helper_socket
        # who asks for no readers gets no watcher: one process less, and no events
        root["pcsc"] = {"watch": False}
        root["fido"] = {"watch": False}
        if self.helper == "activate" and self.watched():
            root["watch-socket"] = self.watch_socket
        root.update(self.settings)
        lines = []
        for key, value in root.items():
            if isinstance(value, dict):
                lines += conf_section(key, value)
            elif value is not None:
                lines.append("%s = %s" % (key, conf_value(value)))
        for name, keys in self.modules.items():
            lines += conf_section('pkcs11-module "%s"' % name, keys)
        for name, keys in self.audiences.items():
            lines += conf_section('audience "%s"' % name, keys)
        return "\n".join(lines) + "\n"

    def watched(self):
        return self.settings.get("pcsc", {}).get("watch", False)

    def write_conf(self, text=None):
        """Write the configuration anew (from m.audiences and so on), atomically."""
        with open(self.conf + ".new", "w", encoding="utf-8") as f:
            f.write(self.conf_text() if text is None else text)
        os.chmod(self.conf + ".new", 0o644)
        os.rename(self.conf + ".new", self.conf)

    def make_token(self, label, pin, kinds=("p256",)):
        """A SoftHSM2 token for the helper: see softhsm.py."""
        conf = softhsm.make_token(self.tokens, label, pin, kinds)
        self.give_tokens()
        return conf

    def give_tokens(self):
        """After changes to m.tokens as root: give all of it to the helper's user."""
        entry = pwd.getpwnam(self.token_user)
        for where, folders, files in os.walk(self.tokens):
            for name in [where] + [os.path.join(where, n) for n in folders + files]:
                os.chown(name, entry.pw_uid, entry.pw_gid)

    # --- start and stop

    def argv(self, *more):
        argv = [self.bin + "/tesserad", "--config", self.conf]
        if self.user is not None:
            argv.append("--user")
        return argv + list(more)

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")}
        if self.user is not None:
            env.update(HOME=self.home, XDG_RUNTIME_DIR=self.home + "/run",
                       XDG_STATE_HOME=self.home + "/state")
        env.update(self.env)
        return env

    def spawn(self, *more, listeners=None):
        """Start tesserad, not waiting for anything; the Process."""
        fds = [s.fileno() for s in (self.listeners if listeners is None else listeners)]
        names = ["api", "admin", "ssh"][:len(fds)] if fds else None
        if self.clock is not None:
            more += ("--rehearse", str(3 + len(fds)))
            fds.append(self.clock.fd)
        err = os.open(self.stderr_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            # who binds admin.sock gives it to a group that must be his own
            own = self.user is None and self.listen == "own"
            return Process(self.argv(*more), self.agent_user, self.environment(), err,
                           fds, names, [ADMINS] if own else [])
        finally:
            os.close(err)

    def start(self):
        """Start and wait until it answers.  m.ready_s is the time from exec to there."""
        if self.listen == "handed" and not self.listeners:
            self.listeners = [listening(self.api, 0o666),
                              listening(self.admin, 0o660, ADMINS),
                              listening(self.ssh, 0o666)]
        if self.helper == "activate" and not self.activators:
            self.start_activator(self.helper_socket)
            if self.watched():
                self.start_activator(self.watch_socket, "--watch")
        self.process = self.spawn()
        self.wait_ready()

    def wait_ready(self, process=None):
        process = process or self.process
        end = process.started + START_S
        while True:
            if process.wait(0) is not None:
                raise Failed("tesserad ended with status %d" % process.status)
            try:
                with Client(self.api, 0.25) as c:
                    answer = c.request("GET", "/healthz")
                if answer is not None and "checks" in answer.json:
                    self.ready_s = time.monotonic() - process.started
                    return
            except (OSError, Failed):
                pass
            if time.monotonic() > end:
                raise Failed("tesserad does not answer within %g s" % START_S)
            time.sleep(0.001)

    def start_activator(self, path, *more):
        """What tessera-pkcs11.socket and tessera-pkcs11@.service do (and those of
        the watcher): root listens, each connection gets a process of the helper's
        user."""
        err = os.open(self.stderr_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        argv = ["/usr/bin/systemd-socket-activate", "--accept", "-l", path]
        argv += ["-E%s" % k for k in self.environment() if k.endswith("SAN_OPTIONS")]
        argv += ["/usr/bin/setpriv", "--reuid=" + HELPER, "--regid=" + HELPER, "--clear-groups",
                 self.bin + "/tessera-pkcs11", "--config", self.conf, *more]
        self.activators.append(Process(argv, "root", self.environment(), err))
        os.close(err)
        until(lambda: os.path.exists(path), what="the helper's socket")
        os.chmod(path, 0o666)

    def signal(self, number):
        self.process.signal(number)

    def stop(self):
        """SIGTERM, exit status 0, and no process of ours left."""
        process, self.process = self.process, None
        if process is None:
            return
        process.signal(signal.SIGTERM)
        status = process.wait(STOP_S)
        if status is None:
            process.kill()
            raise Failed("tesserad did not stop within %g s of SIGTERM" % STOP_S)
        if status != 0:
            raise Failed("tesserad ended with status %d" % status)
        self.check_gone()

    def check_gone(self):
        """No process of this machine is left."""
        until(lambda: not processes_of(self.bin), 10,
              "no process left behind (%r)" % processes_of(self.bin))

    def expect_exit(self, timeout=STOP_S):
        """The agent ends by itself: its status."""
        process, self.process = self.process, None
        status = process.wait(timeout)
        if status is None:
            process.kill()
            raise Failed("tesserad did not end within %g s" % timeout)
        return status

    def kill(self):
        """kill -9: as if the power had gone for the agent alone."""
        process, self.process = self.process, None
        process.kill()

    def close(self):
        """The end of the with block."""
        try:
            self.stop()
            self.stop_activator()
            self.check_gone()
        except BaseException:
            self.abandon()
            raise
        self.release()

    def stop_activator(self):
        for activator in self.activators:
            activator.signal(signal.SIGTERM)
            activator.wait(STOP_S)
        self.activators = []

    def abandon(self):
        """Say why and clear up, whatever state all is in."""
        if self.over:
            return
        sys.stderr.write("--- tesserad said:\n%s---\n" % self.log())
        if self.process is not None:
            self.process.kill()
            self.process = None
        for activator in self.activators:
            activator.kill()
        self.activators = []
        for pid in processes_of(self.bin):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.release()

    def release(self):
        self.over = True
        for s in self.listeners:
            s.close()
        if self.clock is not None:
            self.clock.close()
        if self.notify is not None:
            self.notify.close()
        remove_folder(self.folder)
        os.close(self.lock)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
        else:
            self.abandon()

    def log(self):
        """What tesserad and its helpers wrote to standard error."""
        try:
            with open(self.stderr_path, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # --- clients

    def request(self, method, target, uid=0, admin=False, timeout=60.0, **what):
        """One request as uid on a connection of its own.  what: form, json,
        headers, body."""
        path = self.admin if admin else self.api
        return as_user(uid, lambda: one_request(path, method, target, timeout=timeout, **what))

    def answering(self, pins, method, target, uid=0, admin=False, form=None, json=None,
                  headers=None, timeout=60.0):
        """One request as uid, whose prompts get the pins in turn (a string: one;
        None: cancel).  (Answer, [what each prompt said])"""
        pins = [pins] if isinstance(pins, str) or pins is None else pins
        path = self.admin if admin else self.api
        return as_user(uid, answered_request, self.api, path, pins, method, target, form,
                       json, headers, timeout)

    def tessera(self, *args, uid=0, pin=None, otp=None, secret=None, groups=None, stdin="",
                env=None, check=False, timeout=60.0, under=()):
        """The command line as uid -> Ran.  pin, otp (codes, one a line) and secret go by
        descriptors; under: a program that runs it, with its arguments."""
        entry = pwd.getpwuid(uid)
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
                       "TESSERA_SOCK": self.api, "TESSERA_ADMIN_SOCK": self.admin}
        for key, value in self.environment().items():
            if key.endswith("SAN_OPTIONS"):
                environment[key] = value
        environment.update(env or {})
        argv, fds = [*under, self.bin + "/tessera", *args], []
        for option, text in (("--pin-fd", pin), ("--otp-fd", otp), ("--secret-fd", secret)):
            if text is None:
                continue
            read, write = os.pipe()
            os.write(write, text.encode() + b"\n")
            os.close(write)
            argv += [option, str(read)]
            fds.append(read)
        try:
            done = subprocess.run(argv, env=environment, input=stdin.encode(), check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                                  timeout=timeout, pass_fds=fds, start_new_session=True,
                                  user=uid, group=entry.pw_gid, extra_groups=groups or [])
        finally:
            for fd in fds:
                os.close(fd)
        ran = Ran(done)
        if check and ran.status != 0:
            raise Failed("tessera %s: %r" % (" ".join(args), ran))
        return ran


class Ran:
    """A command's end: status, out, err, json."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return "<%d out %r err %r>" % (self.status, self.out, self.err)


def sanitized():
    """1 for a build with a sanitizer: times and memory mean nothing there."""
    with open(os.path.join(os.environ["TESSERA_BIN"], "tesserad"), "rb") as f:
        data = f.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def memory(pid):
    """smaps_rollup of a process: {name: KiB}."""
    found = {}
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        for line in f:
            words = line.split()
            if len(words) == 3 and words[2] == "kB":
                found[words[0].rstrip(":")] = int(words[1])
    return found


def main():
    """Run the test file.  A child that outlives a crashed test dies with it."""
    if os.geteuid() != 0:
        sys.exit("end-to-end tests need several users: run them as root")
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)	# PR_SET_CHILD_SUBREAPER: orphans are seen
    more_files()
    sweep()
    unittest.main(verbosity=2)

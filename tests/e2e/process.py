# SPDX-License-Identifier: ISC
"""Processes for end-to-end tests: clients in forked children, programs."""
import fcntl
import grp
import os
import pickle
import pwd
import resource
import select
import signal
import sys
import time
import traceback

CHILD_S = 120.0		# a forked client
FILES = 65536		# descriptors of the agent and of a test, where we may have as many


class Failed(Exception):
    """A program did not do what every test relies on."""


def until(condition, timeout=10.0, what="the condition"):
    """Poll until condition() is true; its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("%s: not within %g s" % (what, timeout))
        time.sleep(0.003)


def more_files():
    """As many descriptors as we may have, up to FILES."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def become(uid):
    """Give everything up but the rights of a plain user.  In a child only."""
    entry = pwd.getpwuid(uid)
    os.setgroups(os.getgrouplist(entry.pw_name, entry.pw_gid))
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(uid, uid, uid)


def as_user(uid, fn, *args, timeout=CHILD_S):
    """fn(*args) in a forked child of that uid; what it returns or raises."""
    job = Job(uid, fn, *args)
    return job.result(timeout)


class Job:
    """A forked child that runs fn(*args) as uid; result() waits for it."""

    def __init__(self, uid, fn, *args):
        self.pipe, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self.pipe)
                try:
                    if uid != os.geteuid():
                        become(uid)
                    said = pickle.dumps((True, fn(*args)))
                except BaseException as e:
                    said = self.pickled(e)
                with os.fdopen(write, "wb") as f:
                    f.write(said)
                status = 0
            finally:
                os._exit(status)
        os.close(write)

    @staticmethod
    def pickled(error):
        text = "".join(traceback.format_exception(error))
        try:
            said = pickle.dumps((False, (error, text)))
            pickle.loads(said)
        except Exception:
            said = pickle.dumps((False, (Failed(text), text)))
        return said

    def result(self, timeout=CHILD_S):
        said, end = b"", time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.pipe], [], [], left)[0]:
                self.kill()
                raise Failed("a client child did not end within %g s" % timeout)
            got = os.read(self.pipe, 1 << 20)
            if not got:
                break
            said += got
        self.reap()
        if not said:
            raise Failed("a client child died")
        good, value = pickle.loads(said)
        if not good:
            raise value[0] from Failed("in the child:\n" + value[1])
        return value

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.reap()

    def reap(self):
        if self.pid:
            os.waitpid(self.pid, 0)
            os.close(self.pipe)
            self.pid = 0


class Process:
    """A forked program: argv as user with exactly env.  fds are its 3, 4, ...;
    listen_names makes them those of socket activation."""

    def __init__(self, argv, user, env, stderr, fds=(), listen_names=None, more_groups=()):
        seen, exec_ = os.pipe()		# CLOEXEC: closed by a successful exec
        self.status = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(seen)
                exec_ = fcntl.fcntl(exec_, fcntl.F_DUPFD_CLOEXEC, 200)
                self.child(argv, user, dict(env), stderr, fds, listen_names, more_groups)
            except BaseException:
                os.write(exec_, traceback.format_exc().encode())
            finally:
                os._exit(127)
        os.close(exec_)
        with os.fdopen(seen, "rb") as f:
            wrong = f.read()
        self.started = time.monotonic()		# the moment of exec
        if wrong:
            os.waitpid(self.pid, 0)
            raise Failed("%s: %s" % (argv[0], wrong.decode()))
        self.pidfd = os.pidfd_open(self.pid)

    @staticmethod
    def child(argv, user, env, stderr, fds, listen_names, more_groups):
        os.setsid()
        for name in os.listdir("/proc/self/fd"):
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                pass
        null = os.open("/dev/null", os.O_RDWR)
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200)
                for fd in (null, null, stderr, *fds)]
        for i, fd in enumerate(high):
            os.dup2(fd, i)
        more_files()
        entry = pwd.getpwnam(user)
        os.setgroups(os.getgrouplist(entry.pw_name, entry.pw_gid) +
                     [grp.getgrnam(name).gr_gid for name in more_groups])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
        os.umask(0o022)
        os.chdir("/")
        if listen_names is not None:
            env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(listen_names)),
                       LISTEN_FDNAMES=":".join(listen_names))
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execve(argv[0], argv, env)

    def wait(self, timeout):
        """The exit status (negative: the signal), or None while it runs."""
        if self.status is None and select.select([self.pidfd], [], [], timeout)[0]:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.pidfd)
        return self.status

    def signal(self, number):
        if self.wait(0) is None:
            os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait(None)


def processes_of(folder):
    """{pid: program} of all processes whose program lies in folder."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            exe = os.readlink("/proc/%s/exe" % name)
            with open("/proc/%s/stat" % name, encoding="ascii", errors="replace") as f:
                state = f.read().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if exe.startswith(folder + "/") and state != "Z":
            found[int(name)] = exe
    return found

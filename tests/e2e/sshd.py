# SPDX-License-Identifier: ISC
"""A real sshd on a loopback port of its own, for end-to-end tests, and its clients.

    with sshd.Server(m.folder, ca=m.public + "/ssh_ca.pub", krl=m.public + "/ssh_krl") as s:
        ran = s.ssh("id -un", uid=DAEMON, user="daemon", agent=m.ssh)
        ran.status, ran.out, ran.err
        s.log()             what the server said

Each connection gets an "sshd -i" of its own, which sees an /etc/passwd in which
the system users of the tests have a shell and a home.  Nobody else's files are
touched; the clients read no configuration but that of the server's folder."""
import ctypes
import os
import pwd
import re
import signal
import socket
import subprocess

from process import Failed, until

PROGRAM = "/usr/sbin/sshd"
SHELL = "/bin/sh"
CLIENT_S = 60.0			# a client that does not end by then has failed
ACCOUNTS = ("daemon", "bin", "games")

# An account of ours: its /etc/passwd is seen by this sshd alone.
UNDER = ("/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c",
         'mount --bind "$0" /etc/passwd && exec "$@"')


class Ended:
    """A command's end: status, out, err."""

    def __init__(self, status, out, err):
        self.status = status
        self.out, self.err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def __repr__(self):
        return "<%d out %r err %r>" % (self.status, self.out, self.err)


def keygen(*argv, **more):
    """ssh-keygen, which succeeds; what it wrote."""
    done = subprocess.run(["/usr/bin/ssh-keygen", *argv], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if done.returncode != 0:
        raise Failed("ssh-keygen %s: %r" % (" ".join(argv), done.stderr))
    return done.stdout.decode()


def revoked(krl, path):
    """Does ssh-keygen find the key or certificate in the list?"""
    said = subprocess.run(["/usr/bin/ssh-keygen", "-Q", "-f", krl, path], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    if ("REVOKED" in said) == (": ok" in said):
        raise Failed("ssh-keygen -Q: %r" % said)
    return "REVOKED" in said


class Server:
    """ca         file of TrustedUserCAKeys, or None
    krl        file of RevokedKeys, or None
    options    {keyword: value} of sshd_config(5) besides; a value may be a list
    folder     where its own folder is made"""

    made = 0

    def __init__(self, folder, ca=None, krl=None, options=None):
        Server.made += 1
        self.name = "host%d" % Server.made
        self.folder = "%s/sshd%d" % (folder, Server.made)
        os.mkdir(self.folder, 0o755)
        os.chmod(self.folder, 0o755)
        os.makedirs("/run/sshd", 0o755, exist_ok=True)
        self.key = self.folder + "/host_key"
        keygen("-q", "-t", "ed25519", "-N", "", "-C", "host", "-f", self.key)
        with open(self.key + ".pub", encoding="ascii") as f:
            self.public = " ".join(f.read().split()[:2])
        self.fingerprint = keygen("-lf", self.key + ".pub").split()[1]
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.write_accounts()
        self.write_server(ca, krl, options or {})
        self.write_client()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.accept()
            finally:
                os._exit(1)

    # --- files

    def path(self, name):
        return self.folder + "/" + name

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), 0o644)
        return self.path(name)

    def home(self, user):
        return self.path("home-" + user)

    def write_accounts(self):
        with open("/etc/passwd", encoding="utf-8") as f:
            text = f.read()
        for user in ACCOUNTS:
            entry = pwd.getpwnam(user)
            os.mkdir(self.home(user), 0o700)
            os.chown(self.home(user), entry.pw_uid, entry.pw_gid)
            text = re.sub("(?m)^(%s:.*):[^:]*:[^:]*$" % user,
                          lambda found, at=self.home(user): "%s:%s:%s" % (found.group(1), at, SHELL), text)
        self.write("passwd", text)

    def write_server(self, ca, krl, options):
        keys = {"HostKey": self.key, "PidFile": "none", "UsePAM": "no", "LogLevel": "DEBUG1",
                "AuthorizedKeysFile": "none", "AuthenticationMethods": "publickey",
                "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no",
                "Subsystem": "sftp internal-sftp", "PrintMotd": "no", "PrintLastLog": "no"}
        if ca is not None:
            keys["TrustedUserCAKeys"] = ca
        if krl is not None:
            keys["RevokedKeys"] = krl
        keys.update(options)
        lines = []
        for key, value in keys.items():
            lines += ["%s %s" % (key, v) for v in (value if isinstance(value, list) else [value])]
        self.conf = self.write("sshd_config", "\n".join(lines) + "\n")

    def write_client(self):
        """ssh_config is for whoever names his agent; "forwarded" takes the one that it is given."""
        self.write("known_hosts", "%s %s\n" % (self.name, self.public))
        keys = {"HostName": "127.0.0.1", "HostKeyAlias": self.name, "Port": self.port,
                "UserKnownHostsFile": self.path("known_hosts"), "GlobalKnownHostsFile": "/dev/null",
                "StrictHostKeyChecking": "yes", "UpdateHostKeys": "no", "BatchMode": "yes",
                "IdentityFile": "none", "ConnectTimeout": 60, "LogLevel": "INFO"}
        self.client_conf = self.write("ssh_config", "".join("%s %s\n" % k for k in keys.items()))
        self.write("forwarded_config", "IdentityAgent SSH_AUTH_SOCK\nInclude %s\n" % self.client_conf)

    def certify(self):
        """From the next connection on the host proves itself by a certificate."""
        keygen("-q", "-t", "ed25519", "-N", "", "-f", self.path("host_ca"))
        keygen("-q", "-h", "-s", self.path("host_ca"), "-I", "host", "-n", self.name, self.key + ".pub")
        with open(self.conf, encoding="utf-8") as f:
            self.write("sshd_config", f.read() + "HostCertificate %s-cert.pub\n" % self.key)
        with open(self.path("host_ca.pub"), encoding="ascii") as f:
            self.write("known_hosts", "@cert-authority %s %s" % (self.name, f.read()))

    # --- the server

    def accept(self):
        """In the child: an sshd for each connection."""
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)	# PR_SET_PDEATHSIG
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 2)
        while True:
            conn, _ = self.listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.dup2(conn.fileno(), 0)
                os.dup2(conn.fileno(), 1)
                os.closerange(3, 4096)
                os.execv(UNDER[0], [*UNDER, self.path("passwd"), PROGRAM, "-i", "-f", self.conf,
                                    "-E", self.path("log")])
            conn.close()

    def log(self):
        try:
            with open(self.path("log"), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def said(self, text, timeout=30.0):
        """Wait until the server has said that."""
        until(lambda: text in self.log(), timeout, "%r of sshd, which said\n%s" % (text, self.log()))

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.pid = 0
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    # --- clients

    def start(self, argv, uid, env=None, **more):
        """A program as uid -> Popen."""
        entry = pwd.getpwuid(uid)
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.home(entry.pw_name)
                       if entry.pw_name in ACCOUNTS else "/nonexistent", "LC_ALL": "C.UTF-8"}
        environment.update(env or {})
        return subprocess.Popen(argv, env=environment, cwd="/", user=uid, group=entry.pw_gid,
                                extra_groups=[], stdin=more.pop("stdin", subprocess.DEVNULL),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True, **more)

    @staticmethod
    def end(process, timeout=CLIENT_S, stdin=None):
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failed("%r did not end: %r %r" % (process.args, out, err)) from None
        return Ended(process.returncode, out, err)

    def run(self, *argv, uid=0, env=None, timeout=CLIENT_S, stdin=None):
        more = {} if stdin is None else {"stdin": subprocess.PIPE}
        return self.end(self.start(argv, uid, env, **more), timeout, stdin)

    def ssh_argv(self, command, user="daemon", agent=None, options=()):
        argv = ["/usr/bin/ssh", "-F", self.client_conf]
        for option in ("IdentityAgent=%s" % (agent or "none"), *options):
            argv += ["-o", option]
        return [*argv, "%s@%s" % (user, self.name), command]

    def ssh(self, command="true", uid=0, user="daemon", agent=None, options=()):
        """ssh as uid, to an account of the server."""
        return self.run(*self.ssh_argv(command, user, agent, options), uid=uid)

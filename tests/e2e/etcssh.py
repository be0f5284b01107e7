# SPDX-License-Identifier: ISC
"""A host whose /etc, /run, /root and /home are its own, with the real sshd.

They are in a mount namespace, so that the commands and paths are those of a real
machine and nothing of this one is touched:

    with etcssh.Host(folder) as host:
        host.run("tessera", "ssh", "setup", "--server", "--install")
        host.ssh(key, "daemon")         # a login: (exit status, what was said)

Each connection gets an sshd -i, which reads the configuration as it is then."""
import os
import re
import shutil
import socket
import subprocess
import threading

from sshd import ACCOUNTS, keygen

SSHD_CONFIG = """Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
LogLevel VERBOSE
"""
SSH_CONFIG = """Include /etc/ssh/ssh_config.d/*.conf
Host server.example
HostName 127.0.0.1
Port %d
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
PreferredAuthentications publickey
ConnectTimeout 60
"""
ETC = ("group", "nsswitch.conf", "ld.so.cache", "hosts", "login.defs", "pam.d", "security")
RUN_S = 60
SANITIZERS = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}


class Host:
    def __init__(self, folder, binds=(), conf=SSHD_CONFIG, path=""):
        """folder: made here, root's, below one that everybody may enter.  binds:
        (what, where it is seen), below /run, /var/lib or a folder that there is.
        path: folders before those of $PATH."""
        self.folder, self.etc, self.log_path = folder, folder + "/etc/ssh", folder + "/log"
        self.path = path + ":/usr/sbin:/usr/bin:/sbin:/bin"
        for name in ("", "/etc", "/etc/ssh", "/etc/ssh/sshd_config.d", "/etc/ssh/ssh_config.d", "/root", "/home"):
            os.mkdir(folder + name)
            os.chmod(folder + name, 0o700 if name == "/root" else 0o755)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.write("sshd_config", conf)
        self.write("ssh_config", SSH_CONFIG % self.port)
        keygen("-t", "ed25519", "-N", "", "-f", self.etc + "/ssh_host_ed25519_key")
        self.accounts()
        self.namespace = self.keep(binds)
        self.served = []
        threading.Thread(target=self.serve, daemon=True).start()

    def accounts(self):
        for name in ETC:
            source = "/etc/" + name
            if os.path.isdir(source):
                shutil.copytree(source, self.folder + source, symlinks=True)
            elif os.path.exists(source):
                shutil.copy2(source, self.folder + source)
        with open("/etc/passwd", encoding="utf-8") as f:
            text = f.read()
        for name in ACCOUNTS:
            text, n = re.subn("(?m)^(%s:[^:]*:([0-9]+):([0-9]+):[^:]*):.*$" % name, r"\1:/home/%s:/bin/sh" % name, text)
            assert n == 1, name
            home = os.path.join(self.folder, "home", name)
            os.mkdir(home)
            shutil.chown(home, name, name)
        with open(self.folder + "/etc/passwd", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.folder + "/etc/passwd", 0o644)

    def keep(self, binds):
        """A process that keeps the namespace; it says when all is mounted."""
        f = self.folder
        lines = ["set -e", "mount --make-rprivate /", "mount -t tmpfs -o mode=755 t /run", "mkdir /run/sshd /run/keep",
                 # whatever lies below /var/lib/tessera-test is seen there still
                 "mount --bind /var/lib/tessera-test /run/keep", "mount -t tmpfs -o mode=755 t /var/lib",
                 "mkdir /var/lib/tessera-test", "mount --move /run/keep /var/lib/tessera-test", "rmdir /run/keep"]
        for what, where in [(f + "/etc", "/etc"), (f + "/root", "/root"), (f + "/home", "/home"), *binds]:
            lines += ["test -e %s || mkdir %s" % (where, where), "mount --bind %s %s" % (what, where)]
        p = subprocess.Popen(["unshare", "--mount", "sh", "-c", "\n".join(lines + ["echo ready", "exec cat"])],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if p.stdout.readline() != "ready\n":
            raise AssertionError("no mount namespace")
        return p

    def inside(self, *argv):
        return ["nsenter", "--mount=/proc/%d/ns/mnt" % self.namespace.pid, *argv]

    def write(self, name, text):
        """A file below /etc/ssh."""
        path = os.path.join(self.etc, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path

    def run(self, *argv, user="root", env=None, input=None):
        """A program in there."""
        if user != "root":
            argv = ("setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", *argv)
        home = "/root" if user == "root" else "/home/" + user
        more = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        return subprocess.run(self.inside(*argv), capture_output=True, text=True, timeout=RUN_S, start_new_session=True,
                              env={"PATH": self.path, "HOME": home, "LC_ALL": "C.UTF-8", **SANITIZERS, **(env or {})}, **more)

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                self.served.append(subprocess.Popen(
                    self.inside("/usr/sbin/sshd", "-i", "-E", self.log_path), stdin=conn, stdout=conn,
                    stderr=subprocess.DEVNULL))

    def ssh(self, key, account, *options, command="id -un", env=None):
        """Log in with that private key (and the certificate beside it), as root of here."""
        r = self.run("ssh", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i", key, *options,
                     account + "@server.example", command, env=env)
        return r.returncode, r.stdout.strip() + r.stderr.strip()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for p in self.served:
            p.wait(RUN_S)
        self.namespace.stdin.close()
        self.namespace.stdout.close()
        self.namespace.wait(RUN_S)
        shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

# SPDX-License-Identifier: ISC
"""A host whose /etc/ssh, /run and accounts are its own, with the real sshd.

They are in a mount namespace, so that the commands and paths are those of a real
machine and nothing of this one is touched:

    with etcssh.Host(folder) as host:
        host.run("tessera", "ssh", "setup", "--server", "--install", check=True)
        host.ssh(key, "daemon")         # a login: (exit status, what ssh said)

Each connection gets an sshd -i, which reads the configuration as it is then."""
import os
import shutil
import socket
import subprocess
import threading

SSHD_CONFIG = """Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
LogLevel VERBOSE
"""
ACCOUNTS = ("daemon", "bin", "games")	# those of base-passwd, here with a shell
SSH = ("-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
       "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
       "-o", "PreferredAuthentications=publickey", "-o", "ConnectTimeout=60")
RUN_S = 60


def keygen(*args):
    subprocess.run(["ssh-keygen", "-q", *args], check=True, stdin=subprocess.DEVNULL, capture_output=True)


class Host:
    def __init__(self, folder, conf=SSHD_CONFIG):
        """folder: made here, root's, below one that everybody may enter."""
        self.folder, self.etc, self.log_path = folder, folder + "/etc", folder + "/log"
        self.home = folder + "/home"
        for path in (folder, self.etc, self.etc + "/sshd_config.d", self.etc + "/ssh_config.d", self.home):
            os.mkdir(path, 0o755)
            os.chmod(path, 0o755)
        self.write("sshd_config", conf)
        self.write("ssh_config", "Include /etc/ssh/ssh_config.d/*.conf\n")
        keygen("-t", "ed25519", "-N", "", "-f", self.etc + "/ssh_host_ed25519_key")
        with open("/etc/passwd", encoding="utf-8") as f, open(folder + "/passwd", "w", encoding="utf-8") as out:
            for line in f:
                entry = line.strip().split(":")
                if entry[0] in ACCOUNTS:
                    entry[5:] = [self.home, "/bin/sh"]
                out.write(":".join(entry) + "\n")
        os.chmod(folder + "/passwd", 0o644)
        self.namespace = self.keep()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.served = []
        threading.Thread(target=self.serve, daemon=True).start()

    def keep(self):
        """A process that keeps the namespace; it says when all is mounted."""
        script = ("mount --make-rprivate / && mount --bind %s /etc/ssh && mount --bind %s/passwd /etc/passwd && "
                  "mount -t tmpfs -o mode=755 t /run && echo ready && exec cat" % (self.etc, self.folder))
        p = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        if p.stdout.readline() != "ready\n":
            raise AssertionError("no mount namespace")
        return p

    def inside(self, *argv):
        return ["nsenter", "--mount=/proc/%d/ns/mnt" % self.namespace.pid, *argv]

    def write(self, name, text):
        path = os.path.join(self.etc, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path

    def run(self, *argv, check=False, env=None, **more):
        """A program in there, as root."""
        r = subprocess.run(self.inside(*argv), capture_output=True, text=True, timeout=RUN_S,
                           env={"PATH": os.environ["PATH"], **(env or {})}, **more)
        if check and r.returncode != 0:
            raise AssertionError("%r ended with %d: %s%s" % (argv, r.returncode, r.stdout, r.stderr))
        return r

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

    def ssh(self, key, account, *options, command="id -un"):
        """Log in with that private key (and the certificate beside it)."""
        self.run("mkdir", "-p", "/run/sshd", check=True)
        r = subprocess.run(["ssh", *SSH, "-i", key, *options, "-p", str(self.port), account + "@127.0.0.1", command],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S)
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

# SPDX-License-Identifier: ISC
"""Virtual FIDO2 keys for end-to-end tests: tessera-sim key, and programs in the
world of tessera-sim run.

    with Keys(2, "touch=manual") as keys:
        keys[0].ctl("set", "uv=ok")
        done = keys.run("fido2-token", "-L")	# a finished process, text
        job = keys.start("fido2-token", "-L")	# one that runs
"""
import os
import shutil
import socket
import subprocess
import tempfile

from process import Failed, until

BIN = os.path.join(os.environ["TESSERA_BIN"], "tessera-sim")
RUN_S = 60		# a program in the world


class Key:
    """One tessera-sim key."""

    def __init__(self, folder, name, settings=(), state=None):
        self.socket = os.path.join(folder, name)
        self.control = self.socket + ".ctl"
        self.state = state
        self.settings = list(settings)
        self.process = None
        self.start()

    def start(self):
        argv = [BIN, "key", "--listen", self.socket]
        if self.state:
            argv += ["--state", self.state]
        for setting in self.settings:
            argv += ["--set", setting]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        until(lambda: self.answers() or self.process.poll() is not None, what="the key's answer")
        if self.process.poll() is not None:
            raise Failed("tessera-sim key ended with %d" % self.process.returncode)

    def answers(self):
        """Whether it is up, and plugged in."""
        try:
            return self.ctl("status")
        except Failed:
            return False

    def stop(self, kill=False):
        if self.process.poll() is None:
            (self.process.kill if kill else self.process.terminate)()
        return self.process.wait(RUN_S)

    def ctl(self, *words, check=True):
        """What the key answers; Failed where it is an error.  As tessera-sim ctl asks,
        but with no process: its pipe would be inherited by a child that is forked
        meanwhile, and only that one's end would end the wait."""
        said = b""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(RUN_S)
                s.connect(self.control)
                s.sendall(" ".join(words).encode() + b"\n")
                while not said.endswith(b"\n"):
                    part = s.recv(65536)
                    if not part:
                        break
                    said += part
        except OSError as e:
            said = b"error %s" % str(e).encode()
        verdict, _, text = said.decode().strip().partition(" ")
        if check and verdict != "ok":
            raise Failed(text or "the key hung up")
        return text

    def set(self, *settings):
        self.ctl("set", *settings)

    def status(self):
        return dict(pair.split("=", 1) for pair in self.ctl("status").split())

    def expect(self, event):
        """A function that waits until the next such event from now on has come."""
        count = int(self.ctl("count", event)) + 1
        return lambda: self.ctl("wait-for", event, str(count))


class Keys(list):
    """So many keys in a folder of their own, mode 0711."""

    def __init__(self, count=1, *settings, state=False, folder=None):
        super().__init__()
        self.made = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="tessera-keys.")
        os.chmod(self.folder, 0o711)
        try:
            for i in range(count):
                at = os.path.join(self.folder, "state%d" % i) if state else None
                self.append(Key(self.folder, "k%d" % i, settings, at))
        except Exception:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for key in self:
            key.stop()
        if self.made:
            shutil.rmtree(self.folder, ignore_errors=True)

    def argv(self, *program, owner=None):
        said = [BIN, "run"]
        for key in self:
            said += ["--key", key.socket]
        if owner:
            said += ["--owner", owner]
        return said + ["--", *program]

    def start(self, *program, owner="root", **popen):
        """The program in the world; without a terminal, so that it asks for PINs
        on standard input."""
        popen.setdefault("stdin", subprocess.PIPE)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(self.argv(*program, owner=owner), text=True,
                                start_new_session=True, **popen)

    def run(self, *program, say="", owner="root", timeout=RUN_S, **popen):
        job = self.start(*program, owner=owner, **popen)
        try:
            out, err = job.communicate(say, timeout)
        except subprocess.TimeoutExpired:
            job.kill()
            job.communicate()
            raise
        return subprocess.CompletedProcess(job.args, job.returncode, out, err)

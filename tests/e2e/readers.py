# SPDX-License-Identifier: ISC
"""A pcscd with virtual readers and cards in them, for tests of presence.

    with Readers(2) as r, r.machine() as m:
        card = r.card("one")          # made, and in reader 0
        card.pull(); card.insert()    # also into another reader: insert(1)
        r.kill_pcscd(); r.start_pcscd()

Both ends are tessera-sim's, the programs that administrators rehearse with.
"""
import os
import signal
import subprocess
import time

import folder
import harness

OPENSC = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
PIN = "123456"


class Readers:
    def __init__(self, readers=1):
        self.sim = os.environ["TESSERA_BIN"] + "/tessera-sim"
        self.folder, self.lock = folder.new_folder()
        self.pcscd, self.readers, self.cards = self.folder + "/pcscd", readers, []
        self.socket = self.pcscd + "/pcscd.comm"
        self.start_pcscd()

    def run(self, *args, check=True):
        done = subprocess.run([self.sim, *args], stdin=subprocess.DEVNULL, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if check and done.returncode != 0:
            raise harness.Failed("tessera-sim %s: %s" % (" ".join(args), done.stdout))
        return done

    def start_pcscd(self):
        self.run("pcscd", self.pcscd, "--readers", str(self.readers))

    def pid(self):
        with open(self.pcscd + "/pid", encoding="ascii") as f:
            return int(f.read())

    def kill_pcscd(self, number=signal.SIGKILL):
        pid = self.pid()
        os.kill(pid, number)
        harness.until(lambda: not running(pid), 10, "the end of pcscd")

    def stop_pcscd(self):
        self.run("pcscd", self.pcscd, "--stop", check=False)

    def card(self, name, reader=0, *options):
        card = Card(self, name, options)
        self.cards.append(card)
        card.insert(reader)
        return card

    def machine(self, **more):
        module = {"path": OPENSC, "environment": ["PCSCLITE_CSOCK_NAME=" + self.socket],
                  "read-paths": [self.folder]}
        settings = {"pcsc": {"watch": True, "socket": self.socket}}
        settings.update(more.pop("settings", {}))
        return harness.Machine(modules={"opensc": module}, settings=settings, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for card in self.cards:
            card.end()
        self.stop_pcscd()
        folder.remove_folder(self.folder)
        os.close(self.lock)


class Card:
    def __init__(self, readers, name, options):
        self.readers, self.folder, self.process, self.reader = readers, None, None, None
        self.folder = readers.folder + "/" + name
        # which answer to reset it gives is said when it runs, not when it is made
        self.running = [o for o in options if o.startswith("--contactless")]
        readers.run("card", "--state", self.folder, "--init",
                    *[o for o in options if o not in self.running])

    def insert(self, reader=None):
        """Into the reader it was in, or into another one."""
        if reader is not None and reader != self.reader:
            self.end()
            self.reader = reader
        if self.process is None or self.process.poll() is not None:
            self.start()
        else:
            self.say("insert")

    def start(self):
        self.process = subprocess.Popen(
            [self.readers.sim, "card", "--state", self.folder, "--pcscd", self.readers.pcscd,
             "--reader", str(self.reader), *self.running], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        harness.until(lambda: self.readers.run("ctl", "--socket", self.folder, "card", "status",
                                               check=False).returncode != 3, 20, "the card")

    def pull(self):
        """The moment of the pull."""
        at = time.monotonic()
        self.say("pull")
        return at

    def say(self, *words):
        self.readers.run("ctl", "--socket", self.folder, "card", *words)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.process = None


def running(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

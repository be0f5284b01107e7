# SPDX-License-Identifier: ISC
"""An isolated pcscd with virtual cards, for tests.

    with pcsc.Bench(readers=2) as bench:
        card = bench.card("alice", "--algorithm", "p256")   # in reader 0
        with harness.Machine(modules={"opensc": bench.module()}) as m:
            ...
            card.ctl("pull")

Everything lies in a folder of its own, and everything is ended with the block.
A card is in its reader when OpenSC sees it there: pcscd looks every 400 ms.
"""
import os
import pwd
import signal
import subprocess
import threading

import harness
from process import Failed, until

OPENSC = next((p for p in ("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
                           "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
                           "/usr/lib64/pkcs11/opensc-pkcs11.so") if os.path.exists(p)), "")
PIN, PUK = "123456", "12345678"
SEEN_S = 20.0


class Child:
    """A program that says one line when it is ready."""

    def __init__(self, argv, folder, user="root", env=None):
        entry = pwd.getpwnam(user)
        self.errors = os.path.join(folder, "%s.err" % os.path.basename(argv[1] if argv[0].endswith("sim") else argv[0]))
        with open(self.errors, "ab") as err:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True,
                user=entry.pw_uid, group=entry.pw_gid, extra_groups=[],
                env={"PATH": "/usr/bin:/bin:/usr/sbin", **(env or {}),
                     **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}})
        guard = threading.Timer(SEEN_S, self.process.kill)
        guard.start()
        self.line = self.process.stdout.readline()
        guard.cancel()
        if not self.line:
            self.process.wait()
            raise Failed("%s: %s" % (" ".join(argv), self.said()))

    def said(self):
        with open(self.errors, encoding="utf-8", errors="replace") as f:
            return f.read()

    def end(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(SEEN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed("%s does not end" % self.process.args) from None
        self.process.stdout.close()
        return status


class Plugged:
    """Something that is in a reader of a bench, and has a control socket."""

    def __init__(self, bench, name, reader):
        self.bench, self.reader, self.name, self.child = bench, reader, name, None
        self.state = os.path.join(bench.folder, name)

    def argv(self):
        raise NotImplementedError

    def start(self):
        """Be in the reader, and seen there."""
        self.child = Child(self.argv(), self.bench.folder, self.bench.user)
        self.await_seen()

    def await_seen(self, present=True):
        until(lambda: self.bench.present(self.reader) == present, SEEN_S,
              "reader %d %s its card" % (self.reader, "has" if present else "is without"))

    def ctl(self, *words):
        """What the card answers; Failed where it refuses."""
        return self.bench.run(self.bench.sim, "ctl", "--socket", self.state, "card",
                              *[str(w) for w in words]).strip()

    def ctl_later(self, *words):
        """The same as a process."""
        return subprocess.Popen([self.bench.sim, "ctl", "--socket", self.state, "card",
                                 *[str(w) for w in words]], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def pull(self):
        """Out of the reader, and seen to be."""
        self.ctl("pull")
        self.await_seen(False)

    def insert(self, reader=None):
        if reader is None:
            self.ctl("insert")
        else:
            self.ctl("insert", reader)
            self.reader = reader
        self.await_seen()

    @property
    def reader_name(self):
        return "Tessera %d 00 00" % self.reader

    def end(self, number=signal.SIGTERM):
        child, self.child = self.child, None
        return child.end(number) if child is not None else None


class Card(Plugged):
    """A virtual PIV card."""

    def __init__(self, bench, name, reader, options):
        super().__init__(bench, name, reader)
        self.options = [o for o in options if o.startswith("--contactless")]
        bench.run(bench.sim, "card", "--state", self.state, "--init",
                  *[o for o in options if not o.startswith("--contactless")], user=bench.user)
        self.start()

    def argv(self):
        return [self.bench.sim, "card", "--state", self.state, "--pcscd", self.bench.pcscd,
                "--reader", str(self.reader), *self.options]

    def tries(self):
        """(PIN, PUK) tries left."""
        words = self.ctl("pin-tries").replace(",", "").split()
        return int(words[1]), int(words[5])

    def count(self, ins="any"):
        return int(self.ctl("count", ins))

    def next_apdu(self, ins="any"):
        """A process that ends when the next such command has come, counted from
        now, even where it comes before the process waits."""
        return self.ctl_later("wait-for-apdu", ins, self.count(ins) + 1)

    @property
    def serial(self):
        """What OpenSC takes for the token's serial number."""
        words = self.ctl("status").split()
        return words[words.index("serial") + 1][16:]


class Cac(Plugged):
    """A CAC card as libcacard implements it: three RSA keys, id=%00%01 to
    %00%03, under the label "cac NAME" and the PIN Cac.PIN."""

    PIN = "1234"
    KEYS = ("id", "sign", "enc")

    def __init__(self, bench, name, reader):
        super().__init__(bench, name, reader)
        self.label = "cac " + name
        self.database = self.state + "/nss"
        os.makedirs(self.database)
        for file, data in (("pin", self.PIN.encode() + b"\n"), ("noise", os.urandom(64))):
            with open(os.path.join(self.state, file), "wb") as f:
                f.write(data)
        common = ("-d", "sql:" + self.database, "-f", self.state + "/pin")
        # else each signature derives a key from the PIN for 50 ms
        env = {"NSS_MAX_MP_PBE_ITERATION_COUNT": "1"}
        bench.run("certutil", "-N", *common, env=env)
        for i, key in enumerate(self.KEYS):
            bench.run("certutil", "-S", "-x", *common, "-z", self.state + "/noise", "-k", "rsa", "-g", "2048",
                      "-m", str(i + 1), "-n", key, "-s", "CN=" + self.label, "-t", "u,u,u", "-v", "24", env=env)
        self.start()

    def argv(self):
        return [os.path.join(os.environ["TESSERA_BIN"], "../tests/cacbridge"), self.state,
                str(self.bench.port(self.reader)), self.database, *self.KEYS]

    def tries(self):
        return int(self.ctl("pin-tries").split()[1])


class Bench:
    """One pcscd with readers, and the cards that were put into them.  A card is
    serial=CARD.serial in a PKCS#11 URI.

    user    whose pcscd and cards they are
    """

    def __init__(self, readers=1, user="root"):
        self.readers, self.user, self.cards, self.daemon = readers, user, [], None
        self.folder, self.lock = harness.new_folder()
        try:
            self.lay_out()
            self.start()
        except BaseException:
            self.close()
            raise

    def lay_out(self):
        source = os.environ.get("TESSERA_BIN")
        if not source:
            raise Failed("TESSERA_BIN is not set: run the tests by ctest, or set it to BUILD/bin")
        harness.tree(source, self.folder + "/bin")
        self.sim = self.folder + "/bin/tessera-sim"
        self.pcscd = self.folder + "/pcscd"
        self.socket = self.pcscd + "/pcscd.comm"
        entry = pwd.getpwnam(self.user)
        os.chown(self.folder, entry.pw_uid, entry.pw_gid)

    def start(self):
        """The pcscd; its readers are where they were."""
        self.daemon = Child([self.sim, "pcscd", self.pcscd, "--readers", str(self.readers),
                             "--foreground"], self.folder, self.user)

    def stop(self, number=signal.SIGTERM):
        child, self.daemon = self.daemon, None
        return child.end(number) if child is not None else None

    def pid(self):
        with open(self.pcscd + "/pid", encoding="ascii") as f:
            return int(f.read())

    def kill(self):
        """pcscd dies as it never should; start() again."""
        os.kill(self.pid(), signal.SIGKILL)
        child, self.daemon = self.daemon, None
        child.process.wait(SEEN_S)
        child.end()

    def card(self, name, *options, reader=None):
        """A new card in the next reader; options as for tessera-sim card --init."""
        card = Card(self, name, len(self.cards) if reader is None else reader, options)
        self.cards.append(card)
        return card

    def cac(self, name, reader=None):
        """A card that others wrote, in the next reader.  Benches of root's only."""
        card = Cac(self, name, len(self.cards) if reader is None else reader)
        self.cards.append(card)
        return card

    def port(self, reader):
        with open(self.pcscd + "/readers", encoding="ascii") as f:
            return int(f.read().split()[reader])

    @property
    def env(self):
        return {"PCSCLITE_CSOCK_NAME": self.socket}

    def module(self, **more):
        """The section of a pkcs11-module for this pcscd."""
        section = {"path": OPENSC, "environment": ["PCSCLITE_CSOCK_NAME=" + self.socket]}
        section.update(more)
        return section

    def run(self, *argv, user="root", status=0, env=None, **more):
        """A program with this pcscd; what it prints."""
        entry = pwd.getpwnam(user)
        done = subprocess.run(argv, env={"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": self.folder, **self.env,
                                         **(env or {})},
                              stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=120, errors="replace",
                              user=entry.pw_uid, group=entry.pw_gid, extra_groups=[],
                              cwd=self.folder, **more)
        if status is not None and done.returncode != status:
            raise Failed("%s: %d: %s" % (" ".join(argv), done.returncode, done.stdout))
        return done.stdout

    def present(self, reader):
        """Whether OpenSC sees a card there."""
        said = self.run("opensc-tool", "--list-readers", status=None)
        for line in said.splitlines():
            words = line.split(None, 2)
            if line.rstrip().endswith("Tessera %d 00 00" % reader):
                return words[1] == "Yes"
        return None

    def close(self):
        ends = [(card.name, card.end()) for card in self.cards if isinstance(card, Card)]
        for card in self.cards:
            card.end()
        self.stop()
        harness.remove_folder(self.folder)
        os.close(self.lock)
        wrong = [end for end in ends if end[1]]
        if wrong:
            raise Failed("cards that did not end well: %s" % wrong)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for name in ("pcscd/log", "pcscd.err", "card.err", "cacbridge.err"):
                path = os.path.join(self.folder, name)
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as f:
                        print("--- %s\n%s" % (name, f.read()[-4000:]))
        self.close()

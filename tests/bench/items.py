# SPDX-License-Identifier: ISC
"""What the bench measures.  An item is a function that takes the Bench and
returns the rows of one measurement; ITEMS is all of them."""
import json
import os
import pwd
import shutil
import statistics
import subprocess
import time

import cards
import harness
import pcsc
import peers
from fidokeys import fido
from table import Goal, Row

PIN = "123456"
SUBJECT, STRANGER = harness.DAEMON, harness.BIN
CROWD = (1, 2, 3, 5)		# the uids of 2,000 idle connections: of base-passwd
TURN_MS = 40			# of a duel
CARD_PAUSE_MS = 15		# in which a reader is let go
FLOOD_RATE = 100_000		# refusals of one user a second
FLOOD_RATIO = 0.4		# of what connections that wait for each answer get
FLOOD_BARE = 150_000		# which is fewer only on a machine that has other work
FLOOD_TOKENS = 200		# a second, of another user meanwhile
AUDIT_LINES = 16		# AUDIT_REFUSED_PER_UID of agent/audit_refused.h
TMPFS = 0x01021994		# statfs(2)
FAST_DISK_US = 500		# one that is faster leaves commits nothing to share
BUSY_DISK_US = 500		# an fdatasync that takes longer competes with others
BUSY_TRIP_US = 250		# and a bare round trip does
LEAST_RATIO = 2.5		# of an fdatasync and the round trips that a proof cannot do without

AUDIENCES = {
    "bench": {"scopes": ["read"], "acr": "self", "reuse": "session", "inline-pin": True,
              "any-user": True},
}
LOGIN = {"login": {"class": "login", "scopes": ["login"], "acr": "self", "lifetime": "1m", "any-user": True}}


class Bench:
    """The agent with one enrolled user who has a session, and the peers."""

    def __init__(self, short):
        self.short = short
        self.rounds = int(os.environ.get("TESSERA_BENCH_ROUNDS", "3" if short else "5"))
        self.ms = int(os.environ.get("TESSERA_BENCH_MS", "300" if short else "600"))
        self.tools = os.path.join(os.path.dirname(os.environ["TESSERA_BIN"]), "bench")
        self.peers = {"ssh": None, "oidc": None}

    def __enter__(self):
        if harness.sanitized():
            raise SystemExit("a build with sanitizers has nothing to measure")
        self.m = harness.Machine(audiences=AUDIENCES)
        try:
            self.refuse_tmpfs()
            self.enroll()
            self.write_requests()
            if not self.short:
                self.peers = peers.all_of(self.m.folder, SUBJECT)
        except BaseException:
            self.__exit__(True, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for peer in self.peers.values():
            if peer is not None:
                peer.end()
        self.m.__exit__(kind, value, trace)

    def refuse_tmpfs(self):
        kind = subprocess.run(["stat", "-f", "-c", "%t", self.m.state], check=True,
                              stdout=subprocess.PIPE).stdout
        if int(kind, 16) == TMPFS:
            raise SystemExit("%s is on a tmpfs, where a commit costs nothing" % self.m.state)

    def enroll(self):
        self.m.make_token("card", PIN, ["p256"])
        self.m.tessera("enroll", "pkcs11", "--user", pwd.getpwuid(SUBJECT).pw_name, "--device",
                       "pkcs11:token=card;id=%01", "--label", "bench", pin=PIN, check=True)
        # The same key in a copy that the subject may read: the module in process.
        self.copy = self.m.folder + "/copy"
        shutil.copytree(self.m.tokens, self.copy)
        conf = self.copy + "/softhsm2.conf"
        with open(conf, encoding="utf-8") as f:
            text = f.read().replace(self.m.tokens, self.copy)
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text)
        entry = pwd.getpwuid(SUBJECT)
        for where, folders, files in os.walk(self.copy):
            for name in [where] + [os.path.join(where, n) for n in folders + files]:
                os.chown(name, entry.pw_uid, entry.pw_gid)

    def write_requests(self):
        self.folder = self.m.folder_for(self.m.folder + "/bench", "root", 0o755)
        self.healthz = self.request_file("healthz", "GET", "/healthz")
        self.mint = self.request_file("mint", "POST", "/token", form={
            "grant_type": harness.SESSION_GRANT, "audience": "bench"})
        self.refused = self.request_file("refused", "POST", "/token", form={
            "grant_type": harness.SESSION_GRANT, "audience": "bench"})
        self.proof = self.request_file("proof", "POST", "/token", form={
            "grant_type": harness.DEVICE_GRANT, "audience": "bench", "pin": PIN})

    def request_file(self, name, method, target, form=None):
        path = "%s/%s" % (self.folder, name)
        with open(path, "wb") as f:
            f.write(harness.request_bytes(method, target, form))
        return path

    def log_in(self):
        """A live session for the subject."""
        answer = self.m.request("POST", "/token", uid=SUBJECT, form={
            "grant_type": harness.DEVICE_GRANT, "audience": "bench", "pin": PIN})
        if answer.status != 200:
            raise harness.Failed("no session: %r" % answer)

    @property
    def pid(self):
        return self.m.process.pid

    def tool(self, name, *words, user=SUBJECT, env=None):
        """A program of this folder, as user; the document that it prints."""
        done = subprocess.run([os.path.join(self.tools, "bench_" + name), *map(str, words)],
                              user=user, group=pwd.getpwuid(user).pw_gid, extra_groups=[],
                              env=env or {"PATH": "/usr/bin:/bin"}, cwd="/", check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        if done.returncode != 0:
            raise harness.Failed("bench_%s: %s" % (name, done.stderr.decode()))
        return json.loads(done.stdout)

    def duel(self, conns, ours, theirs):
        """The rounds of a duel; the one that counts by its ratio."""
        pairs = max(2, self.ms // TURN_MS // 2)
        done = [self.tool("duel", conns, TURN_MS, pairs, *ours, *theirs)
                for _ in range(self.rounds)]
        return self.pick(done, lambda d: -d["ratio"]["p50"])

    def pick(self, rounds, key):
        """The round that counts: the median by key, in the short form the least."""
        return sorted(rounds, key=key)[0 if self.short else len(rounds) // 2]

    def http(self, request, kind="http"):
        return kind, self.m.api, request, self.pid


def rate(side):
    return "%s/s" % format(round(side["rate"]), ",")


def us(value):
    return "%.3g µs" % value if value < 1000 else "%.3g ms" % (value / 1000)


# --- items -------------------------------------------------------------------

def healthz(b):
    """HTTP alone, beside bare messages of the same sizes."""
    with open(b.healthz, "rb") as f:
        request = f.read()
    with harness.Client(b.m.api) as c:
        c.send(request)
        reply = c.sock.recv(4096)
    d = b.duel(64, b.http(b.healthz), ("echo", len(request), len(reply), "-"))
    return [Row("GET /healthz, 64 connections", rate(d["a"]),
                rate(d["b"]) + " bare socket, epoll", d["ratio"]["p50"]),
            Row("  CPU a request", us(d["a"]["cpu_us"]), us(d["b"]["cpu_us"]) + " bare socket",
                d["a"]["cpu_us"] / d["b"]["cpu_us"])]


def mint(b):
    """A token from a live session."""
    b.log_in()
    d = b.duel(64, b.http(b.mint), ("sign", peers.SIGN_BYTES, "-", "-"))
    rows = [Row("mint from a session, 64 connections", rate(d["a"]),
                rate(d["b"]) + " bare signatures", d["ratio"]["p50"], Goal(">=", 0.4)),
            Row("  the same, the goal to come", "", "", d["ratio"]["p50"],
                Goal(">=", 0.5, must=False)),
            Row("  daemon's CPU a mint", us(d["a"]["cpu_us"]), us(d["b"]["cpu_us"]) + " a signature",
                d["a"]["cpu_us"] / d["b"]["cpu_us"], Goal("<=", 2, must=False))]
    if b.peers["ssh"] is not None:
        p = b.peers["ssh"]
        d = b.duel(4, b.http(b.mint), ("ssh", p.socket, p.request, p.pid))
        rows.append(Row("mint, 4 connections", rate(d["a"]), rate(d["b"]) + " ssh-agent Ed25519",
                        d["ratio"]["p50"], Goal(">=", 12, must=False)))
    if b.peers["oidc"] is not None:
        p = b.peers["oidc"]
        d = b.duel(1, b.http(b.mint, "dial"), ("end", p.socket, p.request, p.pid))
        rows.append(Row("mint, a new connection each", rate(d["a"]),
                        rate(d["b"]) + " oidc-agent, cached", d["ratio"]["p50"],
                        Goal(">=", 1, must=False)))
    return rows


def helpers(b):
    """{pid: (start time, where the module is mapped)} of the helpers."""
    found = {}
    for pid, exe in harness.processes_of(b.m.bin).items():
        if not exe.endswith("/tessera-pkcs11"):
            continue
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            start = f.read().rpartition(")")[2].split()[19]
        with open("/proc/%d/maps" % pid, encoding="utf-8") as f:
            module = [line.split("-")[0] for line in f if harness.softhsm.MODULE in line]
        found[pid] = (start, module[:1])
    return found


def busy(b, d):
    """Why times of bench_proof's say nothing in the short form, or None."""
    if b.short and d["fsync"]["p50"] > BUSY_DISK_US:
        return "busy disk"
    return "busy machine" if b.short and d["ping"]["p50"] > BUSY_TRIP_US else None


def proof(b):
    """A token for a fresh proof, less the module's own work."""
    b.log_in()
    before = helpers(b)
    env = {"PATH": "/usr/bin:/bin", "SOFTHSM2_CONF": b.copy + "/softhsm2.conf"}
    done = [b.tool("proof", b.m.api, b.proof, harness.softhsm.MODULE, PIN, b.copy,
                   max(50, b.ms // 4), env=env) for _ in range(b.rounds)]
    d = b.pick(done, lambda d: d["least"]["p50"])
    moot = busy(b, d)
    kept = sum(helpers(b).get(pid) == was for pid, was in before.items())
    return [Row("device proof and commit, P-256, SoftHSM2", us(d["total"]["p50"]),
                us(d["module"]["p50"]) + " the module in process"),
            Row("  agent's own part (ms)", us(d["own"]["p50"]),
                us(d["fsync"]["p50"]) + " one fdatasync", d["own"]["p50"] / 1000,
                Goal("<=", 1, unit=" ms", must=not b.short)),
            Row("  of the least that it can be", "", us(d["ping"]["p50"]) + " a bare round trip",
                d["least"]["p50"], Goal("<=", LEAST_RATIO, moot=moot)),
            Row("  its 90th percentile (ms)", us(d["own"]["p90"]),
                us(d["find"]["p50"]) + " finding the key again", d["own"]["p90"] / 1000),
            Row("  helpers replaced meanwhile", "%d kept" % kept, "%d before" % len(before),
                len(before) - kept, Goal("<=", 0))]


def card_turns(b, d, *asked):
    """The round that counts of bench_proof's, with the card of that desk."""
    d.settle()
    done = [b.tool("proof", *asked, pcsc.OPENSC, pcsc.PIN, b.copy, max(30, b.ms // 10), CARD_PAUSE_MS,
                   env={"PATH": "/usr/bin:/bin", **d.b.env}) for _ in range(b.rounds)]
    return b.pick(done, lambda d: d["own"]["p50"])


def pam_service(b, d):
    """A folder of pam.d(5) with the service "bench": the module and nothing else."""
    folder = d.m.folder_for(d.m.folder + "/pam.d", "root", 0o755)
    module = shutil.copy(os.path.join(b.tools, "../lib/pam_tessera.so"), d.m.folder)
    with open(folder + "/bench", "w", encoding="utf-8") as f:
        f.write("auth required %s socket=%s\n" % (module, d.m.api))
    return folder


def card(b):
    """The same with a smart card: OpenSC, pcscd and a virtual PIV card, beside the
    same calls to the same card by pkcs11-tool's way, in this run; and a login by PAM."""
    with cards.Desk(audiences={**AUDIENCES, **LOGIN}) as d:
        d.enrol()
        request = b.request_file("card", "POST", "/token", form=d.form(audience="bench"))
        for _ in range(3):
            if d.prove(audience="bench").status != 200:
                raise harness.Failed("no proof by the card")
        one = card_turns(b, d, d.m.api, request)
        login = card_turns(b, d, "pam", pam_service(b, d))
    return [Row("device proof, P-256, virtual PIV card", us(one["total"]["p50"]),
                us(one["module"]["p50"]) + " as pkcs11-tool asks OpenSC"),
            Row("  agent's own part (ms)", us(one["own"]["p50"]),
                us(one["fsync"]["p50"]) + " one fdatasync", one["own"]["p50"] / 1000,
                Goal("<=", 5, unit=" ms", moot=busy(b, one))),
            Row("login by pam_tessera.so, the same card", us(login["total"]["p50"]),
                us(login["module"]["p50"]) + " as pkcs11-tool asks OpenSC"),
            Row("  what is not the card's (ms)", us(login["own"]["p50"]),
                us(login["own"]["p90"]) + " 90th percentile", login["own"]["p50"] / 1000,
                Goal("<=", 20, unit=" ms", moot=busy(b, login)))]


def start(b):
    """From exec to the first answer."""
    times = []
    for _ in range(b.rounds):
        b.m.stop()
        b.m.start()
        times.append(b.m.ready_s * 1000)
    return [Row("start to the first answer (ms)", "%.3g ms" % statistics.median(times),
                "", statistics.median(times), Goal("<=", 200, unit=" ms"))]


def hold(path, n):
    """n connections that have each asked once, held until the pipe ends."""
    clients = [harness.Client(path) for _ in range(n)]
    for c in clients:
        if c.request("GET", "/healthz").status != 200:
            raise harness.Failed("an idle connection was refused")
    return clients


class Holder:
    """A child of another uid with n idle connections."""

    def __init__(self, uid, path, n):
        self.ready, ready = os.pipe()
        over, self.over = os.pipe()

        def child():
            os.close(self.over)
            clients = hold(path, n)
            os.write(ready, b"r")
            os.read(over, 1)
            return len(clients)

        self.job = harness.Job(uid, child)
        os.close(ready)
        os.close(over)
        if os.read(self.ready, 1) != b"r":
            self.job.result()

    def end(self):
        os.write(self.over, b"x")	# later holders have this end too: closing says nothing
        self.job.result()
        os.close(self.over)
        os.close(self.ready)


def memory(b):
    """Of tesserad alone, after its start and one token."""
    b.m.stop()
    b.m.start()
    b.log_in()
    idle = harness.memory(b.pid)
    holders = []
    try:
        for uid in CROWD:
            holders.append(Holder(uid, b.m.api, 500))
        crowd = harness.memory(b.pid)
    finally:
        for h in holders:
            h.end()
    return [memory_row("memory idle, private and dirty (MiB)", idle["Private_Dirty"], 4),
            memory_row("memory idle, resident (MiB)", idle["Rss"], 14),
            memory_row("memory with 2,000 connections, resident (MiB)", crowd["Rss"], 64)]


def memory_row(item, kib, most):
    return Row(item, "%d KiB" % kib, "", kib / 1024, Goal("<=", most, unit=" MiB"))


def process(b):
    """The command line from start to end."""
    b.log_in()
    env = {"PATH": "/usr/bin:/bin", "TESSERA_SOCK": b.m.api, "HOME": "/nonexistent"}
    others = [("/bin/true", ["/bin/true"], None)]
    if b.peers["oidc"] is not None:
        p = b.peers["oidc"]
        env.update(p.env)
        others.append(("oidc-token", ["/usr/bin/oidc-token", p.ACCOUNT],
                       Goal("<=", 1.5, must=False)))
    rows = []
    for name, argv, goal in others:
        done = [b.tool("spawn", max(20, b.ms // 6), b.m.bin + "/tessera", "token", "get", "-a",
                       "bench", "--", *argv, env=env) for _ in range(b.rounds)]
        d = b.pick(done, lambda d: d["ratio"]["p50"])
        rows.append(Row("tessera token get as a process", us(d["a"]["p50"]),
                        us(d["b"]["p50"]) + " " + name, d["ratio"]["p50"], goal))
    return rows


def storm(b):
    """One caller mints while another user's 500 connections send a byte a second."""
    b.log_in()
    d = b.tool("storm", b.m.api, b.mint, SUBJECT, STRANGER, 500, b.ms, 4 if b.short else 10,
               user=0)
    worse = min(d["ratio_p99"]["p50"] / 2, d["more_p99_ms"]["p50"] / 5)
    return [Row("a mint while 500 others drip, median", us(d["storm_p50"]["p50"]),
                us(d["calm_p50"]["p50"]) + " calm", d["ratio_p50"]["p50"], Goal("<=", 2)),
            Row("  the same, 99th percentile", us(d["storm_p99"]["p50"]),
                us(d["calm_p99"]["p50"]) + " calm", d["ratio_p99"]["p50"]),
            Row("  of what it may be (2 times, or 5 ms more)", "%.3g ms more" %
                d["more_p99_ms"]["p50"], "", worse, Goal("<=", 1))]


def audit_of(b, uid):
    """(lines, their bytes, what they count) of the refusals of a user."""
    lines = size = count = 0
    with open(b.m.state + "/audit.log", encoding="utf-8") as f:
        for text in f:
            line = json.loads(text)
            if line["event"] == "refused" and line.get("by") == uid:
                lines, size, count = lines + 1, size + len(text), count + line["count"]
    return lines, size, count


def flood(b):
    """One user is refused as fast as it goes, another one gets tokens."""
    b.log_in()
    before = audit_of(b, STRANGER)
    begun = time.monotonic()
    d = b.tool("flood", b.m.api, b.refused, STRANGER, b.mint, SUBJECT, b.ms,
               4 if b.short else 10, user=0)
    b.m.stop()		# what was counted is written
    minutes = int((time.monotonic() - begun) / 60) + 2
    after = audit_of(b, STRANGER)
    b.m.start()
    lines, size, count = (x - y for x, y in zip(after, before))
    if count < d["all"]:
        raise harness.Failed("%d refusals, %d in the audit log" % (d["all"], count))
    slow = "busy machine" if d["bare"]["p50"] < FLOOD_BARE else None
    return [Row("refused requests of one user, pipelined", "%s/s" % format(round(d["refused"]["p50"]), ","),
                "%s/s bare socket" % format(round(d["bare"]["p50"]), ","), d["ratio"]["p50"],
                Goal(">=", FLOOD_RATIO)),
            Row("  the same, a second", "", "", d["refused"]["p50"],
                Goal(">=", FLOOD_RATE, must=not b.short, moot=slow)),
            Row("  another user's tokens beside it", "%s/s" % format(round(d["tokens"]["p50"]), ","),
                "%s/s alone" % format(round(d["calm_rate"]["p50"]), ","), d["tokens"]["p50"],
                Goal(">=", FLOOD_TOKENS)),
            Row("  their median", us(d["p50"]["p50"]), us(d["calm_p50"]["p50"]) + " alone"),
            Row("  their 99th percentile", us(d["p99"]["p50"]), us(d["calm_p99"]["p50"]) + " alone"),
            Row("  lines of it in the audit log", "%d bytes" % size, "%d refusals" % count,
                lines / minutes, Goal("<=", AUDIT_LINES, unit=" a minute"))]


OTP_USERS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 33, 34, 38, 39)	# of base-passwd
OTP_SEED = b"12345678901234567890".hex()		# RFC 4226, appendix D
OTP_MANY = 1_000_000


def otp_enrol(b):
    """64 tokens of 16 users -> the table for bench_otp.  A connection has a token of its
    own: with fewer, codes of one token would overtake one another."""
    if getattr(b, "otp_table", None) is not None:
        return
    lines = []
    for uid in OTP_USERS:
        for _ in range(4):
            answer = b.m.request("POST", "/admin/credentials", admin=True, json={
                "kind": "hotp", "subject": pwd.getpwuid(uid).pw_name, "secret": OTP_SEED,
                "secret_format": "hex", "confirm": False})
            if answer.status != 201:
                raise harness.Failed("no token: %r" % answer)
            lines.append("%d %s 0\n" % (uid, answer.json["id"]))
    b.otp_table = b.folder + "/tokens"
    with open(b.otp_table, "w", encoding="ascii") as f:
        f.writelines(lines)


def otp_rounds(b):
    done = [b.tool("otp", b.m.api, b.otp_table, b.folder + "/single.db", b.ms,
                   4, user=0) for _ in range(b.rounds)]
    return b.pick(done, lambda d: -d["ratio"]["p50"])


def otp_fill(b, count):
    """Further tokens, of users that nobody is."""
    b.m.stop()
    agent = pwd.getpwnam(harness.AGENT)
    subprocess.run([os.path.join(b.tools, "bench_fill"), "sqlite:" + b.m.state + "/tessera.db",
                    b.m.state + "/store.key", str(count)], check=True, user=agent.pw_uid,
                   group=agent.pw_gid, extra_groups=[], timeout=1200)
    b.m.start()


def otp(b):
    """Codes of 64 connections, each with a durable watermark."""
    otp_enrol(b)
    few = otp_rounds(b)
    moot = "fast disk" if few["fsync"]["p50"] < FAST_DISK_US else None
    rows = [Row("codes verified, 64 connections", "%s/s" % format(round(few["ours"]["p50"]), ","),
                "%s/s single FULL commits" % format(round(few["single"]["p50"]), ","),
                few["ratio"]["p50"], Goal(">=", 4, moot=moot)),
            Row("  an fdatasync", us(few["fsync"]["p50"]), us(few["fsync"]["p90"]) + " 90th percentile")]
    if not b.short and not getattr(b, "otp_full", False):
        otp_fill(b, OTP_MANY)
        b.otp_full = True
        many = otp_rounds(b)
        rows.append(Row("  with %s tokens enrolled" % format(OTP_MANY, ","),
                        "%s/s" % format(round(many["ours"]["p50"]), ","),
                        "%s single commits" % format(round(many["single"]["p50"]), ","),
                        few["ratio"]["p50"] / many["ratio"]["p50"], Goal("<=", 1.3)))
    return rows


SHORT = ("mint", "proof", "card", "fido", "start", "memory", "storm", "flood", "otp")
ITEMS = {f.__name__: f for f in (healthz, mint, proof, card, fido, start, memory, process, storm, flood, otp)}

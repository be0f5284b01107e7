# SPDX-License-Identifier: ISC
"""The socket under malformed, slow, deaf and too many clients."""
import select
import socket
import statistics
import time
import unittest

import harness
from harness import BIN, DAEMON, GAMES, Client, Events, Failed, Machine, as_user, until
from malformed import FORMS, JSON, LENGTH, MALFORMED, head, post
from wire import request_bytes

PIN = "123456"
SLOW = 500			# clients of one byte a second
IDLE = 2000			# connections of one uid
DRIP_S = 0.02			# between turns of a storm
ALTERNATIONS = 10		# of calm and storm
PHASE_S = 0.5			# of each
RATIO = 2.0			# "undisturbed": of the medians, and of the 99th percentiles
P99_S = 0.005			# or that much more
REQUEST_S = 5			# agent/http.h: a request whole
WRITE_S = 10			# agent/http.h: an answer taken
IDLE_RSS_KIB = 64 * 1024	# with IDLE connections


def statuses(path, data, timeout=20.0):
    """Send data, then a good request behind it.  The status of each answer, until
    the good one's or until the agent hangs up."""
    found = []
    with Client(path, timeout) as c:
        try:
            c.send(data)
            c.send(head())
            while not found or found[-1] != 200:
                answer = c.answer()
                if answer is None:
                    break
                if answer.headers.get("cache-control") != "no-store":
                    raise Failed("an answer without Cache-Control: no-store: %r" % answer)
                found.append(answer.status)
        except (BrokenPipeError, ConnectionResetError):
            pass
    return found


class Malformed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.m = Machine()

    @classmethod
    def tearDownClass(cls):
        cls.m.close()

    def test_the_good_one(self):
        """What the rows are faults of is good."""
        self.assertEqual(statuses(self.m.api, head()), [200])
        self.assertEqual(statuses(self.m.api, post(LENGTH)), [401, 200])	# login_required

    def test_requests(self):
        for name, data in MALFORMED:
            with self.subTest(name):
                got = as_user(DAEMON, statuses, self.m.api, data)
                if got:
                    self.assertTrue(400 <= got[0] < 600, got)
                # A well-framed request may be followed by the good one.
                if got[1:]:
                    self.assertIn(got[0], (400, 404, 405, 415))
                    self.assertEqual(got[1:], [200])
        self.assertEqual(self.m.request("GET", "/healthz").status, 200)

    def test_framing_ends_the_connection(self):
        """Where the end of a request is in doubt, what follows is not looked at."""
        doubtful = ["two Content-Length, alike", "two Content-Length, different",
                    "a list of lengths", "Content-Length and Transfer-Encoding",
                    "Transfer-Encoding chunked", "Transfer-Encoding identity",
                    "Transfer-Encoding in capitals", "length with a sign", "negative length",
                    "length in hexadecimal", "length 2^64 + 5", "body of 64 KiB and 1",
                    "blank before the colon of Content-Length", "bare LF throughout",
                    "folded field, blank", "no Host", "two Host", "NUL in a value"]
        rows = dict(MALFORMED)
        for name in doubtful:
            with self.subTest(name):
                got = statuses(self.m.api, rows[name])
                self.assertEqual(len(got), 1)
                self.assertTrue(400 <= got[0] < 600, got)

    def test_forms(self):
        for name, body in FORMS:
            with self.subTest(name):
                data = post(b"Content-Length: %d" % len(body), body=body)
                got = as_user(DAEMON, statuses, self.m.api, data)
                self.assertIn(got[0], (400, 403))

    def test_json(self):
        for path in "/session", "/prompt/AAAAAAAAAAAAAAAAAAAAAA":
            for name, body in JSON:
                if name == "empty" and path == "/session":
                    continue		# nothing chosen
                with self.subTest(name, path=path):
                    data = head(b"Content-Type: application/json",
                                b"Content-Length: %d" % len(body),
                                line=b"POST " + path.encode() + b" HTTP/1.1") + body
                    got = as_user(DAEMON, statuses, self.m.api, data)
                    # a prompt of nobody may be not found, whatever the body is
                    self.assertIn(got[0], (400,) if path == "/session" else (400, 404))

    def test_byte_by_byte(self):
        """A good request in pieces of one byte, and two in one piece."""
        with Client(self.m.api) as c:
            for byte in head():
                c.send(bytes([byte]))
            self.assertEqual(c.answer().status, 200)
            c.send(head() + head())
            self.assertEqual((c.answer().status, c.answer().status), (200, 200))


class Callers(unittest.TestCase):
    def test_uids_no_socket_serves(self):
        with Machine() as m:
            uids = [harness.pwd.getpwnam(name).pw_uid
                    for name in (harness.AGENT, harness.HELPER, "nobody")]
            for uid in uids:
                with self.subTest(uid=uid):
                    self.assertNotIn(200, as_user(uid, statuses, m.api, head()))

    def test_admin_socket(self):
        with Machine() as m:
            for uid in DAEMON, BIN:
                with self.assertRaises(PermissionError):
                    m.request("GET", "/admin/credentials", uid=uid, admin=True)
            self.assertEqual(m.request("GET", "/admin/credentials", admin=True).status, 200)
            for target in "/token", "/session", "/devices", "/events":
                answer = m.request("GET", target, admin=True)
                self.assertEqual(answer.status, 404, target)

    def test_connection_handed_to_another_uid(self):
        """SO_PEERCRED stays with who connected: who writes must be the same."""
        with Machine() as m:
            here, there = socket.socketpair()

            def connect():
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                    s.connect(m.api)
                    socket.send_fds(there, [b"!"], [s.fileno()])
                there.recv(1)		# stay: who connected must live

            def write():
                _, fds, _, _ = socket.recv_fds(here, 1, 1)
                with socket.socket(fileno=fds[0]) as s:
                    s.settimeout(20)
                    try:
                        s.sendall(head())
                        return s.recv(4096)
                    except (BrokenPipeError, ConnectionResetError):
                        return b""

            for uid, want in ((DAEMON, b"HTTP/1.1 200"), (BIN, b"")):
                with self.subTest(uid=uid):
                    first = harness.Job(DAEMON, connect)
                    said = as_user(uid, write)
                    here.send(b"!")
                    first.result()
                    self.assertEqual(said[:len(want) or None], want)
            here.close()
            there.close()


def dripping(path, prefix, seconds, advance):
    """A client that sends prefix, then a byte a second of the agent's clock."""
    with Client(path, 20) as c:
        c.send(prefix)
        with Client(path) as other:
            for _ in range(seconds):
                other.request("GET", "/healthz")
                advance(1)
                c.send(b"a")
            other.request("GET", "/healthz")
            # 0.1 s before the deadline it is still there
            advance(0.9)
            other.request("GET", "/healthz")
            time_to_see = select.select([c.sock], [], [], 0.05)[0]
            if time_to_see:
                return "early: %r" % c.sock.recv(4096)
            advance(0.2)
            begun = time.monotonic()
            return c.closed(10) and time.monotonic() - begun


class Slow(unittest.TestCase):
    def test_one_byte_a_second(self):
        with Machine(rehearse=True) as m:
            for name, prefix in (("headers", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "),
                                 ("body", post(b"Content-Length: 1000", body=b"grant_type=")),
                                 ("request line", b"GET /"), ("nothing yet", b"G")):
                with self.subTest(name):
                    said = dripping(m.api, prefix, REQUEST_S - 1, m.clock.advance)
                    self.assertIsInstance(said, float, said)

    def test_connected_and_silent(self):
        with Machine(rehearse=True) as m, Client(m.api) as c:
            m.request("GET", "/healthz")	# so the other one was accepted
            m.clock.advance(REQUEST_S + 0.1)
            self.assertTrue(c.closed(10))

    def test_never_reads(self):
        """Requests without end, no answer taken: closed, and no memory grows."""
        with Machine(rehearse=True) as m:
            m.request("GET", "/healthz")
            before = harness.memory(m.process.pid)["Rss"]
            deaf = []
            for _ in range(20):
                c = Client(m.api)
                c.sock.setblocking(False)
                try:
                    while True:
                        c.sock.send(head() * 64)
                except BlockingIOError:
                    deaf.append(c)
            # they take nothing more, and another one is served
            self.assertEqual(m.request("GET", "/healthz", uid=DAEMON).status, 200)
            grown = harness.memory(m.process.pid)["Rss"] - before
            m.clock.advance(WRITE_S + 0.1)
            m.request("GET", "/healthz")
            for c in deaf:
                self.assertTrue(until(lambda: hung_up(c.sock), what="the end of a deaf client"))
                c.close()
            print("20 deaf clients: %d KiB" % grown)
            if not harness.sanitized():
                self.assertLess(grown, 20 * 256)

    def test_never_reads_its_events(self):
        with Machine(rehearse=True) as m:
            proved(m)

            def mint(api):
                with Events(api) as deaf, Client(api) as c:
                    for _ in range(20000):
                        if c.request("POST", "/token", mint_form()).status != 200:
                            raise Failed("not minted")
                        if hung_up(deaf.client.sock):
                            return True
                return False

            self.assertTrue(as_user(DAEMON, mint, m.api))


def hung_up(sock):
    """The peer has closed, whatever it sent before."""
    poll = select.poll()
    poll.register(sock, select.POLLHUP | select.POLLRDHUP)
    return any(events & (select.POLLHUP | select.POLLRDHUP) for _, events in poll.poll(0))


def mint_form():
    return {"grant_type": harness.SESSION_GRANT, "audience": "demo"}


def proved(m, uid=DAEMON, user="daemon"):
    """A live session of uid."""
    m.make_token("card", PIN)
    m.tessera("enroll", "pkcs11", "--user", user, "--device", "pkcs11:token=card;id=%01",
              pin=PIN, check=True)
    answer = m.request("POST", "/token", uid=uid, form={
        "grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": PIN})
    if answer.status != 200:
        raise Failed("no proof: %r" % answer)


def work(api, seconds):
    """Mint tokens, on a kept connection and on new ones by turns; the times."""
    times, end = [], time.monotonic() + seconds
    data = request_bytes("POST", "/token", mint_form())
    with Client(api) as kept:
        while time.monotonic() < end:
            for new in False, True:
                begun = time.perf_counter()
                client = Client(api) if new else kept
                client.send(data)
                answer = client.answer()
                times.append(time.perf_counter() - begun)
                if new:
                    client.close()
                if answer is None or answer.status != 200:
                    raise Failed("while others stormed: %r" % answer)
    return times


class Storm:
    """Connections of another uid, made and ended on command by a child of that uid."""

    def __init__(self, uid, path, count, prefix, drip):
        self.here, there = socket.socketpair()
        self.job = harness.Job(uid, self.child, there, self.here, path, count, prefix, drip)
        there.close()

    @staticmethod
    def child(control, parent, path, count, prefix, drip):
        parent.close()
        harness.more_files()
        while control.recv(1):				# on
            clients = Storm.fill([], path, count, prefix)
            control.send(b"!")
            at, tick = 0, time.monotonic()
            while not select.select([control], [], [], max(0, tick - time.monotonic()))[0]:
                tick += DRIP_S
                # each client's turn comes once a second
                for _ in range(int(count * DRIP_S) if drip else 0):
                    at = (at + 1) % count
                    clients[at] = Storm.drip(clients[at], path, prefix)
            control.recv(1)				# off
            held = len([s for s in clients if not hung_up(s)])
            for s in clients:
                s.close()
            control.send(held.to_bytes(4, "big"))
        return True

    @staticmethod
    def fill(clients, path, count, prefix):
        while len(clients) < count:
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.connect(path)
            try:
                s.send(prefix)
            except (BrokenPipeError, ConnectionResetError):
                pass
            clients.append(s)
        return clients

    @staticmethod
    def drip(client, path, prefix):
        """One byte more; a client that was hung up on comes again."""
        try:
            client.send(b"a", socket.MSG_DONTWAIT)
            return client
        except OSError:
            client.close()
            return Storm.fill([], path, 1, prefix)[0]

    def on(self):
        self.here.send(b"!")
        if not self.here.recv(1):
            self.job.result()

    def off(self):
        """How many connections were still open."""
        self.here.send(b"!")
        return int.from_bytes(self.here.recv(4), "big")

    def end(self):
        self.here.close()
        self.job.result()


def p99(times):
    return statistics.quantiles(times, n=100)[98]


class Undisturbed(unittest.TestCase):
    def compare(self, m, storm, name):
        """Calm and storm by turns.  How many connections the storm held at least."""
        medians, tails, calm_tail, storm_tail, held = [], [], [], [], []
        as_user(DAEMON, work, m.api, PHASE_S)		# warm
        for _ in range(ALTERNATIONS):
            calm = as_user(DAEMON, work, m.api, PHASE_S)
            storm.on()
            rough = as_user(DAEMON, work, m.api, PHASE_S)
            held.append(storm.off())
            m.request("GET", "/healthz")		# the ends are noticed
            medians.append(statistics.median(rough) / statistics.median(calm))
            tails.append(p99(rough) / p99(calm))
            calm_tail.append(p99(calm))
            storm_tail.append(p99(rough))
        storm.end()
        more = statistics.median(storm_tail) - statistics.median(calm_tail)
        print("%s: %d connections; median %.2f times, p99 %.2f times (%+.1f ms), of %.0f us"
              % (name, min(held), statistics.median(medians), statistics.median(tails),
                 more * 1e3, statistics.median(calm) * 1e6))
        self.assertLessEqual(statistics.median(medians), RATIO)
        self.assertTrue(statistics.median(tails) <= RATIO or more <= P99_S)
        return min(held)

    def test_500_slow_clients(self):
        with Machine() as m:
            proved(m)
            storm = Storm(GAMES, m.api, SLOW, b"GET /healthz HTTP/1.1\r\nX: ", True)
            self.assertGreaterEqual(self.compare(m, storm, "slow clients"), SLOW * 9 // 10)

    def test_2000_idle_connections(self):
        """All of them let in."""
        with Machine(settings={"limits": {"connections": 8192,
                                          "connections-per-uid": IDLE + 48}}) as m:
            proved(m)
            storm = Storm(GAMES, m.api, IDLE, head(), False)
            storm.on()
            m.request("GET", "/healthz")
            rss = harness.memory(m.process.pid)["Rss"]
            storm.off()
            print("RSS with %d connections: %d KiB" % (IDLE, rss))
            if not harness.sanitized():
                self.assertLessEqual(rss, IDLE_RSS_KIB)
            self.assertEqual(self.compare(m, storm, "idle connections"), IDLE)

    def test_2000_connections_beyond_the_limit(self):
        """As configured by default: the limit of one uid holds."""
        with Machine() as m:
            proved(m)
            storm = Storm(GAMES, m.api, IDLE, head(), True)	# who is refused tries again
            self.assertGreaterEqual(self.compare(m, storm, "refused connections"), 512)

    def test_beyond_the_limit_is_said(self):
        with Machine(settings={"limits": {"connections-per-uid": 4}}) as m:
            def greedy():
                clients = [Client(m.api) for _ in range(5)]
                answers = [c.request("GET", "/healthz") if i < 4 else c.answer()
                           for i, c in enumerate(clients)]
                for c in clients:
                    c.close()
                return answers

            answers = as_user(GAMES, greedy)
            self.assertEqual([a.status for a in answers], [200] * 4 + [503])
            self.assertEqual(answers[4].error, "temporarily_unavailable")
            self.assertEqual(m.request("GET", "/healthz", uid=DAEMON).status, 200)
            # all are gone: the uid has its places again
            until(lambda: m.request("GET", "/healthz", uid=GAMES).status == 200)


if __name__ == "__main__":
    harness.main()

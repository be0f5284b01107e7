# SPDX-License-Identifier: ISC
"""The bench's item of FIDO2 keys: a login with a virtual key that is touched at
once, in turns with fido2-assert's work for the same credential of the same key.

As a program it runs in the key's world, where the activator of the helpers is its
child: for each line of its standard input, the path of fido2-assert's input, it
runs that once and prints how long it took in seconds.

    fidokeys.py ACTIVATOR...
"""
import base64
import glob
import hashlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

TOOL = "/usr/bin/fido2-assert"
OWN_MS = 5			# that a login may take more
WARM = 3			# turns that are not counted
PAUSE_S = 0.02			# in which a key is let go
SPARE_S = 0.12			# in which helpers are replaced: FIDO_SPARE_MS, and their start


def beside():
    """The program in the key's world."""
    activator = subprocess.Popen([sys.executable, "-B", *sys.argv[1:]], stdin=subprocess.PIPE)
    nodes = glob.glob("/dev/hidraw*")
    for line in sys.stdin:
        time.sleep(PAUSE_S)
        with open(line.strip(), "rb") as f:
            begun = time.perf_counter()
            done = subprocess.run([TOOL, "-G", nodes[0]], stdin=f, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, check=False)
            took = time.perf_counter() - begun
        print(took if done.returncode == 0 else done.stderr, flush=True)
    activator.stdin.close()
    activator.terminate()
    activator.wait()


def enrolled(m):
    """(rp id, the key's name) of the one credential, by a copy: the agent has the
    store to itself."""
    aside = shutil.copytree(m.state, m.folder + "/aside")
    db = sqlite3.connect(aside + "/tessera.db")
    try:
        return db.execute("SELECT rp_id, cred_id FROM fido").fetchone()
    finally:
        db.close()


def bed(count):
    """A fidobed.Bed whose job is this program."""
    import fidobed

    class Timed(fidobed.Bed):
        def activator(self, *argv):
            return subprocess.Popen(
                self.keys.argv(sys.executable, "-B", os.path.abspath(__file__), *argv), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    return Timed(count)


def turns(m, job, path, count, request):
    """[(our seconds, theirs)], as the key's owner."""
    import harness

    def run():
        found = []
        with harness.Client(m.api, 60.0) as c:
            for i in range(count + WARM):
                time.sleep(SPARE_S)
                begun = time.perf_counter()
                c.send(request)
                answer = c.answer()
                ours = time.perf_counter() - begun
                if answer.status != 200:
                    raise harness.Failed("no login: %r" % answer)
                job.stdin.write(path + "\n")
                job.stdin.flush()
                theirs = float(job.stdout.readline())
                if i >= WARM:
                    found.append((ours, theirs))
        return found
    return harness.as_user(harness.DAEMON, run)


def fido(b):
    """A login with a FIDO2 key, less what its own tool takes."""
    import fidobed
    import harness
    from table import Goal, Row

    if not os.path.exists(TOOL):
        return [Row("login with a FIDO2 key", "not measured", TOOL + " is not there")]
    done = []
    world = bed(1)
    with world as (m, _):
        if fidobed.enrol(m)[0].status != 201:
            raise harness.Failed("no enrolment")
        rp, ident = enrolled(m)
        path = m.folder + "/asked"
        with open(path, "w", encoding="ascii") as f:
            f.write("%s\n%s\n%s\n" % (base64.b64encode(hashlib.sha256(b"bench").digest()).decode(),
                                      rp, base64.b64encode(ident).decode()))
        request = harness.request_bytes("POST", "/token", form={
            "grant_type": harness.DEVICE_GRANT, "audience": "demo"})
        for _ in range(b.rounds):
            done.append(turns(m, world.job, path, max(20, b.ms // 20), request))
    own = b.pick([statistics.median(x - y for x, y in d) * 1000 for d in done], lambda v: v)
    ratio = b.pick([statistics.median(x / y for x, y in d) for d in done], lambda v: v)
    ours, theirs = (statistics.median(t[i] for d in done for t in d) * 1000 for i in (0, 1))
    return [Row("login with a FIDO2 key, touched at once", "%.3g ms" % ours,
                "%.3g ms fido2-assert" % theirs, ratio),
            Row("  agent's own part (ms)", "%.3g ms" % own, "", own,
                Goal("<=", OWN_MS, unit=" ms"))]


if __name__ == "__main__":
    beside()

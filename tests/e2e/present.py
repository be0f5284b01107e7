# SPDX-License-Identifier: ISC
"""What tests of devices that come and go ask of an agent."""
import select
import time

import harness
from harness import DAEMON
from wire import Events

EVENT_S = 60.0		# a busy machine's


def status(m):
    return m.request("GET", "/admin/status", admin=True).json


def time_passes(m):
    """The agent has looked at its clocks since."""
    for _ in range(3):
        time.sleep(0.01)
        m.request("GET", "/healthz")


def watcher_of(m):
    """The pid of the one that runs: of readers or of keys."""
    for pid in harness.processes_of(m.bin):
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            if b"--watch" in f.read():
                return pid
    raise harness.Failed("there is no watcher")


def says(m, uid=DAEMON, audience="demo"):
    """What the session grant says: "" for a token."""
    answer = m.request("POST", "/token", uid=uid, form={
        "grant_type": harness.SESSION_GRANT, "audience": audience})
    return answer.json.get("error", "")


def devices_of(events, n):
    """The next n events of devices: (name, data).  Others, pings too, are no answer."""
    found, end = [], time.monotonic() + EVENT_S
    while len(found) < n:
        name, data = events.next()
        if name.startswith("device-"):
            found.append((name, data))
        elif time.monotonic() > end:
            raise harness.Failed("no such event in %g s, but %r" % (EVENT_S, found))
    return found


def next_event(api, name):
    with Events(api) as events:
        return events.next(name)[1]


def line_of(p):
    if not select.select([p.stdout], [], [], EVENT_S)[0]:
        raise harness.Failed("no line from tessera device watch")
    return p.stdout.readline()

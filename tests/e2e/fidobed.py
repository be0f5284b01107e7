# SPDX-License-Identifier: ISC
"""A machine with FIDO2 keys: the agent outside, tessera-fido for each connection
inside a world of tessera-sim run, under the helpers' user.

    with Bed(2, "touch=manual") as (m, keys):
        m.request("POST", "/admin/credentials", ...)
        keys[0].ctl("touch")
"""
import os
import subprocess
import sys

import harness
from fidokey import Keys
from process import Job, until

SPARES = 2		# FIDO_SPARES of agent/fido_spare.h, each a keeper and its worker
ACTIVATOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fido", "activator.py")


class Bed:
    def __init__(self, count=1, *settings, fido=None, state=False, watch=False, **machine):
        section = {"environment": ["SYSTEMD_DEVICE_VERIFY_SYSFS=0"], "watch": watch}
        more = machine.pop("settings", {})
        self.machine = harness.Machine(start=False, settings={**more, "fido": section}, **machine)
        m = self.machine
        m.bed = self
        self.keys = self.job = None
        try:
            os.mkdir(m.folder + "/keys")
            os.mkdir(m.folder + "/fido")
            section["socket"] = m.folder + "/fido/s"
            if watch:
                section["watch-socket"] = section["socket"] + ".watch"
            self.keys = Keys(count, *settings, folder=m.folder + "/keys", state=state)
            section.update(fido or {})
            m.write_conf()
            self.activate(section["socket"])
            m.start()
        except BaseException:
            self.stop()
            m.abandon()
            raise

    def activator(self, *argv):
        """The activator in the keys' world; it ends with its standard input."""
        with open(self.machine.stderr_path, "ab") as err:
            return subprocess.Popen(self.keys.argv(sys.executable, "-B", *argv), stdin=subprocess.PIPE,
                                    stderr=err, start_new_session=True)

    def activate(self, path):
        m = self.machine
        self.job = self.activator(ACTIVATOR, path, harness.HELPER, m.bin + "/tessera-fido",
                                  "--config", m.conf)
        until(lambda: os.path.exists(path), 60, what="the helper's socket")
        os.chmod(path, 0o666)
        os.chmod(path + ".watch", 0o666)

    def helpers_end(self):
        """No helper is started any more; those that run go on.  Or, where none runs: the
        keys are carried to another host (fidokey.Keys.run())."""
        if self.job is not None:
            self.job.stdin.close()
            self.job.terminate()
            self.job.wait(20)
        self.job = None

    def stop(self):
        self.helpers_end()
        if self.keys is not None:
            self.keys.stop()

    def __enter__(self):
        return self.machine, self.keys

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for key in self.keys:
                try:
                    sys.stderr.write("--- the key:\n%s\n" % key.ctl("log"))
                except Exception:	# it may be gone
                    pass
        self.stop()
        self.machine.__exit__(kind, value, trace)


def at_rest(m):
    """How many programs of the machine run, once those for keys are the ones that wait
    for an operation.  There was one."""
    def helpers():
        n = 0
        for pid, exe in harness.processes_of(m.bin).items():
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    n += exe.endswith("/tessera-fido") and b"\0--watch\0" not in f.read()
            except OSError:
                n += 1		# it ends: no rest yet
        return n
    until(lambda: helpers() == 2 * SPARES, 60, what="helpers that wait")
    return len(harness.processes_of(m.bin))


def enrol(m, user="daemon", label="key", pins=(), **more):
    """(Answer, prompts) of an administrator's enrolment."""
    return m.answering(list(pins), "POST", "/admin/credentials", admin=True,
                       json={"kind": "fido", "subject": user, "label": label, **more})


class Later(Job):
    """fn(...) meanwhile: result() waits for it.  A process and no thread: what forks
    beside a thread hands its pipes on."""

    def __init__(self, fn, *args, **kw):
        super().__init__(os.geteuid(), lambda: fn(*args, **kw))


def ask(m, uid=harness.DAEMON, pins=(), audience="demo", **more):
    """(Answer, prompts) of a device grant."""
    return m.answering(list(pins), "POST", "/token", uid=uid, form={
        "grant_type": harness.DEVICE_GRANT, "audience": audience, **more})

# SPDX-License-Identifier: ISC
"""Every process of a running agent is confined: what the kernel says of each."""
import ctypes
import os
import pwd
import subprocess
import unittest

import harness
from harness import DAEMON, DEVICE_GRANT

PIN = "123456"


def facts(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def kind(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        argv = f.read().split(b"\0")
    if b"--accept" in argv:
        return "activator"
    if b"--names" in argv:
        return "names"
    if b"--worker" in argv:
        return "module"
    return "keeper" if argv[0].endswith(b"tessera-pkcs11") else "agent"


def core_limit(pid):
    with open("/proc/%d/limits" % pid, encoding="ascii") as f:
        return [line.split()[4:6] for line in f if line.startswith("Max core file size")][0]


def peek(pid):
    """What a process of the same uid can take from it."""
    taken = []
    try:
        with open("/proc/%d/mem" % pid, "rb"):
            taken.append("mem")
    except OSError:
        pass
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, 0, 0) == 0:		# PTRACE_ATTACH
        taken.append("ptrace")
        libc.ptrace(17, pid, 0, 0)
    here = ctypes.create_string_buffer(16)

    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
    mine = Vector(ctypes.addressof(here), 16)
    theirs = Vector(0x400000, 16)
    if libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) >= 0 or \
            ctypes.get_errno() == 14:			# EFAULT: it was let in
        taken.append("process_vm_readv")
    fd = libc.syscall(434, pid, 0)			# pidfd_open
    if fd >= 0 and libc.syscall(438, fd, 0, 0) >= 0:	# pidfd_getfd
        taken.append("pidfd_getfd")
    return taken


class Confined(unittest.TestCase):
    def check(self, m, users):
        m.make_token("card", PIN)
        m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card", pin=PIN,
                  check=True)
        self.assertEqual(m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}).status, 200)
        kinds = {}
        for pid in harness.processes_of(m.folder):
            kinds.setdefault(kind(pid), []).append(pid)
        kinds.pop("activator", None)
        self.assertEqual(set(kinds), {"agent", "names", "keeper", "module"})
        for name, pids in kinds.items():
            for pid in pids:
                with self.subTest(kind=name):
                    f = facts(pid)
                    uid = pwd.getpwnam(users[name]).pw_uid
                    self.assertEqual(f["NoNewPrivs"], "1")
                    self.assertEqual(f["Seccomp"], "2")
                    self.assertEqual(int(f["CapEff"], 16), 0)
                    self.assertEqual(f["Uid"].split(), [str(uid)] * 4)
                    self.assertEqual(core_limit(pid), ["0", "0"])
                    self.assertEqual(harness.as_user(uid, peek, pid), [])

    def test_forked_helpers(self):
        with harness.Machine() as m:
            self.check(m, dict.fromkeys(("agent", "names", "keeper", "module"), "tessera"))

    def test_activated_helpers(self):
        with harness.Machine(helper="activate") as m:
            self.check(m, {"agent": "tessera", "names": "tessera",
                           "keeper": "tessera-dev", "module": "tessera-dev"})

    def test_a_plain_process_can_be_read(self):
        """The probe itself works: a process that is not confined gives everything."""
        plain = subprocess.Popen(["/bin/sleep", "60"], user=DAEMON, group=DAEMON, extra_groups=[])
        try:
            taken = harness.as_user(DAEMON, peek, plain.pid)
        finally:
            plain.kill()
            plain.wait()
        self.assertIn("ptrace", taken)
        self.assertIn("process_vm_readv", taken)


if __name__ == "__main__":
    harness.main()

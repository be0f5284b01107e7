# SPDX-License-Identifier: ISC
"""A folder for each test, below one that is root's like every folder above it."""
import errno
import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time

from process import processes_of

PARENT = "/var/lib/tessera-test"	# root's, like every folder above it
SWEEP_S = 1800				# no test runs that long


def tree(source, target):
    """Link (or copy) the programs to a path that nobody else uses: every user
    can reach them there, and what is left running can be told by its path."""
    os.mkdir(target, 0o755)
    for name in os.listdir(source):
        a, b = os.path.join(source, name), os.path.join(target, name)
        st = os.stat(a)
        if not stat.S_ISREG(st.st_mode):
            continue
        try:
            if st.st_uid != 0 or st.st_mode & 0o022 or st.st_mode & 0o444 != 0o444:
                raise OSError(errno.EPERM, "not root's")
            os.link(a, b)
        except OSError:
            shutil.copyfile(a, b)
            os.chmod(b, 0o755 if st.st_mode & 0o100 else 0o644)


def new_folder():
    """A root-owned folder, 0755, below PARENT, and the descriptor that locks it
    for as long as this test lives."""
    while True:
        try:
            os.makedirs(PARENT, mode=0o755, exist_ok=True)
            os.chmod(PARENT, 0o755)
            folder = tempfile.mkdtemp(prefix="m", dir=PARENT)
            break
        except FileNotFoundError:	# another test removed the empty parent
            continue
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.chmod(folder, 0o755)
    return folder, lock


def remove_folder(folder):
    shutil.rmtree(folder)
    try:
        os.rmdir(PARENT)
    except OSError:
        pass				# another test is at work there


def sweep():
    """Clear up after tests that were killed: old folders that nobody locks."""
    for name in os.listdir(PARENT) if os.path.isdir(PARENT) else []:
        folder = os.path.join(PARENT, name)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(lock).st_mtime > SWEEP_S:
                for pid in processes_of(folder):
                    os.kill(pid, signal.SIGKILL)
                remove_folder(folder)
        except OSError:
            pass			# locked, or gone meanwhile
        finally:
            os.close(lock)

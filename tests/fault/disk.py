# SPDX-License-Identifier: ISC
"""A small file system of its own, in a file in memory: what it holds on its
"disk" can be copied at any moment, as if the power had gone."""
import os
import shutil
import subprocess
import tempfile

MIB = 1 << 20


def run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise OSError("%s: %s" % (" ".join(argv), done.stdout.decode("utf-8", "replace")))


class Disk:
    """ext4 over a loop device; mount() on a folder, unmount() at last."""

    def __init__(self, size=16 * MIB):
        self.folder = tempfile.mkdtemp(prefix="tessera-disk.", dir="/dev/shm")
        self.image, self.mounted, self.cuts = self.folder + "/image", None, 0
        with open(self.image, "wb") as f:
            f.truncate(size)
        run("/usr/sbin/mkfs.ext4", "-q", "-F", "-m", "0", self.image)

    def mount(self, where, image=None):
        # nothing is written but what is synced: a long commit interval
        run("/usr/bin/mount", "-o", "loop,commit=300", image or self.image, where)
        if image is None:
            self.mounted = where

    def power_cut(self):
        """What is on the disk now, as a file for the caller to remove; whoever writes is
        stopped meanwhile.  Another name each time: mount takes a loop device that is still
        there for the file of that name, with what it remembers of it."""
        self.cuts += 1
        return shutil.copy(self.image, self.folder + "/cut%d" % self.cuts)

    @staticmethod
    def unmount(where):
        run("/usr/bin/umount", where)

    def close(self):
        if self.mounted is not None:
            subprocess.run(["/usr/bin/umount", "-l", self.mounted], check=False)
            self.mounted = None
        shutil.rmtree(self.folder, ignore_errors=True)


def possible():
    """Why there can be no disk here, or None."""
    try:
        disk = Disk(4 * MIB)
    except OSError as e:
        return str(e)
    try:
        os.mkdir(disk.folder + "/m")
        disk.mount(disk.folder + "/m")
        return None
    except OSError as e:
        return str(e)
    finally:
        disk.close()

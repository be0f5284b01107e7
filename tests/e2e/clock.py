# SPDX-License-Identifier: ISC
"""The clocks of a rehearsal: a page that tesserad --rehearse reads."""
import mmap
import os
import struct

MAGIC = 0x314b4c4352535400	# agent/clock.h
WALL = 1_800_000_000		# where a rehearsal begins: 2027-01-15
BOOT = 1_000			# seconds


class Clock:
    """The page of tesserad --rehearse, laid out as struct clock_page."""

    def __init__(self):
        self.fd = os.memfd_create("clock")
        os.ftruncate(self.fd, mmap.PAGESIZE)
        self.page = mmap.mmap(self.fd, mmap.PAGESIZE)
        self.seq, self.wall_ns = 0, WALL * 10**9
        self.boot_ns = BOOT * 10**9
        self.synchronised, self.slept_ns = False, 0
        self.write()
        struct.pack_into("<Q", self.page, 0, MAGIC)

    def write(self):
        struct.pack_into("<Q", self.page, 8, self.seq + 1)
        struct.pack_into("<q", self.page, 16, self.wall_ns)
        struct.pack_into("<Q", self.page, 24, self.boot_ns)
        struct.pack_into("<Q", self.page, 32, int(self.synchronised))
        struct.pack_into("<Q", self.page, 40, self.slept_ns)
        self.seq += 2
        struct.pack_into("<Q", self.page, 8, self.seq)

    def advance(self, seconds):
        """Both clocks go on."""
        self.wall_ns += int(seconds * 10**9)
        self.boot_ns += int(seconds * 10**9)
        self.write()

    def sleep(self, seconds):
        """The machine is suspended and wakes."""
        self.slept_ns += int(seconds * 10**9)
        self.advance(seconds)

    def set_wall(self, seconds):
        """The wall clock alone jumps."""
        self.wall_ns = int(seconds * 10**9)
        self.write()

    def synchronise(self, on=True):
        """What the kernel says of the wall clock."""
        self.synchronised = on
        self.write()

    @property
    def wall(self):
        return self.wall_ns / 10**9

    def close(self):
        self.page.close()
        os.close(self.fd)

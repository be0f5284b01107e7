# SPDX-License-Identifier: ISC
"""What names system calls and architectures compiles for arm64, too.

    arm64.py SOURCE

Without a cross compiler there is nothing to say: exit status 77."""
import glob
import os
import shutil
import subprocess
import sys

COMPILER = "aarch64-linux-gnu-gcc"
FILES = "sim/run*.c"
SKIPPED = 77


def main():
    os.chdir(sys.argv[1])
    if shutil.which(COMPILER) is None:
        print("%s is not installed" % COMPILER)
        return SKIPPED
    bad = 0
    for path in sorted(glob.glob(FILES)):
        bad += subprocess.run(
            [COMPILER, "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-I.",
             "-Iinclude", "-c", path, "-o", os.devnull]).returncode != 0
    print("%d files, %d complaints" % (len(glob.glob(FILES)), bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

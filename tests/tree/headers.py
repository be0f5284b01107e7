# SPDX-License-Identifier: ISC
"""Every header compiles alone.

    headers.py SOURCE COMPILER [INCLUDE-DIR...]"""
import os
import subprocess
import sys

FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         "-fsyntax-only", "-x", "c"]


def headers(root):
    for folder in ("include", "base", "token", "agent", "pkcs11", "fido", "client", "client/lib", "pam", "sim"):
        for name in sorted(os.listdir(os.path.join(root, folder))):
            if name.endswith(".h"):
                yield folder + "/" + name


def main():
    root, compiler, dirs = sys.argv[1], sys.argv[2], sys.argv[3:]
    bad, n = 0, 0
    for path in headers(root):
        n += 1
        done = subprocess.run(
            [compiler, *FLAGS, "-I", root, "-I", root + "/include",
             *[a for d in dirs for a in ("-isystem", d)], "-"],
            input='#include "%s"\nint tessera_alone;\n' % path, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            print("%s does not compile alone:\n%s" % (path, done.stdout))
            bad += 1
    print("%d headers, %d complaints" % (n, bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

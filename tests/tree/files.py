# SPDX-License-Identifier: ISC
"""Shape of the tree: no C file and no test over 600 lines, a folder includes only
what its side of the trust line may, third-party headers only where they belong,
and no thread is started.

    files.py SOURCE"""
import os
import re
import sys

LINES = 600
FOLDERS = ["include", "base", "token", "agent", "pkcs11", "fido", "client",
           "client/lib", "pam", "sim"]
MAY_INCLUDE = {
    "include": set(), "base": {"include"}, "token": {"include", "base"},
    "agent": {"include", "base", "token"}, "pkcs11": {"include", "base"},
    "fido": {"include", "base"},
    "client": {"include", "base", "token"}, "sim": {"include", "base"},
    "pam": {"include", "base", "token", "client"},
}
# One thread a process: whatever starts another.
THREADS = re.compile(r"\b(pthread_create|thrd_create|threads\.h|SIGEV_THREAD|getaddrinfo_a|"
                     r"CLONE_THREAD\s*,|aio_read|aio_write)\b")
# pcscd's client has calls that wait for other programs and cannot be called off:
# the worker, which ends when one does not come back, makes them in a thread.
MAY_START = {"pkcs11/pcsc_real.c"}
# A library's header and the files that may name it.
ONLY_IN = {
    "sqlite3.h": r"agent/store_[a-z_]*\.[ch]$",
    "libp11.h": r"pkcs11/", "p11-kit/pkcs11.h": r"pkcs11/",
    "winscard.h": r"pkcs11/",
    "fido.h": r"fido/", "libudev.h": r"fido/",
    "systemd/": r"agent/", "confuse.h": r"base/config", "assuan.h": r"client/",
    "security/": r"pam/",
    "seccomp.h": r"base/sandbox",
    # libtessera goes into other people's processes without it
    "jansson.h": r"(token/json|agent/|client/[a-z_]*\.[ch])",
}


def sources(root):
    for folder in FOLDERS:
        for name in sorted(os.listdir(os.path.join(root, folder))):
            if name.endswith((".c", ".h")):
                yield folder.split("/")[0], folder + "/" + name


def tests(root):
    for where, folders, names in os.walk(os.path.join(root, "tests")):
        folders[:] = [f for f in folders if f not in ("corpus", "fixture", "node_modules")]
        for name in sorted(names):
            if name.endswith((".c", ".h", ".py", ".mjs", ".cmake")):
                yield os.path.relpath(os.path.join(where, name), root)


def too_long(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        lines = f.read().count("\n")
    if lines > LINES:
        yield "%s has %d lines, at most %d" % (path, lines, LINES)


def complaints(root):
    for path in tests(root):
        yield from too_long(root, path)
    for folder, path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as f:
            text = f.read()
        yield from too_long(root, path)
        if "SPDX-License-Identifier: ISC" not in text:
            yield "%s has no licence line" % path
        for started in set(THREADS.findall(text)) if path not in MAY_START else ():
            yield "%s names %s: one thread a process" % (path, started)
        for included in re.findall(r'^#\s*include\s+"([^"]+)"', text, re.M):
            other = included.split("/")[0] if "/" in included else "include"
            if other in FOLDERS and other != folder and other not in MAY_INCLUDE[folder]:
                yield "%s includes %s" % (path, included)
        for included in re.findall(r"^#\s*include\s+<([^>]+)>", text, re.M):
            for header, where in ONLY_IN.items():
                if included.startswith(header) and not re.match(where, path):
                    yield "%s includes <%s>" % (path, included)


def main():
    said = list(complaints(sys.argv[1]))
    print("\n".join(said + ["%d complaints" % len(said)]))
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Bugs seeded into the security checks, each with the test that must notice it.

    tests/fault/seeded.py BUILD_DIR [WORD...]
    tests/fault/seeded.py --stale

A long check that is run by hand, as root, before a release and after work on a
check that is listed here; "ctest" has but "--stale" of it, which builds nothing
and says which rows no longer fit the tree: the old text is not in the file
exactly once, or the test is not there.  Without WORDs all rows are tried, else
those with one of them in the file's name, the title or the test.

The tree is copied to BUILD_DIR/seeded/tree and built in BUILD_DIR/seeded/build
with the compiler and the build type of BUILD_DIR (both are kept: the next run
is quicker).  The tests named must pass there.  Then one row at a time is
applied to the copy: its old text, which must be in the file exactly once, gives
way to the new one, the programs are built, and the test is run, which must
fail.  A row that survives, has gone stale or does not build is a complaint, and
the exit status is 1.

Whoever adds a check that decides who may do something adds a row, to a file of
the folder bugs.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

from bugs import (callers, cards, client, fido, fido_agent, otp, pam, request, revoked, ssh, store,
                  tokens, verdict)

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEST_S = 180
NOT_COPIED = {".git", "build", "node_modules", "__pycache__"}

# title, file, old text, new text, the test: "FOLDER/NOUN CLASS.TEST", "unit NOUN", or
# "corpus TARGET" for the committed inputs of a fuzz target
SEEDED = [row for part in (callers, cards, client, fido, fido_agent, otp, pam, request, revoked,
                             ssh, store, tokens, verdict) for row in part.ROWS]

assert len({(row[1], row[2], row[3]) for row in SEEDED}) == len(SEEDED)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def there(path, old):
    """None where the text is in the file once, else the complaint."""
    try:
        n = read(path).count(old.encode())
    except FileNotFoundError:
        return "STALE: there is no such file"
    return None if n == 1 else "STALE: its text is there %d times" % n


def known_tests():
    """The C programs by their files, and every "FOLDER/NOUN CLASS.TEST"."""
    known, paths = set(), glob.glob(SOURCE + "/tests/**/*.*", recursive=True)
    for folder, noun in re.findall(r"(\w+)/(?:test_)?(\w+)\.c\b", " ".join(paths)):
        known |= {"unit " + noun, "unit %s_%s" % (folder, noun), "corpus " + noun}
    for at in filter(None, (re.search(r"(\w+)/test_(\w+)\.py$", path) for path in paths)):
        of = ""
        for kind, name in re.findall(r"^ *(class|def) (\w+)", read(at.string).decode(), re.M):
            of = name if kind == "class" else of
            known.add("%s/%s %s" % (*at.groups(), name if kind == "class" else of + "." + name))
    return known


def stale():
    known, bad = known_tests(), 0
    for title, path, old, _, test in SEEDED:
        for complaint in (there(os.path.join(SOURCE, path), old),
                          None if test in known else "there is no test \"%s\"" % test):
            if complaint is not None:
                bad += 1
                print("%s (%s): %s" % (title, path, complaint))
    return bad > 0


def copy_tree(tree):
    """What differs is copied, so that only that is built."""
    wanted = set()
    for where, folders, files in os.walk(SOURCE):
        folders[:] = [n for n in folders if n not in NOT_COPIED]
        to = os.path.normpath(os.path.join(tree, os.path.relpath(where, SOURCE)))
        os.makedirs(to, exist_ok=True)
        for name in files:
            a, b = os.path.join(where, name), os.path.join(to, name)
            if not os.path.isfile(a):
                continue
            wanted.add(b)
            if not os.path.exists(b) or read(a) != read(b):
                shutil.copyfile(a, b)
                shutil.copymode(a, b)
    for where, _, files in os.walk(tree):
        for name in files:
            if os.path.join(where, name) not in wanted:
                os.unlink(os.path.join(where, name))


def run(command, env=None, timeout=3600):
    """Exit status and what it said; None for the status after timeout."""
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as e:
        return None, (e.stdout or b"").decode("utf-8", "replace")
    return done.returncode, done.stdout.decode("utf-8", "replace")


class Kit:
    def __init__(self, build_dir):
        self.build_dir = os.path.abspath(build_dir)
        self.tree = self.build_dir + "/seeded/tree"
        self.build_to = self.build_dir + "/seeded/build"

    def prepare(self):
        cache = read(self.build_dir + "/CMakeCache.txt").decode()
        kept = ["-D%s=%s" % (k, re.search("^%s:[A-Z]+=(.*)$" % k, cache, re.M)[1])
                for k in ("CMAKE_BUILD_TYPE", "CMAKE_C_COMPILER")]
        copy_tree(self.tree)
        kept.append("-DCMAKE_C_FLAGS=-w")	# what a bug leaves unused is no error
        status, said = run(["cmake", "-G", "Ninja", "-S", self.tree, "-B", self.build_to, *kept])
        if status == 0:
            status, said = run(["ninja", "-C", self.build_to])
        if status != 0:
            sys.exit(said)

    def build(self, test):
        targets = ["tesserad", "tessera", "tessera-full", "tessera-pkcs11", "tessera-fido", "tessera-sim",
                   "tessera_shared", "pam_tessera"]
        if test.startswith("unit "):
            targets = ["test_" + test.split()[1]]
        if test.startswith("corpus "):
            targets = ["fuzz_" + test.split()[1]]
        return run(["ninja", "-C", self.build_to, *targets])

    def test(self, test):
        """Its exit status, and what it said."""
        env = dict(os.environ, TESSERA_BIN=self.build_to + "/bin", TESSERA_SOURCE=self.tree,
                   TESSERA_SHIM=self.build_to + "/tests/tessera_shim.so",
                   TESSERA_SWEEP_SHIM=self.build_to + "/tests/tessera_sweep_shim.so",
                   TESSERA_NODE_MODULES=SOURCE + "/build/node_modules")
        where, name = test.split()
        if where == "unit":
            command = [self.build_to + "/tests/test_" + name]
        elif where == "corpus":
            command = [self.build_to + "/fuzz/fuzz_" + name, self.tree + "/tests/fuzz/corpus/" + name]
        else:
            folder, noun = where.split("/")
            command = ["/usr/bin/python3", "-B",
                       "%s/tests/%s/test_%s.py" % (self.tree, folder, noun), name]
        return run(command, env, TEST_S)

    def seed(self, row):
        """None where the bug was noticed, else the complaint."""
        _, path, old, new, test = row
        path = os.path.join(self.tree, path)
        complaint = there(path, old)
        if complaint is not None:
            return complaint
        text = read(path)
        try:
            with open(path, "wb") as f:
                f.write(text.replace(old.encode(), new.encode()))
            status, said = self.build(test)
            if status != 0:
                return "DOES NOT BUILD:\n" + said
            status, said = self.test(test)
            return "SURVIVED" if status == 0 else None
        finally:
            with open(path, "wb") as f:
                f.write(text)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--stale":
        return stale()
    words = sys.argv[2:]
    rows = [r for r in SEEDED if not words or any(w in " ".join((r[0], r[1], r[4])) for w in words)]
    kit = Kit(sys.argv[1])
    kit.prepare()
    bad = 0
    for test in dict.fromkeys(r[4] for r in rows):
        status, said = kit.test(test)
        if status != 0:
            bad += 1
            print("%s fails without any bug:\n%s" % (test, said))
    if bad:
        return 1
    for row in rows:
        complaint = kit.seed(row)
        bad += complaint is not None
        print("%-36s %-24s %s" % (row[0], row[1], complaint or "noticed"), flush=True)
    kit.build("")		# no bug is left in the programs
    print("%d bugs, %d complaints" % (len(rows), bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

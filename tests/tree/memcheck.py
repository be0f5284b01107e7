# SPDX-License-Identifier: ISC
"""Programs of a build without sanitizers under valgrind's memcheck: no error,
nothing definitely lost.

    memcheck.py SOURCE BUILD [all]

Without "all" those that say most in little time.  A sandbox does not live with
valgrind: what runs in one is here by its unit tests, and the whole agent by the
fuzz target "request", which leaves the sandbox out."""
import concurrent.futures
import os
import subprocess
import sys
import time

VALGRIND = ["/usr/bin/valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite", "--trace-children=no"]
TIMEOUT_S = 540
SHORT = ["audit", "base_buf", "base_frame", "base_proto", "base_secret", "challenge",
         "credential_json", "enrol_code", "helper_lies", "helper_pool", "http_form", "http_head",
         "json", "jwk", "keys", "listen", "metrics", "ossl", "policy",
         "problem", "session", "store_credential", "store_key", "store_signing",
         "store_tag", "timer", "uri"]
# What they test is inside a sandbox; valgrind knows no pidfd_open; it has
# descriptors of its own.
NEVER = {"caller", "http_callers", "base_keeper", "base_sandbox_escape", "base_sandbox_work"}
TARGETS = ["request", "helper_frame", "body", "p11_keys", "lib_answer", "config"]


def tests(build, everything):
    there = sorted(name[5:] for name in os.listdir(os.path.join(build, "tests"))
                   if name.startswith("test_"))
    return [n for n in there if n not in NEVER] if everything else SHORT


def run(name, argv, build):
    begun = time.monotonic()
    try:
        done = subprocess.run(VALGRIND + argv, check=False, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                              errors="replace", env=dict(os.environ, TESSERA_BIN=build + "/bin",
                                                         TESSERA_VALGRIND="1"))
        said, good = done.stdout, done.returncode == 0
    except subprocess.TimeoutExpired as e:
        said, good = "no end within %d s\n%s" % (TIMEOUT_S, e.stdout), False
    print("%-6s %5.1f s  %s" % ("ok" if good else "FAILED", time.monotonic() - begun, name), flush=True)
    if not good:
        print(said, flush=True)
    return good


def main():
    source, build = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
    everything = "all" in sys.argv[3:]
    jobs = [(n, [build + "/tests/test_" + n]) for n in tests(build, everything)]
    targets = sorted(os.listdir(source + "/tests/fuzz/corpus")) if everything else TARGETS
    jobs += [("fuzz_" + n, [build + "/fuzz/fuzz_" + n, source + "/tests/fuzz/corpus/" + n])
             for n in targets]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(lambda job: run(*job, build), jobs))
    print("%d of %d good" % (sum(good), len(good)))
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: ISC
"""Each binary links exactly what its side of the trust lines may link, and is
hardened: PIE, full RELRO, no executable stack, stack protector, fortified, CET.

    needed.py BUILD/bin"""
import os
import re
import subprocess
import sys

SYSTEM = {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
SANITIZER = re.compile(r"lib(asan|ubsan|tsan|lsan|gcc_s|m|dl|pthread|rt|resolv|stdc\+\+)\.so")
NEEDED = {
    # no device library: neither libp11 nor libfido2 nor libpcsclite
    "tesserad": {"libsqlite3.so.0", "libcrypto.so.3", "libconfuse.so.2", "libseccomp.so.2",
                 "libjansson.so.4", "libsodium.so.23", "libsystemd.so.0"},
    # no database, no token library, no service manager
    "tessera-pkcs11": {"libp11.so.3", "libpcsclite.so.1", "libcrypto.so.3", "libconfuse.so.2", "libseccomp.so.2",
                       "libsodium.so.23"},
    # libfido2 brings libcrypto and libcbor with it
    "tessera-fido": {"libfido2.so.1", "libudev.so.1", "libconfuse.so.2", "libseccomp.so.2",
                     "libsodium.so.23"},
    # goes into other people's processes, PAM's among them
    "../lib/libtessera.so.0": {"libcrypto.so.3", "libsodium.so.23"},
    # the same, with that half of libtessera in itself which speaks to the agent
    "../lib/pam_tessera.so": {"libpam.so.0"},
    # what starts quickly, and what it hands the rest to: it has the client half
    # of libtessera in itself, because the library brings libcrypto
    "tessera": {"libseccomp.so.2", "libjansson.so.4", "libsodium.so.23"},
    "tessera-full": {"libcrypto.so.3", "libconfuse.so.2", "libseccomp.so.2", "libjansson.so.4",
                     "libsodium.so.23", "libassuan.so.0", "libgpg-error.so.0",
                     "libpskc.so.0", "libqrencode.so.4"},
    # virtual devices have the libraries of none: they speak to those who do
    "tessera-sim": {"libcrypto.so.3", "libsodium.so.23"},
}


def readelf(option, path):
    return subprocess.run(["readelf", option, "--wide", path], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def complaints(path, allowed):
    dynamic = readelf("-d", path)
    needed = set(re.findall(r"NEEDED\).*\[(.*)\]", dynamic))
    sanitized = any(SANITIZER.match(n) and "san" in n for n in needed)
    extra = {n for n in needed - allowed - SYSTEM if not (sanitized and SANITIZER.match(n))}
    if extra:
        yield "links %s" % ", ".join(sorted(extra))
    if "DYN (Position-Independent Executable file)" not in readelf("-h", path) and \
            ".so" not in path:
        yield "is no PIE"
    if "BIND_NOW" not in dynamic and " NOW" not in dynamic:
        yield "is not bound at start (full RELRO)"
    segments = readelf("-l", path)
    if "GNU_RELRO" not in segments:
        yield "has no RELRO segment"
    if re.search(r"GNU_STACK.* RWE ", segments):
        yield "has an executable stack"
    symbols = readelf("--dyn-syms", path)
    if "__stack_chk_fail" not in symbols:
        yield "has no stack protector"
    with open(path, "rb") as f:
        data = f.read()
    if not sanitized and b"_chk@" not in symbols.encode() and "_chk" not in symbols:
        yield "is not fortified"
    if b"\x7fELF\x02" == data[:5] and data[18] == 62 and data.count(b"\xf3\x0f\x1e\xfa") < 100:
        yield "has no CET landing pads"


def main():
    folder, bad = sys.argv[1], 0
    for name, allowed in NEEDED.items():
        for said in complaints(os.path.join(folder, name), allowed):
            print("%s %s" % (name, said))
            bad += 1
    print("%d binaries, %d complaints" % (len(NEEDED), bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

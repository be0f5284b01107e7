# SPDX-License-Identifier: ISC
"""What libtessera exports is what its header declares and its manual explains:
each function once, with the version of the symbols, and nothing else.

    exports.py SOURCE LIBRARY"""
import os
import re
import subprocess
import sys

VERSION = "LIBTESSERA_0.1"


def exported(library):
    text = subprocess.run(["readelf", "--dyn-syms", "--wide", library], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for line in text.splitlines():
        w = line.split()
        if len(w) >= 8 and w[0].endswith(":") and w[4] in ("GLOBAL", "WEAK") and \
                w[6] not in ("UND", "ABS"):
            yield w[7]


def declared(source):
    with open(source + "/include/tessera.h", encoding="utf-8") as f:
        return set(re.findall(r"^TSR_API [^;(]*?\b(tsr_\w+)\(", f.read(), re.M))


def explained(source):
    """Functions with a prototype in a page of section 3, and their number of pages."""
    pages = {}
    for name in sorted(os.listdir(source + "/man")):
        if not name.endswith(".3"):
            continue
        with open(source + "/man/" + name, encoding="utf-8") as f:
            text = f.read()
        names = set(re.findall(r"^\.Nm (tsr_\w+)", text, re.M))
        protos = set(re.findall(r"^\.Fo (tsr_\w+)", text, re.M))
        for one in names ^ protos:
            yield one, name + " has a name without a prototype, or the other way round"
        for one in names & protos:
            pages.setdefault(one, []).append(name)
    for one, where in pages.items():
        yield one, None if len(where) == 1 else "is in %s" % " and ".join(where)


def main():
    source, library = sys.argv[1:3]
    said, symbols = [], set()
    for symbol in exported(library):
        name, _, version = symbol.partition("@@")
        symbols.add(name)
        if version != VERSION:
            said.append("%s has not the version %s" % (symbol, VERSION))
    pages = dict(explained(source))
    said += ["%s: %s" % (k, v) for k, v in pages.items() if v]
    for what, names in (("declared", declared(source)), ("explained", set(pages))):
        said += ["%s is exported and not %s" % (n, what) for n in sorted(symbols - names)]
        said += ["%s is %s and not exported" % (n, what) for n in sorted(names - symbols)]
    print("\n".join(said + ["%d functions, %d complaints" % (len(symbols), len(said))]))
    return bool(said) or not symbols


if __name__ == "__main__":
    sys.exit(main())

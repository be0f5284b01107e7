# SPDX-License-Identifier: ISC
"""libtessera as others get it: installed into a folder, and a program built
against that.  Both ways of finding it are used."""
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.dirname(os.environ["TESSERA_BIN"])
WAIT = 60


def run(*args, **more):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=300, **more)
    if done.returncode != 0:
        raise AssertionError("%s: %s" % (args, done.stdout))
    return done.stdout


def sanitizers():
    """What the library was built with, the program must be, too."""
    with open(BUILD + "/CMakeCache.txt", encoding="utf-8") as f:
        for line in f:
            if line.startswith("TESSERA_SANITIZE:") and line.split("=", 1)[1].strip():
                return ["-fsanitize=" + line.split("=", 1)[1].strip()]
    return []


def compiler():
    with open(BUILD + "/CMakeCache.txt", encoding="utf-8") as f:
        for line in f:
            if line.startswith("CMAKE_C_COMPILER:"):
                return line.split("=", 1)[1].strip()
    return "cc"


def example():
    """The program in libtessera(3), as a reader would type it."""
    with open(os.path.dirname(os.path.dirname(HERE)) + "/man/libtessera.3", encoding="utf-8") as f:
        text = f.read().split("\n.Sh EXAMPLES\n", 1)[1]
    text = text.split("\n.Bd -literal\n", 1)[1].split("\n.Ed\n", 1)[0] + "\n"
    return text.replace("\\e", "\\")


class Installed:
    """The library in a folder of its own and program.c built against it, by
    pkg-config (p.by_pkg_config) and by find_package (p.by_package)."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="tessera-lib-", dir="/tmp")
        os.chmod(self.root, 0o755)
        self.prefix = self.root + "/usr"
        run("cmake", "--install", BUILD + "/client/lib", "--prefix", self.prefix)
        self.lib = next(d for d, _, files in os.walk(self.prefix) if "libtessera.so.0" in files)
        self.by_pkg_config = self.root + "/by-pkg-config"
        flags = run("pkg-config", "--cflags", "--libs", "tessera", env={**os.environ, "PKG_CONFIG_PATH": self.lib + "/pkgconfig"}).split()
        run(compiler(), "-std=gnu11", "-Wall", "-Wextra", "-Werror", *sanitizers(),
            HERE + "/program.c", "-o", self.by_pkg_config, *flags, "-Wl,-rpath," + self.lib)
        run("cmake", "-S", HERE + "/package", "-B", self.root + "/package",
            "-DCMAKE_PREFIX_PATH=" + self.prefix, "-DCMAKE_C_COMPILER=" + compiler(),
            "-DCMAKE_C_FLAGS=" + " ".join(sanitizers()))
        run("cmake", "--build", self.root + "/package")
        self.by_package = self.root + "/package/program"
        self.flags = [*flags, "-Wl,-rpath," + self.lib]

    def build_example(self):
        """The program of the overview page."""
        with open(self.root + "/example.c", "w", encoding="utf-8") as f:
            f.write(example())
        run(compiler(), "-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror",
            *sanitizers(), self.root + "/example.c", "-o", self.root + "/example", *self.flags)
        return self.root + "/example"

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Program:
    """program.c at work: p.do("token any demo 1000") -> its answer's words."""

    def __init__(self, path, socket, jwks="/nonexistent/jwks.json", issuer="https://i",
                 audience="demo", owner=0, pin="123456", env=None, uid=None):
        self.process = subprocess.Popen(
            [path, socket, jwks, issuer, audience, str(owner), pin], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1, env=env,
            **({"user": uid, "group": uid, "extra_groups": []} if uid is not None else {}))

    def send(self, line):
        self.process.stdin.write(line + "\n")

    def answer(self):
        return self.process.stdout.readline().split()

    def do(self, line):
        self.send(line)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(WAIT)
        self.process.stdout.close()
        if status != 0:
            raise AssertionError("the program ended with %d" % status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None and not self.process.stdin.closed:
            self.close()

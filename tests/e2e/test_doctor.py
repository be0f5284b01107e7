# SPDX-License-Identifier: ISC
"""tessera doctor: each check made to fail once, and the command it names.

Folders of the system are others in a mount namespace of the command's own."""
import os
import shutil
import subprocess
import sys
import unittest

import harness
import pcsc
from harness import DAEMON, GAMES, HELPER

sys.path.insert(0, os.path.join(os.environ["TESSERA_SOURCE"], "tests/client"))
from fake_agent import FakeAgent  # noqa: E402

# A program of any name that stays connected to a socket.
CONNECTED = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[2])
print("connected", flush=True)
sys.stdin.read()
"""
POLKIT = "org.debian.pcsc-lite.policy"
RULE = 'if (action.id == "org.debian.pcsc-lite.access_pcsc" && subject.user == "%s") return "yes";'


class Base(unittest.TestCase):
    def look(self, m, *args, uid=0, **more):
        """{check: [(state, command)]}"""
        ran = m.tessera("doctor", "--config", m.conf, "--json", *args, uid=uid, **more)
        self.assertEqual(ran.err, "", ran)
        self.said, found = ran.json, {}
        for c in self.said["checks"]:
            found.setdefault(c["check"], []).append((c["state"], c["mend"]))
        worst = "failure" in [c["state"] for c in self.said["checks"]]
        self.assertEqual((ran.status, self.said["status"] == "failure"), (int(worst), worst), ran)
        return found

    def one(self, found, check, state, command):
        """Of that check one result is that."""
        for said, mend in found[check]:
            if said == state and ((command is None and mend is None) or
                                  (command is not None and mend is not None and command in mend)):
                return
        self.fail("no %s with %r of %s in %s" % (state, command, check, self.said))

    def elsewhere(self, *lines):
        """m.tessera's under: a mount namespace where the lines were run."""
        script = "set -e; mount --make-rprivate /; %s; exec \"$@\"" % "; ".join(lines)
        return ("unshare", "--mount", "sh", "-c", script, "sh")


class Installed(Base):
    def test_nothing_is_wrong(self):
        with pcsc.Bench(user=HELPER) as bench:
            bench.card("card")
            with harness.Machine(modules={"opensc": bench.module()}, helper="activate") as m:
                found = self.look(m)
                self.assertNotEqual(self.said["status"], "failure", self.said)
                for check in ("configuration", "users", "sockets", "agent", "modules", "opensc", "pcscd",
                              "readers", "holders", "tries", "breakers"):
                    self.assertEqual({state for state, _ in found[check]}, {"ok"}, self.said)
                self.look(m, uid=DAEMON)
                self.assertEqual(self.said["status"], "ok", self.said)

    def test_configuration(self):
        with harness.Machine(start=False) as m:
            with open(m.conf, "a", encoding="utf-8") as f:
                f.write("tpyo = 1\n")
            self.one(self.look(m), "configuration", "failure", "editor %s && tessera config check" % m.conf)
            os.unlink(m.conf)
            found = self.look(m)
            self.one(found, "configuration", "failure", "tessera.conf.example " + m.conf)
            self.one(found, "modules", "skipped", None)
            m.settings["metrics"] = {"users": ["nobody-of-that-name"]}
            m.write_conf()
            self.one(self.look(m), "configuration", "warning", "editor " + m.conf)

    def test_users(self):
        with harness.Machine(start=False, settings={
                "helper-user": "tessera-nobody", "admin-group": "tessera-none"}) as m:
            found = self.look(m)
            self.assertEqual(found["users"], [("failure", "systemd-sysusers")] * 2)

    def test_sockets(self):
        with harness.Machine() as m:
            os.chown(m.api, GAMES, -1)
            self.one(self.look(m), "sockets", "failure", "rm %s && systemctl restart tessera.socket" % m.api)
            os.chown(m.api, 0, -1)
            self.one(self.look(m, uid=DAEMON), "sockets", "skipped", None)
            m.stop()
            for s in m.listeners:
                s.close()
            found = self.look(m)
            self.one(found, "sockets", "failure", "systemctl restart tessera.socket tesserad")
            self.one(found, "sockets", "failure", "systemctl restart tessera-admin.socket tesserad")
            self.one(found, "agent", "skipped", None)

    def test_helpers_socket(self):
        with harness.Machine(helper="activate") as m:
            self.assertEqual({s for s, _ in self.look(m)["sockets"]}, {"ok"})
            os.chmod(m.helper_socket, 0o600)
            self.one(self.look(m), "sockets", "failure", "chown tessera: " + m.helper_socket)
            m.stop_activator()
            self.one(self.look(m), "sockets", "failure", "systemctl restart tessera-pkcs11.socket")

    def test_clock(self):
        with harness.Machine(rehearse=True) as m:
            m.clock.set_wall(m.clock.wall + 86400)
            harness.until(lambda: m.request("GET", "/healthz").status == 503, what="a clock that jumped")
            self.one(self.look(m), "agent", "failure", "tessera clock accept")

    def test_modules(self):
        with harness.Machine(start=False) as m:
            path = m.folder + "/module.so"
            m.modules = {"gone": {"path": "/nonexistent/opensc-pkcs11.so"}, "mine": {"path": path},
                         "paths": m.softhsm(**{"read-paths": [m.folder + "/nowhere"]})}
            shutil.copyfile(harness.softhsm.MODULE, path)
            os.chmod(path, 0o600)
            m.write_conf()
            found = self.look(m)
            self.one(found, "modules", "failure", "opensc")
            self.one(found, "modules", "failure", "chmod a+r " + path)
            self.one(found, "modules", "warning", "install -d -o tessera -m 0700 %s/nowhere" % m.folder)
            os.chmod(path, 0o666)
            self.one(self.look(m), "configuration", "failure", "editor " + m.conf)


class Pcscd(Base):
    def machine(self, bench, **more):
        return harness.Machine(modules={"opensc": bench.module()}, **more)

    def test_pcscd(self):
        with pcsc.Bench(user=HELPER) as bench, self.machine(bench, helper="activate") as m:
            os.chown(bench.socket, 0, 0)
            os.chmod(bench.socket, 0o600)
            self.one(self.look(m), "pcscd", "failure", "chmod 0666 " + bench.socket)
            os.chmod(bench.socket, 0o666)
            bench.kill()
            found = self.look(m)
            if os.path.exists(bench.socket):
                self.one(found, "pcscd", "failure", "systemctl restart pcscd.socket")
                os.unlink(bench.socket)
            found = self.look(m)
            self.one(found, "pcscd", "failure", "systemctl enable --now pcscd.socket")
            found = self.look(m, under=self.elsewhere("mount -t tmpfs t /usr/sbin"))
            self.one(found, "pcscd", "failure", "pcscd")
            self.assertRegex(found["pcscd"][0][1], "^(apt|dnf|pacman) ")

    def test_watcher(self):
        with pcsc.Bench() as bench, self.machine(bench, settings={
                "pcsc": {"watch": True, "socket": bench.socket}}) as m:
            harness.until(lambda: ("ok", None) in self.look(m)["readers"], what="a watcher")
            self.assertIn("readers are watched", str(self.said))
            bench.stop()
            harness.until(lambda: ("warning", "systemctl restart pcscd.socket pcscd.service") in
                          self.look(m)["readers"], what="a watcher that has nothing to watch")

    def polkit(self, user=None, daemon=True):
        lines = ["mount -t tmpfs t /usr/share/polkit-1", "mkdir /usr/share/polkit-1/actions /usr/share/polkit-1/rules.d",
                 "echo >/usr/share/polkit-1/actions/" + POLKIT]
        for folder in ("/usr/lib/polkit-1", "/etc/polkit-1/rules.d"):
            if os.path.isdir(folder):
                lines.append("mount -t tmpfs t " + folder)
        if daemon:	# where the machine has none, somewhere that it has
            where = "/usr/lib/polkit-1" if os.path.isdir("/usr/lib/polkit-1") else "/usr/libexec"
            lines += ["mount -t tmpfs t " + where, "echo >%s/polkitd" % where]
        elif os.path.isdir("/usr/libexec"):
            lines.append("mount -t tmpfs t /usr/libexec")
        if user is not None:
            lines.append("echo '%s' >/usr/share/polkit-1/rules.d/60-tessera.rules" % (RULE % user))
        return self.elsewhere(*lines)

    def test_polkit(self):
        with pcsc.Bench(user=HELPER) as bench, self.machine(bench, helper="activate") as m:
            for name, under, state, command in (
                    ("no daemon", self.polkit(daemon=False), "failure", "polkit"),
                    ("no rule", self.polkit(), "failure", "60-tessera.rules /usr/share/polkit-1/rules.d/"),
                    ("somebody else's", self.polkit("tessera"), "failure", "60-tessera.rules"),
                    ("ours", self.polkit(HELPER), "ok", None)):
                with self.subTest(name):
                    self.assertEqual(len(self.look(m, under=under)["polkit"]), 1)
                    self.one(self.look(m, under=under), "polkit", state, command)

    def devices(self, mode, rule):
        """A /dev with a FIDO token and a reader, as udev would have made them."""
        lines = ["mkdir %s/dev" % self.folder, "mount --rbind /dev %s/dev" % self.folder,
                 "mount -t tmpfs -o mode=755 t /dev"]
        for node in ("null", "urandom", "zero"):
            lines += ["echo >/dev/" + node, "mount --bind %s/dev/%s /dev/%s" % (self.folder, node, node)]
        lines += ["mkdir -p /dev/bus/usb/001", "echo >/dev/hidraw9", "echo >/dev/bus/usb/001/007",
                  "chgrp %s /dev/hidraw9 /dev/bus/usb/001/007" % (rule or "root"),
                  "chmod %s /dev/hidraw9 /dev/bus/usb/001/007" % mode,
                  "mount -t tmpfs t /sys/class", "mkdir -p /sys/class/hidraw/hidraw9",
                  "echo 240:9 >/sys/class/hidraw/hidraw9/dev",
                  "mount -t tmpfs t /sys/bus", "mkdir -p /sys/bus/usb/devices/1-2 /sys/bus/usb/devices/1-2:1.0",
                  "echo 1 >/sys/bus/usb/devices/1-2/busnum", "echo 7 >/sys/bus/usb/devices/1-2/devnum",
                  "echo 0b >/sys/bus/usb/devices/1-2:1.0/bInterfaceClass",
                  "mount -t tmpfs t /run", "mkdir -p /run/udev/data /run/udev/rules.d", "echo >/run/udev/control",
                  "printf 'I:1\\nE:ID_FIDO_TOKEN=1\\n' >/run/udev/data/c240:9"]
        if rule is not None:
            lines.append("echo 'GROUP=\"%s\"' >/run/udev/rules.d/70-tessera.rules" % rule)
        return self.elsewhere(*lines)

    def test_rights(self):
        with pcsc.Bench(user=HELPER) as bench, self.machine(bench, helper="activate") as m:
            trigger = "udevadm control --reload && udevadm trigger --action=change --subsystem-match="
            for name, mode, rule, usb in (("none", "600", None, "failure"), ("somebody else's", "660", "games", "failure"),
                                          ("good", "660", HELPER, "ok")):
                with self.subTest(name):
                    self.folder = m.folder + "/" + mode + str(rule)
                    os.mkdir(self.folder)
                    found = self.look(m, under=self.devices(mode, rule))["rights"]
                    good = rule == HELPER
                    self.assertEqual([s for s, _ in found], ["ok" if good else "warning", usb, usb], self.said)
                    if not good:
                        self.assertIn(trigger + "hidraw", found[0][1])
                        self.assertEqual([c for _, c in found[1:]], [trigger + "hidraw", trigger + "usb"])

    def connect(self, name, path):
        p = subprocess.Popen([sys.executable, "-c", CONNECTED, name, path], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, user=GAMES, group=GAMES, extra_groups=[])
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.stdin.close)
        self.assertEqual(p.stdout.readline(), "connected\n")
        return p

    def test_holders(self):
        with pcsc.Bench() as bench, self.machine(bench) as m:
            os.chmod(bench.folder, 0o755)
            os.chmod(bench.pcscd, 0o755)
            os.chmod(bench.socket, 0o666)
            other = self.connect("browser", bench.socket)
            self.one(self.look(m), "holders", "ok", None)
            self.assertIn("browser (process %d, user games)" % other.pid, str(self.said))
            self.one(self.look(m, uid=DAEMON), "holders", "skipped", None)
            self.connect("scdaemon", bench.socket)
            self.one(self.look(m), "holders", "warning", "runuser -u 'games' -- gpgconf --kill scdaemon")

    def test_a_reader_in_use(self):
        """As an agent says it whose module met a reader that another program has."""
        with pcsc.Bench() as bench, self.machine(bench, start=False) as m:
            for path, mode in ((bench.folder, 0o755), (bench.pcscd, 0o755), (bench.socket, 0o666)):
                os.chmod(path, mode)
            agent = FakeAgent(m.folder + "/fake.sock")
            self.addCleanup(agent.close)
            agent.routes["GET /healthz"] = (200, {"status": "ok", "version": "1", "checks": {"store": "ok"}})
            agent.routes["GET /devices"] = (200, {"devices": [], "errors": [
                {"module": "opensc", "error": "device_busy", "error_description": "another program has it"}]})
            found = self.look(m, "--socket", agent.path)
            self.assertEqual(found["holders"], [("failure", "systemctl restart pcscd.service")])
            other = self.connect("browser", bench.socket)
            found = self.look(m, "--socket", agent.path)
            self.assertEqual(found["holders"], [("failure", "kill %d" % other.pid)])
            self.one(found, "readers", "failure", "sudo tessera doctor")

    def test_a_card_and_its_tries(self):
        with pcsc.Bench() as bench, self.machine(bench) as m:
            self.one(self.look(m), "readers", "warning", "opensc-tool --list-readers")
            card = bench.card("card")
            self.one(self.look(m), "readers", "ok", None)
            self.one(self.look(m), "opensc", "ok", None)
            # OpenSC tells of the last try, and of a PIN that is locked
            for left, state, command in ((2, "ok", None), (1, "warning", "tessera login --device "),
                                         (0, "failure", "tessera device pin unblock --device ")):
                bench.run("pkcs11-tool", "--module", pcsc.OPENSC, "--login", "--pin", "999999", "-O", status=None)
                self.assertEqual(card.tries()[0], left)
                self.one(self.look(m), "tries", state, command)


if __name__ == "__main__":
    harness.main()

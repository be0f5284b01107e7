#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The rules for polkit and udev, as far as they can be judged where neither
runs: rules.py SOURCE

The polkit rule is run by node, with the little of polkit that it touches.  The
udev rules are taken apart by the grammar of udev(7)."""
import json
import os
import re
import subprocess
import sys
import unittest

SOURCE = os.path.abspath(sys.argv[1])
STUB = """
const rules = [];
const polkit = { Result: { YES: "yes", NO: "no" }, addRule: f => rules.push(f) };
%s
const asked = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(asked.map(([id, user]) => {
	for (const rule of rules) {
		const said = rule({ id: id, lookup: () => undefined }, { user: user, groups: [user], local: false, active: false });
		if (said !== undefined && said !== null)
			return said;
	}
	return "undefined";
})));
"""
PCSC, CARD = "org.debian.pcsc-lite.access_pcsc", "org.debian.pcsc-lite.access_card"
ASKED = [
    (PCSC, "tessera-dev", "yes"), (CARD, "tessera-dev", "yes"),
    (PCSC, "tessera", "undefined"), (CARD, "tessera", "undefined"),
    (PCSC, "alice", "undefined"), (CARD, "root", "undefined"), (PCSC, "tessera-dev2", "undefined"),
    ("org.debian.pcsc-lite.access_cards", "tessera-dev", "undefined"),
    ("org.freedesktop.login1.reboot", "tessera-dev", "undefined"),
    ("org.freedesktop.policykit.exec", "tessera-dev", "undefined"),
]


def text(name, folder="systemd"):
    with open(os.path.join(SOURCE, folder, name), encoding="utf-8") as f:
        return f.read()


def installed(name, folder="systemd"):
    """[(folder, name there)] by the CMake file."""
    found = re.findall(r"install\(FILES %s DESTINATION (\S+?)(?:\s+RENAME (\S+))?\)" % re.escape(name),
                       text("CMakeLists.txt", folder))
    return [(place, there or name) for place, there in found]


class Polkit(unittest.TestCase):
    def test_who_is_let_in(self):
        done = subprocess.run(["node", "-e", STUB % text("tessera.polkit.rules")], check=True,
                              input=json.dumps([row[:2] for row in ASKED]), text=True,
                              stdout=subprocess.PIPE)
        for row, said in zip(ASKED, json.loads(done.stdout)):
            with self.subTest(row):
                self.assertEqual(said, row[2])

    def test_place(self):
        self.assertIn(("${CMAKE_INSTALL_DATADIR}/polkit-1/rules.d", "60-tessera.rules"),
                      installed("tessera.polkit.rules"))


class Udev(unittest.TestCase):
    MATCH = {"ACTION", "SUBSYSTEM", "ENV{DEVTYPE}", "ENV{ID_FIDO_TOKEN}", "ENV{ID_SMARTCARD_READER}"}
    SET = {("GROUP", "="), ("MODE", "="), ("TAG", "+="), ("ENV{SYSTEMD_WANTS}", "+="),
           ("GOTO", "="), ("LABEL", "=")}

    def rules(self):
        """[{(key, operator): value}], a rule each."""
        for line in text("70-tessera.rules", "udev").splitlines():
            if not line or line.startswith("#"):
                continue
            found = re.findall(r'([A-Z]+(?:\{\w+\})?)(==|!=|\+=|:=|=)"([^"]*)"', line)
            self.assertEqual(", ".join('%s%s"%s"' % row for row in found), line)
            yield {(key, operator): value for key, operator, value in found}

    def test_each_rule(self):
        rules = list(self.rules())
        self.assertEqual(len(rules), 4)
        for rule in rules:
            for key, operator in rule:
                known = key in self.MATCH if operator in ("==", "!=") else (key, operator) in self.SET
                self.assertTrue(known, (key, operator))

    def test_what_it_gives(self):
        given = [r for r in self.rules() if ("GROUP", "=") in r]
        self.assertEqual(given, [{("SUBSYSTEM", "=="): "hidraw", ("ENV{ID_FIDO_TOKEN}", "=="): "1",
                                  ("GROUP", "="): "tessera-dev", ("MODE", "="): "0660"}])
        self.assertRegex(text("tessera.sysusers"), r"(?m)^u\s+tessera-dev\s")

    def test_readers_stay_with_pcscd(self):
        readers = [r for r in self.rules() if ("ENV{ID_SMARTCARD_READER}", "==") in r]
        self.assertEqual([r[("ENV{SYSTEMD_WANTS}", "+=")] for r in readers], ["pcscd.socket"])

    def test_no_vendor_is_named(self):
        self.assertNotRegex(text("70-tessera.rules", "udev"), r"(?i)idvendor|idproduct|ATTRS?\{|[0-9a-f]{4}:[0-9a-f]{4}")

    def test_jumps_end(self):
        rules = list(self.rules())
        self.assertEqual([r[("GOTO", "=")] for r in rules if ("GOTO", "=") in r], ["tessera_end"])
        self.assertEqual(rules[-1], {("LABEL", "="): "tessera_end"})

    def test_place(self):
        """After the rules that say what a device is, before those that say who
        sits at the machine."""
        places = installed("70-tessera.rules", "udev")
        self.assertIn(("${CMAKE_INSTALL_PREFIX}/lib/udev/rules.d", "70-tessera.rules"), places)
        for _, name in places:
            self.assertTrue("60-fido-id.rules" < name < "73-seat-late.rules", name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

# SPDX-License-Identifier: ISC
"""The SSH agent's socket with the real ssh, sshd, scp, git and ssh-keygen."""
import os
import unittest

import harness
import sshd
from folder import new_folder, remove_folder
from harness import DAEMON


class Bed(unittest.TestCase):
    def test_the_server(self):
        """The sshd of these tests takes certificates of its CA, and those alone."""
        folder, lock = new_folder()
        try:
            for name in ("ca", "other", "user"):
                sshd.keygen("-q", "-t", "ed25519", "-N", "", "-f", "%s/%s" % (folder, name))
            os.chown(folder + "/user", DAEMON, -1)
            with sshd.Server(folder, ca=folder + "/ca.pub") as s:
                for ca, status in (("ca", 0), ("other", 255)):
                    sshd.keygen("-q", "-s", "%s/%s" % (folder, ca), "-I", "id", "-n", "daemon",
                                folder + "/user.pub")
                    options = ("IdentitiesOnly=yes", "IdentityFile=%s/user" % folder)
                    ran = s.ssh("id -un", uid=DAEMON, options=options)
                    self.assertEqual((ran.status, ran.out), (status, "" if status else "daemon\n"),
                                     "%r\n%s" % (ran, s.log()))
        finally:
            remove_folder(folder)
            os.close(lock)


if __name__ == "__main__":
    harness.main()

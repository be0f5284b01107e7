# SPDX-License-Identifier: ISC
"""Start a helper for each connection, as systemd would: activator.py SOCKET
USER PROGRAM ARGUMENT...  Ends with its standard input.  A connection to SOCKET.watch
gets the helper with --watch."""
import os
import pwd
import select
import signal
import socket
import sys


def serve(conn, user, argv):
    os.dup2(conn.fileno(), 0)
    who = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
    os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)
    os.closerange(3, 256)
    os.execv(argv[0], argv)


def listening(path):
    """There when it can be connected to."""
    s = socket.socket(socket.AF_UNIX)
    s.bind(path + ".new")
    s.listen(64)
    os.rename(path + ".new", path)
    return s


def main():
    path, user, argv = sys.argv[1], sys.argv[2], sys.argv[3:]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    watch = listening(path + ".watch")
    helpers = listening(path)
    while True:
        ready = select.select([helpers, watch, sys.stdin], [], [])[0]
        if sys.stdin in ready:
            return
        conn = ready[0].accept()[0]
        if os.fork() == 0:
            try:
                serve(conn, user, argv + ["--watch"] * (ready[0] is watch))
            finally:
                os._exit(127)
        conn.close()


main()

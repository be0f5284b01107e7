# SPDX-License-Identifier: ISC
"""An agent of a few lines that pam_tessera.so asks: it says what the test has it say.

    with Fake(path, {"/token": token(), "*": http({"error": "server_error"}, 500)}) as fake:
        p.login("daemon", ...)
    fake.seen			the requests that came"""
import base64
import json
import os
import select
import socket

import harness

GOOD = "eyJhbGciOiJFZERTQSJ9.%s.c2lnbmF0dXJl"		# nobody looks at its signature


def b64(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def claims(**change):
    said = {"iss": "https://test.example/tessera", "sub": "daemon", "aud": "login"}
    said.update(change)
    return {k: v for k, v in said.items() if v is not None}


def http(body, status=200, kind="application/json", length=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        status, kind.encode(), len(body) if length is None else length, body)


def token(**change):
    return http({"access_token": GOOD % b64(claims(**change)), "token_type": "Bearer", "expires_in": 60})


READY = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: ready\ndata: {}\n\n"


class Fake:
    """An agent of root's (or uid's) that gives each path its answer; None: nothing."""

    def __init__(self, path, answers, uid=0):
        self.stop_read, self.stop = os.pipe()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o666)
        os.chown(path, uid, uid)
        self.path = path
        if uid == 0:
            listener.listen(64)
        self.job = harness.Job(uid, self.serve, listener, answers, uid)
        listener.close()

    def serve(self, listener, answers, uid):
        if uid != 0:
            listener.listen(64)
        seen, open_ones = [], []
        while True:		# until it is told to end
            ready = select.select([listener, self.stop_read, *open_ones], [], [])[0]
            if self.stop_read in ready:
                for s in open_ones:
                    s.close()
                return seen
            for s in ready:
                if s is listener:
                    open_ones.append(listener.accept()[0])
                elif not self.answer(s, answers, seen):
                    open_ones.remove(s)
                    s.close()

    @staticmethod
    def answer(s, answers, seen):
        try:
            data = s.recv(1 << 16)
        except OSError:
            return False
        if not data.count(b" ") >= 2:
            return bool(data)
        seen.append(data)
        target = data.split(b" ")[1].decode().split("?")[0]
        if target == "/events" and "/events" not in answers:
            s.sendall(READY)
            return True
        said = answers.get(target, answers.get("*"))
        if said is None:
            return True
        try:
            s.sendall(said)
        except OSError:
            return False
        return said != b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self.stop, b"x")
        self.seen = self.job.result()
        os.close(self.stop)
        os.close(self.stop_read)
        os.unlink(self.path)

# fake_agent.py - an agent of a few lines for the tests of the command line:
# speaks the HTTP interface of tessera-api(7) as the test tells it to.
#
# SPDX-License-Identifier: ISC
import json
import os
import queue
import socket
import struct
import threading


def octets(body, kind="application/octet-stream"):
    """An answer that is no JSON, for FakeAgent.routes."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind.encode(), len(body)) + body


class Request:
    def __init__(self, method, target, headers, body, pid):
        self.method, self.target, self.headers, self.body, self.pid = \
            method, target, headers, body, pid

    @property
    def path(self):
        return self.target.split("?")[0]

    def json(self):
        return json.loads(self.body)

    def form(self):
        from urllib.parse import parse_qs
        return {k: v[0] for k, v in parse_qs(self.body.decode(), strict_parsing=True).items()}


class FakeAgent:
    """Answers on a Unix socket.  routes maps "METHOD /path" to (status, object), to
    bytes that are sent as they are, or to a function of the request that
    returns one of them."""

    def __init__(self, path):
        self.path = path
        self.routes = {}
        self.requests = []          # all that came but GET /events, in order
        self.events = None          # a queue: to send on the newest stream
        self.stream_pid = None
        self.stream_target = None
        self.answers = queue.Queue()    # bodies of POST /prompt/ID, with the id
        self.streaming = threading.Event()      # there is a prompter
        self.after_ready = []       # events sent right after "ready"
        self.lock = threading.Lock()
        self.closing = False
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.closing = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def accept(self):
        while not self.closing:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        pid = struct.unpack("3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        f = conn.makefile("rb")
        try:
            while True:
                line = f.readline()
                if not line:
                    return
                method, target, _ = line.decode().split(" ", 2)
                headers = {}
                while True:
                    h = f.readline()
                    assert h.endswith(b"\r\n"), h
                    if h == b"\r\n":
                        break
                    k, v = h.decode()[:-2].split(":", 1)
                    assert k.lower() not in headers
                    headers[k.lower()] = v.strip()
                assert "host" in headers
                body = f.read(int(headers.get("content-length", "0")))
                req = Request(method, target, headers, body, pid)
                if req.path != "/events":
                    with self.lock:
                        self.requests.append(req)
                if not self.reply(conn, req):
                    return
        except OSError:
            pass
        finally:
            f.close()
            conn.close()

    def reply(self, conn, req):
        key = f"{req.method} {req.path}"
        if key not in self.routes and req.path == "/events":
            return self.stream(conn, req)
        if key not in self.routes and req.path.startswith("/prompt/"):
            self.answers.put((req.path[8:], req.json()))
            answer = (200, {})
        else:
            answer = self.routes.get(key, (404, {"error": "not_found",
                                                 "error_description": "no such thing"}))
        if callable(answer):
            answer = answer(req)
        if isinstance(answer, bytes):
            conn.sendall(answer)
            return False
        status, obj = answer
        body = json.dumps(obj).encode()
        conn.sendall(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
                     b"Content-Length: %d\r\n\r\n" % (status, len(body)) + body)
        return True

    @staticmethod
    def event(name, data):
        return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()

    def stream(self, conn, req):
        self.stream_pid, self.stream_target = req.pid, req.target
        self.events = mine = queue.Queue()
        if "prompter=" in req.target:
            self.streaming.set()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                     b"Connection: close\r\n\r\n:\n" + self.event("ready", {}))
        for name, data in self.after_ready:
            conn.sendall(self.event(name, data))
        while True:
            e = mine.get()
            if e is None:
                return False
            conn.sendall(self.event(*e))

    # A request that asks for a PIN until the right one came.
    def asks(self, pin, final, tries=3, **more):
        def handler(req):
            if not self.streaming.is_set():
                return 401, {"error": "pin_required", "reason": "no_prompter",
                             "error_description": "nobody can be asked for the PIN"}
            assert self.stream_pid == req.pid, "the prompter is another process"
            left, retry = tries, False
            for n in range(1, 6):
                ask = {"prompt": f"p{n}", "purpose": "login",
                       "requester": {"uid": os.getuid(), "pid": req.pid, "program": "tessera"},
                       "audience": "vpn", "scope": "connect",
                       "device": {"label": "Card", "serial": "42", "manufacturer": "M", "model": "X"},
                       "credential": {"id": "c1", "label": "my card"}, "retry": retry,
                       "tries_left": left, "seconds_left": 60}
                few = left if left is not None and left <= 2 else None
                ask["confirm"] = few
                ask.update(more)
                self.events.put(("pin-needed", ask))
                which, said = self.answers.get(timeout=20)
                assert which == f"p{n}", which
                self.events.put(("prompt-ended", {"prompt": which}))
                if said.get("cancel"):
                    return 409, {"error": "cancelled", "error_description": "cancelled"}
                assert list(said) == (["pin"] if few is None else ["pin", "confirm"]), said
                assert said.get("confirm") == few, said
                if said["pin"] == pin:
                    return final
                retry = True
                left = left - 1 if left is not None else None
                if left == 0:
                    return 401, {"error": "pin_locked", "error_description": "the token is locked"}
            return 500, {"error": "server_error", "error_description": "too many"}
        return handler

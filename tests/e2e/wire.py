# SPDX-License-Identifier: ISC
"""The agent's sockets seen by a client: requests, answers, events, raw bytes."""
import json
import select
import socket
import time
import urllib.parse

from process import Failed


class Answer:
    """status, headers (lower-case names), body, json."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error code of the answer, None where it is none."""
        return self.json.get("error") if self.body[:1] == b"{" else None

    def __repr__(self):
        return "<%d %r>" % (self.status, self.body[:400])


def request_bytes(method, target, form=None, json_=None, headers=None, body=None):
    """A whole request as it goes over the wire."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: localhost"]
    if form is not None:
        body = urllib.parse.urlencode(form).encode()
        lines.append("Content-Type: application/x-www-form-urlencoded")
    elif json_ is not None:
        body = json.dumps(json_).encode()
        lines.append("Content-Type: application/json")
    lines += ["%s: %s" % item for item in (headers or {}).items()]
    if body is not None:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines + ["", ""]).encode() + (body or b"")


class Client:
    """One connection to a socket, as the user who runs this process."""

    def __init__(self, path, timeout=60.0):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.have = b""
        try:
            self.sock.connect(path)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def request(self, method, target, form=None, json=None, headers=None, body=None):
        self.send(request_bytes(method, target, form, json, headers, body))
        return self.answer()

    def more(self):
        got = self.sock.recv(1 << 16)
        self.have += got
        return len(got) > 0

    def head(self):
        """Status and headers of an answer; None where the agent hung up first."""
        while b"\r\n\r\n" not in self.have:
            if not self.more():
                if self.have:
                    raise Failed("the connection ended inside a head: %r" % self.have)
                return None
        head, _, self.have = self.have.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.lower() in headers:
                raise Failed("%s given twice in an answer" % name)
            headers[name.lower()] = value.strip()
        version, status, _ = (lines[0] + "  ").split(" ", 2)
        if version != "HTTP/1.1":
            raise Failed("not an answer: %r" % head)
        return int(status), headers

    def answer(self):
        """The next answer, or None where the agent hung up."""
        head = self.head()
        if head is None:
            return None
        size = int(head[1].get("content-length", "0"))
        while len(self.have) < size:
            if not self.more():
                raise Failed("the connection ended inside a body")
        body, self.have = self.have[:size], self.have[size:]
        return Answer(head[0], head[1], body)

    def closed(self, timeout):
        """1 where the agent closes within timeout, whatever it says before."""
        self.sock.settimeout(timeout)
        try:
            while self.more():
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


class Events:
    """GET /events on a connection of its own."""

    def __init__(self, path, prompter=None, timeout=60.0):
        self.client, self.timeout = Client(path, timeout), timeout
        target = "/events" + ("?prompter=" + prompter if prompter else "")
        self.client.send(request_bytes("GET", target))
        head = self.client.head()
        if head is None or head[0] != 200:
            raise Failed("GET %s: %r" % (target, head))
        self.headers = head[1]

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def close(self):
        self.client.close()

    def next(self, name=None):
        """(name, data) of the next event, or of the next one of that name."""
        end = time.monotonic() + self.timeout
        while True:
            if time.monotonic() > end:	# pings come for ever
                raise Failed("no event %s within %g s" % (name, self.timeout))
            while b"\n\n" not in self.client.have:
                if not self.client.more():
                    raise Failed("the event stream ended")
            block, _, self.client.have = self.client.have.partition(b"\n\n")
            fields = {}
            for line in block.decode().split("\n"):
                key, _, value = line.partition(":")
                if key:
                    fields[key] = value.lstrip()
            if "event" in fields and name in (None, fields["event"]):
                return fields["event"], json.loads(fields.get("data", "{}"))


def one_request(path, method, target, form=None, json=None, headers=None, body=None,
                timeout=60.0):
    with Client(path, timeout) as c:
        answer = c.request(method, target, form, json, headers, body)
    if answer is None:
        raise Failed("the agent hung up without an answer")
    return answer


def answered_request(api, path, pins, method, target, form, json, headers, timeout):
    """One request, and answers to the prompts that it brings: pins in turn (None
    cancels).  The answer, and the prompts that came."""
    prompts, pins = [], list(pins)
    with Events(api, "self", timeout) as events, Client(path, timeout) as c, \
            Client(api, timeout) as reply:
        events.next("ready")
        c.send(request_bytes(method, target, form, json, headers))
        while True:
            if b"\n\n" not in events.client.have:
                ready = select.select([c.sock, events.client.sock], [], [], timeout)[0]
                if not ready:
                    raise Failed("neither an answer nor a prompt within %g s" % timeout)
                if c.sock in ready:
                    break
                if not events.client.more():
                    raise Failed("the event stream ended")
                continue
            name, data = events.next()
            if name == "pin-needed":
                prompts.append(data)
                pin = pins.pop(0) if pins else None
                body = {"cancel": True} if pin is None else {"pin": pin}
                if pin is not None and data["confirm"] is not None:
                    body["confirm"] = data["confirm"]	# as a person who saw it
                reply.request("POST", "/prompt/" + data["prompt"], json=body)
        answer = c.answer()
    return answer, prompts

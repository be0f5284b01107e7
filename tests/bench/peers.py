# SPDX-License-Identifier: ISC
"""The peers: agents that people use today, each in a folder of its own as an
unprivileged user, ended by its process id."""
import base64
import http.server
import json
import os
import pwd
import shutil
import signal
import ssl
import struct
import subprocess
import threading

import harness

SIGN_BYTES = 340		# of a token's signing input
SIGN_REQUEST = 13		# of the ssh-agent protocol


def command(user, folder, *argv, **env):
    """Run to the end as user; its standard output."""
    entry = pwd.getpwuid(user)
    done = subprocess.run(argv, user=user, group=entry.pw_gid, extra_groups=[], cwd=folder,
                          env=environment(folder, **env), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, check=False)
    if done.returncode != 0:
        raise harness.Failed("%s: %s" % (" ".join(argv), done.stderr.decode()))
    return done.stdout.decode()


def environment(folder, **more):
    return dict({"PATH": "/usr/bin:/bin", "HOME": folder, "LC_ALL": "C.UTF-8"}, **more)


class Peer:
    """A daemon in the foreground, as user, until end()."""

    def __init__(self, folder, user):
        self.folder, self.user, self.process = folder, user, None
        os.mkdir(folder, 0o700)
        os.chown(folder, user, pwd.getpwuid(user).pw_gid)

    def start(self, socket, *argv):
        self.socket = socket
        self.process = subprocess.Popen(
            argv, user=self.user, group=pwd.getpwuid(self.user).pw_gid, extra_groups=[],
            cwd=self.folder, env=environment(self.folder), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.until(lambda: os.path.exists(socket), what=argv[0])

    @property
    def pid(self):
        return self.process.pid

    def end(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()


class SshAgent(Peer):
    """ssh-agent with one Ed25519 key; request: the file of a sign request."""

    def __init__(self, folder, user):
        super().__init__(folder, user)
        self.start(folder + "/sock", "ssh-agent", "-D", "-a", folder + "/sock")
        key = folder + "/key"
        command(user, folder, "ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", key)
        command(user, folder, "ssh-add", "-q", key, SSH_AUTH_SOCK=self.socket)
        with open(key + ".pub", encoding="ascii") as f:
            blob = base64.b64decode(f.read().split()[1])
        body = bytes([SIGN_REQUEST]) + struct.pack(">I", len(blob)) + blob
        body += struct.pack(">I", SIGN_BYTES) + b"x" * SIGN_BYTES + struct.pack(">I", 0)
        self.request = folder + "/request"
        with open(self.request, "wb") as f:
            f.write(struct.pack(">I", len(body)) + body)
        os.chmod(self.request, 0o644)


class Provider:
    """An OpenID provider on the loopback that gives one token for any refresh
    token: what oidc-agent needs to have something in its cache."""

    def __init__(self, folder):
        self.cert, key = folder + "/op.crt", folder + "/op.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", self.cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(self.cert, 0o644)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.cert, key)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.issuer = "https://localhost:%d/" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def metadata(self):
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks",
                 "device_authorization_endpoint": "device", "revocation_endpoint": "revoke"}
        return dict({k: self.issuer + v for k, v in names.items()}, issuer=self.issuer,
                    scopes_supported=["openid", "offline_access"],
                    response_types_supported=["code"],
                    grant_types_supported=["authorization_code", "refresh_token"],
                    subject_types_supported=["public"],
                    id_token_signing_alg_values_supported=["RS256"])

    @staticmethod
    def token():
        """Of the usual size: a JWT with an RSA-2048 signature."""
        part = base64.urlsafe_b64encode(b"x" * 192).decode()
        return {"access_token": "%s.%s.%s" % (part[:60], part, part + part[:86]),
                "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt",
                "scope": "openid"}

    def handler(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, document):
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer(provider.metadata())

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.answer(provider.token())

            def log_message(self, *_):
                pass

        return Handler

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class OidcAgent(Peer):
    """oidc-agent with one account whose access token is cached."""

    ACCOUNT = "bench"

    def __init__(self, folder, user):
        super().__init__(folder, user)
        self.provider = Provider(folder)
        try:
            self.start(folder + "/sock", "oidc-agent", "--console", "-a", folder + "/sock")
            self.env = environment(folder, OIDC_SOCK=self.socket, OIDC_ENCRYPTION_PW="bench")
            time_out = ["timeout", "20"]
            command(user, folder, *time_out, "oidc-gen", self.ACCOUNT, "--manual",
                    "--iss=" + self.provider.issuer, "--client-id=c", "--client-secret=s",
                    "--scope=openid", "--rt=rt", "--redirect-uri=http://localhost:18080",
                    "--cp=" + self.provider.cert, "--pw-env", "--prompt=none", "--confirm-yes",
                    OIDC_SOCK=self.socket, OIDC_ENCRYPTION_PW="bench")
            command(user, folder, *time_out, "oidc-token", self.ACCOUNT, OIDC_SOCK=self.socket)
        except BaseException:
            self.end()
            raise
        self.request = folder + "/request"
        with open(self.request, "w", encoding="ascii") as f:
            json.dump({"request": "access_token", "account": self.ACCOUNT,
                       "min_valid_period": 60, "application_hint": "bench"}, f)
        os.chmod(self.request, 0o644)

    def end(self):
        super().end()
        self.provider.end()


def started(kind, programs, folder, user):
    """A peer, or None and a word on standard error where it does not work."""
    missing = [p for p in programs if shutil.which(p) is None]
    if missing:
        print("left out: %s is not installed" % missing[0])
        return None
    try:
        return kind(folder, user)
    except (OSError, harness.Failed, subprocess.SubprocessError) as e:
        print("left out: %s: %s" % (kind.__name__, str(e).strip().split("\n")[-1]))
        return None


def all_of(folder, user):
    """{"ssh": SshAgent or None, "oidc": OidcAgent or None}"""
    return {"ssh": started(SshAgent, ["ssh-agent", "ssh-keygen", "ssh-add"], folder + "/ssh", user),
            "oidc": started(OidcAgent, ["oidc-agent", "oidc-gen", "oidc-token", "openssl"],
                            folder + "/oidc", user)}

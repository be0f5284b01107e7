# SPDX-License-Identifier: ISC
"""Tokens ended before their time: by their session, by RFC 7009, all at once;
refused by the agent and by a verifier that asks nobody."""
import os
import stat
import subprocess
import unittest

import harness
from harness import BIN, DAEMON

PIN = "123456"


class Base(unittest.TestCase):
    def machine(self, **more):
        m = harness.Machine(**more)
        self.addCleanup(m.__exit__, None, None, None)
        m.__enter__()
        m.make_token("card", PIN, ["p256"])
        m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card;id=%01",
                  pin=PIN, check=True)
        return m

    def prove(self, m, audience="demo"):
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.DEVICE_GRANT, "audience": audience, "pin": PIN})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def again(self, m, audience="demo"):
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.SESSION_GRANT, "audience": audience})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def verdict(self, m, token, *more):
        """What the command says that asks nobody: "" is valid."""
        ran = m.tessera("token", "verify", "--json", "--jwks", m.public + "/jwks.json", "-a", "demo",
                        "--issuer", m.issuer, *more, stdin=token, uid=0)
        return "" if ran.status == 0 else ran.json["error_description"]

    def active(self, m, token):
        return m.request("POST", "/introspect", uid=BIN, form={"token": token}).json["active"]

    def dead(self, m, token):
        self.assertIn("revoked", self.verdict(m, token))
        self.assertFalse(self.active(m, token))

    def alive(self, m, token):
        self.assertEqual(self.verdict(m, token), "")
        self.assertTrue(self.active(m, token))

    def session(self, m):
        return m.request("GET", "/session", uid=DAEMON).json["sessions"][0]["sid"]


class Revoke(Base):
    def test_by_session(self):
        """Logout, one session by its owner and by an administrator, a token, a credential."""
        m = self.machine()
        about = os.stat(m.public + "/epochs")
        self.assertEqual((stat.S_IMODE(about.st_mode), about.st_uid),
                         (0o644, harness.pwd.getpwnam("tessera").pw_uid))

        def logout(token):
            m.tessera("logout", uid=DAEMON, check=True)

        def own(token):
            m.tessera("session", "revoke", self.session(m), uid=DAEMON, check=True)

        def admin(token):
            shown = m.tessera("session", "list", "--user", "daemon", "--json", uid=0, check=True).json
            self.assertEqual([s["subject"] for s in shown["sessions"]], ["daemon"])
            m.tessera("session", "revoke", shown["sessions"][0]["sid"], uid=0, check=True)

        def user(token):
            m.tessera("revoke", "--user", "daemon", uid=0, check=True)

        def credential(token):
            one = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]["id"]
            m.tessera("revoke", "--credential", one, uid=0, check=True)

        def token(token):
            m.tessera("token", "revoke", uid=DAEMON, stdin=token, check=True)

        for end in (logout, own, admin, user, credential, token):
            with self.subTest(end.__name__):
                first = self.prove(m)
                second = self.again(m)
                self.alive(m, first)
                end(second)
                self.dead(m, first)
                self.dead(m, second)
                self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
        def audited():
            with open(m.state + "/audit.log", encoding="utf-8") as f:
                return len([1 for line in f if '"revoked"' in line]) == 5
        harness.until(audited, 20, "an audit line of each")

    def test_day(self):
        """Three audiences from one proof; a fourth wants its own; all end at once."""
        wide = {"acr": "self", "reuse": "session", "any-user": True, "inline-pin": True}
        m = self.machine(audiences={
            **{name: dict(wide, scopes=["use"]) for name in ("mail", "files", "web")},
            "wages": dict(wide, scopes=["use"], reuse="audience")})
        tokens = {"mail": self.prove(m, "mail")}
        for name in "files", "web":
            tokens[name] = self.again(m, name)
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.SESSION_GRANT, "audience": "wages"})
        self.assertEqual(answer.json["error"], "login_required", "its own touch or PIN")
        tokens["wages"] = self.prove(m, "wages")
        self.assertIsNotNone(self.again(m, "wages"))
        for name, token in tokens.items():
            self.assertEqual(self.verdict(m, token, "-a", name), "", name)
        m.request("DELETE", "/session", uid=DAEMON)
        for name, token in tokens.items():
            self.assertIn("revoked", self.verdict(m, token, "-a", name), name)

    def test_whose(self):
        """RFC 7009: nobody ends a token of another's; what is no good is answered alike."""
        m = self.machine()
        token = self.prove(m)
        answer = m.request("POST", "/revoke", uid=BIN, form={"token": token})
        self.assertEqual(answer.json["error"], "unauthorized_client")
        answer = m.request("DELETE", "/session/" + self.session(m), uid=BIN)
        self.assertEqual((answer.status, answer.json["error"]), (404, "not_found"))
        self.alive(m, token)
        for bad in (token[:-4] + "AAAA", "nonsense", "tsr_at_" + 43 * "x"):
            answer = m.request("POST", "/revoke", uid=BIN, form={
                "token": bad, "token_type_hint": "refresh_token"})
            self.assertEqual((answer.status, answer.json), (200, {"ended": 0}))
        answer = m.request("POST", "/revoke", uid=BIN, form={"x": "y"})
        self.assertEqual(answer.json["error"], "invalid_request")
        self.alive(m, token)
        for body in ({}, {"all": False}, {"all": True, "subject": "daemon"}, {"subject": 7}):
            answer = m.request("POST", "/admin/revoke", uid=0, admin=True, json=body)
            self.assertEqual(answer.status, 400, body)
        self.alive(m, token)
        told = m.request("GET", "/.well-known/oauth-authorization-server", uid=BIN).json
        self.assertTrue(told["revocation_endpoint"].endswith("/revoke"))

    def test_everything(self):
        """All at once; the next token waits for the next second; a restart forgets nothing."""
        m = self.machine()
        token = self.prove(m)
        m.tessera("revoke", "--all", uid=0, check=True)
        self.dead(m, token)
        self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
        fresh = self.prove(m)
        self.alive(m, fresh)
        m.tessera("logout", uid=DAEMON, check=True)
        last = self.prove(m)
        m.stop()
        self.assertIn("revoked", self.verdict(m, token))
        m.start()
        for old in token, fresh:
            self.dead(m, old)
        self.alive(m, last)
        # without its file nobody knows what was revoked: nothing of before is good
        m.stop()
        os.unlink(m.public + "/epochs")
        self.assertIn("nobody can say", self.verdict(m, last))
        self.assertEqual(self.verdict(m, last, "--allow-stale"), "")
        m.start()
        self.dead(m, last)
        self.alive(m, self.prove(m))


NGINX = """
user %(user)s %(group)s;
daemon off;
pid %(folder)s/pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %(folder)s/body;
	proxy_temp_path %(folder)s/proxy;
	fastcgi_temp_path %(folder)s/fastcgi;
	uwsgi_temp_path %(folder)s/uwsgi;
	scgi_temp_path %(folder)s/scgi;
	server {
		listen unix:%(folder)s/web.sock;
		location = /tessera {
			internal;
			proxy_pass http://unix:%(api)s:/verify?audience=demo;
			proxy_http_version 1.1;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header Host tessera;
			proxy_set_header Connection "";
		}
		location / {
			auth_request /tessera;
			auth_request_set $subject $upstream_http_tessera_subject;
			auth_request_set $scope $upstream_http_tessera_scope;
			add_header Who "$subject may $scope";
			root %(folder)s/www;
		}
	}
}
"""


class Verify(Base):
    """GET /verify, asked by hand and by nginx."""

    def ask(self, m, token=None, query="?audience=demo", uid=BIN):
        headers = {} if token is None else {"Authorization": "Bearer " + token}
        return m.request("GET", "/verify" + query, uid=uid, headers=headers)

    def test_by_hand(self):
        m = self.machine()
        token = self.prove(m)
        good = self.ask(m, token)
        self.assertEqual((good.status, good.headers["tessera-subject"], good.headers["tessera-scope"],
                          good.headers["tessera-client"], good.headers["tessera-acr"]),
                         (200, "daemon", "read write", "uid:1", "software"))
        # what comes after the audience is another's word
        self.assertEqual(self.ask(m, token, "?audience=demo&path=/x?audience=vpn").status, 200)
        for query, uid, status in (("", BIN, 400), ("?x=y", BIN, 400), ("?path=/&audience=demo", BIN, 400),
                                   ("?audience=", BIN, 400), ("?audience=nowhere", BIN, 403),
                                   ("?audience=vpn", DAEMON, 403), ("?audience=strict", BIN, 403)):
            self.assertEqual(self.ask(m, token, query, uid).status, status, query)
        none = self.ask(m)
        self.assertEqual((none.status, none.headers["www-authenticate"]), (401, "Bearer"))
        for bad in (token[:-4] + "AAAA", token + "x", "x"):
            answer = self.ask(m, bad)
            self.assertEqual((answer.status, answer.headers["www-authenticate"]),
                             (401, 'Bearer error="invalid_token"'))
        self.assertEqual(self.ask(m, token, "?audience=vpn").status, 401, "another audience's")
        m.tessera("logout", uid=DAEMON, check=True)
        self.assertEqual(self.ask(m, token).status, 401)

    def test_nginx(self):
        m = self.machine()
        folder = m.folder + "/nginx"
        os.mkdir(folder, 0o755)
        os.mkdir(folder + "/www", 0o755)
        with open(folder + "/www/page", "w", encoding="ascii") as f:
            f.write("the page")
        os.chmod(folder + "/www/page", 0o644)
        with open(folder + "/conf", "w", encoding="ascii") as f:
            f.write(NGINX % {"folder": folder, "api": m.api, "user": "bin", "group": "bin"})
        server = subprocess.Popen(["nginx", "-p", folder, "-c", folder + "/conf"])
        self.addCleanup(server.wait, 60)
        self.addCleanup(server.terminate)
        harness.until(lambda: os.path.exists(folder + "/web.sock"), 60, "nginx")

        def get(token):
            headers = ["-H", "Authorization: Bearer " + token] if token else []
            done = subprocess.run(["curl", "-s", "-w", "\n%header{who}\n%{http_code}", "--unix-socket", folder + "/web.sock",
                                   *headers, "http://web/page"], stdout=subprocess.PIPE, check=True,
                                  timeout=60, text=True)
            return tuple(done.stdout.split("\n")[-2:])

        token = self.prove(m)
        for _ in range(2):
            self.assertEqual(get(token), ("daemon may read write", "200"))
        self.assertEqual(get(None)[1], "401")
        self.assertEqual(get(token[:-4] + "AAAA")[1], "401")
        m.tessera("session", "revoke", self.session(m), uid=DAEMON, check=True)
        self.assertEqual(get(token)[1], "401")


if __name__ == "__main__":
    harness.main()

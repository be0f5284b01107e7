#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The README's Python example does what it says: readme.py SOURCE"""
import json
import os
import re
import sys
import tempfile
import textwrap
import time
import unittest

from jwcrypto import jwk, jwt

SOURCE = os.path.abspath(sys.argv[1])
ISSUER, AUDIENCE = "https://desk.example/tessera", "vpn"


class Example(unittest.TestCase):
    def setUp(self):
        with open(SOURCE + "/README.md", encoding="utf-8") as f:
            found = re.search(r"(?m)^    import json\n(?:    .*\n|\n)*", f.read())
        self.code = textwrap.dedent(found.group(0))
        self.key = jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="k", alg="EdDSA", use="sig")
        self.keys = tempfile.NamedTemporaryFile("w", suffix=".json")
        self.addCleanup(self.keys.close)
        self.keys.write(json.dumps({"keys": [self.key.export_public(as_dict=True)]}))
        self.keys.flush()

    def token(self, typ="at+jwt", **claims):
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 300, "iat": now, "sub": "alice",
                "client_id": "uid:1000", "jti": "j"}
        t = jwt.JWT(header={"alg": "EdDSA", "kid": "k", "typ": typ}, claims={**good, **claims})
        t.make_signed_token(self.key)
        return t.serialize()

    def check(self, token):
        code = self.code.replace("/run/tesserad/jwks.json", self.keys.name)
        self.assertNotEqual(code, self.code)
        said = []
        exec(compile(code, "README.md", "exec"), {"token": token, "print": said.append})
        return json.loads(said[0])

    def test_good(self):
        self.assertEqual(self.check(self.token())["sub"], "alice")

    def test_refused(self):
        for name, token in (("another type", self.token(typ="JWT")),
                            ("another audience", self.token(aud="ssh")),
                            ("another issuer", self.token(iss="https://other.example")),
                            ("expired", self.token(exp=int(time.time()) - 3600))):
            with self.subTest(name), self.assertRaises(Exception):
                self.check(token)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

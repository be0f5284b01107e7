#!/usr/bin/python3
# Tokens of ours verified by python3-jwcrypto, and tokens of its verified by us.
# SPDX-License-Identifier: ISC
import json
import subprocess
import sys

from jwcrypto import jwk, jws, jwt

PROGRAM = sys.argv[1]
CLAIMS = {
    "iss": "https://desk7.example/tessera", "sub": "bob", "aud": ["ssh", "vpn"],
    "exp": 4000000300, "iat": 4000000000, "jti": "j1", "client_id": "uid:1000",
}


def run(command, text=""):
    return subprocess.run([PROGRAM, command], input=text, check=True, text=True,
                          capture_output=True).stdout.splitlines()


def theirs_verifies_ours():
    text, *tokens = run("mint")
    keys = jwk.JWKSet.from_json(text)
    assert len(tokens) == 2, tokens
    for token, alg in zip(tokens, ("EdDSA", "ES256")):
        t = jwt.JWT(jwt=token, key=keys, algs=[alg], check_claims={
            "iss": CLAIMS["iss"], "aud": "vpn", "exp": None, "jti": "j1"})
        claims = json.loads(t.claims)
        assert claims["sub"] == 'al"ic\u00e9\t', claims
        assert claims["amr"] == ["hwk", "pin"], claims
        assert json.loads(t.header) == {"alg": alg, "typ": "at+jwt",
                                        "kid": json.loads(t.header)["kid"]}
        # the kid is the beginning of the key's RFC 7638 thumbprint
        kid = json.loads(t.header)["kid"]
        assert keys.get_key(kid).thumbprint()[:8] == kid
        changed = token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:]
        try:
            jwt.JWT(jwt=changed, key=keys, algs=[alg])
        except (jws.InvalidJWSSignature, jwt.JWTInvalidClaimValue, ValueError):
            continue
        raise AssertionError("a changed token was accepted")


def ours_verifies_theirs():
    keys = {
        "EdDSA": jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="e", use="sig"),
        "ES256": jwk.JWK.generate(kty="EC", crv="P-256", kid="p", use="sig"),
        "RS256": jwk.JWK.generate(kty="RSA", size=3072, kid="r", use="sig"),
        "ES384": jwk.JWK.generate(kty="EC", crv="P-384", kid="q", use="sig"),
    }
    public = {"keys": [k.export_public(as_dict=True) for k in keys.values()]}
    lines = [json.dumps(public)]
    for alg, key in keys.items():
        token = jwt.JWT(header={"alg": alg, "typ": "at+jwt", "kid": key.key_id},
                        claims=CLAIMS)
        token.make_signed_token(key)
        lines.append(token.serialize())
    got = run("check", "\n".join(lines) + "\n")
    assert got == ["ok bob", "ok bob", "ok bob", "-21"], got
    private = {"keys": [keys["EdDSA"].export(as_dict=True)]}
    assert subprocess.run([PROGRAM, "check"], input=json.dumps(private) + "\n",
                          text=True, check=False).returncode == 1


theirs_verifies_ours()
ours_verifies_theirs()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Verify an access token with jwcrypto: verify.py JWKS ISSUER AUDIENCE < token

Prints the claims, or says on standard error what is wrong and ends with 1."""
import json
import sys

from jwcrypto import jwk, jwt


def verify(token, keys, issuer, audience):
    """The claims of a good token (RFC 9068 section 4); raises otherwise."""
    checked = jwt.JWT(jwt=token, key=keys, algs=["EdDSA", "ES256"],
                      check_claims={"iss": issuer, "aud": audience, "exp": None, "sub": None,
                                    "client_id": None, "iat": None, "jti": None})
    if json.loads(checked.header).get("typ") != "at+jwt":
        raise ValueError("typ is not at+jwt")
    return json.loads(checked.claims)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: verify.py JWKS ISSUER AUDIENCE < token")
    with open(sys.argv[1], encoding="utf-8") as f:
        key_set = jwk.JWKSet.from_json(f.read())
    try:
        print(json.dumps(verify(sys.stdin.read().strip(), key_set, sys.argv[2], sys.argv[3])))
    except Exception as e:
        sys.exit("refused: %s: %s" % (type(e).__name__, e))

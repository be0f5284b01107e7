# SPDX-License-Identifier: ISC
"""Tokens and the keys that sign them.  Rows as seeded.py explains."""

ROWS = [
    # --- tokens
    ("exp", "token/jwt_check.c", "if (c->exp <= want->now)", "if (0)", "unit jwt_refusals"),
    ("iss", "token/jwt_check.c", "if (strcmp(c->iss, want->iss) != 0)", "if (0)",
     "unit jwt_refusals"),
    ("alg of the key", "token/jwt_check.c", "if (k->alg != id)", "if (0)", "unit jwt_refusals"),
    ("session of another subject", "agent/session.c",
     " || strcmp(s->subject, subject) != 0)", " || subject == NULL)", "unit session"),
    ("session too weak", "agent/session.c", "if (s->acr < a->acr) {", "if (0) {", "unit session"),
    ("frame of another request", "agent/helper_conn.c", "|| f->id != h->id ||", "||",
     "unit helper_lies"),
]

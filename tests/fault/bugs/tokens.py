# SPDX-License-Identifier: ISC
"""Tokens and the keys that sign them.  Rows as seeded.py explains."""

ROWS = [
    # --- a user who leaves
    ("a logout unnoticed", "agent/logins.c", "if (!logins_has(l->in, l->n, was[i]))", "if (i > n)",
     "e2e/leaving Leaving.test_logout"),
    ("a sleep unnoticed", "agent/leaving.c", "	l->slept_ms = slept;\n	if (", "	l->slept_ms = slept;\n	if (0 && ",
     "e2e/leaving Leaving.test_suspend"),
    ("left, but his card is there", "agent/session.c", "return !s->left && (", "return (", "unit session"),
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

# SPDX-License-Identifier: ISC
"""The way of a request, while memory is out.  Rows as seeded.py explains."""

ROWS = [
    # --- the whole way of a request, and what happens while memory is out
    ("any evidence will do", "agent/verdict.c", "if (evidence == TSR_OK)",
     "if (evidence <= TSR_OK)", "corpus request"),
    ("answers may be stored", "agent/http_answer.c",
     "(r = buf_put_cstr(b, \"Cache-Control: no-store\\r\\n\"))", "(r = TSR_OK)",
     "corpus request"),
    ("pidfd of a connection stays", "agent/http_conn.c", "caller_clear(&c->caller);", "(void)c;",
     "corpus request"),
    ("a start that says nothing", "agent/daemon.c",
     '(void)snprintf(err, err_size, "%s", "the parts of the agent cannot be set up");', "",
     "corpus request"),
    ("a form without memory", "agent/http_form.c", "if ((f.memory = malloc(f.size)) == NULL)",
     "if ((f.memory = malloc(f.size)) == NULL && f.size == 0)", "corpus http_form"),
    ("a JSON string without memory", "token/json.c",
     "if ((text = malloc((size_t)v->len + 1)) == NULL)",
     "if ((text = malloc((size_t)v->len + 1)) == NULL && v == NULL)", "corpus body"),
    ("a member's name as it is", "client/audit_row.c",
     "escape_text(shown, sizeof(shown), name, strlen(name))", "name", "corpus audit_row"),
    ("a unit of a slice that is not its own", "agent/caller_unit.c", "t.p[outer.n - 6] != '-')",
     "t.n == 0)", "unit caller"),
]

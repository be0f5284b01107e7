# SPDX-License-Identifier: ISC
"""Bugs seeded into SSH: keys, certificates, what is signed for whom.  Rows as seeded.py
explains."""

ROWS = [
    # --- what is to be signed
    ("another key's login", "token/ssh_signed.c",
     "if (!ssh_signed_same(&l, key, key_n) && ", "if (l.key_n == 0 && !ssh_signed_same(&l, key, key_n) && ",
     "unit ssh_signed"),
    ("another algorithm", "token/ssh_signed.c",
     "return n == l->alg_n && memcmp(name, l->alg, n) == 0 ? TSR_OK : TSR_INVALID;", "return TSR_OK;",
     "unit ssh_signed"),
    ("any message", "token/ssh_signed.c", "if (number != SSH_USERAUTH_REQUEST)", "if (number == 0)",
     "unit ssh_signed"),
    ("no namespace", "token/ssh_signed.c", " || s->name[0] == '\\0' ||", " ||", "unit ssh_signed"),
    ("bytes after a login", "token/ssh_signed.c",
     "	if (ssh_is(l->method, l->method_n, \"publickey\"))\n		return reader_end(r);",
     "	if (ssh_is(l->method, l->method_n, \"publickey\"))\n		return TSR_OK;", "unit ssh_signed"),
    # --- hosts
    ("a host's signature unread", "token/ssh_bind.c",
     "	if ((e = ssh_host_verify(b.host, b.host_n, b.session, b.session_n, sig, sig_n)) != TSR_OK)\n		return e;\n",
     "", "unit ssh_bind"),
    ("SHA-1 of a host", "token/ssh_host.c", "if (kind == SSH_RSA && ssh_is(name, n, \"rsa-sha2-256\"))",
     "if (kind == SSH_RSA && ssh_is(name, n, \"ssh-rsa\"))\n		return \"SHA1\";\n	if (kind == SSH_RSA && ssh_is(name, n, \"rsa-sha2-256\"))",
     "unit ssh_bind"),
    ("a short key of a host", "token/ssh_fields.c", "if (bits < SSH_RSA_MIN || ", "if (", "unit ssh_key"),
    # --- certificates and lists
    ("a certificate for everybody", "token/ssh_cert.c", " || c->n_principals == 0 ||", " ||", "unit ssh_cert"),
    ("two principals in one", "token/ssh_cert.c", "	    strchr(principal, ',') == NULL && ", "	    ",
     "unit ssh_cert"),
    ("a certificate for ever", "token/ssh_cert.c", " ||\n	    c->valid_before == SSH_CERT_FOREVER)", ")",
     "unit ssh_cert"),
    ("a certificate's signature unread", "token/ssh_cert_read.c",
     "(e = ssh_host_verify(c.ca, c.ca_n, blob, signed_n, sig, sig_n)) != TSR_OK)",
     "(signed_n > n && (e = ssh_host_verify(c.ca, c.ca_n, blob, signed_n, sig, sig_n)) != TSR_OK))",
     "unit ssh_cert"),
    ("a list that sshd cannot read", "token/ssh_krl.c",
     "	if ((r = ssh_key_read(ca->key, ca->key_n, &key)) != TSR_OK)",
     "	if ((r = ca->key_n > 0 ? TSR_OK : ssh_key_read(ca->key, ca->key_n, &key)) != TSR_OK)", "unit ssh_krl"),
]

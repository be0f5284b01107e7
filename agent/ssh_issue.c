/*
 * ssh_issue.c - see ssh_issue.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_issue.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/metrics.h"
#include "agent/ssh_ca.h"
#include "agent/store_ssh.h"
#include "agent/watch.h"
#include "base/escape.h"
#include "include/tessera.h"

#define ISSUE_EARLY_S	60	/* a server's clock may be that late */
#define ISSUE_DRAWS	4	/* serials: one that is there already is not met twice */
#define ISSUE_LIST_MAX	8192	/* bytes of the addresses in one option */

/* One being made. */
struct issue {
	struct agent *a;
	const struct ssh_wish *wish;
	const struct config *config;
	const struct config_audience *audience;
	struct ssh_cert cert;
	char name[SSH_CERT_PRINCIPALS_MAX][SSH_CERT_PRINCIPAL_LEN];
	const char *principal[SSH_CERT_PRINCIPALS_MAX];
	struct ssh_cert_option critical[SSH_CERT_OPTIONS_MAX], extension[SSH_CERT_OPTIONS_MAX];
	char source[ISSUE_LIST_MAX];
	struct ssh_cert_record row;
	char *detail;
};

const struct config_audience *
ssh_audience(const struct agent *a, const struct caller *c)
{
	const struct config *cf = policy_config(a->policy);
	const struct config_audience *aud;
	uid_t only;

	if (!cf->ssh.there || (aud = policy_audience(a->policy, cf->ssh.audience)) == NULL ||
	    policy_may_ask(a->policy, aud, c) != TSR_OK || policy_login_helper(a->policy, c, &only))
		return NULL;
	return aud;
}

/* --- principals --- */

/* The principal of the configuration as this user's. */
static int
issue_expand(const char *text, const char *user, char out[SSH_CERT_PRINCIPAL_LEN])
{
	size_t n = 0, len;

	for (; *text != '\0'; text++) {
		len = text[0] == '%' ? strlen(user) : 1;
		if (n + len >= SSH_CERT_PRINCIPAL_LEN)
			return TSR_TOO_LARGE;
		memcpy(out + n, text[0] == '%' ? user : text, len);
		n += len;
		text += text[0] == '%';		/* its u */
	}
	out[n] = '\0';
	return TSR_OK;
}

/* One more that he has; one that no certificate can bear, or that is there, is left
 * out. */
static void
issue_bear(struct issue *s, const char *text)
{
	size_t n = s->cert.n_principals, i;

	if (n == SSH_CERT_PRINCIPALS_MAX || issue_expand(text, s->wish->subject, s->name[n]) != TSR_OK ||
	    !ssh_cert_principal_ok(s->name[n]))
		return;
	for (i = 0; i < n; i++)
		if (strcmp(s->name[i], s->name[n]) == 0)
			return;
	s->principal[n] = s->name[n];
	s->cert.n_principals++;
}

/* Those that are asked for, of those that he has. */
static int
issue_choose(struct issue *s)
{
	size_t n = 0, i, j;
	const char *p;

	for (i = 0; i < s->wish->n_principals; i++)
		for (j = 0; strcmp(s->wish->principals[i], s->principal[j]) != 0;)
			if (++j == s->cert.n_principals) {
				(void)snprintf(s->detail, 256, "one of these principals is not yours: see the "
				    "configuration's section ssh");
				return TSR_DENIED;
			}
	for (j = 0; j < s->cert.n_principals; j++) {
		p = s->principal[j];
		for (i = 0; i < s->wish->n_principals; i++)
			if (strcmp(s->wish->principals[i], p) == 0) {
				s->principal[n++] = p;
				break;
			}
	}
	s->cert.n_principals = n;
	return TSR_OK;
}

static int
issue_principals(struct issue *s)
{
	const struct caller *c = s->wish->caller != NULL ? s->wish->caller : s->wish->last;
	size_t i, n = 0, len;
	int r;

	for (i = 0; i < s->config->ssh.principals.n; i++)
		issue_bear(s, s->config->ssh.principals.v[i]);
	for (i = 0; i < s->config->ssh.n_extra; i++)
		if (policy_has_principal(s->a->policy, i, c) == TSR_OK)
			issue_bear(s, s->config->ssh.extra[i].name);
	if (s->cert.n_principals == 0) {
		(void)snprintf(s->detail, 256, "the configuration's section ssh gives you no principal");
		return TSR_DENIED;
	}
	if (s->wish->principals != NULL && (r = issue_choose(s)) != TSR_OK)
		return r;
	s->cert.principals = s->principal;
	for (i = 0; i < s->cert.n_principals; i++) {
		len = strlen(s->principal[i]);
		if (n + len + 1 >= sizeof(s->row.principals))
			return TSR_TOO_LARGE;
		n += (size_t)snprintf(s->row.principals + n, sizeof(s->row.principals) - n, "%s%s",
		    i > 0 ? "," : "", s->principal[i]);
	}
	return s->cert.n_principals > 0 ? TSR_OK : TSR_DENIED;
}

/* --- options --- */

static int
issue_sources(struct issue *s)
{
	const struct strings *list = &s->config->ssh.source_address;
	size_t n = 0, i;
	int len;

	for (i = 0; i < list->n; i++) {
		len = snprintf(s->source + n, sizeof(s->source) - n, "%s%s", i > 0 ? "," : "", list->v[i]);
		if (len < 0 || (size_t)len >= sizeof(s->source) - n)
			return TSR_TOO_LARGE;
		n += (size_t)len;
	}
	return TSR_OK;
}

static int
issue_options(struct issue *s)
{
	const struct config *cf = s->config;
	size_t i;
	int r;

	s->cert.critical = s->critical;
	s->cert.extensions = s->extension;
	if (cf->ssh.force_command != NULL) {
		s->critical[s->cert.n_critical].name = "force-command";
		s->critical[s->cert.n_critical++].value = cf->ssh.force_command;
	}
	if (cf->ssh.source_address.n > 0) {
		if ((r = issue_sources(s)) != TSR_OK)
			return r;
		s->critical[s->cert.n_critical].name = "source-address";
		s->critical[s->cert.n_critical++].value = s->source;
	}
	for (i = 0; i < cf->ssh.extensions.n && i < SSH_CERT_OPTIONS_MAX; i++) {
		s->extension[i].name = cf->ssh.extensions.v[i];
		s->extension[i].value = "";
	}
	s->cert.n_extensions = i;
	return TSR_OK;
}

/* --- the row --- */

/* "USER@HOST SERIAL" of the issuer's host. */
static void
issue_name(struct issue *s)
{
	char user[96], host[128];
	const char *from = strstr(s->a->issuer, "://");

	from = from != NULL ? from + 3 : s->a->issuer;
	(void)escape_text(user, sizeof(user), s->wish->subject, strlen(s->wish->subject));
	(void)escape_text(host, sizeof(host), from, strcspn(from, "/"));
	(void)snprintf(s->row.id, sizeof(s->row.id), "%s@%s %016llx", user, host,
	    (unsigned long long)s->row.serial);
	s->cert.id = s->row.id;
}

static int
issue_row(struct issue *s, const char *ca, int64_t now)
{
	const struct ssh_wish *w = s->wish;
	uint32_t life = s->audience->lifetime;
	int r;

	if (w->lifetime > 0 && w->lifetime < life)
		life = w->lifetime;
	s->row.valid_after = now - ISSUE_EARLY_S;
	s->row.valid_before = now + life;
	s->row.uid = w->uid;
	s->row.held = w->held;
	(void)snprintf(s->row.ca, sizeof(s->row.ca), "%s", ca);
	(void)snprintf(s->row.subject, sizeof(s->row.subject), "%s", w->subject);
	(void)snprintf(s->row.credential, sizeof(s->row.credential), "%s", w->credential);
	(void)snprintf(s->row.sid, sizeof(s->row.sid), "%s", w->sid);
	if ((r = ssh_key_fingerprint(w->key, w->key_n, s->row.fingerprint)) != TSR_OK)
		return r;
	s->cert.valid_after = (uint64_t)s->row.valid_after;
	s->cert.valid_before = (uint64_t)s->row.valid_before;
	return TSR_OK;
}

/* Under a serial that no other certificate has. */
static int
issue_store(struct issue *s, int64_t now)
{
	unsigned i;
	int r = TSR_CONFLICT;

	for (i = 0; i < ISSUE_DRAWS && r == TSR_CONFLICT; i++) {
		do {
			randombytes_buf(&s->row.serial, sizeof(s->row.serial));
			s->row.serial &= INT64_MAX;
		} while (s->row.serial == 0);
		s->cert.serial = s->row.serial;
		issue_name(s);
		r = store_ssh_cert_add(s->a->store, &s->row, now);
	}
	return r;
}

/* There is never the certificate without its row and its line. */
static int
issue_write(struct issue *s, struct jws_key *ca, int64_t now, struct buf *blob)
{
	uint8_t nonce[SSH_CERT_NONCE];
	size_t before = blob->len;
	int r;

	randombytes_buf(nonce, sizeof(nonce));
	if ((r = audit_ready(s->a->audit)) != TSR_OK || (r = store_begin(s->a->store)) != TSR_OK)
		return r;
	if ((r = issue_store(s, now)) == TSR_OK &&
	    (r = ssh_cert_make(blob, ca, &s->cert, nonce)) == TSR_OK &&
	    (r = audit_event_ssh(s->a, s->wish->caller, s->audience->name, &s->row)) == TSR_OK)
		r = store_keep(s->a->store);
	else
		store_undo(s->a->store);
	if (r != TSR_OK)
		buf_cut(blob, before);
	return r == TSR_CONFLICT ? TSR_STORE : r;
}

/* May it be issued at all, and to whom? */
static int
issue_admit(struct issue *s)
{
	const struct ssh_wish *w = s->wish;
	int r;

	if (!s->config->ssh.there) {
		(void)snprintf(s->detail, 256, "the configuration has no section ssh");
		return TSR_NOT_FOUND;
	}
	if (w->caller != NULL && !caller_alive(w->caller))
		return TSR_CLOSED;
	s->audience = w->caller != NULL ? ssh_audience(s->a, w->caller) :
	    policy_audience(s->a->policy, s->config->ssh.audience);
	if (s->audience == NULL ||
	    (w->caller == NULL && policy_may_ask(s->a->policy, s->audience, w->last) != TSR_OK)) {
		(void)snprintf(s->detail, 256, "you may not ask for the audience of SSH");
		return TSR_DENIED;
	}
	if (epochs_wait(s->a->epochs, clock_wall()) > 0)
		return TSR_UNAVAILABLE;
	if ((r = ssh_key_read(w->key, w->key_n, &s->cert.key)) != TSR_OK)
		return r;
	return watch_mint(s->a->watch);
}

static int
issue_begin(struct issue *s, struct agent *a, const struct ssh_wish *w, char detail[256])
{
	int r;

	memset(s, 0, sizeof(*s));
	s->a = a;
	s->wish = w;
	s->config = policy_config(a->policy);
	s->detail = detail;
	detail[0] = '\0';
	if ((r = issue_admit(s)) != TSR_OK || (r = issue_principals(s)) != TSR_OK)
		return r;
	return issue_options(s);
}

int
ssh_issue_check(struct agent *a, const struct ssh_wish *w, char detail[256])
{
	struct issue s;

	return issue_begin(&s, a, w, detail);
}

int
ssh_issue(struct agent *a, const struct ssh_wish *w, struct buf *blob, struct ssh_issued *out,
    char detail[256])
{
	struct issue s;
	const char *id, *fingerprint;
	int64_t now = clock_wall();
	struct jws_key *ca;
	int r;

	if ((r = issue_begin(&s, a, w, detail)) != TSR_OK)
		return r;
	if ((ca = ssh_ca_active(a->ssh_ca, &id, &fingerprint)) == NULL) {
		(void)snprintf(detail, 256, "the SSH CA has no key yet, or it cannot be read");
		return TSR_UNAVAILABLE;
	}
	if ((r = issue_row(&s, id, now)) != TSR_OK || (r = issue_write(&s, ca, now, blob)) != TSR_OK)
		return r;
	metrics.ssh_certificates[w->held != 0]++;
	out->serial = s.row.serial;
	out->valid_after = s.row.valid_after;
	out->valid_before = s.row.valid_before;
	(void)snprintf(out->id, sizeof(out->id), "%s", s.row.id);
	(void)snprintf(out->ca, sizeof(out->ca), "%s", fingerprint);
	return TSR_OK;
}

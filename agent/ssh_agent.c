/*
 * ssh_agent.c - see ssh_agent.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/leaving.h"
#include "agent/metrics.h"
#include "agent/misuse.h"
#include "agent/ssh_binds.h"
#include "agent/ssh_sign.h"
#include "agent/ssh_user.h"
#include "include/tessera.h"

#define SSH_LIST	11	/* SSH_AGENTC_REQUEST_IDENTITIES */
#define SSH_LISTED	12	/* SSH_AGENT_IDENTITIES_ANSWER */
#define SSH_SIGN	13	/* SSH_AGENTC_SIGN_REQUEST */
#define SSH_EXTENSION	27	/* SSH_AGENTC_EXTENSION */
#define SSH_EXTENDED	29	/* SSH_AGENT_EXTENSION_RESPONSE */

#define SSH_EXTENSION_NAME_MAX	255	/* bytes of an extension's name */

/* For the rate of requests: endpoints beyond those of HTTP. */
#define SSH_ENDPOINT(type)	(METRICS_ENDPOINTS + (unsigned)(type))

static const char query[] = "query", session_bind[] = "session-bind@openssh.com";

/* --- 11: the certificate first, then the key itself --- */

static int
ssh_agent_keys(struct buf *out, const struct ssh_user *u)
{
	int r;

	if ((r = buf_put_u8(out, SSH_LISTED)) != TSR_OK ||
	    (r = buf_put_u32(out, u == NULL ? 0 : u->cert.len > 0 ? 2 : 1)) != TSR_OK || u == NULL)
		return r;
	if (u->cert.len > 0 && ((r = buf_put_string(out, u->cert.data, u->cert.len)) != TSR_OK ||
	    (r = buf_put_string(out, u->comment, strlen(u->comment))) != TSR_OK))
		return r;
	if ((r = buf_put_string(out, u->blob.data, u->blob.len)) != TSR_OK)
		return r;
	return buf_put_string(out, u->comment, strlen(u->comment));
}

static void
ssh_agent_list(struct agent *a, const struct ssh_message *m, const char *name)
{
	struct ssh_user *u = NULL;
	struct buf out;
	int r = TSR_OK, fresh = 0;

	buf_init(&out, SSH_ANSWER_MAX);
	if (m->n == 0)
		r = ssh_user_get(a, m->caller, name, &u, &fresh);
	if (m->n == 0 && (r == TSR_OK || r == TSR_NOT_FOUND) && ssh_agent_keys(&out, u) == TSR_OK) {
		metrics.ssh[METRICS_SSH_LISTED]++;
		ssh_answer(m->conn, out.data, out.len, fresh);
	} else
		ssh_answer_type(m->conn, SSH_FAILURE);
	buf_free(&out);
}

/* --- 27 --- */

/* p, n: what follows the extension's name. */
static void
ssh_agent_bind(struct agent *a, const struct ssh_message *m, const uint8_t *p, size_t n)
{
	struct ssh_binds *b = ssh_memory(m->conn);
	struct ssh_bind bind;
	int r;

	if (b == NULL) {
		if ((b = calloc(1, sizeof(*b))) == NULL) {
			ssh_answer_type(m->conn, SSH_FAILURE);
			return;
		}
		ssh_remember(m->conn, b);
	}
	r = ssh_binds_open(b) ? ssh_bind_read(p, n, &bind) : TSR_DENIED;
	r = ssh_binds_add(b, r, &bind);
	if (r != TSR_OK)
		audit_refused(a->audit, m->caller->uid, "ssh_bad_binding");
	ssh_answer_type(m->conn, r == TSR_OK ? SSH_SUCCESS : SSH_FAILURE);
}

static void
ssh_agent_query(const struct ssh_message *m)
{
	struct buf out;

	buf_init(&out, SSH_ANSWER_MAX);
	if (buf_put_u8(&out, SSH_EXTENDED) == TSR_OK &&
	    buf_put_string(&out, query, strlen(query)) == TSR_OK &&
	    buf_put_string(&out, query, strlen(query)) == TSR_OK &&
	    buf_put_string(&out, session_bind, strlen(session_bind)) == TSR_OK)
		ssh_answer(m->conn, out.data, out.len, 0);
	else
		ssh_answer_type(m->conn, SSH_FAILURE);
	buf_free(&out);
}

static int
ssh_agent_is(const uint8_t *name, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(name, want, n) == 0;
}

static void
ssh_agent_extension(struct agent *a, const struct ssh_message *m)
{
	const uint8_t *name = NULL;
	struct reader r;
	size_t n;

	reader_init(&r, m->p, m->n);
	if (reader_string(&r, SSH_EXTENSION_NAME_MAX, &name, &n) != TSR_OK)
		n = 0;
	if (n > 0 && ssh_agent_is(name, n, query) && reader_end(&r) == TSR_OK)
		ssh_agent_query(m);
	else if (n > 0 && ssh_agent_is(name, n, session_bind))
		ssh_agent_bind(a, m, r.p, r.left);
	else
		ssh_answer_type(m->conn, SSH_FAILURE);
}

/* --- who asks --- */

/* A message whose caller's name is being looked up. */
struct ssh_wait {
	struct agent *agent;
	const struct ssh_message *message;
	unsigned ticket;
	int *answered;			/* set where the look-up ends inside its call */
};

static void
ssh_agent_gone(void *arg)
{
	struct ssh_wait *w = arg;

	names_cancel(w->agent->names, w->ticket);
	free(w);
}

static void
ssh_agent_named(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct ssh_wait *w = arg;
	const struct ssh_message *m = w->message;

	(void)uid;
	(void)gid;
	if (w->answered != NULL)
		*w->answered = 1;
	if (code != TSR_OK && code != TSR_NOT_FOUND)
		ssh_answer_type(m->conn, SSH_FAILURE);	/* the name service does not answer */
	else if (m->type == SSH_LIST)
		ssh_agent_list(w->agent, m, code == TSR_OK ? name : "");
	else
		ssh_sign_request(w->agent, m, code == TSR_OK ? name : "");
	free(w);
}

static void
ssh_agent_ask(struct agent *a, const struct ssh_message *m)
{
	struct ssh_wait *w;
	unsigned ticket = 0;
	int code, answered = 0;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		ssh_answer_type(m->conn, SSH_FAILURE);
		return;
	}
	w->agent = a;
	w->message = m;
	w->answered = &answered;
	code = names_name_of(a->names, m->caller->uid, ssh_agent_named, w, &ticket);
	if (answered)		/* as nearly always: the cache knew, w is gone */
		return;
	if (code != TSR_OK) {
		ssh_agent_named(w, code, m->caller->uid, (gid_t)-1, NULL);
		return;
	}
	w->answered = NULL;
	w->ticket = ticket;
	ssh_park(m->conn, ssh_agent_gone, w);
}

void
ssh_agent_message(void *arg, const struct ssh_message *m)
{
	struct agent *a = arg;
	uint32_t wait_s;

	if (a->policy == NULL ||	/* its names are being looked up still */
	    misuse_admit(a, m->caller->uid, SSH_ENDPOINT(m->type), &wait_s) != TSR_OK) {
		ssh_answer_type(m->conn, SSH_FAILURE);
		return;
	}
	leaving_look(a->leaving);
	if (m->type == SSH_LIST || m->type == SSH_SIGN)
		ssh_agent_ask(a, m);
	else if (m->type == SSH_EXTENSION)
		ssh_agent_extension(a, m);
	else
		ssh_answer_type(m->conn, SSH_FAILURE);
}

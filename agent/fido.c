/*
 * fido.c - see fido.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/fido.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/prompt.h"
#include "include/tessera.h"
#include "token/json.h"

#define ROOTS_FILE_MAX	262144	/* bytes of a file of roots */
#define TOUCH_JSON_MAX	8192

static char *
fido_copy(const char *s)
{
	return s != NULL ? strdup(s) : NULL;
}

int
fido_new(struct agent *a, const struct helpers_options *o, struct fido **out)
{
	struct fido *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return TSR_NOMEM;
	f->agent = a;
	fido_lists_init(&f->lists);
	fido_turns_init(&f->turns, loop_timers(a->loop));
	fido_spares_init(&f->spares, a->loop, &f->options);
	if (o != NULL) {
		f->options = *o;
		f->options.program = f->program = fido_copy(o->program);
		f->options.config_file = f->config_file = fido_copy(o->config_file);
		f->options.socket = f->socket = fido_copy(o->socket);
		if (f->config_file == NULL || (f->program == NULL && f->socket == NULL)) {
			fido_free(&f);
			return TSR_NOMEM;
		}
	}
	*out = f;
	return TSR_OK;
}

void
fido_free(struct fido **fp)
{
	struct fido *f = *fp;

	if (f == NULL)
		return;
	fido_lists_end(&f->lists);
	fido_turns_end(&f->turns);
	fido_spares_end(&f->spares);
	attestation_roots_free(&f->roots);
	free(f->program);
	free(f->config_file);
	free(f->socket);
	free(f);
	*fp = NULL;
}

int
fido_there(const struct fido *f)
{
	return f->program != NULL || f->socket != NULL;
}

/* --- the makers --- */

static int
roots_read(const char *path, struct attestation_roots **roots)
{
	struct stat st;
	char *text;
	ssize_t n;
	int fd, r = TSR_CONFIG;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) == -1)
		return TSR_CONFIG;
	if ((text = malloc(ROOTS_FILE_MAX)) == NULL)
		r = TSR_NOMEM;
	else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < ROOTS_FILE_MAX &&
	    (n = read(fd, text, ROOTS_FILE_MAX)) > 0)
		r = attestation_roots_add(roots, text, (size_t)n);
	free(text);
	(void)close(fd);
	return r;
}

int
fido_roots(struct fido *f, const struct config *c, char *err, size_t err_size)
{
	struct attestation_roots *roots = NULL;
	size_t i;
	int r = TSR_OK;

	attestation_roots_free(&f->roots);
	for (i = 0; i < c->fido.attestation_roots.n && r == TSR_OK; i++)
		if ((r = roots_read(c->fido.attestation_roots.v[i], &roots)) != TSR_OK)
			(void)snprintf(err, err_size, "attestation-roots: %s is not a file with "
			    "certificates of key makers in PEM (or one that was not configured "
			    "when the agent started: restart it): no maker is trusted",
			    c->fido.attestation_roots.v[i]);
	if (r == TSR_OK)
		f->roots = roots;
	else
		attestation_roots_free(&roots);
	return r == TSR_OK || r == TSR_NOMEM ? r : TSR_CONFIG;
}

void
fido_rp_id(const struct fido *f, char out[FIDO_RP_LEN])
{
	(void)snprintf(out, FIDO_RP_LEN, FIDO_RP_PREFIX "%s", policy_config(f->agent->policy)->realm);
}

/* --- frames --- */

int
fido_ask(struct fido *f, uint16_t type, const struct proto_value *values, size_t n,
    uint32_t deadline_ms, const struct fido_call_client *client, struct fido_call **out)
{
	if (!fido_there(f))
		return TSR_UNAVAILABLE;
	return fido_spares_ask(&f->spares, type, values, n, deadline_ms, client, out);
}

void
fido_user_id(const char *issuer, const char *subject, uid_t uid, uint8_t out[FIDO_USER_LEN])
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s\n%s\n%u", issuer, subject, uid);

	(void)crypto_hash_sha256(out, (const uint8_t *)text, (unsigned long long)n);
}

int
fido_put_id(struct buf *ids, const uint8_t *id, size_t n)
{
	int r;

	if ((r = buf_put_u32(ids, (uint32_t)n)) != TSR_OK)
		return r;
	return buf_put(ids, id, n);
}

/* --- seen before it is felt --- */

int
fido_touch_needed(struct fido *f, const struct fido_touch_show *s, struct fido_touch *out)
{
	struct buf b;
	int r;

	store_make_id(out->id);
	out->uid = s->about->uid;
	out->by = events_process(s->about->requester);
	buf_init(&b, TOUCH_JSON_MAX);
	if ((r = buf_printf(&b, "{\"touch\":\"%s\",\"purpose\":\"%s\"", out->id, s->purpose)) == TSR_OK &&
	    (r = prompt_requester_json(&b, s->about)) == TSR_OK &&
	    (r = json_put_member(&b, "subject", s->subject)) == TSR_OK &&
	    (r = json_put_member(&b, "audience", s->audience)) == TSR_OK &&
	    (r = json_put_member(&b, "scope", s->scope)) == TSR_OK &&
	    (r = ssh_about_json(&b, s->ssh)) == TSR_OK &&
	    (r = json_put_member(&b, "label", s->label)) == TSR_OK &&
	    (r = json_put_member(&b, "device", s->device)) == TSR_OK &&
	    (r = buf_printf(&b, ",\"seconds_left\":%d}", FIDO_TOUCH_MS / 1000)) == TSR_OK)
		events_send_about(f->agent->events, out->uid, &out->by, EVENTS_LOOK, "touch-needed",
		    (const char *)b.data, b.len);
	else
		out->id[0] = '\0';
	buf_free(&b);
	return r;
}

static const char *
touch_result(int code)
{
	switch (code) {
	case TSR_OK:
		return "touched";
	case TSR_TOUCH_TIMEOUT:
		return "timeout";
	case TSR_CANCELLED:
		return "cancelled";
	case TSR_DEVICE_REMOVED:
		return "removed";
	default:
		return "failed";
	}
}

void
fido_touch_done(struct fido *f, struct fido_touch *t, int code)
{
	char json[128];
	int n;

	if (t->id[0] == '\0')
		return;
	n = snprintf(json, sizeof(json), "{\"touch\":\"%s\",\"result\":\"%s\"}", t->id,
	    touch_result(code));
	t->id[0] = '\0';
	if (code != TSR_OK)
		fido_turns_rest(&f->turns);
	events_send_about(f->agent->events, t->uid, &t->by, EVENTS_LOOK, "touch-done", json,
	    (size_t)n);
}

/*
 * ask.c - one operation on one key.  See ask.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/frame.h"
#include "tessera.h"

#define LIST_OVERHEAD	40	/* bytes of CBOR around an id */
#define REST_MAX	512	/* bytes of a request besides its list */
#define MSG_DEFAULT	1024	/* CTAP 2.1 section 6.4: where a key does not say */

void
ask_words(char *out, size_t size, char *const *word, size_t n)
{
	size_t i, at = 0, len;

	out[0] = '\0';
	for (i = 0; i < n; i++) {
		if (word[i] == NULL || (len = strlen(word[i])) == 0 || at + len + 2 > size ||
		    !escape_is_text(word[i], len))
			continue;
		at += (size_t)snprintf(out + at, size - at, "%s%s", at > 0 ? " " : "", word[i]);
	}
}

int
ask_say(struct ask *a, enum proto_type type, const struct proto_value *v, size_t n)
{
	struct buf b;
	int r;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	if ((r = proto_encode(&b, (uint16_t)type, a->q->id, 0, v, n)) == TSR_OK)
		r = frame_flush(a->fd, &b);
	else if (r != TSR_NOMEM)
		r = fault_set(&a->fault, TSR_DEVICE_FAILED, "the key's answer is too large or malformed");
	buf_free(&b);
	return r;
}

int
ask_touch(struct ask *a, uint32_t state)
{
	struct proto_value v[] = { proto_text(a->key.place->device), { .u32 = state } };

	return ask_say(a, PROTO_FIDO_TOUCH, v, 2);
}

static void
ask_tries(struct ask *a, int code)
{
	int n = 0;

	/* not where it has to be plugged in again: it may not answer */
	if ((code == TSR_PIN_WRONG || code == TSR_PIN_REQUIRED) &&
	    fido_dev_has_pin(a->key.dev) && fido_dev_get_retry_count(a->key.dev, &n) == FIDO_OK &&
	    n >= 0)
		a->fault.tries = (uint32_t)n;
	if (code == TSR_PIN_LOCKED)
		a->fault.tries = 0;
}

int
ask_fault(struct ask *a, int err)
{
	int code = key_fault(&a->key, err, &a->fault);

	ask_tries(a, code);
	return code;
}

int
ask_verification(struct ask *a, int make, fido_opt_t *uv, const char **pin)
{
	const struct key *k = &a->key;
	int builtin = fido_dev_has_uv(k->dev), has_pin = fido_dev_has_pin(k->dev);
	int given = request_has_pin(a->q), code;

	*uv = FIDO_OPT_OMIT;
	*pin = NULL;
	if (given && has_pin) {
		*uv = FIDO_OPT_TRUE;
		*pin = (const char *)a->q->pin->data;
		return TSR_OK;
	}
	if (builtin && !given && (a->q->flags & (PROTO_FIDO_UV | PROTO_FIDO_UV_PREFERRED))) {
		*uv = FIDO_OPT_TRUE;
		return TSR_OK;
	}
	if ((a->q->flags & PROTO_FIDO_UV) && !has_pin)
		return fido_dev_supports_pin(k->dev) ?
		    fault_set(&a->fault, TSR_PIN_UNSET, "the key has no PIN yet") :
		    fault_set(&a->fault, TSR_UNSUPPORTED, "the key cannot verify its user");
	if (!(a->q->flags & PROTO_FIDO_UV) &&
	    !(make && has_pin && key_option(k, "makeCredUvNotRqd") != 1) &&
	    !(has_pin && !builtin && key_option(k, "alwaysUv") == 1))
		return TSR_OK;
	code = fault_set(&a->fault, TSR_PIN_REQUIRED, "the key wants its PIN");
	ask_tries(a, code);
	return code;
}

size_t
ask_batch(const struct ask *a, const struct request_id *ids, size_t n)
{
	uint64_t most = fido_cbor_info_maxcredcntlst(a->key.info);
	uint64_t room = fido_cbor_info_maxmsgsiz(a->key.info), used = 0;
	size_t i;

	if (most == 0)
		most = 1;
	if (room < MSG_DEFAULT)
		room = MSG_DEFAULT;
	for (i = 0; i < n && i < most; i++) {
		used += ids[i].n + LIST_OVERHEAD;
		if (i > 0 && used + REST_MAX > room)
			break;
	}
	return i;
}

/* What a key that is asked together with others wants to know first: is it the
 * one?  It is touched, and only then says that it wants its PIN. */
static void
ask_error(struct ask *a, int code)
{
	struct fault why = a->fault;
	struct proto_value v[3];

	if (code == TSR_PIN_REQUIRED && a->key.dev != NULL && a->q->several &&
	    a->q->type == PROTO_FIDO_MAKE && ask_select(a) != TSR_OK)
		why.detail[0] = '\0';
	v[0] = (struct proto_value){ .u32 = (uint32_t)-code };
	v[1] = (struct proto_value){ .u32 = why.tries };
	v[2] = proto_text(why.detail);
	(void)ask_say(a, PROTO_ERROR, v, 3);
}

void
ask_run(const struct request *q, const struct key_place *place, int fd)
{
	static int (*const run[])(struct ask *) = {
		[PROTO_FIDO_LIST] = ask_info, [PROTO_FIDO_MAKE] = ask_make,
		[PROTO_FIDO_ASSERT] = ask_assert, [PROTO_FIDO_LOOK] = ask_look,
		[PROTO_FIDO_SELECT] = ask_select, [PROTO_FIDO_PIN] = ask_pin,
	};
	struct ask a = { .q = q, .fd = fd };
	int r;

	fault_clear(&a.fault);
	if ((r = key_open(&a.key, place, q->end, &a.fault)) == TSR_OK)
		r = run[q->type](&a);
	if (r == TSR_OK && q->type == PROTO_FIDO_SELECT)
		r = ask_say(&a, PROTO_DONE, NULL, 0);
	if (r != TSR_OK)
		ask_error(&a, r);
	key_close(&a.key);
}

/*
 * session.c - see session.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/store_session.h"
#include "base/buf.h"
#include "include/tessera.h"
#include "token/json.h"

#define SESSION_BUCKETS	1024

struct sessions {
	struct session *bucket[SESSION_BUCKETS];	/* by uid */
	size_t n;
	size_t n_unsettled;
	void (*ended)(void *arg, const struct session *s);
	void *arg;
	void (*locked)(void *arg, const struct session *s, const char *to, const char *reason);
	void *locked_arg;
};

int
sessions_new(void (*ended)(void *arg, const struct session *s), void *arg, struct sessions **out)
{
	struct sessions *ss;

	if ((ss = calloc(1, sizeof(*ss))) == NULL)
		return TSR_NOMEM;
	ss->ended = ended;
	ss->arg = arg;
	*out = ss;
	return TSR_OK;
}

void
sessions_on_lock(struct sessions *ss,
    void (*locked)(void *arg, const struct session *s, const char *to, const char *reason), void *arg)
{
	ss->locked = locked;
	ss->locked_arg = arg;
}

void
sessions_free(struct sessions **ss)
{
	struct session *s;
	size_t i;

	if (*ss == NULL)
		return;
	for (i = 0; i < SESSION_BUCKETS; i++)
		while ((s = (*ss)->bucket[i]) != NULL) {
			(*ss)->bucket[i] = s->next;
			free(s);
		}
	free(*ss);
	*ss = NULL;
}

static struct session **
session_bucket(struct sessions *ss, uid_t uid)
{
	return &ss->bucket[uid % SESSION_BUCKETS];
}

/* Take *at out of its list and tell. */
static void
session_end(struct sessions *ss, struct session **at)
{
	struct session *s = *at;

	*at = s->next;
	ss->n--;
	ss->n_unsettled -= s->unsettled ? 1 : 0;
	ss->ended(ss->arg, s);
	free(s);
}

/* The last in the list is the oldest: new ones go in front.  Several end where
 * the limit was lowered since. */
static void
session_make_room(struct sessions *ss, uid_t uid, uint32_t per_user)
{
	struct session **at;
	uint32_t n = 0;

	for (at = session_bucket(ss, uid); *at != NULL;) {
		if ((*at)->uid == uid && ++n >= per_user)
			session_end(ss, at);
		else
			at = &(*at)->next;
	}
}

static void
session_note_audience(struct session *s, const char *audience, uint64_t now_ms)
{
	struct session_audience *slot = NULL;
	size_t i;

	for (i = 0; i < s->n_audiences && slot == NULL; i++)
		if (strcmp(s->audience[i].name, audience) == 0)
			slot = &s->audience[i];
	if (slot == NULL && s->n_audiences < SESSION_AUDIENCES_MAX)
		slot = &s->audience[s->n_audiences++];
	if (slot == NULL)	/* full: the one proved longest ago is forgotten */
		for (slot = s->audience, i = 1; i < SESSION_AUDIENCES_MAX; i++)
			if (s->audience[i].proved_ms < slot->proved_ms)
				slot = &s->audience[i];
	(void)snprintf(slot->name, sizeof(slot->name), "%s", audience);
	slot->proved_ms = now_ms;
}

static struct session *
session_of_credential(struct sessions *ss, const struct credential *c)
{
	struct session *s;

	for (s = *session_bucket(ss, c->uid); s != NULL; s = s->next)
		if (s->uid == c->uid && strcmp(s->credential, c->id) == 0 &&
		    strcmp(s->subject, c->subject) == 0 && s->ends_ms > clock_boot_ms())
			return s;
	return NULL;
}

int
session_device(const struct credential *c, char id[DEVICE_ID_LEN + 1])
{
	if (credential_is_fido(c))	/* keys of a make are all called the same */
		return device_make_id(id, c->kind, c->id, "");
	return device_make_id(id, c->module, c->token_serial, c->token_label);
}

static int
session_new(struct sessions *ss, const struct credential *c, uint32_t lifetime,
    uint32_t per_user, struct session **out)
{
	struct session *s, **bucket;
	int r;

	if (ss->n >= SESSIONS_MAX)
		return TSR_NOMEM;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	if ((r = session_device(c, s->device)) != TSR_OK) {
		free(s);
		return r;
	}
	session_make_room(ss, c->uid, per_user);
	store_make_id(s->sid);
	(void)snprintf(s->subject, sizeof(s->subject), "%s", c->subject);
	(void)snprintf(s->credential, sizeof(s->credential), "%s", c->id);
	(void)snprintf(s->label, sizeof(s->label), "%s", c->label);
	s->uid = c->uid;
	s->ends_ms = clock_boot_ms() + (uint64_t)lifetime * 1000;
	bucket = session_bucket(ss, c->uid);
	s->next = *bucket;
	*bucket = s;
	ss->n++;
	*out = s;
	return TSR_OK;
}

int
session_proved(struct sessions *ss, const struct credential *c, const char *audience,
    uint32_t lifetime, uint32_t per_user, const struct session **out)
{
	struct session *s;
	int r;

	if ((s = session_of_credential(ss, c)) == NULL &&
	    (r = session_new(ss, c, lifetime, per_user, &s)) != TSR_OK)
		return r;
	s->acr = c->acr;
	s->auth_time = clock_wall();
	s->proved_ms = clock_boot_ms();
	s->away = s->locked = s->left = 0;
	if (audience != NULL)
		session_note_audience(s, audience, s->proved_ms);
	ss->n_unsettled += s->unsettled ? 0 : 1;
	s->unsettled = 1;
	*out = s;
	return TSR_OK;
}

int
session_restore(struct sessions *ss, const struct credential *c,
    const struct session_record *rec, uint32_t per_user, const struct session **out)
{
	struct session *s;
	int r;

	if (session_of_credential(ss, c) != NULL)
		return TSR_CONFLICT;
	if ((r = session_new(ss, c, 0, per_user, &s)) != TSR_OK)
		return r;
	memcpy(s->sid, rec->sid, sizeof(s->sid));
	s->acr = c->acr;
	s->auth_time = rec->auth_time;
	s->proved_ms = rec->proved_ms;
	s->ends_ms = rec->ends_ms;
	*out = s;
	return TSR_OK;
}

void
session_settle(struct sessions *ss, int committed)
{
	struct session **at;
	size_t i;

	for (i = 0; i < SESSION_BUCKETS && ss->n_unsettled > 0; i++)
		for (at = &ss->bucket[i]; *at != NULL;) {
			if ((*at)->unsettled && !committed) {
				session_end(ss, at);
				continue;
			}
			ss->n_unsettled -= (*at)->unsettled ? 1 : 0;
			(*at)->unsettled = 0;
			at = &(*at)->next;
		}
}

void
session_passing(const struct credential *c, struct session *out)
{
	memset(out, 0, sizeof(*out));
	out->unsettled = 1;
	store_make_id(out->sid);
	(void)snprintf(out->subject, sizeof(out->subject), "%s", c->subject);
	(void)snprintf(out->credential, sizeof(out->credential), "%s", c->id);
	out->uid = c->uid;
	out->acr = c->acr;
	out->auth_time = clock_wall();
	out->proved_ms = clock_boot_ms();
}

uint64_t
session_paid_ms(const struct session *s, const struct config_audience *a)
{
	size_t i;

	if (a->reuse == REUSE_SESSION)
		return s->proved_ms;
	if (a->reuse == REUSE_AUDIENCE)
		for (i = 0; i < s->n_audiences; i++)
			if (strcmp(s->audience[i].name, a->name) == 0)
				return s->audience[i].proved_ms;
	return 0;
}

int
session_present(const struct session *s, const struct config_audience *a)
{
	return !s->left && (a->presence == PRESENCE_PROOF || (!s->away && !s->locked));
}

int
session_good_for(struct sessions *ss, uid_t uid, const char *subject,
    const struct config_audience *a, uint32_t max_age, const struct session **out)
{
	const struct session *s, *best = NULL;
	uint64_t now = clock_boot_ms(), paid, limit;
	int weak = 0, strong = 0, removed = 0;

	limit = (uint64_t)(max_age < a->max_age ? max_age : a->max_age) * 1000;
	for (s = *session_bucket(ss, uid); s != NULL; s = s->next) {
		if (s->uid != uid || s->unsettled || s->ends_ms <= now || strcmp(s->subject, subject) != 0)
			continue;
		if (s->acr < a->acr) {
			weak = 1;
			continue;
		}
		strong = 1;
		if ((paid = session_paid_ms(s, a)) == 0 || now - paid > limit)
			continue;
		if (!session_present(s, a)) {
			removed |= s->away && !s->locked;
			continue;
		}
		if (best == NULL || s->proved_ms > best->proved_ms)
			best = s;
	}
	if (best == NULL && removed)
		return TSR_DEVICE_REMOVED;
	if (best == NULL)
		return weak && !strong ? TSR_STEP_UP_REQUIRED : TSR_LOGIN_REQUIRED;
	*out = best;
	return TSR_OK;
}

int
session_each(struct sessions *ss, uid_t uid, int (*each)(void *arg, const struct session *s), void *arg)
{
	const struct session *s;
	uint64_t now = clock_boot_ms();
	int r;

	for (s = *session_bucket(ss, uid); s != NULL; s = s->next)
		if (s->uid == uid && !s->unsettled && s->ends_ms > now && (r = each(arg, s)) != TSR_OK)
			return r;
	return TSR_OK;
}

unsigned
session_end_user(struct sessions *ss, uid_t uid)
{
	struct session **at = session_bucket(ss, uid);
	unsigned n = 0;

	while (*at != NULL) {
		if ((*at)->uid != uid) {
			at = &(*at)->next;
			continue;
		}
		session_end(ss, at);
		n++;
	}
	return n;
}

/* Those that match. */
static unsigned
session_end_all(struct sessions *ss, int (*is)(const struct session *s, const char *what),
    const char *what)
{
	struct session **at;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < SESSION_BUCKETS; i++)
		for (at = &ss->bucket[i]; *at != NULL;) {
			if (!is(*at, what)) {
				at = &(*at)->next;
				continue;
			}
			session_end(ss, at);
			n++;
		}
	return n;
}

static int
session_is_credential(const struct session *s, const char *credential)
{
	return strcmp(s->credential, credential) == 0;
}

static int
session_is_sid(const struct session *s, const char *sid)
{
	return strcmp(s->sid, sid) == 0;
}

static int
session_is_any(const struct session *s, const char *what)
{
	(void)s;
	(void)what;
	return 1;
}

static int
session_is_over(const struct session *s, const char *what)
{
	(void)what;
	return s->ends_ms <= clock_boot_ms();
}

unsigned
session_end_credential(struct sessions *ss, const char *credential)
{
	return session_end_all(ss, session_is_credential, credential);
}

unsigned
session_end_sid(struct sessions *ss, const char *sid)
{
	return session_end_all(ss, session_is_sid, sid);
}

const struct session *
session_by_sid(const struct sessions *ss, const char *sid)
{
	const struct session *s;
	size_t i;

	for (i = 0; i < SESSION_BUCKETS; i++)
		for (s = ss->bucket[i]; s != NULL; s = s->next)
			if (strcmp(s->sid, sid) == 0 && !s->unsettled && s->ends_ms > clock_boot_ms())
				return s;
	return NULL;
}

int
sessions_each(struct sessions *ss, const char *subject,
    int (*each)(void *arg, const struct session *s), void *arg)
{
	const struct session *s;
	size_t i;
	int r;

	for (i = 0; i < SESSION_BUCKETS; i++)
		for (s = ss->bucket[i]; s != NULL; s = s->next)
			if ((subject == NULL || strcmp(s->subject, subject) == 0) && !s->unsettled &&
			    s->ends_ms > clock_boot_ms() && (r = each(arg, s)) != TSR_OK)
				return r;
	return TSR_OK;
}

static void
session_set_away(struct sessions *ss, const char *device, int away)
{
	struct session *s;
	size_t i;

	for (i = 0; i < SESSION_BUCKETS; i++)
		for (s = ss->bucket[i]; s != NULL; s = s->next)
			if (strcmp(s->device, device) == 0)
				s->away = away;
}

void
session_device_away(struct sessions *ss, const char *device)
{
	session_set_away(ss, device, 1);
}

void
session_device_back(struct sessions *ss, const char *device)
{
	session_set_away(ss, device, 0);
}

static void
session_lock(struct sessions *ss, struct session *s, const char *reason)
{
	char to[STORE_ID_LEN + 1];

	s->locked = 1;
	store_make_id(to);
	if (ss->locked != NULL)
		ss->locked(ss->locked_arg, s, to, reason);
	memcpy(s->sid, to, sizeof(s->sid));
}

static unsigned
session_leave(struct sessions *ss, struct session *s, const char *reason)
{
	int locked = s->locked;

	if (s->left)
		return 0;
	s->left = 1;
	session_lock(ss, s, reason);	/* also a locked one: a mere proof had tokens of it still */
	return !locked;
}

unsigned
session_lock_user(struct sessions *ss, uid_t uid, const char *reason)
{
	struct session *s;
	unsigned n = 0;

	for (s = *session_bucket(ss, uid); s != NULL; s = s->next)
		if (s->uid == uid)
			n += session_leave(ss, s, reason);
	return n;
}

unsigned
sessions_lock_all(struct sessions *ss, const char *reason)
{
	struct session *s;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < SESSION_BUCKETS; i++)
		for (s = ss->bucket[i]; s != NULL; s = s->next)
			n += session_leave(ss, s, reason);
	return n;
}

unsigned
session_device_lock(struct sessions *ss, const char *device, const char *reason)
{
	struct session *s;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < SESSION_BUCKETS; i++)
		for (s = ss->bucket[i]; s != NULL; s = s->next) {
			if (!s->away || s->locked || strcmp(s->device, device) != 0)
				continue;
			session_lock(ss, s, reason);
			n++;
		}
	return n;
}

const struct session *
session_find(const struct sessions *ss, uid_t uid, const char *sid)
{
	const struct session *s;

	for (s = ss->bucket[uid % SESSION_BUCKETS]; s != NULL; s = s->next)
		if (s->uid == uid && strcmp(s->sid, sid) == 0 && s->ends_ms > clock_boot_ms())
			return s;
	return NULL;
}

unsigned
sessions_end_all(struct sessions *ss)
{
	return session_end_all(ss, session_is_any, NULL);
}

void
sessions_expire(struct sessions *ss)
{
	(void)session_end_all(ss, session_is_over, NULL);
}

size_t
session_amr(enum acr acr, const char *names[2])
{
	switch (acr) {
	case ACR_HARDWARE_PIN:
		names[0] = "hwk";
		names[1] = "pin";
		return 2;
	case ACR_HARDWARE:
		names[0] = "hwk";
		return 1;
	case ACR_OTP:
	case ACR_RECOVERY:
		names[0] = "otp";
		return 1;
	case ACR_SELF:
	case ACR_SOFTWARE:
		break;
	}
	names[0] = "swk";
	return 1;
}

int
session_json(struct buf *out, const struct session *s)
{
	uint64_t now = clock_boot_ms(), left = s->ends_ms > now ? (s->ends_ms - now) / 1000 : 0;
	const char *amr[2];
	size_t i, n = session_amr(s->acr, amr);
	int r;

	if ((r = buf_printf(out, "{\"sid\":\"%s\",\"subject\":", s->sid)) != TSR_OK ||
	    (r = json_put_string(out, s->subject)) != TSR_OK ||
	    (r = buf_printf(out, ",\"credential\":\"%s\"", s->credential)) != TSR_OK ||
	    (r = json_put_member(out, "label", s->label)) != TSR_OK ||
	    (r = buf_put_cstr(out, ",\"amr\":[")) != TSR_OK)
		return r;
	for (i = 0; i < n; i++)
		if ((r = buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", amr[i])) != TSR_OK)
			return r;
	if ((r = buf_printf(out, "],\"acr\":\"%s\",\"auth_time\":%lld,\"expires\":%lld,"
	    "\"device\":\"%s\",\"present\":%s,\"locked\":%s,\"audiences\":[", acr_name(s->acr),
	    (long long)s->auth_time, (long long)(clock_wall() + (int64_t)left), s->device,
	    s->away ? "false" : "true", s->locked ? "true" : "false")) != TSR_OK)
		return r;
	for (i = 0; i < s->n_audiences; i++)
		if ((i > 0 && (r = buf_put_cstr(out, ",")) != TSR_OK) ||
		    (r = json_put_string(out, s->audience[i].name)) != TSR_OK)
			return r;
	return buf_put_cstr(out, "]}");
}

size_t
sessions_count(const struct sessions *ss)
{
	return ss->n;
}

/*
 * policy.c - see policy.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/policy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/tessera.h"

/* Resolved struct config_callers. */
struct callers {
	uid_t *uids;
	size_t n_uids;
	gid_t *gids;
	size_t n_gids;
	const struct strings *units;
	int any_user;
};

struct audience {
	struct callers ask, verify;
};

struct policy {
	struct config *config;
	uint64_t generation;
	struct audience *audiences;	/* as many as the configuration has */
	struct callers metrics;
	struct callers *principals;	/* as many as the configuration has besides */
	gid_t admin_gid;		/* (gid_t)-1 where there is none */
	uid_t *helper_uids;		/* one a login helper, (uid_t)-1 unknown */
	struct names *names;
	struct lookup *lookups;
	size_t pending;
	void (*ready)(void *arg, struct policy *p);
	void *ready_arg;
	void (*unknown)(void *arg, const char *kind, const char *name);
};

/* A name on its way to a number. */
struct lookup {
	struct policy *policy;
	struct lookup *next;
	const char *name;
	uid_t *uid;		/* where the answer goes, one of these */
	gid_t *gid;
	unsigned ticket;
};

static void
policy_resolved(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct lookup *l = arg;
	struct policy *p = l->policy;

	(void)name;
	l->ticket = 0;
	if (code == TSR_OK && l->uid != NULL)
		*l->uid = uid;
	else if (code == TSR_OK)
		*l->gid = gid;
	else if (p->unknown != NULL)
		p->unknown(p->ready_arg, l->uid != NULL ? "user" : "group", l->name);
	if (--p->pending == 0)
		p->ready(p->ready_arg, p);
}

/* Decimal numbers name themselves. */
static int
policy_number(const char *text, uint32_t *out)
{
	char *end = NULL;
	unsigned long v;

	if (text[0] < '0' || text[0] > '9')
		return 0;
	v = strtoul(text, &end, 10);
	if (*end != '\0' || v >= 0xffffffffu)
		return 0;
	*out = (uint32_t)v;
	return 1;
}

static int
policy_lookup(struct policy *p, const char *name, uid_t *uid, gid_t *gid)
{
	struct lookup *l;
	uint32_t number;

	if (policy_number(name, &number)) {
		if (uid != NULL)
			*uid = number;
		else
			*gid = number;
		return TSR_OK;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return TSR_NOMEM;
	l->policy = p;
	l->name = name;
	l->uid = uid;
	l->gid = gid;
	l->next = p->lookups;
	p->lookups = l;
	p->pending++;
	return TSR_OK;
}

static int
policy_callers(struct policy *p, const struct config_callers *from, struct callers *to)
{
	size_t i;
	int r;

	to->any_user = from->any_user;
	to->units = &from->units;
	if ((from->users.n > 0 && (to->uids = calloc(from->users.n, sizeof(uid_t))) == NULL) ||
	    (from->groups.n > 0 && (to->gids = calloc(from->groups.n, sizeof(gid_t))) == NULL))
		return TSR_NOMEM;
	to->n_uids = from->users.n;
	to->n_gids = from->groups.n;
	for (i = 0; i < to->n_uids; i++) {
		to->uids[i] = (uid_t)-1;
		if ((r = policy_lookup(p, from->users.v[i], &to->uids[i], NULL)) != TSR_OK)
			return r;
	}
	for (i = 0; i < to->n_gids; i++) {
		to->gids[i] = (gid_t)-1;
		if ((r = policy_lookup(p, from->groups.v[i], NULL, &to->gids[i])) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
policy_compile(struct policy *p)
{
	const struct config *c = p->config;
	size_t i;
	int r;

	if ((c->n_audiences > 0 &&
	    (p->audiences = calloc(c->n_audiences, sizeof(*p->audiences))) == NULL) ||
	    (c->n_login_helpers > 0 &&
	    (p->helper_uids = calloc(c->n_login_helpers, sizeof(uid_t))) == NULL) ||
	    (c->ssh.n_extra > 0 &&
	    (p->principals = calloc(c->ssh.n_extra, sizeof(*p->principals))) == NULL))
		return TSR_NOMEM;
	for (i = 0; i < c->n_audiences; i++)
		if ((r = policy_callers(p, &c->audiences[i].callers, &p->audiences[i].ask)) != TSR_OK ||
		    (r = policy_callers(p, &c->audiences[i].verifiers, &p->audiences[i].verify)) != TSR_OK)
			return r;
	for (i = 0; i < c->n_login_helpers; i++) {
		p->helper_uids[i] = (uid_t)-1;
		if ((r = policy_lookup(p, c->login_helpers[i].user, &p->helper_uids[i], NULL)) != TSR_OK)
			return r;
	}
	for (i = 0; i < c->ssh.n_extra; i++)
		if ((r = policy_callers(p, &c->ssh.extra[i].who, &p->principals[i])) != TSR_OK)
			return r;
	if ((r = policy_callers(p, &c->metrics, &p->metrics)) != TSR_OK)
		return r;
	return policy_lookup(p, c->admin_group, NULL, &p->admin_gid);
}

int
policy_new(struct config *c, struct names *names, void (*ready)(void *arg, struct policy *p),
    void *ready_arg, void (*unknown)(void *arg, const char *kind, const char *name),
    struct policy **out)
{
	static uint64_t generation;
	struct policy *p;
	struct lookup *l;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		config_free(&c);
		return TSR_NOMEM;
	}
	p->config = c;
	p->names = names;
	p->ready = ready;
	p->ready_arg = ready_arg;
	p->unknown = unknown;
	p->admin_gid = (gid_t)-1;
	p->generation = ++generation;
	if ((r = policy_compile(p)) != TSR_OK) {
		policy_free(&p);
		return r;
	}
	*out = p;
	p->pending++;		/* ours: ready() only after every question was asked */
	for (l = p->lookups; l != NULL; l = l->next) {
		r = l->uid != NULL ?
		    names_uid_of(names, l->name, policy_resolved, l, &l->ticket) :
		    names_gid_of(names, l->name, policy_resolved, l, &l->ticket);
		if (r != TSR_OK)
			policy_resolved(l, r, 0, 0, NULL);
	}
	if (--p->pending == 0)
		ready(ready_arg, p);
	return TSR_OK;
}

static void
policy_callers_free(struct callers *c)
{
	free(c->uids);
	free(c->gids);
}

void
policy_free(struct policy **pp)
{
	struct policy *p = *pp;
	struct lookup *l;
	size_t i;

	if (p == NULL)
		return;
	while ((l = p->lookups) != NULL) {
		p->lookups = l->next;
		if (l->ticket != 0)
			names_cancel(p->names, l->ticket);
		free(l);
	}
	for (i = 0; p->audiences != NULL && i < p->config->n_audiences; i++) {
		policy_callers_free(&p->audiences[i].ask);
		policy_callers_free(&p->audiences[i].verify);
	}
	for (i = 0; p->principals != NULL && i < p->config->ssh.n_extra; i++)
		policy_callers_free(&p->principals[i]);
	policy_callers_free(&p->metrics);
	free(p->principals);
	free(p->audiences);
	free(p->helper_uids);
	config_free(&p->config);
	free(p);
	*pp = NULL;
}

const struct config *
policy_config(const struct policy *p)
{
	return p->config;
}

uint64_t
policy_generation(const struct policy *p)
{
	return p->generation;
}

const struct config_audience *
policy_audience(const struct policy *p, const char *name)
{
	return config_audience(p->config, name);
}

/* Units are read from the kernel only where the policy names one. */
static int
policy_matches(const struct callers *who, const struct caller *c)
{
	char unit[CALLER_UNIT_MAX];
	size_t i;

	if (who->any_user)
		return TSR_OK;
	for (i = 0; i < who->n_uids; i++)
		if (who->uids[i] == c->uid && c->uid != (uid_t)-1)
			return TSR_OK;
	for (i = 0; i < who->n_gids; i++)
		if (who->gids[i] != (gid_t)-1 && caller_in_group(c, who->gids[i]))
			return TSR_OK;
	if (who->units->n == 0 || caller_unit(c, unit) != TSR_OK)
		return TSR_DENIED;
	for (i = 0; i < who->units->n; i++)
		if (strcmp(who->units->v[i], unit) == 0)
			return TSR_OK;
	return TSR_DENIED;
}

int
policy_may_ask(const struct policy *p, const struct config_audience *a, const struct caller *c)
{
	return policy_matches(&p->audiences[a - p->config->audiences].ask, c);
}

int
policy_may_verify(const struct policy *p, const struct config_audience *a, const struct caller *c)
{
	return policy_matches(&p->audiences[a - p->config->audiences].verify, c);
}

int
policy_local_only(const struct config_audience *a)
{
	return a->local_only || a->class == CLASS_LOGIN;
}

int
policy_may_measure(const struct policy *p, const struct caller *c)
{
	return policy_is_admin(p, c) ? TSR_OK : policy_matches(&p->metrics, c);
}

int
policy_has_principal(const struct policy *p, size_t n, const struct caller *c)
{
	return policy_matches(&p->principals[n], c);
}

/* The one that the caller is by uid and unit, or NULL. */
static const struct config_login_helper *
policy_listed(const struct policy *p, const struct caller *c)
{
	const struct config *cf = p->config;
	char unit[CALLER_UNIT_MAX];
	size_t i;

	if (cf->n_login_helpers == 0 || caller_unit(c, unit) != TSR_OK)
		return NULL;
	for (i = 0; i < cf->n_login_helpers; i++)
		if (p->helper_uids[i] == c->uid && c->uid != (uid_t)-1 &&
		    strcmp(cf->login_helpers[i].unit, unit) == 0)
			return &cf->login_helpers[i];
	return NULL;
}

int
policy_login_helper(const struct policy *p, const struct caller *c, uid_t *only)
{
	uid_t uid;

	if (c->uid == 0 && caller_user_slice(c, &uid) == TSR_OK && uid != 0) {
		*only = uid;
		return 1;
	}
	if (policy_listed(p, c) == NULL)
		return 0;
	*only = (uid_t)-1;
	return 1;
}

int
policy_greeter(const struct policy *p, const struct caller *c)
{
	const struct config_login_helper *h = policy_listed(p, c);

	return h != NULL && h->greeter;
}

int
policy_is_admin(const struct policy *p, const struct caller *c)
{
	return c->uid == 0 || (p->admin_gid != (gid_t)-1 && caller_in_group(c, p->admin_gid));
}

/* Is word (n bytes) one of the blank-separated words of list? */
static int
policy_has_word(const char *list, const char *word, size_t n)
{
	size_t len;

	for (; *list != '\0'; list += len + (list[len] == ' ')) {
		len = strcspn(list, " ");
		if (len == n && memcmp(list, word, n) == 0)
			return 1;
	}
	return 0;
}

/* RFC 6749 section 3.3: words of visible characters, one blank between. */
static int
policy_scope_known(const struct config_audience *a, const char *asked)
{
	size_t i, len;

	if (*asked == '\0')
		return 0;
	for (;; asked += len + 1) {
		len = strcspn(asked, " ");
		for (i = 0; i < a->scopes.n; i++)
			if (strlen(a->scopes.v[i]) == len && memcmp(a->scopes.v[i], asked, len) == 0)
				break;
		if (i == a->scopes.n)
			return 0;
		if (asked[len] == '\0')
			return 1;
	}
}

int
policy_scope(const struct config_audience *a, const char *asked, struct buf *out)
{
	size_t i, before = out->len;
	int r;

	if (asked != NULL && !policy_scope_known(a, asked))
		return TSR_BAD_SCOPE;
	for (i = 0; i < a->scopes.n; i++) {
		if (asked != NULL && !policy_has_word(asked, a->scopes.v[i], strlen(a->scopes.v[i])))
			continue;
		if ((out->len > before && (r = buf_put_cstr(out, " ")) != TSR_OK) ||
		    (r = buf_put_cstr(out, a->scopes.v[i])) != TSR_OK)
			return r;
	}
	return out->len > before ? TSR_OK : TSR_BAD_SCOPE;
}

int
policy_scope_within(const char *asked, const char *granted)
{
	size_t len;

	for (;; asked += len + 1) {
		len = strcspn(asked, " ");
		if (!policy_has_word(granted, asked, len))
			return 0;
		if (asked[len] == '\0')
			return 1;
	}
}

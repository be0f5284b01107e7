/*
 * logins.c - see logins.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/logins.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-login.h>

#include "include/tessera.h"

struct logins {
	struct loop *loop;
	struct loop_watch watch;
	sd_login_monitor *monitor;
	void (*left)(void *arg, uid_t uid);
	void *arg;
	uid_t in[LOGINS_MAX];
	size_t n;
};

/* All who have a session now.  sd_uid_get_sessions counts those that are not
 * closing; a user with none may still be known for his services. */
static int
logins_read(uid_t *in, size_t *n)
{
	uid_t *uids = NULL;
	int found, i;

	if ((found = sd_get_uids(&uids)) < 0)
		return TSR_SYSTEM;
	*n = 0;
	for (i = 0; i < found && *n < LOGINS_MAX; i++)
		if (sd_uid_get_sessions(uids[i], 0, NULL) > 0)
			in[(*n)++] = uids[i];
	free(uids);
	return TSR_OK;
}

static int
logins_has(const uid_t *in, size_t n, uid_t uid)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (in[i] == uid)
			return 1;
	return 0;
}

/* What cannot be read now is read at the next change: nobody is taken for gone. */
static void
logins_look(struct logins *l)
{
	uid_t was[LOGINS_MAX];
	size_t n = l->n, i;

	memcpy(was, l->in, n * sizeof(was[0]));
	if (logins_read(l->in, &l->n) != TSR_OK) {
		memcpy(l->in, was, n * sizeof(was[0]));
		l->n = n;
		return;
	}
	for (i = 0; i < n; i++)
		if (!logins_has(l->in, l->n, was[i]))
			l->left(l->arg, was[i]);
}

static void
logins_ready(struct loop_watch *w, uint32_t events)
{
	struct logins *l = (struct logins *)((char *)w - offsetof(struct logins, watch));

	(void)events;
	(void)sd_login_monitor_flush(l->monitor);
	logins_look(l);
}

int
logins_new(struct loop *loop, void (*left)(void *arg, uid_t uid), void *arg, struct logins **out)
{
	struct logins *l;
	int r = TSR_SYSTEM;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return TSR_NOMEM;
	l->loop = loop;
	l->left = left;
	l->arg = arg;
	if (sd_login_monitor_new("uid", &l->monitor) >= 0) {
		l->watch.fd = sd_login_monitor_get_fd(l->monitor);
		l->watch.ready = logins_ready;
		if (loop_add(loop, &l->watch, EPOLLIN) != TSR_OK)
			goto out;
		(void)logins_read(l->in, &l->n);
	}
	*out = l;
	l = NULL;
	r = TSR_OK;
 out:
	if (l != NULL)
		sd_login_monitor_unref(l->monitor);
	free(l);
	return r;
}

void
logins_free(struct logins **lp)
{
	struct logins *l = *lp;

	if (l == NULL)
		return;
	if (l->monitor != NULL) {
		loop_del(l->loop, &l->watch);
		sd_login_monitor_unref(l->monitor);
	}
	free(l);
	*lp = NULL;
}

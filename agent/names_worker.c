/*
 * names_worker.c - the process that may wait for the name service.  See
 * names.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "agent/names.h"
#include "base/proto.h"
#include "base/sandbox.h"
#include "base/spawn.h"
#include "tessera.h"

#define RECORD_FIRST	16384	/* bytes for one record of the name service */
#define RECORD_MAX	1048576	/* a group of all users */

/* What one look-up fills. */
struct record {
	char *memory;
	size_t size;
	struct passwd pw;
	struct group gr;
};

/* One try with the memory that there is; the errno of the look-up, *found says
 * whether there was an entry. */
static int
worker_try(struct record *rec, uint16_t type, uid_t uid, const char *name, int *found)
{
	struct passwd *pw = NULL;
	struct group *gr = NULL;
	int e;

	if (type == PROTO_NAME_OF)
		e = getpwuid_r(uid, &rec->pw, rec->memory, rec->size, &pw);	/* NOLINT(clang-analyzer-unix.Malloc): freed by names_worker */
	else if (type == PROTO_UID_OF)
		e = getpwnam_r(name, &rec->pw, rec->memory, rec->size, &pw);
	else
		e = getgrnam_r(name, &rec->gr, rec->memory, rec->size, &gr);
	*found = pw != NULL || gr != NULL;
	return e;
}

static int
worker_grow(struct record *rec)
{
	size_t size = rec->size == 0 ? RECORD_FIRST : rec->size * 2;
	char *p;

	if (size > RECORD_MAX || (p = realloc(rec->memory, size)) == NULL)
		return TSR_NOMEM;
	rec->memory = p;
	rec->size = size;
	return TSR_OK;
}

/* TSR_OK, TSR_NOT_FOUND, TSR_UNAVAILABLE. */
static int
worker_look_up(struct record *rec, uint16_t type, uid_t uid, const char *name)
{
	int e = EINTR, found = 0;

	while (e == ERANGE || e == EINTR) {
		if ((e == ERANGE || rec->size == 0) && worker_grow(rec) != TSR_OK)
			return TSR_UNAVAILABLE;
		e = worker_try(rec, type, uid, name, &found);
	}
	if (found)
		return TSR_OK;
	/* getpwnam(3): many numbers stand for "no such entry". */
	return e == 0 || e == ENOENT || e == ESRCH || e == EBADF || e == EPERM ?
	    TSR_NOT_FOUND : TSR_UNAVAILABLE;
}

static int
worker_reply_error(struct buf *out, uint32_t id, int code)
{
	struct proto_value v[3];

	memset(v, 0, sizeof(v));
	v[0].u32 = (uint32_t)-code;
	v[1].u32 = PROTO_TRIES_UNKNOWN;
	return proto_encode(out, PROTO_ERROR, id, 0, v, 3);
}

static int
worker_reply(struct buf *out, const struct record *rec, uint16_t type, uint32_t id)
{
	struct proto_value v[3];

	memset(v, 0, sizeof(v));
	if (type == PROTO_GID_OF) {
		v[0].u32 = rec->gr.gr_gid;
		return proto_encode(out, PROTO_GROUP, id, 0, v, 1);
	}
	v[0].u32 = rec->pw.pw_uid;
	v[1].u32 = rec->pw.pw_gid;
	v[2].p = (const uint8_t *)rec->pw.pw_name;
	v[2].n = strlen(rec->pw.pw_name);
	return proto_encode(out, PROTO_USER, id, 0, v, 3);
}

/* Answer one request into out (reset first). */
static int
worker_answer(struct record *rec, const struct frame *f, struct buf *out)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	char name[NAMES_NAME_MAX];
	size_t count;
	int r;

	buf_reset(out);
	if ((r = proto_decode(f, PROTO_FROM_AGENT, v, &count)) != TSR_OK)
		return r;
	name[0] = '\0';
	if (f->type == PROTO_UID_OF || f->type == PROTO_GID_OF) {
		if (v[0].n == 0 || v[0].n >= sizeof(name))
			return worker_reply_error(out, f->id, TSR_NOT_FOUND);
		memcpy(name, v[0].p, v[0].n);
		name[v[0].n] = '\0';
	} else if (f->type != PROTO_NAME_OF) {
		return TSR_INVALID;
	}
	if ((r = worker_look_up(rec, f->type, v[0].u32, name)) != TSR_OK)
		return worker_reply_error(out, f->id, r);
	if (worker_reply(out, rec, f->type, f->id) == TSR_OK)
		return TSR_OK;
	/* A name that is no text, or too long, is none for us. */
	buf_reset(out);
	return worker_reply_error(out, f->id, TSR_NOT_FOUND);
}

int
names_worker(void)
{
	struct record rec;
	struct buf in, out;
	struct frame f, reply;
	size_t used, need;
	int r;

	memset(&rec, 0, sizeof(rec));
	buf_init(&in, FRAME_HEAD + FRAME_BODY_MAX);
	buf_init(&out, FRAME_HEAD + FRAME_BODY_MAX);
	/* The name service loads its modules at the first question of a kind. */
	(void)worker_look_up(&rec, PROTO_NAME_OF, 0, "");
	(void)worker_look_up(&rec, PROTO_UID_OF, 0, "root");
	(void)worker_look_up(&rec, PROTO_GID_OF, 0, "root");
	if ((r = sandbox_enter(SANDBOX_NAMES, NULL, 0)) != TSR_OK)
		goto out;
	while ((r = frame_recv(SPAWN_FD, &in, &f)) == TSR_OK)
		if ((r = worker_answer(&rec, &f, &out)) != TSR_OK ||
		    (r = frame_decode(out.data, out.len, &reply, &used, &need)) != TSR_OK ||
		    (r = frame_send(SPAWN_FD, &reply)) != TSR_OK)
			break;
 out:
	buf_free(&in);
	buf_free(&out);
	free(rec.memory);
	return r == TSR_CLOSED ? 0 : 1;
}

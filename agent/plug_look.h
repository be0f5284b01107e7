/*
 * plug_look.h - one FIDO2 key is asked, without a touch, which credentials it
 * holds, and proves each: by a signature over a challenge of its own.  Nobody
 * notices, and nothing that is proved so counts as a login.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PLUG_LOOK_H
#define AGENT_PLUG_LOOK_H

#include "agent/agent.h"
#include "agent/plug.h"

#define PLUG_LOOK_MS		3000	/* for one answer of the key */
#define PLUG_LOOK_IDS		PROTO_FIDO_IDS_MAX	/* credentials of the store that it is asked for */
#define PLUG_LOOK_FOUND		16	/* that it may hold */

struct plug_look;

/* As plug_looked(). */
typedef void (*plug_look_done)(void *arg, const char *device, int code,
    const struct plug_found *found, size_t n);

/* Active credentials that sign our challenges are asked for, those that p waits
 * for before the others.  done() is called once and never from inside.
 * TSR_NOT_FOUND where there are none, else as fido_call_start(). */
int plug_look_start(struct agent *a, const struct plug *p, const char *device, plug_look_done done,
    void *arg, struct plug_look **out);

/* done() is not called.  *l may be NULL. */
void plug_look_cancel(struct plug_look **l);

#endif

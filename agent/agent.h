/*
 * agent.h - the parts of a running tesserad, for the files that answer
 * requests.  The parts themselves do not include this.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/audit.h"
#include "agent/epochs.h"
#include "agent/events.h"
#include "agent/helper.h"
#include "agent/http.h"
#include "agent/keys.h"
#include "agent/link.h"
#include "agent/loop.h"
#include "agent/names.h"
#include "agent/otp_throttle.h"
#include "agent/policy.h"
#include "agent/prompt.h"
#include "agent/session.h"
#include "agent/store.h"
#include "base/config.h"

#define AGENT_ISSUER_MAX	256	/* bytes, with NUL: fits a JWT's iss */

struct agent {
	enum config_mode mode;
	char issuer[AGENT_ISSUER_MAX];
	struct loop *loop;
	struct http_server *http;
	struct store *store;
	struct audit *audit;
	const char *store_room;		/* what store_room() said last; NULL before */
	struct keys *keys;
	struct epochs *epochs;
	struct names *names;
	struct policy *policy;		/* the one in force; replaced on reload */
	struct sessions *sessions;
	struct events *events;
	struct prompts *prompts;
	struct helpers *helpers;
	struct proofs *proofs;
	struct fido *fido;
	struct pin_guard *guard;
	enum config_seat seat;		/* of the configuration in force */
	struct enrol_codes *codes;
	struct otp_pendings *otp_pendings;
	struct challenges *challenges;
	struct imports *imports;
	struct watch *watch;
	struct presence_act *presence;	/* which devices are there */
	struct ssh_ca *ssh_ca;		/* the keys that sign SSH certificates */
	struct ssh_ends *ssh_ends;	/* sessions whose certificates are to be revoked */
	struct opaques *opaques;	/* tokens that are looked up: opaque.h */
	struct token_cache *cache;	/* tokens that may be given again */
	struct rates *rates;		/* what is counted by the minute */
	uint8_t service_key[16];	/* makes a service's sid, new at each start */
	struct plug_act *plugs;		/* which FIDO2 keys */
	struct kept *kept;		/* sessions that outlive a restart */
	struct leaving *leaving;	/* users who log out, a machine that sleeps */
	uint8_t boot_id[OTP_BOOT_LEN];	/* which boot: otp_throttle.h */
	uint64_t started_s;		/* when the agent began, on the boot-time clock */
	struct link pending;		/* requests that wait for a device: pending.h */
	struct ssh_server *ssh;		/* ssh.sock */
	struct ssh_users *ssh_users;	/* keys held for users: ssh_user.h */
	struct link ssh_waiting;	/* SSH signatures that wait for a proof: ssh_sign.h */
};

/* Who asks: the kernel's word about the connection, and the name that goes
 * with the uid ("" where the name service knows none).  Lives as long as the
 * connection's request. */
struct asker {
	const struct caller *caller;
	char name[NAMES_NAME_MAX];
};

#endif

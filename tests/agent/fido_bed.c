/*
 * fido_bed.c - see fido_bed.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/fido_bed.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/assertion.h"
#include "agent/authdata.h"
#include "agent/store_fido.h"
#include "base/frame.h"
#include "include/tessera.h"

#define RP	"tessera:bed"
#define ID	"AAAAAAAAAAAAAAAAAAAAAB"

struct fido_bed_op fido_bed_op[FIDO_BED_OPS];
struct credential fido_bed_credential;
uint32_t fido_bed_counter;
enum fido_bed_found fido_bed_found;
static uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
static const uint8_t cred_id[32] = { 4, 2 };
static const char device[] = FIDO_BED_DEVICE, claimant[] = "hidraw9";
static unsigned begun;
static int verifies;
static void (*driver)(struct agent *a);

static void
must(int truth)
{
	if (!truth)
		abort();
}

/* --- clients --- */

void
fido_bed_client_open(struct fido_bed_client *c)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", agent_rig_api);
	c->n = 0;
	must((c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) != -1);
	must(connect(c->fd, (struct sockaddr *)&at, sizeof(at)) == 0);
}

void
fido_bed_client_close(struct fido_bed_client *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	c->n = 0;
}

static void
say(struct fido_bed_client *c, const char *text)
{
	must(send(c->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

void
fido_bed_ask(struct fido_bed_client *c, const char *audience, const char *scope)
{
	char body[256], text[512];

	(void)snprintf(body, sizeof(body), "grant_type=urn%%3Atessera%%3Agrant%%3Adevice&audience=%s&scope=%s",
	    audience, scope);
	(void)snprintf(text, sizeof(text), "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
	    "application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	fido_bed_client_open(c);
	say(c, text);
}

void
fido_bed_listen(struct fido_bed_client *c)
{
	fido_bed_client_open(c);
	say(c, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

int
fido_bed_status(struct fido_bed_client *c)
{
	ssize_t n;

	while (c->fd != -1 && c->n < sizeof(c->text) - 1 &&
	    (n = recv(c->fd, c->text + c->n, sizeof(c->text) - 1 - c->n, MSG_DONTWAIT)) > 0)
		c->n += (size_t)n;
	must(c->n < sizeof(c->text) - 1);
	c->text[c->n] = '\0';
	return c->n > 12 && strncmp(c->text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(c->text + 9, NULL, 10) : 0;
}

/* --- the key --- */

static void
op_close(struct fido_bed_op *op)
{
	(void)close(op->fd);
	op->fd = -1;
	op->type = 0;
}

static void
op_send(struct fido_bed_op *op, uint16_t type, const struct proto_value *v, size_t n)
{
	struct buf b;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	must(proto_encode(&b, type, op->id, 0, v, n) == TSR_OK);
	(void)send(op->fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_free(&b);
}

/* What the key says of itself: it verifies by itself. */
static void
op_list(struct fido_bed_op *op)
{
	static const uint8_t aaguid[PROTO_FIDO_AAGUID_LEN];
	struct proto_value v[11];

	memset(v, 0, sizeof(v));
	v[0] = proto_text(device);
	v[3] = proto_bytes(aaguid, sizeof(aaguid));
	v[6].u32 = PROTO_FIDO_KEY_UV | PROTO_FIDO_KEY_UV_SET;
	v[7].u32 = v[8].u32 = v[9].u32 = PROTO_TRIES_UNKNOWN;
	op_send(op, PROTO_FIDO_KEY, v, 11);
	op_send(op, PROTO_DONE, NULL, 0);
}

static void
op_asked(struct fido_bed_op *op, const struct frame *f)
{
	struct proto_value v[PROTO_FIELDS_MAX], out[2] = {
		proto_text(device), proto_bytes(cred_id, sizeof(cred_id)) };
	size_t n;

	must(proto_decode(f, PROTO_FROM_AGENT, v, &n) == TSR_OK);
	op->id = f->id;
	op->type = f->type;
	if (f->type == PROTO_OPEN && v[0].n == 4 && memcmp(v[0].p, "fido", 4) == 0)
		op_send(op, PROTO_DONE, NULL, 0);
	if (f->type == PROTO_FIDO_LOOK) {
		out[1].n -= fido_bed_found == FIDO_BED_HOLDS_OTHER;
		if (fido_bed_found == FIDO_BED_CLAIMED) {
			out[0] = proto_text(claimant);
			op_send(op, PROTO_FIDO_FOUND, out, 2);
			out[0] = proto_text(device);
		}
		if (fido_bed_found != FIDO_BED_ABSENT)
			op_send(op, PROTO_FIDO_FOUND, out, 2);
		op_send(op, PROTO_DONE, NULL, 0);
	}
	if (f->type == PROTO_FIDO_LIST)
		op_list(op);
	if (f->type == PROTO_FIDO_ASSERT) {
		must(v[2].n == FIDO_BED_HASH);
		memcpy(op->hash, v[2].p, FIDO_BED_HASH);
		op->flags = v[4].u32;
		(void)snprintf(op->device, sizeof(op->device), "%.*s", (int)v[0].n, (const char *)v[0].p);
		op->number = ++begun;
		out[1] = (struct proto_value){ .u32 = PROTO_FIDO_WAITS };
		op_send(op, PROTO_FIDO_TOUCH, out, 2);
	}
}

static void
op_read(struct fido_bed_op *op)
{
	static uint8_t in[FRAME_HEAD + FRAME_BODY_MAX];
	struct frame f;
	size_t used, need, at;
	ssize_t n = recv(op->fd, in, sizeof(in), MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN)) {
		op_close(op);		/* taken back */
		return;
	}
	for (at = 0; n > 0 && frame_decode(in + at, (size_t)n - at, &f, &used, &need) == TSR_OK; at += used)
		op_asked(op, &f);
}

void
fido_bed_look(void)
{
	struct fido_bed_op *op;
	int fd;

	while ((fd = accept4(agent_rig_helpers, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1) {
		for (op = fido_bed_op; op->fd != -1; op++)
			must(op < fido_bed_op + FIDO_BED_OPS - 1);
		*op = (struct fido_bed_op){ .fd = fd };
	}
	for (op = fido_bed_op; op < fido_bed_op + FIDO_BED_OPS; op++)
		if (op->fd != -1)
			op_read(op);
}

struct fido_bed_op *
fido_bed_blinks(void)
{
	struct fido_bed_op *op, *last = NULL;

	for (op = fido_bed_op; op < fido_bed_op + FIDO_BED_OPS; op++)
		if (op->fd != -1 && op->type == PROTO_FIDO_ASSERT &&
		    (last == NULL || op->number > last->number))
			last = op;
	return last;
}

void
fido_bed_sign(struct fido_bed_op *op, const struct fido_bed_false *how)
{
	static const struct fido_bed_false good;
	const struct fido_bed_false *w = how != NULL ? how : &good;
	const char *rp = w->other_rp ? "tessera:other" : RP;
	uint8_t data[37 + FIDO_BED_HASH], sig[crypto_sign_BYTES];
	uint8_t id[sizeof(cred_id)];
	struct proto_value v[5];

	fido_bed_counter += !w->back;
	(void)crypto_hash_sha256(data, (const uint8_t *)rp, strlen(rp));
	data[32] = (uint8_t)(((AUTHDATA_UP | (verifies ? AUTHDATA_UV : 0)) & ~w->clear) | w->set);
	data[33] = (uint8_t)(fido_bed_counter >> 24);
	data[34] = (uint8_t)(fido_bed_counter >> 16);
	data[35] = (uint8_t)(fido_bed_counter >> 8);
	data[36] = (uint8_t)fido_bed_counter;
	memcpy(data + 37, w->hash != NULL ? w->hash : op->hash, FIDO_BED_HASH);
	data[37] ^= (uint8_t)w->other_hash;
	must(crypto_sign_detached(sig, NULL, data, sizeof(data), secret_key) == 0);
	sig[0] ^= (uint8_t)w->flip;
	memcpy(id, cred_id, sizeof(id));
	id[0] ^= (uint8_t)w->other_id;
	v[0] = proto_text(device);
	v[1] = proto_bytes(id, sizeof(id));
	v[2] = proto_bytes(data, 37);
	v[3] = proto_bytes(sig, sizeof(sig));
	v[4] = proto_bytes(NULL, 0);
	op_send(op, PROTO_FIDO_ASSERTED, v, 5);
	op_close(op);
}

void
fido_bed_error(struct fido_bed_op *op, int code, uint32_t tries)
{
	struct proto_value v[3] = { { .u32 = (uint32_t)-code }, { .u32 = tries }, proto_bytes("", 0) };

	op_send(op, PROTO_ERROR, v, 3);
	op_close(op);
}

/* --- lives --- */

void
fido_bed_start(void)
{
	static const uint8_t head[12] = { 0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0 };
	struct credential *c = &fido_bed_credential;
	uint8_t seed[crypto_sign_SEEDBYTES] = { 1, 4, 1, 4 };
	size_t i;

	agent_rig_start();
	for (i = 0; i < FIDO_BED_OPS; i++)
		fido_bed_op[i].fd = -1;
	(void)snprintf(c->id, sizeof(c->id), ID);
	(void)snprintf(c->kind, sizeof(c->kind), "fido");
	(void)snprintf(c->subject, sizeof(c->subject), "root");
	(void)snprintf(c->label, sizeof(c->label), "key");
	c->algorithm = PROTO_ED25519;
	memcpy(c->spki, head, sizeof(head));
	must(crypto_sign_seed_keypair(c->spki + sizeof(head), secret_key, seed) == 0);
	c->spki_len = sizeof(head) + crypto_sign_PUBLICKEYBYTES;
	c->acr = ACR_HARDWARE_PIN;
	c->state = CREDENTIAL_ACTIVE;
	c->created = 1800000000;
}

static void
enrol_and_drive(struct agent *a)
{
	struct fido_record r = { .cred_id_len = sizeof(cred_id), .rp_id = RP, .counter = 1,
	    .verification = verifies, .native = 1 };

	memcpy(r.credential, ID, sizeof(ID));
	memcpy(r.cred_id, cred_id, sizeof(cred_id));
	fido_bed_counter = 1;
	must(store_begin(a->store) == TSR_OK && store_credential_set_state(a->store, agent_rig_credential.id,
	    CREDENTIAL_ACTIVE, CREDENTIAL_DISABLED) == TSR_OK &&
	    store_credential_add(a->store, &fido_bed_credential) == TSR_OK &&
	    store_fido_add(a->store, &r) == TSR_OK && store_keep(a->store) == TSR_OK &&
	    store_commit(a->store) == TSR_OK);
	driver(a);
}

int
fido_bed_life(int verification, void (*drive)(struct agent *a))
{
	size_t i;
	int r;

	verifies = verification;
	driver = drive;
	r = agent_rig_life(NULL, enrol_and_drive);
	for (i = 0; i < FIDO_BED_OPS; i++)
		if (fido_bed_op[i].fd != -1)
			op_close(&fido_bed_op[i]);
	return r;
}

void
fido_bed_pass(struct agent *a, uint64_t ms)
{
	int i;

	for (i = 0; i < 3; i++) {
		agent_rig_pass(a, i == 0 ? ms : 0);
		fido_bed_look();
	}
}

/*
 * ssh_watch.c - see ssh_watch.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/fuzz/ssh_watch.h"

#include <string.h>

#include "tests/fuzz/ssh_rig.h"
#include "token/ssh_cert.h"

#define MESSAGE_MAX	262144	/* bytes; beyond, the connection ends */
#define LOOKED_MAX	65536	/* bytes; beyond, all fail */
#define CERTS		8	/* that were listed last */
#define ED		"ssh-ed25519"
#define ED_CERT		"ssh-ed25519-cert-v01@openssh.com"
#define BOUND		"publickey-hostbound-v00@openssh.com"
#define BIND		"session-bind@openssh.com"

enum { FAILED = 5, DONE = 6, LIST = 11, LISTED = 12, SIGN = 13, SIGNED = 14, EXTENSION = 27, EXTENDED = 29 };

static struct buf key, certs[CERTS];	/* root's, as blobs */
static size_t n_certs;
static int session_there;
static unsigned long signatures;

/* A string of the wire, or bytes of a frame. */
struct piece {
	const uint8_t *p;
	size_t n;
};

/* --- what a good client says --- */

static void
put_text(struct buf *b, const char *text)
{
	must(buf_put_string(b, text, strlen(text)) == TSR_OK);
}

static const struct buf *
last_cert(void)
{
	return n_certs > 0 ? &certs[(n_certs - 1) % CERTS] : &key;
}

void
ssh_watch_put_key(struct buf *b, int cert)
{
	const struct buf *k = cert ? last_cert() : &key;

	must(buf_put_string(b, k->data, k->len) == TSR_OK);
}

/* The host of all bindings that are made here. */
static void
host_blob(struct buf *out, uint8_t secret[crypto_sign_SECRETKEYBYTES])
{
	static const uint8_t seed[crypto_sign_SEEDBYTES] = { 'h', 'o', 's', 't' };
	uint8_t pub[crypto_sign_PUBLICKEYBYTES];

	must(crypto_sign_seed_keypair(pub, secret, seed) == 0);
	buf_init(out, RIG_MAX);
	must(ssh_ed25519_blob(out, pub) == TSR_OK);
}

void
ssh_watch_bind(struct buf *b, const uint8_t session[SSH_WATCH_SESSION], int forwarding)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES], raw[crypto_sign_BYTES];
	struct buf host, sig;

	host_blob(&host, secret);
	buf_init(&sig, RIG_MAX);
	must(crypto_sign_detached(raw, NULL, session, SSH_WATCH_SESSION, secret) == 0);
	must(ssh_ed25519_signature(&sig, raw) == TSR_OK);
	put_text(b, BIND);
	must(buf_put_string(b, host.data, host.len) == TSR_OK &&
	    buf_put_string(b, session, SSH_WATCH_SESSION) == TSR_OK &&
	    buf_put_string(b, sig.data, sig.len) == TSR_OK &&
	    buf_put_u8(b, (uint8_t)forwarding) == TSR_OK);
	buf_free(&sig);
	buf_free(&host);
}

void
ssh_watch_login(struct buf *b, const uint8_t *session, size_t session_n, const char *user,
    int cert, int bound, int other_name)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	struct buf host;

	must(buf_put_string(b, session, session_n) == TSR_OK && buf_put_u8(b, 50) == TSR_OK);
	put_text(b, user);
	put_text(b, "ssh-connection");
	put_text(b, bound ? BOUND : "publickey");
	must(buf_put_u8(b, 1) == TSR_OK);
	put_text(b, (cert != 0) != (other_name != 0) ? ED_CERT : ED);
	ssh_watch_put_key(b, cert);
	if (!bound)
		return;
	host_blob(&host, secret);
	must(buf_put_string(b, host.data, host.len) == TSR_OK);
	buf_free(&host);
}

void
ssh_watch_file(struct buf *b, const char *space, int sha256)
{
	static const uint8_t hash[64] = { 1 };

	must(buf_put_cstr(b, "SSHSIG") == TSR_OK);
	put_text(b, space);
	put_text(b, "");
	put_text(b, sha256 ? "sha256" : "sha512");
	must(buf_put_string(b, hash, sha256 ? 32 : 64) == TSR_OK);
}

/* --- the connection --- */

void
ssh_watch_begin(struct ssh_watch *w, uid_t uid)
{
	memset(w, 0, sizeof(*w));
	w->uid = uid;
	buf_init(&w->sent, 4 * MESSAGE_MAX);
	buf_init(&w->asked, 64 * MESSAGE_MAX);
	buf_init(&w->got, 4 * MESSAGE_MAX);
}

void
ssh_watch_end(struct ssh_watch *w)
{
	buf_free(&w->sent);
	buf_free(&w->asked);
	buf_free(&w->got);
}

void
ssh_watch_reset(void)
{
	size_t i;

	buf_free(&key);
	for (i = 0; i < CERTS; i++)
		buf_free(&certs[i]);
	buf_init(&key, RIG_MAX);
	n_certs = 0;
}

void
ssh_watch_session(int there)
{
	session_there = there;
}

unsigned long
ssh_watch_signatures(void)
{
	return signatures;
}

const uint8_t *
ssh_watch_key(void)
{
	return key.len == 51 ? key.data + 19 : NULL;
}

/* The next string, or one of no bytes where there is none: those never mean a thing. */
static struct piece
next(struct reader *r)
{
	struct piece s = { (const uint8_t *)"", 0 };

	(void)reader_string(r, r->left, &s.p, &s.n);
	return s;
}

static int
is_text(struct piece s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

unsigned long
ssh_watch_sent(struct ssh_watch *w, const uint8_t *p, size_t n)
{
	unsigned long whole = 0;
	struct reader r;
	uint32_t len;

	must(buf_put(&w->sent, p, n) == TSR_OK);
	for (;;) {
		reader_init(&r, w->sent.data, w->sent.len);
		if (w->over || reader_u32(&r, &len) != TSR_OK)
			return whole;
		if (len == 0 || len > MESSAGE_MAX) {
			w->over = 1;
			return whole + 1;
		}
		if (r.left < len)
			return whole;
		must(buf_put_string(&w->asked, r.p, len <= LOOKED_MAX ? len : 0) == TSR_OK);
		buf_consume(&w->sent, 4 + len);
		whole++;
	}
}

/* --- what may come --- */

static void
hash_of(struct piece s, uint8_t out[32])
{
	must(crypto_generichash(out, 32, s.p, s.n, NULL, 0) == 0);
}

/* A binding was accepted: by the host's own signature. */
static void
bound(struct ssh_watch *w, struct reader *r)
{
	struct piece host = next(r), session = next(r), sig = next(r), name, pub, raw;
	struct ssh_watch_bound *b = &w->bound[w->n_bound];
	struct reader k, s;

	must(w->n_bound < SSH_WATCH_BOUND_MAX && r->left == 1 && r->p[0] <= 1);
	reader_init(&k, host.p, host.n);
	reader_init(&s, sig.p, sig.n);
	name = next(&k);
	pub = next(&k);
	must(is_text(name, ED) && pub.n == 32 && k.left == 0);	/* nobody here has another */
	name = next(&s);
	raw = next(&s);
	must(is_text(name, ED) && raw.n == 64 && s.left == 0);
	must(session.n >= 20 && session.n <= 64 &&
	    crypto_sign_verify_detached(raw.p, session.p, session.n, pub.p) == 0);
	must(w->n_bound == 0 || w->bound[w->n_bound - 1].forwarding);
	memcpy(b->session, session.p, session.n);
	b->session_n = session.n;
	hash_of(host, b->host);
	b->forwarding = r->p[0];
	w->n_bound++;
}

/* Is it our key, or a certificate over it? */
static int
is_ours(struct piece s, int *cert)
{
	size_t i;

	*cert = 0;
	if (key.len > 0 && s.n == key.len && memcmp(s.p, key.data, s.n) == 0)
		return 1;
	*cert = 1;
	for (i = 0; i < CERTS && i < n_certs; i++)
		if (s.n == certs[i].len && memcmp(s.p, certs[i].data, s.n) == 0)
			return 1;
	return 0;
}

static void
may_sign_login(const struct ssh_watch *w, struct reader *r)
{
	const struct ssh_watch_bound *last = &w->bound[w->n_bound - 1];
	struct piece session = next(r), user, service, method, alg, blob, host;
	uint8_t number, follows, hash[32];
	int cert;

	must(reader_u8(r, &number) == TSR_OK);
	user = next(r);
	service = next(r);
	method = next(r);
	must(reader_u8(r, &follows) == TSR_OK);
	alg = next(r);
	blob = next(r);
	must(w->n_bound == 1 && !last->forwarding);
	must(session.n == last->session_n && memcmp(session.p, last->session, session.n) == 0);
	must(number == 50 && follows == 1 && user.n > 0 && memchr(user.p, 0, user.n) == NULL);
	must(is_text(service, "ssh-connection") && is_ours(blob, &cert) && is_text(alg, cert ? ED_CERT : ED));
	if (is_text(method, BOUND)) {
		host = next(r);
		hash_of(host, hash);
		must(memcmp(hash, last->host, sizeof(hash)) == 0);
	} else {
		must(is_text(method, "publickey"));
	}
	must(r->left == 0);
}

static void
may_sign_file(const struct ssh_watch *w, struct reader *r)
{
	struct piece space = next(r), reserved = next(r), name = next(r), hash = next(r);
	size_t i;

	must(is_text(space, "file") || is_text(space, "git"));
	must(reserved.n == 0 && r->left == 0);
	must((is_text(name, "sha256") && hash.n == 32) || (is_text(name, "sha512") && hash.n == 64));
	for (i = 0; i < w->n_bound; i++)
		must(!w->bound[i].forwarding);
}

/* A signature came for the request in r. */
static void
may_sign(const struct ssh_watch *w, struct reader *r, struct reader *answer)
{
	struct piece blob = next(r), data = next(r), sig = next(answer), name, raw;
	struct reader d, s;
	int cert;

	signatures++;
	must(w->uid == 0 && session_there && !w->failed);
	must(is_ours(blob, &cert) && r->left == 4 && answer->left == 0);
	reader_init(&s, sig.p, sig.n);
	name = next(&s);
	raw = next(&s);
	must(is_text(name, ED) && raw.n == 64 && s.left == 0 && ssh_watch_key() != NULL);
	must(crypto_sign_verify_detached(raw.p, data.p, data.n, ssh_watch_key()) == 0);
	reader_init(&d, data.p, data.n);
	if (data.n >= 6 && memcmp(data.p, "SSHSIG", 6) == 0) {
		reader_init(&d, data.p + 6, data.n - 6);
		may_sign_file(w, &d);
	} else {
		must(w->n_bound > 0);
		may_sign_login(w, &d);
	}
}

static void
keep(struct buf *to, struct piece s)
{
	buf_free(to);
	buf_init(to, RIG_MAX);
	must(buf_put(to, s.p, s.n) == TSR_OK);
}

/* A list came: the key, and before it perhaps a certificate over it for its user. */
static void
listed(const struct ssh_watch *w, struct reader *r)
{
	static struct ssh_cert_read c;
	struct piece blob;
	uint32_t n, i;

	must(reader_u32(r, &n) == TSR_OK && n <= 2);
	for (i = 0; i < n; i++) {
		blob = next(r);
		must(blob.n > 51 || i == n - 1);
		(void)next(r);
		if (blob.n > 51) {
			must(ssh_cert_read(blob.p, blob.n, &c) == TSR_OK && c.type == 1);
			must(c.n_principals > 0 && c.n_principals <= 2);
			must(strcmp(c.principals[0], w->uid == 0 ? "root" : "daemon") == 0);
			must(c.n_principals == 1 || strcmp(c.principals[1], "ops") == 0);
		}
		if (w->uid != 0)
			must(ssh_watch_key() == NULL || memmem(blob.p, blob.n, ssh_watch_key(), 32) == NULL);
		else if (blob.n == 51)
			keep(&key, blob);
		else if (n_certs == 0 || last_cert()->len != blob.n ||
		    memcmp(last_cert()->data, blob.p, blob.n) != 0)
			keep(&certs[n_certs++ % CERTS], blob);
	}
	must(r->left == 0);
}

static void
answered(struct ssh_watch *w, struct piece frame, struct piece answer)
{
	struct reader r, a;
	uint8_t asked = 0, type = 0;
	struct piece name;

	reader_init(&r, frame.p, frame.n);
	reader_init(&a, answer.p, answer.n);
	must(reader_u8(&a, &type) == TSR_OK);
	(void)reader_u8(&r, &asked);
	if (type == LISTED) {
		must(asked == LIST && r.left == 0);
		listed(w, &a);
	} else if (type == SIGNED) {
		must(asked == SIGN);
		may_sign(w, &r, &a);
	} else if (asked == EXTENSION) {
		name = next(&r);
		if (type == DONE) {
			must(is_text(name, BIND) && a.left == 0);
			bound(w, &r);
		} else if (type == FAILED) {
			w->failed |= is_text(name, BIND);
		} else {
			must(type == EXTENDED && is_text(name, "query") && r.left == 0);
		}
	} else {
		must(type == FAILED && a.left == 0);
	}
}

void
ssh_watch_got(struct ssh_watch *w, const uint8_t *p, size_t n)
{
	struct reader answers, asked;
	struct piece frame, answer;

	must(buf_put(&w->got, p, n) == TSR_OK);
	for (;;) {
		reader_init(&answers, w->got.data, w->got.len);
		if (reader_string(&answers, LOOKED_MAX, &answer.p, &answer.n) != TSR_OK)
			break;
		reader_init(&asked, w->asked.data, w->asked.len);
		must(reader_string(&asked, MESSAGE_MAX, &frame.p, &frame.n) == TSR_OK);
		answered(w, frame, answer);
		buf_consume(&w->got, 4 + answer.n);
		buf_consume(&w->asked, 4 + frame.n);
	}
	must(w->got.len < 4 + LOOKED_MAX);
}

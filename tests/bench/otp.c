/*
 * otp.c - codes verified, each with a durable watermark, beside one SQLite commit
 * with synchronous=FULL an update, in turns.
 *
 *	bench_otp SOCKET TABLE DATABASE TURN-MS TURNS
 *
 * A line of TABLE is a connection: a uid, a credential's id, its next counter;
 * the tokens are HOTP with the seed of RFC 4226 appendix D.  DATABASE is made,
 * on the disk of the store, and removed.  Prints one JSON document: the rates of
 * both a second, their ratio, and what an fdatasync costs in microseconds.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"
#include "oath/hotp.h"
#include "wire.h"

#define OTP_CONNS_MAX	256
#define OTP_SYNCS	20	/* a turn */

struct conn {
	int fd;
	unsigned uid;
	char id[32];
	unsigned long long counter;
	size_t have;
	char reply[WIRE_MAX];
};

static struct conn conns[OTP_CONNS_MAX];
static unsigned n_conns;
static struct wire wire;

/* As that user: the agent sees who connects and who writes. */
static void
conn_become(uid_t uid)
{
	if (setresuid(0, 0, 0) != 0 || setresuid(uid, uid, 0) != 0)
		meter_die("cannot become uid %u", (unsigned)uid);
}

static void
conn_open(struct conn *c)
{
	conn_become(c->uid);
	c->fd = wire_dial(wire.path);
	conn_become(0);
}

static void
conn_ask(struct conn *c)
{
	static const uint8_t seed[] = "12345678901234567890";
	struct hotp h = { HMAC_SHA1, 6, seed, 20 };
	char text[HOTP_DIGITS_MAX + 1], body[128];
	uint32_t code = 0;
	int n;

	if (hotp_code(&h, c->counter++, &code) != 0)
		meter_die("no code");
	hotp_text(text, 6, code);
	n = snprintf(body, sizeof(body), "{\"otp\":\"%s\",\"credential\":\"%s\"}", text, c->id);
	n = snprintf(wire.request, sizeof(wire.request), "POST /session HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, body);
	wire.request_len = (size_t)n;
	c->have = 0;
	conn_become(c->uid);
	wire_send(&wire, c->fd);
	conn_become(0);
}

/* 1: the answer is whole. */
static int
conn_read(struct conn *c)
{
	ssize_t n = read(c->fd, c->reply + c->have, sizeof(c->reply) - 1 - c->have);
	int whole;

	if (n <= 0)
		meter_die("a connection ended: %s", strerror(errno));
	c->have += (size_t)n;
	if ((whole = wire_whole(&wire, c->reply, c->have, 0)) < 0)
		meter_die("not a success: %.*s", (int)c->have, c->reply);
	return whole;
}

/* All connections for so long; codes verified a second. */
static double
codes_turn(uint64_t length_ns)
{
	struct pollfd p[OTP_CONNS_MAX];
	uint64_t begun = meter_ns(), now = begun;
	unsigned i, busy = n_conns;
	size_t done = 0;

	for (i = 0; i < n_conns; i++) {
		conn_ask(&conns[i]);
		p[i] = (struct pollfd){ .fd = conns[i].fd, .events = POLLIN };
	}
	while (busy > 0) {
		if (poll(p, n_conns, 10000) <= 0)
			meter_die("nothing comes");
		now = meter_ns();
		for (i = 0; i < n_conns; i++) {
			if (p[i].revents == 0 || !conn_read(&conns[i]))
				continue;
			done++;
			if (now - begun < length_ns)
				conn_ask(&conns[i]);
			else
				busy--;
		}
	}
	return (double)done * 1e9 / (double)(now - begun);
}

static void
sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		meter_die("%s: %s", text, sqlite3_errmsg(db));
}

static sqlite3 *
single_open(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		meter_die("%s", path);
	sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "CREATE TABLE otp (id INTEGER PRIMARY KEY, watermark INTEGER NOT NULL);"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64)"
	    " INSERT INTO otp SELECT i, 0 FROM n;");
	return db;
}

static double
single_turn(sqlite3 *db, uint64_t length_ns)
{
	uint64_t begun = meter_ns(), now;
	size_t done = 0;

	do {
		sql(db, "UPDATE otp SET watermark = watermark + 1 WHERE id = 1 + abs(random() % 64)");
		done++;
		now = meter_ns();
	} while (now - begun < length_ns);
	return (double)done * 1e9 / (double)(now - begun);
}

static void
sync_turn(const char *path, struct samples *s)
{
	char name[4096], block[4096] = { 1 };
	uint64_t before;
	int fd, i;

	(void)snprintf(name, sizeof(name), "%s-sync", path);
	if ((fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		meter_die("%s", name);
	for (i = 0; i < OTP_SYNCS; i++) {
		if (pwrite(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
			meter_die("%s", name);
		before = meter_ns();
		if (fdatasync(fd) != 0)
			meter_die("fdatasync");
		samples_add(s, (double)(meter_ns() - before) / 1e3);
	}
	(void)close(fd);
	(void)unlink(name);
}

static void
table_read(const char *path)
{
	FILE *f = fopen(path, "r");
	struct conn *c;

	if (f == NULL)
		meter_die("%s", path);
	for (; n_conns < OTP_CONNS_MAX; n_conns++) {
		c = &conns[n_conns];
		if (fscanf(f, "%u %31s %llu", &c->uid, c->id, &c->counter) != 3)
			break;
		conn_open(c);
	}
	(void)fclose(f);
	if (n_conns == 0)
		meter_die("%s: no connections", path);
}

/* Where the next run goes on. */
static void
table_write(const char *path)
{
	FILE *f = fopen(path, "w");
	unsigned i;

	for (i = 0; f != NULL && i < n_conns; i++)
		(void)fprintf(f, "%u %s %llu\n", conns[i].uid, conns[i].id, conns[i].counter);
	if (f == NULL || fclose(f) != 0)
		meter_die("%s", path);
}

int
main(int argc, char **argv)
{
	struct samples ours = { 0 }, single = { 0 }, ratio = { 0 }, syncs = { 0 };
	uint64_t turn;
	sqlite3 *db;
	double a, b;
	unsigned i;

	if (argc != 6)
		meter_die("usage: bench_otp SOCKET TABLE DATABASE TURN-MS TURNS");
	wire.framing = WIRE_HTTP;
	wire.path = argv[1];
	turn = (uint64_t)meter_number(argv[4]) * 1000000u;
	(void)unlink(argv[3]);	/* of a run that was cut off */
	table_read(argv[2]);
	db = single_open(argv[3]);
	(void)codes_turn(turn / 4);	/* warm */
	for (i = meter_number(argv[5]); i > 0; i--) {
		sync_turn(argv[3], &syncs);
		a = codes_turn(turn);
		b = single_turn(db, turn);
		samples_add(&ours, a);
		samples_add(&single, b);
		samples_add(&ratio, a / b);
	}
	(void)sqlite3_close(db);
	(void)unlink(argv[3]);
	table_write(argv[2]);
	(void)printf("{");
	samples_print("ours", &ours, 1);
	(void)printf(",");
	samples_print("single", &single, 1);
	(void)printf(",");
	samples_print("ratio", &ratio, 1);
	(void)printf(",");
	samples_print("fsync", &syncs, 1);
	(void)printf("}\n");
	return 0;
}

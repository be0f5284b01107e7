/*
 * mutate.c - run a fuzz target over mutations of a corpus, as many as are asked
 * for, in builds without libFuzzer:
 *
 *	mutate_NAME COUNT SEED FOLDER...
 *
 * The same seed gives the same inputs.  Where the target ends, the input is in
 * mutate-crash in the current folder.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUTS_MAX	256
#define INPUT_MAX	65536	/* bytes of an input */
#define CRASH_FILE	"mutate-crash"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	size_t n;
	uint8_t *p;
};

static struct input corpus[INPUTS_MAX];
static size_t n_corpus;
static uint8_t now[INPUT_MAX];		/* the input under way */
static size_t n_now;
static uint64_t state;			/* of the generator */

static void __attribute__((format(printf, 1, 2), noreturn))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled"). */
static uint32_t
draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static void
load(const char *path)
{
	struct input *in = &corpus[n_corpus];
	uint8_t buf[INPUT_MAX];
	ssize_t n;
	int fd;

	if (n_corpus == INPUTS_MAX)
		return;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 || (n = read(fd, buf, sizeof(buf))) < 0)
		die("%s: %s", path, strerror(errno));
	(void)close(fd);
	if ((in->p = malloc((size_t)n + 1)) == NULL)
		die("out of memory");
	memcpy(in->p, buf, (size_t)n);
	in->n = (size_t)n;
	n_corpus++;
}

static void
load_folder(const char *folder)
{
	struct dirent **list;
	char path[4096];
	int i, n;

	if ((n = scandir(folder, &list, NULL, alphasort)) < 0)
		die("%s: %s", folder, strerror(errno));
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			load(path);
		free(list[i]);
	}
	free(list);
}

static void
mutate_move(uint32_t from, uint32_t to)
{
	size_t n = n_now - from;

	memmove(now + to, now + from, n);
	n_now = to + n;
}

static void
mutate_once(void)
{
	static const uint8_t edge[] = { 0, 1, 0x7f, 0x80, 0xff, 0x20, 0x21, 0x22, 0x23, 0x24 };
	uint32_t at = n_now > 0 ? draw((uint32_t)n_now) : 0, n;
	const struct input *other;

	if (n_now == 0)
		return;
	switch (draw(8)) {
	case 0:
		now[at] ^= (uint8_t)(1u << draw(8));
		break;
	case 1:
		now[at] = (uint8_t)draw(256);
		break;
	case 2:
		now[at] = edge[draw(sizeof(edge))];
		break;
	case 3:				/* a length, say, that is off by little */
		now[at] = (uint8_t)(now[at] + draw(9) - 4);
		break;
	case 4:				/* cut out */
		n = draw(16);
		if (at + n < n_now)
			mutate_move(at + n, at);
		break;
	case 5:				/* twice */
		n = draw(32);
		if (n_now + n <= INPUT_MAX)
			mutate_move(at, at + n);
		break;
	case 6:
		n_now = at;
		break;
	default:			/* the rest from another */
		other = &corpus[draw((uint32_t)n_corpus)];
		if (at < other->n) {
			memcpy(now + at, other->p + at, other->n - at);
			n_now = other->n;
		}
		break;
	}
}

static void
mutate(void)
{
	const struct input *in = &corpus[draw((uint32_t)n_corpus)];
	uint32_t i, n = 1 + draw(4);

	memcpy(now, in->p, in->n);
	n_now = in->n;
	for (i = 0; i < n; i++)
		mutate_once();
}

static void
crashed(int number)
{
	int fd = open(CRASH_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd != -1 && write(fd, now, n_now) == (ssize_t)n_now)
		(void)close(fd);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

int
main(int argc, char **argv)
{
	struct timespec a, b;
	unsigned long count, i;
	int k;

	if (argc < 4)
		die("usage: %s COUNT SEED FOLDER...", argv[0]);
	count = strtoul(argv[1], NULL, 10);
	state = strtoull(argv[2], NULL, 10) * 2 + 1;
	for (k = 3; k < argc; k++)
		load_folder(argv[k]);
	if (n_corpus == 0)
		die("no inputs");
	(void)signal(SIGABRT, crashed);
	(void)signal(SIGSEGV, crashed);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < count; i++) {
		mutate();
		(void)LLVMFuzzerTestOneInput(now, n_now);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	(void)printf("%lu inputs from %zu, %.1f s\n", count, n_corpus,
	    (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
	return 0;
}

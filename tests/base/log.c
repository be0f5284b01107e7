/*
 * log.c - what a process says, seen from the other end of its stderr.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

static char long_text[6000];

static void
speak_levels(void)
{
	log_line(LOG_ERROR, "broken: %d", 7);
	log_line(LOG_NOTICE, "notice");
	log_line(LOG_DETAIL, "detail");
	log_set_level(LOG_TRACE);
	log_line(LOG_TRACE, "trace");
}

static void
speak_control(void)
{
	log_line(LOG_WARN, "%s", "a\nb\x1b[2J\xe2\x80\xae");
}

static void
speak_long(void)
{
	log_line(LOG_WARN, "%s", long_text);
}

static void
speak_fatal(void)
{
	log_fatal(3, "no %s", "way");
}

static void
speak_errno(void)
{
	close(STDERR_FILENO);
	errno = ENOENT;
	log_line(LOG_ERROR, "to nobody");
	_exit(errno == ENOENT ? 9 : 8);
}

/* Run speak() in a child whose stderr is a pipe; its words in out, its exit
 * status returned.  stream: 0 no $JOURNAL_STREAM, 1 ours, 2 another's. */
static int
listen_to(void (*speak)(void), int stream, char *out, size_t size)
{
	char text[64];
	struct stat st;
	size_t len = 0;
	ssize_t n;
	pid_t pid;
	int fd[2], status;

	assert_int_equal(pipe(fd), 0);
	(void)fflush(NULL);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		if (dup2(fd[1], STDERR_FILENO) < 0 || fstat(STDERR_FILENO, &st) != 0)
			_exit(99);
		close(fd[0]);
		close(fd[1]);
		(void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev,
		    (uintmax_t)st.st_ino + (stream == 2));
		if (stream == 0 ? unsetenv("JOURNAL_STREAM") : setenv("JOURNAL_STREAM", text, 1))
			_exit(99);
		log_init("speaker", LOG_NOTICE);
		speak();
		_exit(0);
	}
	close(fd[1]);
	while ((n = read(fd[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct row {
	const char *name;
	void (*speak)(void);
	int stream, status;
	const char *heard;
} rows[] = {
	{ "levels, to stderr", speak_levels, 0, 0, "speaker: broken: 7\nspeaker: notice\nspeaker: trace\n" },
	{ "levels, to the journal", speak_levels, 1, 0, "<3>broken: 7\n<5>notice\n<7>trace\n" },
	{ "a journal stream that is not ours", speak_control, 2, 0, "speaker: a\\x0ab\\x1b[2J\\xe2\\x80\\xae\n" },
	{ "control characters, to the journal", speak_control, 1, 0, "<4>a\\x0ab\\x1b[2J\\xe2\\x80\\xae\n" },
	{ "last words", speak_fatal, 0, 3, "speaker: no way\n" },
	{ "errno is kept, a closed stderr is no harm", speak_errno, 0, 9, "" },
};

static void
test_rows(void **state)
{
	const struct row *row;
	char out[8192];

	(void)state;
	for (row = rows; row < rows + sizeof(rows) / sizeof(rows[0]); row++) {
		print_message("%s\n", row->name);
		assert_int_equal(listen_to(row->speak, row->stream, out, sizeof(out)), row->status);
		assert_string_equal(out, row->heard);
	}
}

/* However long and however hostile, one line that ends. */
static void
test_long(void **state)
{
	static const char fill[] = { 'x', '\n', '\xff' };
	char out[8192];
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(fill); i++) {
		memset(long_text, fill[i], sizeof(long_text) - 1);
		assert_int_equal(listen_to(speak_long, (int)i, out, sizeof(out)), 0);
		len = strlen(out);
		assert_in_range(len, 1000, 4096);
		assert_ptr_equal(strchr(out, '\n'), out + len - 1);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

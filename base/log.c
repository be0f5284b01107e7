/*
 * log.c - a process's own words.  See log.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"

#define LOG_TEXT_MAX	2048	/* bytes of a message, before it is escaped */
#define LOG_LINE_MAX	4096	/* bytes of a line as written */

static const char *log_name = "tessera";
static enum log_level log_level = LOG_NOTICE;
static int log_journal;

/* $JOURNAL_STREAM is "DEVICE:INODE" of the stream (systemd.exec(5)). */
static int
log_to_journal(void)
{
	const char *stream;
	char ours[64];
	struct stat st;

	if ((stream = getenv("JOURNAL_STREAM")) == NULL || fstat(STDERR_FILENO, &st) != 0)
		return 0;
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void
log_init(const char *name, enum log_level level)
{
	log_name = name;
	log_level = level;
	log_journal = log_to_journal();
}

void
log_set_level(enum log_level level)
{
	log_level = level;
}

enum log_level
log_level_now(void)
{
	return log_level;
}

int
log_is_journal(void)
{
	return log_journal;
}

/* One write, so that the lines of several processes do not mix. */
static void
log_write(enum log_level level, const char *text)
{
	char line[LOG_LINE_MAX];
	size_t head, len;
	int n;

	if (log_journal)
		n = snprintf(line, sizeof(line), "<%d>", (int)level);
	else
		n = snprintf(line, sizeof(line), "%.64s: ", log_name);
	if (n < 0)
		return;
	head = (size_t)n;
	escape_text(line + head, sizeof(line) - head - 1, text, strlen(text));
	len = strlen(line);
	line[len++] = '\n';
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		continue;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	int n, saved = errno;
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0)
		log_write(level, text);
	errno = saved;
}

void
log_fatal(int code, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0)
		log_write(LOG_ERROR, text);
	exit(code);
}

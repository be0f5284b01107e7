/*
 * log.h - a process's own words, written by its main and by nobody else.
 *
 * Lines go to the journal where $JOURNAL_STREAM matches stderr (with
 * priorities as "<N>" prefixes, sd-daemon(3)), else to stderr with the
 * program's name.  Control characters are escaped.  Never a secret.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTICE = 5, LOG_DETAIL = 6, LOG_TRACE = 7 };

/* name is kept, not copied.  Lines above level are dropped. */
void log_init(const char *name, enum log_level level);
void log_set_level(enum log_level level);
enum log_level log_level_now(void);
/* Is stderr the journal's? */
int log_is_journal(void);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last words: log_line(LOG_ERROR, ...) and exit(code).  For main() before
 * the first outside byte is read, never later. */
_Noreturn void log_fatal(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

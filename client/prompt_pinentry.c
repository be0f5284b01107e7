/*
 * prompt_pinentry.c - the PIN from a pinentry program, which has its own
 * window or terminal.  The only file that knows libassuan.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/prompter.h"
#include "base/hex.h"

#include <sys/wait.h>

#include <assuan.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/lib/http_client.h"
#include "tessera.h"

#define PINENTRY_LINE_MAX	900	/* bytes of an argument, percent-encoded */
#define PINENTRY_ENDS_MS	1000	/* to go after SIGTERM; then it is killed */

struct prompt_pinentry {
	char program[PATH_MAX];
	assuan_context_t ctx;
	pid_t pid;
	struct secret *pin;	/* what D lines gave so far */
	size_t n;
	int confirming;		/* CONFIRM was sent, and GETPIN is next unless pad */
	int pad;
};

/* As execvp(3) would: the library wants the whole path. */
static int
prompt_pinentry_find(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH");
	size_t len;

	if (strchr(name, '/') != NULL) {
		(void)snprintf(out, size, "%s", name);
		return access(out, X_OK) == 0;
	}
	for (path = path != NULL ? path : "/usr/bin:/bin"; *path != '\0'; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		(void)snprintf(out, size, "%.*s/%s", (int)len, path, name);
		if (len > 0 && access(out, X_OK) == 0)
			return 1;
	}
	return 0;
}

/* In the child: our signals are blocked for signalfd, its are not. */
static void
prompt_pinentry_child(void *arg, int reserved)
{
	sigset_t none;

	(void)arg;
	(void)reserved;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

/* One line there, its answer back; "ERR" to an option is no harm. */
static int
prompt_pinentry_tell(struct prompt_pinentry *s, const char *command, const char *text)
{
	char line[ASSUAN_LINELENGTH];
	size_t at;

	at = (size_t)snprintf(line, sizeof(line), "%s ", command);
	for (; *text != '\0' && at < PINENTRY_LINE_MAX; text++) {
		if (*text == '%' || (unsigned char)*text < ' ')
			at += (size_t)snprintf(line + at, sizeof(line) - at, "%%%02X", (unsigned char)*text);
		else
			line[at++] = *text;
	}
	line[at] = '\0';
	return assuan_transact(s->ctx, line, NULL, NULL, NULL, NULL, NULL, NULL) == 0 ? TSR_OK : TSR_SYSTEM;
}

static void
prompt_pinentry_options(struct prompt_pinentry *s)
{
	static const struct {
		const char *option, *variable;
	} from[] = {
		{ "OPTION ttytype=", "TERM" }, { "OPTION lc-ctype=", "LC_ALL" }, { "OPTION lc-ctype=", "LC_CTYPE" },
		{ "OPTION lc-ctype=", "LANG" },
	};
	char line[PATH_MAX + 32], tty[64];
	const char *v;
	size_t i;
	int locale = 0;

	if ((v = getenv("GPG_TTY")) == NULL && ttyname_r(STDERR_FILENO, tty, sizeof(tty)) == 0)
		v = tty;
	if (v != NULL) {
		(void)snprintf(line, sizeof(line), "OPTION ttyname=%s", v);
		(void)prompt_pinentry_tell(s, line, "");
	}
	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		if ((v = getenv(from[i].variable)) == NULL || *v == '\0' || (i > 0 && locale))
			continue;
		locale = i > 0;
		(void)snprintf(line, sizeof(line), "%s%s", from[i].option, v);
		(void)prompt_pinentry_tell(s, line, "");
	}
}

static int
prompt_pinentry_start(struct prompt_pinentry *s)
{
	const char *argv[] = { s->program, NULL };
	assuan_fd_t keep[] = { STDERR_FILENO, ASSUAN_INVALID_FD };

	if (assuan_new(&s->ctx) != 0)
		return TSR_NOMEM;
	assuan_set_flag(s->ctx, ASSUAN_NO_WAITPID, 1);
	if (assuan_pipe_connect(s->ctx, s->program, argv, keep, prompt_pinentry_child, NULL, 0) != 0)
		return TSR_SYSTEM;
	s->pid = assuan_get_pid(s->ctx);
	prompt_pinentry_options(s);
	return TSR_OK;
}

/* It may sit in its dialog and not see that we are gone. */
static void
prompt_pinentry_stop(struct prompt_pinentry *s)
{
	uint64_t until = http_client_now() + PINENTRY_ENDS_MS;

	if (s->ctx != NULL)
		assuan_release(s->ctx);
	s->ctx = NULL;
	if (s->pid > 0) {
		(void)kill(s->pid, SIGTERM);
		while (waitpid(s->pid, NULL, WNOHANG) == 0) {
			if (http_client_now() >= until)
				(void)kill(s->pid, SIGKILL);
			(void)poll(NULL, 0, 5);
		}
	}
	s->pid = 0;
	secret_free(&s->pin);
	s->n = 0;
}

static void
prompt_pinentry_end(struct prompter *p, const char *why)
{
	(void)why;
	prompt_pinentry_stop(p->state);
	p->fd = -1;
}

static int
prompt_pinentry_getpin(struct prompt_pinentry *s)
{
	assuan_begin_confidential(s->ctx);	/* keeps it out of ASSUAN_DEBUG's log */
	return assuan_write_line(s->ctx, "GETPIN") == 0 ? TSR_OK : TSR_SYSTEM;
}

/* Few tries are confirmed with a button that says how many; the PIN comes
 * after that. */
static int
prompt_pinentry_ask(struct prompt_pinentry *s, const struct ask *a)
{
	char button[64];

	s->pad = a->pad;
	s->confirming = a->confirm > 0 || a->pad;
	if (!s->confirming)
		return prompt_pinentry_getpin(s);
	(void)snprintf(button, sizeof(button), "Spend one of the last %d", a->confirm);
	if (prompt_pinentry_tell(s, "SETOK", a->confirm > 0 ? button : "Hide") != TSR_OK)
		return TSR_SYSTEM;
	return assuan_write_line(s->ctx, "CONFIRM") == 0 ? TSR_OK : TSR_SYSTEM;
}

/* Yes. */
static int
prompt_pinentry_confirmed(struct prompter *p, int confirm)
{
	struct prompt_pinentry *s = p->state;

	s->confirming = 0;
	if (!s->pad) {
		(void)prompt_pinentry_tell(s, "SETOK", "OK");
		return prompt_pinentry_getpin(s) == TSR_OK ? TSR_AGAIN : TSR_CANCELLED;
	}
	if (confirm > 0)
		return TSR_OK;
	p->fd = -1;		/* hidden: what comes shows in the request */
	return TSR_AGAIN;
}

static int
prompt_pinentry_begin(struct prompter *p, const struct ask *a)
{
	struct prompt_pinentry *s = p->state;
	char text[ASK_TEXT_MAX], seconds[32], name[ASK_NAME_MAX + 1];
	assuan_fd_t fd[2];

	if (prompt_pinentry_start(s) != TSR_OK)
		goto fail;
	(void)snprintf(seconds, sizeof(seconds), "%d", a->seconds_left);
	(void)prompt_pinentry_tell(s, "SETTITLE", "Tessera");
	if (a->seconds_left > 0)
		(void)prompt_pinentry_tell(s, "SETTIMEOUT", seconds);
	(void)snprintf(name, sizeof(name), "%s:", a->name);
	if (prompt_pinentry_tell(s, "SETDESC", ask_text(a, text, sizeof(text))) != TSR_OK ||
	    prompt_pinentry_tell(s, "SETPROMPT", name) != TSR_OK)
		goto fail;
	if (*ask_complaint(a, text, sizeof(text)) != '\0' &&
	    prompt_pinentry_tell(s, "SETERROR", text) != TSR_OK)
		goto fail;
	if ((s->pin = secret_new(PROMPTER_PIN_MAX)) == NULL ||
	    assuan_get_active_fds(s->ctx, 0, fd, 2) < 1)
		goto fail;
	if (prompt_pinentry_ask(s, a) != TSR_OK)
		goto fail;
	p->fd = (int)fd[0];
	return TSR_OK;
 fail:
	prompt_pinentry_stop(s);
	p->why = "the pinentry program does not start or does not speak the protocol; name another with --pinentry=PROGRAM";
	return TSR_CANCELLED;
}

/* "D pin", percent-encoded. */
static int
prompt_pinentry_data(struct prompt_pinentry *s, const char *in, size_t n)
{
	size_t i;
	int hi, lo;
	uint8_t b;

	for (i = 0; i < n; i++) {
		b = (uint8_t)in[i];
		if (in[i] == '%') {
			if (n - i < 3 || (hi = hex_digit(in[i + 1])) < 0 ||
			    (lo = hex_digit(in[i + 2])) < 0)
				return TSR_INVALID;
			b = (uint8_t)(hi << 4 | lo);
			i += 2;
		}
		if (s->n == PROMPTER_PIN_MAX)
			return TSR_INVALID;
		s->pin->data[s->n++] = b;
	}
	return TSR_OK;
}

static int
prompt_pinentry_line(struct prompter *p, const char *line, size_t n)
{
	struct prompt_pinentry *s = p->state;

	if (n >= 2 && memcmp(line, "D ", 2) == 0)
		return prompt_pinentry_data(s, line + 2, n - 2) == TSR_OK ? TSR_AGAIN : TSR_CANCELLED;
	if (n >= 3 && memcmp(line, "ERR", 3) == 0) {
		if (strstr(line, "ancel") == NULL)
			p->why = "the pinentry program gave no PIN";
		return TSR_CANCELLED;
	}
	if (n < 2 || memcmp(line, "OK", 2) != 0)
		return TSR_AGAIN;	/* status and comment lines */
	if (s->confirming)
		return prompt_pinentry_confirmed(p, p->before.confirm);
	s->pin->size = s->n;
	s->pin->data[s->n] = '\0';
	if (prompter_is_pin(s->pin))
		return TSR_OK;
	p->why = "the pinentry program gave no PIN";
	return TSR_CANCELLED;
}

static int
prompt_pinentry_read(struct prompter *p, struct secret **pin)
{
	struct prompt_pinentry *s = p->state;
	char *line = NULL;
	size_t n = 0;
	int r;

	do {
		if (assuan_read_line(s->ctx, &line, &n) != 0) {
			p->why = "the pinentry program went away";
			return TSR_CANCELLED;
		}
		r = prompt_pinentry_line(p, line, n);
		sodium_memzero(line, n);
	} while (r == TSR_AGAIN && p->fd != -1 && assuan_pending_line(s->ctx));
	if (r == TSR_OK && !s->pad) {
		*pin = s->pin;
		s->pin = NULL;
	}
	return r;
}

static void
prompt_pinentry_free(struct prompter *p)
{
	prompt_pinentry_stop(p->state);
	free(p->state);
}

static const struct prompter_kind prompt_pinentry_kind = {
	prompt_pinentry_begin, prompt_pinentry_read, prompt_pinentry_end, prompt_pinentry_free
};

int
prompter_pinentry(struct client *c, struct prompter *p, const char *program)
{
	struct prompt_pinentry *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
		return TSR_SYSTEM;
	}
	/* One that is not there is told of when it is needed. */
	if (!prompt_pinentry_find(program, s->program, sizeof(s->program)))
		(void)snprintf(s->program, sizeof(s->program), "%s", program);
	p->kind = &prompt_pinentry_kind;
	p->state = s;
	return TSR_OK;
}

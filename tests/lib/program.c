/*
 * program.c - a program that uses libtessera as anybody would, built against
 * what is installed.  It does what its standard input says, one thing a line,
 * and answers each with one line: "ok ...", or "error CODE NAME RETRY TRIES".
 *
 *	program SOCKET JWKS ISSUER AUDIENCE OWNER PIN
 *
 *	token any|session|fresh AUDIENCE MS	the token
 *	poll any|session|fresh AUDIENCE MS	the same, by poll in this program
 *	login MS				the session's subject and acr
 *	list MS					how many, then each one's label
 *	logout MS				how many ended
 *	listen watch|self|all MS		begins listening
 *	event MS				the next event's name and prompt
 *	answer ID PIN MS | cancel ID MS		a prompt
 *	pin PIN|-|later				what the prompter says from now on
 *	verify TOKEN				its sub, aud, scope
 *
 * SPDX-License-Identifier: ISC
 */
#include <tessera.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS	5

static struct tsr_client *client;
static struct tsr_verifier *verifier;
static struct tsr_events *events;
static char pin[TSR_PIN_MAX + 1], prompt[80];
static int asked, ended;

static int
ask(void *arg, const struct tsr_event *event, char *out, size_t size)
{
	int64_t few;
	char id[80];

	(void)arg;
	if (strcmp(tsr_event_name(event), "prompt-ended") == 0)
		ended++;
	if (strcmp(tsr_event_name(event), "pin-needed") != 0)
		return TSR_OK;
	asked++;
	if (strcmp(pin, "-") == 0)
		return TSR_CANCELLED;
	if (strcmp(pin, "later") == 0)
		return tsr_event_text(event, "prompt", prompt, sizeof(prompt)) == TSR_OK ?
		    TSR_AGAIN : TSR_INVALID;
	/* "!PIN" gives it without a word about the few tries that are left */
	if (pin[0] != '!' && tsr_event_number(event, "confirm", &few) == TSR_OK)
		return tsr_event_text(event, "prompt", id, sizeof(id)) == TSR_OK &&
		    tsr_prompt_confirm(client, id, pin, (unsigned)few) == TSR_OK ? TSR_AGAIN : TSR_INVALID;
	(void)snprintf(out, size, "%s", pin + (pin[0] == '!'));
	return TSR_OK;
}

static int
failed(int code)
{
	printf("error %d %s %d %d\n", code, tsr_error_name(client)[0] != '\0' ?
	    tsr_error_name(client) : "-", tsr_error_retry_after(client),
	    tsr_error_tries_left(client));
	return code;
}

static struct tsr_request *
request(char **w)
{
	struct tsr_request *rq = NULL;

	if (tsr_request_new(&rq) != TSR_OK ||
	    tsr_request_set(rq, TSR_AUDIENCE, w[2]) != TSR_OK ||
	    tsr_request_proof(rq, strcmp(w[1], "fresh") == 0 ? TSR_PROOF_FRESH :
	    strcmp(w[1], "session") == 0 ? TSR_PROOF_SESSION : TSR_PROOF_ANY) != TSR_OK)
		exit(2);
	return rq;
}

/* The loop of a program that has one of its own. */
static int
poll_token(struct tsr_request *rq, int ms, struct tsr_token **out)
{
	struct pollfd p;
	struct timespec now;
	long until;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &now);
	until = (long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
	if ((r = tsr_client_start(client, TSR_TOKEN_GET, rq)) != TSR_OK)
		return r;
	if (tsr_client_start(client, TSR_SESSION_LIST, NULL) != TSR_CONFLICT)
		exit(2);
	while ((r = tsr_client_step(client)) == TSR_AGAIN) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((long)now.tv_sec * 1000 + now.tv_nsec / 1000000 >= until) {
			tsr_client_cancel(client);
			return tsr_error_code(client);
		}
		p.fd = tsr_client_fd(client);
		p.events = tsr_client_events(client);
		poll(&p, 1, 50);
		if (prompt[0] != '\0') {	/* the person has typed it by now */
			if (tsr_prompt_answer(client, prompt, "654321") != TSR_OK)
				exit(2);
			prompt[0] = '\0';
		}
	}
	return r == TSR_OK ? tsr_client_token(client, out) : r;
}

static int
do_token(char **w)
{
	struct tsr_request *rq = request(w);
	struct tsr_token *t = NULL;
	int r;

	asked = ended = 0;
	r = strcmp(w[0], "poll") == 0 ? poll_token(rq, atoi(w[3]), &t) :
	    tsr_token_get(client, rq, atoi(w[3]), &t);
	tsr_request_free(&rq);
	if (r != TSR_OK)
		return failed(r);
	printf("ok %s %d %d %s\n", tsr_token_text(t), tsr_token_expires_in(t), asked,
	    tsr_token_scope(t));
	tsr_token_free(&t);
	return TSR_OK;
}

static int
do_session(char **w)
{
	struct tsr_sessions *s = NULL;
	char text[128], acr[32];
	unsigned n = 0;
	size_t i;
	int r;

	if (strcmp(w[0], "logout") == 0) {
		if ((r = tsr_session_logout(client, atoi(w[1]), &n)) != TSR_OK)
			return failed(r);
		printf("ok %u\n", n);
		return TSR_OK;
	}
	r = strcmp(w[0], "login") == 0 ? tsr_session_login(client, NULL, atoi(w[1]), &s) :
	    tsr_session_list(client, atoi(w[1]), &s);
	if (r != TSR_OK)
		return failed(r);
	printf("ok %zu", tsr_session_count(s));
	for (i = 0; i < tsr_session_count(s); i++) {
		int64_t expires = 0;

		if (tsr_session_text(s, i, "subject", text, sizeof(text)) != TSR_OK ||
		    tsr_session_text(s, i, "acr", acr, sizeof(acr)) != TSR_OK ||
		    tsr_session_number(s, i, "expires", &expires) != TSR_OK || expires < 1 ||
		    tsr_session_flag(s, i, "locked") != 0 ||
		    tsr_session_text(s, i, "nothing", text + 64, 64) != TSR_NOT_FOUND)
			exit(2);
		printf(" %s %s", text, acr);
	}
	putchar('\n');
	tsr_sessions_free(&s);
	return TSR_OK;
}

static int
do_events(char **w)
{
	struct tsr_event *e = NULL;
	char id[80] = "-", label[80] = "-";
	int r;

	if (strcmp(w[0], "listen") == 0) {
		tsr_events_close(&events);
		r = tsr_events_open(client, strcmp(w[1], "all") == 0 ? TSR_LISTEN_ALL :
		    strcmp(w[1], "self") == 0 ? TSR_LISTEN_SELF : TSR_LISTEN_WATCH, atoi(w[2]), &events);
		if (r != TSR_OK)
			return failed(r);
		puts("ok");
		return TSR_OK;
	}
	if ((r = tsr_events_next(events, atoi(w[1]), &e)) != TSR_OK) {
		printf("error %d - -1 -1\n", r);
		return r;
	}
	(void)tsr_event_text(e, "prompt", id, sizeof(id));
	(void)tsr_event_text(e, "device.label", label, sizeof(label));
	printf("ok %s %s %s\n", tsr_event_name(e), id, label);
	tsr_event_free(&e);
	return TSR_OK;
}

static int
do_prompt(char **w)
{
	int answer = strcmp(w[0], "answer") == 0, r;

	r = answer ? tsr_prompt_answer(client, w[1], w[2]) : tsr_prompt_cancel(client, w[1]);
	if (r == TSR_OK)
		r = tsr_client_wait(client, atoi(w[answer ? 3 : 2]));
	if (r != TSR_OK)
		return failed(r);
	puts("ok");
	return TSR_OK;
}

static int
do_verify(char **w)
{
	struct tsr_claims *c = NULL;
	int r;

	if ((r = tsr_verify(verifier, w[1], &c)) != TSR_OK) {
		printf("error %d %s\n", r, tsr_strerror(r));
		return r;
	}
	printf("ok %s %s %s\n", tsr_claims_text(c, TSR_CLAIM_SUB), tsr_claims_text(c, TSR_CLAIM_AUD),
	    tsr_claims_text(c, TSR_CLAIM_SCOPE));
	tsr_claims_free(&c);
	return TSR_OK;
}

static const struct {
	const char *name;
	int (*run)(char **);
} verbs[] = {
	{ "token", do_token }, { "poll", do_token }, { "login", do_session }, { "list", do_session },
	{ "logout", do_session }, { "listen", do_events }, { "event", do_events },
	{ "answer", do_prompt }, { "cancel", do_prompt }, { "verify", do_verify },
};

int
main(int argc, char **argv)
{
	static char line[16384], none[] = "";
	char *w[WORDS];
	size_t i;

	if (argc != 7 || tsr_client_new(argv[1][0] == '-' ? NULL : argv[1],
	    argv[1][0] == '+' ? TSR_SYSTEM_ONLY : 0, &client) != TSR_OK)
		return 2;
	if (tsr_verifier_new(argv[2], argv[3], argv[4], &verifier) != TSR_OK ||
	    tsr_verifier_set(verifier, TSR_OPT_OWNER, atoi(argv[5])) != TSR_OK)
		return 2;
	(void)snprintf(pin, sizeof(pin), "%s", argv[6]);
	tsr_client_prompter(client, ask, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		for (i = 0; i < WORDS; i++)
			if ((w[i] = strtok(i == 0 ? line : NULL, " ")) == NULL)
				w[i] = none;
		if (strcmp(w[0], "pin") == 0) {
			(void)snprintf(pin, sizeof(pin), "%s", w[1]);
			puts("ok");
			continue;
		}
		for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
			if (strcmp(w[0], verbs[i].name) == 0)
				(void)verbs[i].run(w);
	}
	tsr_events_close(&events);
	tsr_client_free(&client);
	tsr_verifier_free(&verifier);
	return 0;
}

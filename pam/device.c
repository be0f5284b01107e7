/*
 * device.c - a proof by a card or a key: the PIN by the conversation, the touch by
 * a line.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "client/lib/http_client.h"
#include "pam/place.h"
#include "pam/talk.h"

#define DEVICE_PROMPTS_MAX	8	/* questions in one attempt; the agent stops before */
#define DEVICE_ID_MAX		65	/* bytes of a prompt's id, with NUL */
#define DEVICE_TOUCH_MAX_S	120	/* seconds a touch may be waited for */
#define DEVICE_LOOK_MS		2000	/* between two looks for a card that is to be plugged in */

/* --- the file that is open while somebody is waited for --- */

static void
device_pending_end(struct attempt *at)
{
	if (at->pending != -1)
		(void)close(at->pending);
	at->pending = -1;
}

static void
device_pending(struct attempt *at)
{
	if (at->options.authpending == NULL || at->pending != -1 ||
	    place_check(at->options.authpending) != TSR_OK)
		return;
	at->pending = open(at->options.authpending, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NOCTTY | O_NONBLOCK, 0644);
	if (at->pending == -1)
		attempt_debug(at, "authpending_file= cannot be opened");
}

/* --- the PIN --- */

static int
device_number(const struct tsr_event *e, const char *name)
{
	int64_t n;

	return tsr_event_number(e, name, &n) == TSR_OK && n >= 0 && n <= 1000 ? (int)n : -1;
}

/* "PIN of "blue card" (2 tries left)" */
static void
device_describe(const struct tsr_event *e, char out[TALK_LINE_MAX])
{
	char label[ATTEMPT_NAME_MAX], shown[ATTEMPT_NAME_MAX], tries[40] = "";
	int left = device_number(e, "tries_left");

	if (tsr_event_text(e, "device.label", label, sizeof(label)) != TSR_OK)
		label[0] = '\0';
	if (left >= 0)
		(void)snprintf(tries, sizeof(tries), " (%d %s left)", left, left == 1 ? "try" : "tries");
	(void)snprintf(out, TALK_LINE_MAX, "PIN of %s%s%s%s", label[0] != '\0' ? "\"" : "the token",
	    talk_name(label, shown), label[0] != '\0' ? "\"" : "", tries);
}

/* Few tries: the person says that he has seen how many. */
static int
device_confirm(struct attempt *at, int few)
{
	char *answer = NULL, want[16];
	int same;

	talk_info(at, few == 1 ? "This spends the last try: after it the token locks itself." :
	    "This spends one of the last %d tries before the token locks itself.", few);
	if (talk_ask(at, 1, &answer, "%s: number of tries left (%d), to go on: ", at->shown, few) !=
	    PAM_SUCCESS)
		return TSR_CANCELLED;
	(void)snprintf(want, sizeof(want), "%d", few);
	same = strcmp(answer, want) == 0;
	talk_wipe(&answer);
	if (same)
		return TSR_OK;
	talk_error(at, "That is not the number: no try was spent.");
	at->talk = PAM_AUTH_ERR;
	return TSR_CANCELLED;
}

/* What was typed, if it can be a PIN.  An empty line is no. */
static int
device_read(struct attempt *at, const char *what, char *pin, size_t size)
{
	char *answer = NULL;
	size_t n;
	int r = TSR_CANCELLED;

	if (talk_ask(at, 0, &answer, "%s: %s: ", at->shown, what) != PAM_SUCCESS)
		return TSR_CANCELLED;
	n = strlen(answer);
	if (n > 0 && n <= TSR_PIN_MAX && n < size && escape_is_text(answer, n)) {
		memcpy(pin, answer, n + 1);
		r = TSR_OK;
	} else {
		if (n > 0)
			talk_error(at, "No PIN has such characters or is that long.");
		at->talk = PAM_AUTH_ERR;
	}
	talk_wipe(&answer);
	return r;
}

static int
device_pad(struct attempt *at, int few)
{
	if (few > 0) {		/* nothing could be typed here to confirm it with the PIN */
		talk_error(at, "Few tries are left: unlock the token with \"tessera device pin\".");
		at->talk = PAM_AUTH_ERR;
		return TSR_CANCELLED;
	}
	talk_info(at, "%s: enter the PIN at the reader.", at->shown);
	return TSR_AGAIN;
}

static int
device_pin(struct attempt *at, const struct tsr_event *e, char *pin, size_t size)
{
	char what[TALK_LINE_MAX], id[DEVICE_ID_MAX];
	int few = device_number(e, "confirm"), r;

	if (++at->prompts > DEVICE_PROMPTS_MAX) {
		at->talk = PAM_MAXTRIES;
		return TSR_CANCELLED;
	}
	if (tsr_event_flag(e, "retry") == 1)
		talk_error(at, "Wrong PIN.");
	if (tsr_event_flag(e, "pin_pad") == 1)
		return device_pad(at, few);
	if (few > 0 && device_confirm(at, few) != TSR_OK)
		return TSR_CANCELLED;
	device_describe(e, what);
	r = device_read(at, what, pin, size);
	attempt_extend(at, at->options.timeout_s);	/* a person's time is not the agent's */
	if (r != TSR_OK || few <= 0)
		return r;
	r = tsr_event_text(e, "prompt", id, sizeof(id));
	if (r == TSR_OK)
		r = tsr_prompt_confirm(at->client, id, pin, (unsigned)few);
	explicit_bzero(pin, size);
	return r == TSR_OK ? TSR_AGAIN : TSR_CANCELLED;
}

/* --- the touch --- */

static void
device_touch(struct attempt *at, const struct tsr_event *e)
{
	const char *own = at->options.cue_prompt;
	char *answer = NULL, shown[TALK_LINE_MAX / 2];
	int left = device_number(e, "seconds_left");

	device_pending(at);
	if (left > DEVICE_TOUCH_MAX_S)
		left = DEVICE_TOUCH_MAX_S;
	if (at->options.cue) {
		(void)snprintf(shown, sizeof(shown), "%s%s", own != NULL ? "" : at->shown,
		    own != NULL ? own : ": touch the key that blinks");
		if (!at->options.interactive)
			talk_info(at, "%s", shown);
		else if (talk_ask(at, 1, &answer, "%s, then press Enter: ", shown) == PAM_SUCCESS)
			talk_wipe(&answer);
	}
	attempt_extend(at, at->options.timeout_s + (left > 0 ? left : 0));
}

static int
device_event(void *arg, const struct tsr_event *e, char *pin, size_t size)
{
	struct attempt *at = arg;
	const char *name = tsr_event_name(e);
	char shown[ATTEMPT_NAME_MAX];
	int64_t pid = 0;
	int r;

	if (strcmp(name, "touch-done") == 0 || strcmp(name, "prompt-ended") == 0)
		device_pending_end(at);
	if (at->talk != PAM_SUCCESS || tsr_event_number(e, "requester.pid", &pid) != TSR_OK ||
	    pid != getpid())
		return TSR_CANCELLED;
	attempt_debug(at, "the agent: %s", talk_name(name, shown));
	if (strcmp(name, "pin-needed") == 0) {
		device_pending(at);
		r = device_pin(at, e, pin, size);
		device_pending_end(at);
		return r;
	}
	if (strcmp(name, "touch-needed") == 0)
		device_touch(at, e);
	return TSR_OK;
}

/* --- the whole --- */

/* It is out, or was when the helper looked. */
static int
device_is_out(const struct attempt *at, int r)
{
	const char *name = tsr_error_name(at->client);

	return r != PAM_SUCCESS && at->talk == PAM_SUCCESS &&
	    (strcmp(name, "device_not_found") == 0 || strcmp(name, "device_removed") == 0);
}

/* Where the card is out: the person is asked for it once, and then it is looked for.
 * 1: look again. */
static int
device_awaited(struct attempt *at, uint64_t *until)
{
	char *answer = NULL;

	if (!at->options.interactive)
		return 0;
	if (*until == 0) {
		if (talk_ask(at, 1, &answer, "%s: plug in your card or key and press Enter: ", at->shown) !=
		    PAM_SUCCESS)
			return 0;
		talk_wipe(&answer);
		*until = http_client_now() + (uint64_t)at->options.timeout_s * 1000;
		return 1;
	}
	if (http_client_now() >= *until)
		return 0;
	(void)poll(NULL, 0, DEVICE_LOOK_MS);
	return 1;
}

/* What the person is told; the log has more. */
static void
device_explain(struct attempt *at)
{
	const char *name = tsr_error_name(at->client);
	int left = tsr_error_tries_left(at->client), wait = tsr_error_retry_after(at->client);

	if (strcmp(name, "device_not_found") == 0)
		talk_error(at, "No card or key of yours is plugged in.");
	else if (strcmp(name, "unauthorized_client") == 0)
		talk_error(at, "A card or key of this machine does not prove this login.");
	else if (strcmp(name, "pin_locked") == 0)
		talk_error(at, "The PIN is locked: \"tessera device pin unblock\" sets a new one.");
	else if (strcmp(name, "pin_required") == 0 && left >= 0)
		talk_error(at, "Wrong PIN, %d %s left.", left, left == 1 ? "try is" : "tries are");
	else if (strcmp(name, "device_removed") == 0)
		talk_error(at, "The card or key was taken out.");
	else if (strcmp(name, "device_busy") == 0)
		talk_error(at, "Another program holds the card or key.");
	else if (strcmp(name, "touch_timeout") == 0)
		talk_error(at, "Nobody touched the key in time.");
	else if (strcmp(name, "slow_down") == 0 && wait >= 0)
		talk_error(at, "Too many tries: again in %d s.", wait);
}

int
device_authenticate(struct attempt *at)
{
	struct tsr_request *rq = NULL;
	uint64_t until = 0;
	int r;

	if ((r = attempt_request(at, &rq)) != PAM_SUCCESS)
		return r;
	tsr_client_prompter(at->client, device_event, at);
	do {
		r = attempt_token(at, rq);
		device_pending_end(at);
		if (!device_is_out(at, r))
			break;
		if (until == 0 && strcmp(tsr_error_name(at->client), "device_not_found") == 0 &&
		    (r = attempt_unknown(at, r, r)) != PAM_AUTH_ERR)
			break;
	} while (device_awaited(at, &until));
	tsr_client_prompter(at->client, NULL, NULL);
	tsr_request_free(&rq);
	if (at->talk != PAM_SUCCESS)
		return at->talk;
	if (r != PAM_SUCCESS && r != PAM_IGNORE && r != PAM_USER_UNKNOWN)
		device_explain(at);
	return r;
}

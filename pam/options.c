/*
 * options.c - see options.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pam/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "tessera.h"

#define OPTIONS_AUDIENCE	"login"		/* unless said otherwise */

/* What was said besides the values. */
struct said {
	struct options *o;
	int mode, methods, pass;
};

static int
options_path(const char *value, const char **out)
{
	if (value[0] != '/')
		return TSR_INVALID;
	*out = value;
	return TSR_OK;
}

static int
options_socket(struct said *s, const char *value)
{
	return options_path(value, &s->o->socket);
}

static int
options_authpending(struct said *s, const char *value)
{
	return options_path(value, &s->o->authpending);
}

static int
options_audience(struct said *s, const char *value)
{
	s->o->audience = value;
	return TSR_OK;
}

static int
options_cue_prompt(struct said *s, const char *value)
{
	s->o->cue = 1;
	s->o->cue_prompt = value;
	return TSR_OK;
}

static int
options_timeout(struct said *s, const char *value)
{
	int n = 0;

	if (strlen(value) > 3 || value[strspn(value, "0123456789")] != '\0')
		return TSR_INVALID;
	for (; *value != '\0'; value++)
		n = n * 10 + (*value - '0');
	if (n < 1 || n > OPTIONS_TIMEOUT_MAX_S)
		return TSR_INVALID;
	s->o->timeout_s = n;
	return TSR_OK;
}

static int
options_mode(struct said *s, const char *value)
{
	static const char *const names[] = { "device", "otp", "token" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			s->o->method[0] = (enum options_method)(METHOD_DEVICE + (int)i);
			s->o->n_methods = 1;
			s->mode++;
			return TSR_OK;
		}
	return TSR_INVALID;
}

static int
options_methods(struct said *s, const char *value)
{
	static const char *const rows[] = { "device", "otp", "device,otp", "otp,device" };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(value, rows[i]) == 0)
			break;
	if (i == sizeof(rows) / sizeof(rows[0]))
		return TSR_INVALID;
	s->o->method[0] = i % 2 == 0 ? METHOD_DEVICE : METHOD_OTP;
	s->o->method[1] = i % 2 == 0 ? METHOD_OTP : METHOD_DEVICE;
	s->o->n_methods = i < 2 ? 1 : 2;
	s->methods++;
	return TSR_OK;
}

static int
options_flag(const char *word, struct said *s)
{
	struct options *o = s->o;

	if (strcmp(word, "cue") == 0)
		o->cue = 1;
	else if (strcmp(word, "interactive") == 0)
		o->interactive = 1;
	else if (strcmp(word, "nouserok") == 0)
		o->nouserok = 1;
	else if (strcmp(word, "debug") == 0)
		o->debug = 1;
	else if (strcmp(word, "try_first_pass") == 0 || strcmp(word, "use_first_pass") == 0) {
		o->pass = word[0] == 't' ? PASS_TRY : PASS_USE;
		s->pass++;
	} else
		return TSR_INVALID;
	return TSR_OK;
}

static const struct {
	const char *name;
	int (*read)(struct said *s, const char *value);
} named[] = {
	{ "socket=", options_socket },
	{ "timeout=", options_timeout },
	{ "cue_prompt=", options_cue_prompt },
	{ "mode=", options_mode },
	{ "methods=", options_methods },
	{ "audience=", options_audience },
	{ "authpending_file=", options_authpending },
};

static int
options_word(const char *word, struct said *s)
{
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strncmp(word, named[i].name, strlen(named[i].name)) != 0)
			continue;
		value = word + strlen(named[i].name);
		if (*value == '\0' || strlen(value) > OPTIONS_VALUE_MAX)
			return TSR_INVALID;
		return named[i].read(s, value);
	}
	return options_flag(word, s);
}

/* What does not go together; NULL where all does. */
static const char *
options_conflict(const struct said *s)
{
	const struct options *o = s->o;
	int token = o->method[0] == METHOD_TOKEN;
	size_t i;

	if (s->mode > 1 || s->methods > 1 || (s->mode > 0 && s->methods > 0))
		return "one of mode= and methods=, once";
	if (s->pass > 1)
		return "one of try_first_pass and use_first_pass, once";
	for (i = 0; i < o->n_methods; i++)	/* a password that is no PIN spends a try of the card */
		if (o->pass != PASS_ANY && o->method[i] == METHOD_DEVICE)
			return "a password typed for another module is never tried as a PIN: "
			    "try_first_pass and use_first_pass go with mode=otp and mode=token";
	if (token && o->nouserok)
		return "nouserok does not go with mode=token: a token is nobody's enrolment";
	if (token && o->audience == NULL)
		return "mode=token needs audience=";
	return NULL;
}

int
options_parse(int argc, const char **argv, struct options *o, char complaint[OPTIONS_COMPLAINT_MAX])
{
	char word[OPTIONS_COMPLAINT_MAX / 2];
	struct said s = { .o = o };
	const char *why;
	int i;

	memset(o, 0, sizeof(*o));
	o->method[0] = METHOD_DEVICE;
	o->n_methods = 1;
	o->timeout_s = OPTIONS_TIMEOUT_S;
	for (i = 0; i < argc; i++)
		if (options_word(argv[i], &s) != TSR_OK) {
			(void)snprintf(complaint, OPTIONS_COMPLAINT_MAX, "the option \"%s\" is not known, "
			    "or its value is not one: see pam_tessera(8)",
			    escape_text(word, sizeof(word), argv[i], strlen(argv[i])));
			return TSR_INVALID;
		}
	if ((why = options_conflict(&s)) != NULL) {
		(void)snprintf(complaint, OPTIONS_COMPLAINT_MAX, "%s", why);
		return TSR_INVALID;
	}
	if (o->audience == NULL)
		o->audience = OPTIONS_AUDIENCE;
	return TSR_OK;
}

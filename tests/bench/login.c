/*
 * login.c - see login.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "login.h"

#include <pwd.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter.h"

static int
login_talk(int n, const struct pam_message **asked, struct pam_response **out, void *pin)
{
	struct pam_response *said;
	int i;

	if (n <= 0 || (said = calloc((size_t)n, sizeof(*said))) == NULL)
		return PAM_CONV_ERR;
	for (i = 0; i < n; i++)
		if (asked[i]->msg_style == PAM_PROMPT_ECHO_OFF &&
		    (said[i].resp = strdup(pin)) == NULL)
			meter_die("no memory");
	*out = said;
	return PAM_SUCCESS;
}

void
login_once(const char *folder, const char *pin)
{
	static char typed[64], user[64];
	struct pam_conv conv = { login_talk, typed };
	const struct passwd *pw;
	pam_handle_t *pamh = NULL;
	int r;

	if (user[0] == '\0') {
		if ((pw = getpwuid(getuid())) == NULL || strlen(pw->pw_name) >= sizeof(user) ||
		    strlen(pin) >= sizeof(typed))
			meter_die("nobody could log in so");
		memcpy(user, pw->pw_name, strlen(pw->pw_name) + 1);
		memcpy(typed, pin, strlen(pin) + 1);
	}
	if ((r = pam_start_confdir("bench", user, &conv, folder, &pamh)) != PAM_SUCCESS ||
	    (r = pam_authenticate(pamh, 0)) != PAM_SUCCESS)
		meter_die("%s: %s", folder, pamh != NULL ? pam_strerror(pamh, r) : "no service");
	(void)pam_end(pamh, r);
}

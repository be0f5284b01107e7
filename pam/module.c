/*
 * module.c - pam_tessera.so: what PAM calls.
 *
 * The module runs in the processes of others, as whoever they are.  It exports
 * nothing but the three calls below, keeps nothing between them, makes no threads
 * or processes, touches no signals and follows no environment.
 *
 * pam_sm_authenticate says PAM_SUCCESS in one place, after a token of the agent for
 * this very user.  PAM_IGNORE it says with "nouserok" alone, where the agent told
 * that the user never had a credential.
 *
 * pam_sm_acct_mgmt is PAM_IGNORE: the module knows nothing of accounts, and an
 * account stack of it alone lets nobody in (libpam turns "all ignored" into
 * PAM_PERM_DENIED), which PAM_SUCCESS would.  pam_sm_setcred is PAM_SUCCESS: there
 * is nothing to set, an application calls it after pam_authenticate succeeded, and
 * libpam lets it fail where the frozen stack is left without a yes.
 *
 * SPDX-License-Identifier: ISC
 */
#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#include "pam/attempt.h"

static int
module_method(struct attempt *at, enum options_method method)
{
	switch (method) {
	case METHOD_DEVICE:
		return device_authenticate(at);
	case METHOD_OTP:
		return otp_authenticate(at);
	case METHOD_TOKEN:
		return bearer_authenticate(at);
	}
	return PAM_SERVICE_ERR;
}

/* May the next method be tried?  Not where the person said no or was wrong about
 * his PIN, nor where the agent is not there. */
static int
module_goes_on(const struct attempt *at, enum options_method method, int r)
{
	static const char *const other[] = { "device_not_found", "device_removed",
	    "unauthorized_client", "step_up_required", "pin_locked", "device_busy" };
	const char *name = tsr_error_name(at->client);
	size_t i;

	if (at->talk != PAM_SUCCESS || (r != PAM_AUTH_ERR && r != PAM_MAXTRIES))
		return 0;
	if (method == METHOD_OTP)
		return 1;
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (strcmp(name, other[i]) == 0)
			return 1;
	return 0;
}

static int
module_authenticate(struct attempt *at)
{
	int r = PAM_AUTH_ERR;
	size_t i;

	for (i = 0; i < at->options.n_methods; i++) {
		r = module_method(at, at->options.method[i]);
		attempt_debug(at, "method %d: %s", (int)at->options.method[i],
		    pam_strerror(at->pamh, r));
		if (!module_goes_on(at, at->options.method[i], r))
			break;
	}
	return r;
}

__attribute__((visibility("default"))) int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	char complaint[OPTIONS_COMPLAINT_MAX];
	struct attempt at;
	struct options o;
	int r;

	if (options_parse(argc, argv, &o, complaint) != TSR_OK) {
		pam_syslog(pamh, LOG_ERR, "%s", complaint);
		return PAM_SERVICE_ERR;
	}
	if ((r = attempt_begin(&at, pamh, flags, &o)) == PAM_SUCCESS)
		r = module_authenticate(&at);
	attempt_end(&at);
	return r;
}

__attribute__((visibility("default"))) int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

__attribute__((visibility("default"))) int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}

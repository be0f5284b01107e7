/*
 * pam_login.c - an application of PAM, for tests: what libpam makes of a service's
 * file, with a conversation whose answers are given beforehand.
 *
 *	pam_login FOLDER SERVICE USER [tty=T] [rhost=H] [silent] CALL...
 *
 * CALL is auth, cred or acct.  Each line of standard input is the answer to one
 * question; where they end, the conversation fails.  Said on standard output, a
 * line each: "off TEXT", "on TEXT", "info TEXT", "error TEXT", "CALL NUMBER", and
 * "log TEXT" for what goes to the system's log.
 *
 * SPDX-License-Identifier: ISC
 */
#include <security/pam_appl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX	16384

/* In place of libc's: libpam finds these first. */
void __vsyslog_chk(int priority, int flag, const char *fmt, va_list ap);
void __syslog_chk(int priority, int flag, const char *fmt, ...);

static void __attribute__((format(printf, 1, 0)))
login_log(const char *fmt, va_list ap)
{
	(void)printf("log ");
	(void)vprintf(fmt, ap);
	(void)printf("\n");
	(void)fflush(stdout);
}

void __attribute__((visibility("default"), format(printf, 3, 0)))
__vsyslog_chk(int priority, int flag, const char *fmt, va_list ap)
{
	(void)priority;
	(void)flag;
	login_log(fmt, ap);
}

void __attribute__((visibility("default"), format(printf, 3, 4)))
__syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)priority;
	(void)flag;
	va_start(ap, fmt);
	login_log(fmt, ap);
	va_end(ap);
}

static int
login_answer(struct pam_response *out)
{
	static char line[ANSWER_MAX];
	size_t n;

	if (fgets(line, sizeof(line), stdin) == NULL)
		return PAM_CONV_ERR;
	n = strlen(line);
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	return (out->resp = strdup(line)) == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

static int
login_talk(int n, const struct pam_message **msg, struct pam_response **out, void *arg)
{
	static const char *const styles[] = { "?", "off", "on", "error", "info" };
	struct pam_response *r;
	int i, code = PAM_SUCCESS;

	(void)arg;
	if (n < 1 || (r = calloc((size_t)n, sizeof(*r))) == NULL)
		return PAM_BUF_ERR;
	for (i = 0; i < n && code == PAM_SUCCESS; i++) {
		(void)printf("%s %s\n", styles[msg[i]->msg_style <= 4 ? msg[i]->msg_style : 0], msg[i]->msg);
		(void)fflush(stdout);
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF || msg[i]->msg_style == PAM_PROMPT_ECHO_ON)
			code = login_answer(&r[i]);
	}
	if (code == PAM_SUCCESS) {
		*out = r;
		return code;
	}
	for (i = 0; i < n; i++)
		free(r[i].resp);
	free(r);
	return code;
}

static int
login_word(pam_handle_t *pamh, const char *word, int *flags)
{
	int r = 0;

	if (strncmp(word, "tty=", 4) == 0)
		return pam_set_item(pamh, PAM_TTY, word + 4);
	if (strncmp(word, "rhost=", 6) == 0)
		return pam_set_item(pamh, PAM_RHOST, word + 6);
	if (strcmp(word, "silent") == 0) {
		*flags = (int)((unsigned)*flags | PAM_SILENT);
		return PAM_SUCCESS;
	}
	if (strcmp(word, "auth") == 0)
		r = pam_authenticate(pamh, *flags);
	else if (strcmp(word, "cred") == 0)
		r = pam_setcred(pamh, (int)(PAM_ESTABLISH_CRED | (unsigned)*flags));
	else if (strcmp(word, "acct") == 0)
		r = pam_acct_mgmt(pamh, *flags);
	else
		return PAM_SYSTEM_ERR;
	(void)printf("%s %d\n", word, r);
	(void)fflush(stdout);
	return PAM_SUCCESS;
}

int
main(int argc, char **argv)
{
	const struct pam_conv conv = { login_talk, NULL };
	pam_handle_t *pamh = NULL;
	int i, flags = 0, r;

	if (argc < 5)
		return 2;
	if (pam_start_confdir(argv[2], argv[3], &conv, argv[1], &pamh) != PAM_SUCCESS)
		return 3;
	for (i = 4, r = PAM_SUCCESS; i < argc && r == PAM_SUCCESS; i++)
		r = login_word(pamh, argv[i], &flags);
	(void)pam_end(pamh, r);
	return r == PAM_SUCCESS ? 0 : 4;
}

/*
 * doctor_pcscd.c - pcscd: installed, reached, and its word from polkit.
 *
 * The command line speaks no PC/SC: whether pcscd does its work is seen by what
 * the agent's modules say (doctor_card.c); here it is looked at from outside.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PCSCD_RULES_MAX		65536	/* bytes of a rules file that are read */
#define PCSCD_FILES_MAX		1024	/* files of a folder that are looked at */

static const char polkit_action[] = "org.debian.pcsc-lite.access_pcsc";

void
doctor_pcscd(struct doctor *d)
{
	const struct passwd *pw = getpwnam(doctor_device_user(d));
	struct ucred who;
	struct stat st;
	int error = 0;

	if (d->pcscd[0] == '\0') {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "no module that is configured reaches smart card readers");
		return;
	}
	if (stat(d->pcscd, &st) == -1 && access("/usr/sbin/pcscd", F_OK) == -1 && errno == ENOENT)
		doctor_say(d, DOCTOR_FAILURE, doctor_install(d, "pcscd libccid", "pcsc-lite pcsc-lite-ccid",
		    "pcsclite ccid"), "pcscd is not installed");
	else if (stat(d->pcscd, &st) == -1)
		doctor_say(d, DOCTOR_FAILURE, "systemctl enable --now pcscd.socket",
		    "pcscd does not run: %s: %s", d->pcscd, strerror(errno));
	else if (!S_ISSOCK(st.st_mode) || (error = doctor_connect(d->pcscd, &who)) == ECONNREFUSED)
		doctor_say(d, DOCTOR_FAILURE, "systemctl enable pcscd.socket && systemctl restart pcscd.socket",
		    "pcscd has died: nobody listens on %s", d->pcscd);
	else if (pw != NULL && !doctor_may(&st, pw, S_IWOTH))
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "chmod 0666 %s", d->pcscd),
		    "user %s may not connect to %s", pw->pw_name, d->pcscd);
	else if (error != 0)
		doctor_say(d, DOCTOR_FAILURE, "systemctl restart pcscd.socket pcscd.service",
		    "pcscd does not answer on %s: %s", d->pcscd, strerror(error));
	else
		doctor_say(d, DOCTOR_OK, NULL, "pcscd answers on %s", d->pcscd);
}

/* --- polkit --- */

static int
polkit_file(const char *path, const char *user)
{
	static char text[PCSCD_RULES_MAX];
	char quoted[64];

	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", user);
	return doctor_read(path, text, sizeof(text)) > 0 && strstr(text, polkit_action) != NULL &&
	    strstr(text, quoted) != NULL;
}

/* Whether a rule in the folder names the action and the user: 1, 0, or -1 where
 * it may not be read.  file is the one that does. */
static int
polkit_folder(const char *folder, const char *user, char file[PATH_MAX])
{
	const struct dirent *e;
	int found = 0, n = 0;
	DIR *dir;

	if ((dir = opendir(folder)) == NULL)
		return errno == EACCES ? -1 : 0;
	while (!found && n++ < PCSCD_FILES_MAX && (e = readdir(dir)) != NULL) {
		const char *dot = strrchr(e->d_name, '.');

		if (dot == NULL || strcmp(dot, ".rules") != 0)
			continue;
		(void)snprintf(file, PATH_MAX, "%s/%s", folder, e->d_name);
		found = polkit_file(file, user);
	}
	(void)closedir(dir);
	return found;
}

static void
polkit_rule(struct doctor *d, const char *user)
{
	static const char *const folders[] = { "/etc/polkit-1/rules.d", "/run/polkit-1/rules.d",
		"/usr/local/share/polkit-1/rules.d", "/usr/share/polkit-1/rules.d" };
	char file[PATH_MAX];
	int unseen = 0, r;
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if ((r = polkit_folder(folders[i], user, file)) == 1) {
			doctor_say(d, DOCTOR_OK, NULL, "%s lets %s use pcscd", file, user);
			return;
		}
		unseen |= r == -1;
	}
	if (unseen) {
		doctor_say(d, DOCTOR_WARNING, "sudo tessera doctor",
		    "no rule that lets %s use pcscd was found; root sees more", user);
		return;
	}
	if (strcmp(user, "tessera-dev") == 0)
		doctor_command(d, "install -m 0644 %s/60-tessera.rules /usr/share/polkit-1/rules.d/", TESSERA_DOC);
	else
		doctor_command(d, "sed s/tessera-dev/%s/ %s/60-tessera.rules >/etc/polkit-1/rules.d/60-tessera.rules",
		    user, TESSERA_DOC);
	doctor_say(d, DOCTOR_FAILURE, d->command, "pcscd asks polkit, and no rule lets %s use it", user);
}

void
doctor_polkit(struct doctor *d)
{
	if (d->pcscd[0] == '\0')
		doctor_say(d, DOCTOR_SKIPPED, NULL, "nothing uses pcscd");
	else if (access("/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy", F_OK) != 0)
		doctor_say(d, DOCTOR_OK, NULL, "pcscd does not ask polkit on this machine");
	else if (d->mode == CONFIG_USER)
		doctor_say(d, DOCTOR_SKIPPED, NULL, "pcscd asks polkit, which lets those in who sit at the machine");
	else if (access("/usr/lib/polkit-1/polkitd", F_OK) != 0 && access("/usr/libexec/polkitd", F_OK) != 0 &&
	    access("/usr/libexec/polkit-1/polkitd", F_OK) != 0)
		doctor_say(d, DOCTOR_FAILURE, doctor_install(d, "polkitd", "polkit", "polkit"),
		    "pcscd asks polkit, which is not installed: it refuses everybody");
	else
		polkit_rule(d, doctor_device_user(d));
}

/*
 * doctor_config.c - what rests on nothing else: the configuration, its users,
 * the files of its modules.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config_known.h"
#include "client/collect.h"
#include "tessera.h"

#define DOCTOR_OPENSC	"/usr/bin/opensc-tool"

static void
doctor_config_warning(void *arg, const char *sentence)
{
	struct doctor *d = arg;

	doctor_say(d, DOCTOR_WARNING, doctor_command(d, "editor %s", d->config_file), "%s", sentence);
}

void
doctor_configuration(struct doctor *d)
{
	struct stat st;

	if (d->config == NULL && lstat(d->config_file, &st) == -1 && errno == ENOENT) {
		doctor_say(d, DOCTOR_FAILURE, d->mode == CONFIG_USER ?
		    doctor_command(d, "install -D -m 0644 %s/tessera.conf.example %s", TESSERA_DOC, d->config_file) :
		    doctor_command(d, "install -D -m 0644 %s/tessera.conf.example %s && editor %s", TESSERA_DOC,
		    d->config_file, d->config_file), "there is no configuration %s", d->config_file);
		return;
	}
	if (d->config == NULL) {
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "editor %s && tessera config check %s%s",
		    d->config_file, d->mode == CONFIG_USER ? "--user-mode " : "", d->config_file),
		    "%s", d->config_err[0] != '\0' ? d->config_err : "the configuration cannot be read");
		return;
	}
	doctor_say(d, DOCTOR_OK, NULL, "%s: %zu audience%s, %zu module%s", d->config_file,
	    d->config->n_audiences, d->config->n_audiences == 1 ? "" : "s",
	    d->config->n_modules, d->config->n_modules == 1 ? "" : "s");
	/* those who run the parts are the next check's */
	(void)config_known(d->config, CONFIG_USER, doctor_config_warning, d);
	if (d->config->n_audiences == 0)
		doctor_config_warning(d, "no audience is configured: nobody has a token");
}

static unsigned
doctor_user(struct doctor *d, const char *name, const char *what)
{
	if (getpwnam(name) != NULL)
		return 0;
	doctor_say(d, DOCTOR_FAILURE, "systemd-sysusers", "there is no user \"%s\", who is to run %s", name, what);
	return 1;
}

void
doctor_users(struct doctor *d)
{
	const char *helper = d->config != NULL ? d->config->helper_user : "tessera-dev";
	const char *admins = d->config != NULL ? d->config->admin_group : "tessera-admin";
	unsigned wrong;

	if (d->mode == CONFIG_USER) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "in user mode all of it is yours");
		return;
	}
	wrong = doctor_user(d, DOCTOR_AGENT_USER, "the agent");
	wrong += doctor_user(d, helper, "the helpers");
	if (getgrnam(admins) == NULL) {
		doctor_say(d, DOCTOR_FAILURE, "systemd-sysusers", "there is no group \"%s\", of administrators", admins);
		wrong++;
	}
	if (wrong == 0)
		doctor_say(d, DOCTOR_OK, NULL, "users %s and %s, group %s", DOCTOR_AGENT_USER, helper, admins);
}

/* --- modules --- */

/* NULL, or the first folder of path, or path itself, that the user may not enter
 * or read; is is left what it is. */
static const char *
doctor_unreadable(const char *path, const struct passwd *pw, char part[PATH_MAX], struct stat *st)
{
	const char *p;

	for (p = path; (p = strchr(p + 1, '/')) != NULL;) {
		(void)snprintf(part, PATH_MAX, "%.*s", (int)(p - path), path);
		if (stat(part, st) == 0 && !doctor_may(st, pw, S_IXOTH))
			return part;
	}
	(void)snprintf(part, PATH_MAX, "%s", path);
	return stat(part, st) == 0 && !doctor_may(st, pw, S_ISDIR(st->st_mode) ? S_IROTH | S_IXOTH : S_IROTH) ?
	    part : NULL;
}

static const char *
doctor_module_package(struct doctor *d, const struct config_module *m)
{
	if (strstr(m->path, "opensc") != NULL)
		return doctor_install(d, "opensc-pkcs11 opensc", "opensc", "opensc");
	if (strstr(m->path, "softhsm") != NULL)
		return doctor_install(d, "libsofthsm2", "softhsm", "softhsm");
	return doctor_command(d, "editor %s", d->config_file);
}

static void
doctor_module(struct doctor *d, const struct config_module *m)
{
	const struct passwd *pw;
	char part[PATH_MAX];
	struct stat st;

	if (stat(m->path, &st) == -1) {
		doctor_say(d, DOCTOR_FAILURE, errno == ENOENT ? doctor_module_package(d, m) :
		    doctor_command(d, "ls -ld %s", m->path), "module %s: %s: %s", m->name, m->path, strerror(errno));
		return;
	}
	/* that root alone can change it was a condition of reading the configuration */
	if ((pw = getpwnam(doctor_device_user(d))) != NULL &&
	    doctor_unreadable(m->path, pw, part, &st) != NULL) {
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "chmod %s %s", S_ISDIR(st.st_mode) ? "a+rx" : "a+r",
		    part), "module %s: user %s may not read %s", m->name, pw->pw_name, part);
		return;
	}
	doctor_say(d, DOCTOR_OK, NULL, "module %s: %s", m->name, m->path);
}

/* A path that is not there gives a module no access when it is made later. */
static void
doctor_module_paths(struct doctor *d, const struct config_module *m, const struct strings *paths)
{
	struct stat st;
	size_t i;

	for (i = 0; i < paths->n; i++)
		if (stat(paths->v[i], &st) == -1 && errno == ENOENT)
			doctor_say(d, DOCTOR_WARNING, doctor_command(d, "install -d -o %s -m 0700 %s",
			    doctor_device_user(d), paths->v[i]), "module %s: its path %s is not there", m->name,
			    paths->v[i]);
}

void
doctor_modules(struct doctor *d)
{
	size_t i;

	if (d->config == NULL) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "the configuration, which names them, cannot be read");
		return;
	}
	if (d->config->n_modules == 0)
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "editor %s", d->config_file),
		    "no pkcs11-module is configured: no token can be reached");
	for (i = 0; i < d->config->n_modules; i++) {
		doctor_module(d, &d->config->modules[i]);
		doctor_module_paths(d, &d->config->modules[i], &d->config->modules[i].read_paths);
		doctor_module_paths(d, &d->config->modules[i], &d->config->modules[i].write_paths);
	}
}

/* --- OpenSC's versions --- */

void
doctor_opensc(struct doctor *d)
{
	static char program[] = DOCTOR_OPENSC, option[] = "--info";
	char *const argv[] = { program, option, NULL };
	char version[64] = "";
	struct buf b;
	size_t i, used = 0;
	const char *at;

	for (i = 0; d->config != NULL && i < d->config->n_modules; i++)
		used += strstr(d->config->modules[i].path, "opensc") != NULL;
	if (used == 0) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "no module is OpenSC's");
		return;
	}
	buf_init(&b, 4096);
	if (access(DOCTOR_OPENSC, X_OK) == 0 && collect_output(argv, &b) == TSR_OK &&
	    buf_put_u8(&b, 0) == TSR_OK && (at = strstr((const char *)b.data, "OpenSC")) != NULL)
		(void)sscanf(at + 6, "%*[ -]%63[0-9.]", version);
	buf_free(&b);
	if (version[0] == '\0')
		doctor_say(d, DOCTOR_SKIPPED, NULL, "its version is not known: %s does not tell", DOCTOR_OPENSC);
	else if (strcmp(version, "0.23.0") == 0)
		doctor_say(d, DOCTOR_OK, NULL, "OpenSC %s, which can hang when a card is pulled: handled, each "
		    "helper has a deadline", version);
	else
		doctor_say(d, DOCTOR_OK, NULL, "OpenSC %s", version);
}

/*
 * launch.c - starting a worker.  See launch.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/lease_abi.h"
#include "tessera.h"

#define OPENSC_VARIABLE	"OPENSC_CONF="
#define HOME_VARIABLE	"HOME="
#define ARGS_MAX	8

/* Length of the folder's name in a path; an absolute one has a slash. */
static int
launch_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (int)(slash - path) : 0;
}

int
launch_init(struct launch *l, const struct config *conf, const char *program,
    const char *config_file, int user_mode)
{
	memset(l, 0, sizeof(*l));
	l->conf = conf;
	l->program = program;
	l->config_file = config_file;
	l->user_mode = user_mode;
	if (asprintf(&l->opensc, OPENSC_VARIABLE "%s/opensc.conf", conf->libexec_dir) < 0) {
		l->opensc = NULL;
		return TSR_NOMEM;
	}
	if (asprintf(&l->pcsc, "%s/" LEASE_LIBRARY, conf->libexec_dir) < 0) {
		l->pcsc = NULL;
		return TSR_NOMEM;
	}
	if (asprintf(&l->folder, "%.*s", launch_folder(config_file), config_file) < 0) {
		l->folder = NULL;
		return TSR_NOMEM;
	}
	return TSR_OK;
}

/* The module's own NAME=..., or NULL. */
static char *
launch_own(const struct config_module *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->environment.n; i++)
		if (strncmp(m->environment.v[i], name, strlen(name)) == 0)
			return m->environment.v[i];
	return NULL;
}

static int
launch_add(struct launch_paths *p, const char *path, unsigned access)
{
	struct sandbox_path *v;

	if ((v = reallocarray(p->v, p->n + 1, sizeof(*v))) == NULL)
		return TSR_NOMEM;
	p->v = v;
	v[p->n].path = path;
	v[p->n].access = access;
	p->n++;
	return TSR_OK;
}

int
launch_module_paths(const struct launch *l, const struct config_module *m,
    struct launch_paths *out)
{
	const char *opensc = launch_own(m, OPENSC_VARIABLE);
	size_t i;
	int r;

	if (opensc == NULL)
		opensc = l->opensc;
	if ((r = launch_add(out, m->path, SANDBOX_READ | SANDBOX_EXEC)) != TSR_OK ||
	    (r = launch_add(out, opensc + strlen(OPENSC_VARIABLE), SANDBOX_READ)) != TSR_OK ||
	    (r = launch_add(out, l->pcsc, SANDBOX_READ)) != TSR_OK)
		return r;
	for (i = 0; i < m->read_paths.n && r == TSR_OK; i++)
		r = launch_add(out, m->read_paths.v[i], SANDBOX_READ);
	for (i = 0; i < m->write_paths.n && r == TSR_OK; i++)
		r = launch_add(out, m->write_paths.v[i], SANDBOX_READ | SANDBOX_WRITE);
	return r;
}

int
launch_keeper_paths(const struct launch *l, struct launch_paths *out)
{
	size_t i;
	int r;

	/* A worker reads the configuration itself, inside the keeper's rules.  The
	 * folder: the file may have been replaced when it comes to that. */
	if ((r = launch_add(out, l->program, SANDBOX_READ | SANDBOX_EXEC)) != TSR_OK ||
	    (r = launch_add(out, l->folder, SANDBOX_READ)) != TSR_OK)
		return r;
	for (i = 0; i < l->conf->n_modules && r == TSR_OK; i++)
		r = launch_module_paths(l, &l->conf->modules[i], out);
	return r;
}

void
launch_paths_free(struct launch_paths *p)
{
	free(p->v);
	p->v = NULL;
	p->n = 0;
}

static void
launch_forget(struct launch *l)
{
	size_t i;

	for (i = 0; l->argv != NULL && l->argv[i] != NULL; i++)
		free(l->argv[i]);
	free(l->argv);
	free(l->env);
	l->argv = l->env = NULL;
}

void
launch_free(struct launch *l)
{
	launch_forget(l);
	free(l->opensc);
	free(l->pcsc);
	free(l->folder);
	l->opensc = l->pcsc = NULL;
	l->folder = NULL;
}

/* Copies, since execve's vectors are not const. */
static int
launch_argv(struct launch *l, const char *module)
{
	const char *word[] = {
		l->program, "--worker", "--config", l->config_file, "--module", module,
		l->user_mode ? "--user" : NULL,
	};
	size_t i;

	if ((l->argv = calloc(ARGS_MAX, sizeof(*l->argv))) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < sizeof(word) / sizeof(word[0]) && word[i] != NULL; i++)
		if ((l->argv[i] = strdup(word[i])) == NULL)
			return TSR_NOMEM;
	return TSR_OK;
}

int
launch_resolve(void *arg, const char *module, struct keeper_worker *w)
{
	struct launch *l = arg;
	static char home[] = HOME_VARIABLE "/nonexistent";
	const struct config_module *m;
	size_t i;

	if ((m = config_module(l->conf, module)) == NULL)
		return TSR_NOT_FOUND;
	launch_forget(l);
	if (launch_argv(l, m->name) != TSR_OK ||
	    (l->env = calloc(m->environment.n + 3, sizeof(*l->env))) == NULL) {
		launch_forget(l);
		return TSR_NOMEM;
	}
	for (i = 0; i < m->environment.n; i++)
		l->env[i] = m->environment.v[i];
	if (launch_own(m, OPENSC_VARIABLE) == NULL)
		l->env[i++] = l->opensc;
	if (launch_own(m, HOME_VARIABLE) == NULL)	/* GLib would look for one, and complain */
		l->env[i] = home;
	w->path = l->program;
	w->argv = l->argv;
	w->env = l->env;
	return TSR_OK;
}

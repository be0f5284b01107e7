/*
 * launch.c - starting a worker.  See launch.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fido/worker.h"
#include "tessera.h"

int
launch_init(struct launch *l, const struct config *conf, const char *program)
{
	const struct strings *e = &conf->fido.environment;
	const char *word[] = { program, "--worker" };
	size_t i;

	memset(l, 0, sizeof(*l));
	l->conf = conf;
	l->program = program;
	if ((l->env = calloc(e->n + 1, sizeof(*l->env))) == NULL)
		goto fail;
	for (i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		if ((l->argv[i] = strdup(word[i])) == NULL)
			goto fail;
	for (i = 0; i < e->n; i++)
		l->env[i] = e->v[i];
	return TSR_OK;
 fail:
	launch_free(l);
	return TSR_NOMEM;
}

void
launch_free(struct launch *l)
{
	size_t i;

	for (i = 0; l->argv[i] != NULL; i++)
		free(l->argv[i]);
	free(l->env);
	memset(l, 0, sizeof(*l));
}

/* Nodes come and go while a keeper lives. */
void
launch_keeper_paths(const struct launch *l, struct sandbox_path out[LAUNCH_KEEPER_PATHS])
{
	out[0] = (struct sandbox_path){ l->program, SANDBOX_READ | SANDBOX_EXEC };
	out[1] = (struct sandbox_path){ "/dev", SANDBOX_READ | SANDBOX_WRITE };
}

int
launch_nodes(struct launch_nodes *out)
{
	size_t i;
	int r;

	memset(out, 0, sizeof(*out));
	r = glob(LAUNCH_NODES, GLOB_NOSORT, NULL, &out->found);
	if (r == GLOB_NOSPACE)
		return TSR_NOMEM;
	if (r != 0)
		return TSR_OK;		/* none */
	if ((out->v = calloc(out->found.gl_pathc, sizeof(*out->v))) == NULL) {
		launch_nodes_free(out);
		return TSR_NOMEM;
	}
	for (i = 0; i < out->found.gl_pathc; i++)
		out->v[i] = (struct sandbox_path){ out->found.gl_pathv[i],
			SANDBOX_READ | SANDBOX_WRITE };
	out->n = out->found.gl_pathc;
	return TSR_OK;
}

void
launch_nodes_free(struct launch_nodes *n)
{
	globfree(&n->found);
	free(n->v);
	memset(n, 0, sizeof(*n));
}

int
launch_resolve(void *arg, const char *module, struct keeper_worker *w)
{
	struct launch *l = arg;

	if (strcmp(module, WORKER_MODULE) != 0)
		return TSR_NOT_FOUND;
	w->path = l->program;
	w->argv = l->argv;
	w->env = l->env;
	w->grace_ms = LAUNCH_GRACE_MS;
	return TSR_OK;
}

/*
 * confine.c - see confine.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/confine.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon_open.h"
#include "base/sandbox.h"
#include "include/tessera.h"

struct confine {
	struct sandbox_path path[CONFINE_PATHS_MAX];
	size_t n;
};

static int
confine_add(struct confine *f, const char *path, unsigned access)
{
	if (f->n == CONFINE_PATHS_MAX)
		return TSR_TOO_LARGE;
	f->path[f->n].path = path;
	f->path[f->n++].access = access;
	return TSR_OK;
}

static int
confine_strings(struct confine *f, const struct strings *s, unsigned access)
{
	size_t i;
	int r;

	for (i = 0; i < s->n; i++)
		if ((r = confine_add(f, s->v[i], access)) != TSR_OK)
			return r;
	return TSR_OK;
}

/* A forked helper: its program, its modules and what they may touch. */
static int
confine_helpers(struct confine *f, const struct config *c, const char *program, const char *fido)
{
	size_t i;
	int r;

	if ((r = confine_add(f, program, SANDBOX_READ | SANDBOX_EXEC)) != TSR_OK ||
	    (r = confine_add(f, c->libexec_dir, SANDBOX_READ)) != TSR_OK)
		return r;
	if (c->fido.socket == NULL && ((r = confine_add(f, fido, SANDBOX_READ | SANDBOX_EXEC)) != TSR_OK ||
	    (r = confine_add(f, "/dev", SANDBOX_READ | SANDBOX_WRITE)) != TSR_OK ||	/* keys come and go */
	    (r = confine_add(f, "/sys", SANDBOX_READ)) != TSR_OK ||
	    (r = confine_add(f, "/run/udev", SANDBOX_READ)) != TSR_OK))
		return r;
	for (i = 0; i < c->n_modules; i++)
		if ((r = confine_add(f, c->modules[i].path, SANDBOX_READ)) != TSR_OK ||
		    (r = confine_strings(f, &c->modules[i].read_paths, SANDBOX_READ)) != TSR_OK ||
		    (r = confine_strings(f, &c->modules[i].write_paths,
		    SANDBOX_READ | SANDBOX_WRITE)) != TSR_OK)
			return r;
	return TSR_OK;
}

/* The folder of the configuration file: reload reads conf.d beside it too. */
static void
confine_folder(const char *file, char *out, size_t size)
{
	char *slash;

	(void)snprintf(out, size, "%s", file);
	if ((slash = strrchr(out, '/')) != NULL && slash != out)
		*slash = '\0';
}

int
confine_agent(const struct config *c, const struct daemon_options *o)
{
	static struct confine f;	/* not on the stack: 4 KiB, once a process */
	char fido[PATH_MAX], program[PATH_MAX], folder[PATH_MAX], store[PATH_MAX], anchor[PATH_MAX];
	int r;

	f.n = 0;
	daemon_helper_program(c, program, sizeof(program));
	daemon_fido_program(c, fido, sizeof(fido));
	confine_folder(o->config_file, folder, sizeof(folder));
	confine_folder(c->anchor != NULL ? c->anchor : "", anchor, sizeof(anchor));
	confine_folder(strchr(c->store, ':') + 1, store, sizeof(store));
	if ((r = confine_add(&f, c->state_dir, SANDBOX_READ | SANDBOX_WRITE)) != TSR_OK ||
	    (r = confine_add(&f, store, SANDBOX_READ | SANDBOX_WRITE)) != TSR_OK ||
	    (r = confine_add(&f, c->public_dir, SANDBOX_READ | SANDBOX_WRITE)) != TSR_OK ||
	    (r = confine_add(&f, c->socket_dir, SANDBOX_READ | SANDBOX_WRITE)) != TSR_OK ||
	    (c->anchor != NULL && (r = confine_add(&f, anchor, SANDBOX_READ | SANDBOX_WRITE)) != TSR_OK) ||
	    (r = confine_add(&f, folder, SANDBOX_READ)) != TSR_OK ||
	    (r = confine_strings(&f, &c->fido.attestation_roots, SANDBOX_READ)) != TSR_OK ||
	    /* the names worker, when it has to be started again, and its name service */
	    (r = confine_add(&f, o->program, SANDBOX_READ | SANDBOX_EXEC)) != TSR_OK ||
	    (r = confine_add(&f, "/etc", SANDBOX_READ)) != TSR_OK ||
	    (r = confine_add(&f, "/var/lib/sss", SANDBOX_READ)) != TSR_OK ||
	    (r = confine_add(&f, "/run/systemd/userdb", SANDBOX_READ)) != TSR_OK ||
	    /* who sits at the machine: seat.c */
	    (r = confine_add(&f, "/run/systemd/seats", SANDBOX_READ)) != TSR_OK ||
	    (r = confine_add(&f, "/run/systemd/sessions", SANDBOX_READ)) != TSR_OK ||
	    (r = confine_add(&f, "/run/systemd/users", SANDBOX_READ)) != TSR_OK ||
	    (c->helper_socket == NULL && (r = confine_helpers(&f, c, program, fido)) != TSR_OK))
		return r;
	r = sandbox_enter(SANDBOX_AGENT, f.path, f.n);
	memset(&f, 0, sizeof(f));	/* it points to what ends here */
	return r;
}

/*
 * proof.c - parked requests and their prompts.  See proof.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/proof.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "client/answerer.h"
#include "client/lib/fault.h"
#include "client/lib/request.h"
#include "client/signals.h"
#include "tessera.h"

#define PROOF_GRACE_MS	2000	/* for the answer to a request that was cancelled */
#define PROOF_ADMIN	"tessera-admin"

struct proof {
	struct answerer a;
	struct http_client *post;
	struct signals sig;
	int cancelled;		/* a signal, or the person at the prompt */
	uint64_t until;
};

static void
proof_signal(struct proof *pf)
{
	int signo = signals_next(&pf->sig);

	if (signo == 0)
		return;
	if (signo == SIGTSTP) {
		answerer_pause(&pf->a);
		signals_stop(&pf->sig);
		answerer_resume(&pf->a);
		return;
	}
	answerer_cancel(&pf->a);
	pf->cancelled = 1;
	pf->until = http_client_now() + PROOF_GRACE_MS;
}

/* Take all events that have come.  A stream that ended is let go: the answer
 * to the request says what follows from that. */
static void
proof_events(struct proof *pf)
{
	char name[SSE_NAME_MAX];
	json_t *data = NULL;
	int r;

	r = http_client_more(pf->a.events);
	while (r == TSR_OK || r == TSR_AGAIN) {
		if ((r = answerer_next(pf->a.events, name, &data)) != TSR_OK)
			break;
		answerer_event(&pf->a, name, data);
		json_decref(data);
	}
	if (r != TSR_OK && r != TSR_AGAIN)
		http_client_free(&pf->a.events);
}

/* Wait for one thing to happen. */
static int
proof_poll(struct proof *pf, struct pollfd p[4])
{
	uint64_t now = http_client_now();
	int wait, touch = answerer_touch(&pf->a);

	if (now >= pf->until)
		return TSR_TIMEOUT;
	wait = (int)(pf->until - now);
	if (touch >= 0 && touch < wait)
		wait = touch;
	p[0] = (struct pollfd){ .fd = http_client_fd(pf->post), .events = http_client_events(pf->post) };
	p[1] = (struct pollfd){ .fd = pf->sig.fd, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = pf->a.events != NULL ? http_client_fd(pf->a.events) : -1,
	    .events = POLLIN };
	p[3] = (struct pollfd){ .fd = answerer_fd(&pf->a), .events = POLLIN };
	if (poll(p, 4, wait) < 0)
		memset(p, 0, 4 * sizeof(p[0]));	/* EINTR: go round */
	return TSR_OK;
}

static int
proof_wait(struct proof *pf, struct http_answer *a)
{
	struct pollfd p[4];
	int r;

	while ((r = http_client_step(pf->post, a)) == TSR_AGAIN) {
		if ((r = proof_poll(pf, p)) != TSR_OK)
			return r;
		if (p[1].revents != 0)
			proof_signal(pf);
		if (p[2].revents != 0 && pf->a.events != NULL)
			proof_events(pf);
		if (p[3].revents != 0 && answerer_fd(&pf->a) == p[3].fd &&
		    answerer_ready(&pf->a) == TSR_CANCELLED)
			pf->cancelled = 1;
		if (pf->cancelled && pf->until > http_client_now() + PROOF_GRACE_MS)
			pf->until = http_client_now() + PROOF_GRACE_MS;
	}
	return r;
}

/* What the person is told, rather than what the agent made of our "cancel". */
static int
proof_verdict(struct proof *pf, int status)
{
	struct failure *f = &pf->a.c->failure;
	const char *reason;
	char said[ASK_LINE_MAX];

	if (status == FAIL_NONE)
		return status;
	if (pf->a.why[0] != '\0') {
		(void)ask_complaint(&pf->a.last, said, sizeof(said));
		return fail_set(f, "pin_required", "%s%s%s", said, said[0] != '\0' ? "; " : "", pf->a.why);
	}
	if (pf->cancelled)
		return fail_set(f, "cancelled", "cancelled");
	reason = fail_member(f, "reason");
	if (pf->a.p == NULL && strcmp(f->code, "pin_required") == 0 &&
	    (reason == NULL || strcmp(reason, "no_prompter") == 0))
		(void)snprintf(f->text, sizeof(f->text), "%s",
		    "the PIN is needed and there is no terminal to ask for it; run the command in a terminal, or use --pin-fd N or --pinentry");
	return status;
}

static int
proof_run(struct proof *pf, enum reach_socket which, const struct http_request *rq, json_t **answer)
{
	struct client *c = pf->a.c;
	struct http_answer a;
	int r, status;

	/* Where nobody is asked a key may blink all the same: then it is said, if it can. */
	status = answerer_connect(c, pf->a.p != NULL ? "self" : NULL, &pf->a.events);
	if (status != FAIL_NONE && pf->a.p != NULL)
		return status;
	fail_clear(&c->failure);
	if ((status = api_open(c, which, &pf->post)) != FAIL_NONE)
		return status;
	pf->until = http_client_now() + PROOF_WAIT_MS;
	if ((r = http_client_start(pf->post, rq)) != TSR_OK || (r = proof_wait(pf, &a)) != TSR_OK)
		status = api_broken(c, r);
	else
		status = api_answer(c, pf->post, &a, answer);
	answerer_end(&pf->a, NULL);
	return proof_verdict(pf, status);
}

int
proof_call(struct client *c, enum reach_socket which, const struct http_request *rq, json_t **answer)
{
	struct proof pf;
	int status;

	memset(&pf, 0, sizeof(pf));
	pf.a.c = c;
	if ((status = prompter_new(c, PROMPTER_DEFAULT, &pf.a.p)) != FAIL_NONE)
		return status;
	if (signals_hold(&pf.sig) != TSR_OK) {
		prompter_free(&pf.a.p);
		return fail_set(&c->failure, "failed", "signals cannot be held");
	}
	status = proof_run(&pf, which, rq, answer);
	answerer_end(&pf.a, NULL);
	prompter_free(&pf.a.p);
	http_client_free(&pf.a.events);
	http_client_free(&pf.post);
	signals_release(&pf.sig);
	return status;
}

/* POST /token, by a session's proof or by a fresh one. */
static int
proof_grant(struct client *c, const struct tsr_request *asked, int fresh, json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = "/token", .type = FORM_TYPE };
	struct buf form;
	int r, status;

	buf_init(&form, FORM_BODY_MAX);
	r = request_form(asked, fresh, &form);
	rq.body = form.data;
	rq.body_len = form.len;
	/* a code that is there already is waited for by nobody */
	if (r != TSR_OK)
		status = api_broken(c, r);
	else
		status = fresh && !request_has_code(asked) ? proof_call(c, REACH_API, &rq, answer) :
		    api_call(c, REACH_API, &rq, answer);
	buf_free(&form);
	return status;
}

int
proof_token(struct client *c, const struct tsr_request *rq, json_t **answer)
{
	int status;

	if (request_proof(rq) != TSR_PROOF_FRESH) {
		status = proof_grant(c, rq, 0, answer);
		if (status == FAIL_NONE ||
		    !request_again(request_proof(rq), fault_named(c->failure.code)))
			return status;
		fail_clear(&c->failure);
	}
	return proof_grant(c, rq, 1, answer);
}

/* A fresh proof that its person is an administrator. */
static int
proof_admin(struct client *c, json_t **answer)
{
	struct tsr_request *rq = NULL;
	int r, status;

	if ((r = tsr_request_new(&rq)) != TSR_OK ||
	    (r = tsr_request_set(rq, TSR_AUDIENCE, PROOF_ADMIN)) != TSR_OK ||
	    (r = tsr_request_proof(rq, TSR_PROOF_FRESH)) != TSR_OK)
		status = api_broken(c, r);
	else
		status = proof_token(c, rq, answer);
	tsr_request_free(&rq);
	return status;
}

int
proof_admin_call(struct client *c, struct http_request *rq, int parks, json_t **answer)
{
	json_t *proof = NULL;
	const char *audience;
	int status, again;

	status = parks ? proof_call(c, REACH_ADMIN, rq, answer) : api_call(c, REACH_ADMIN, rq, answer);
	audience = fail_member(&c->failure, "audience");
	again = status != FAIL_NONE && strcmp(c->failure.code, "step_up_required") == 0 &&
	    audience != NULL && strcmp(audience, PROOF_ADMIN) == 0;
	if (!again)
		return status;
	fail_clear(&c->failure);
	if ((status = proof_admin(c, &proof)) != FAIL_NONE)
		return status;
	rq->bearer = json_string_value(json_object_get(proof, "access_token"));
	if (!form_is_token(rq->bearer))
		status = api_broken(c, TSR_INVALID);
	else
		status = parks ? proof_call(c, REACH_ADMIN, rq, answer) :
		    api_call(c, REACH_ADMIN, rq, answer);
	rq->bearer = NULL;
	json_decref(proof);
	return status;
}

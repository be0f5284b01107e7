/*
 * enrol_voucher.h - an earlier credential of the same user that vouches for one
 * that he enrols himself.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_VOUCHER_H
#define AGENT_ENROL_VOUCHER_H

#include "agent/login.h"

#define ENROL_VOUCHER_AUDIENCE	"tessera-enrol"	/* what the prompter shows for that proof */

/*
 * A fresh proof of c's subject, by a credential of acr at least: done() as
 * login_start()'s, once, and from inside where the proof cannot begin.  *login is
 * for login_cancel().
 */
void enrol_voucher_prove(struct agent *a, const struct http_request *r, const struct credential *c,
    enum acr acr, login_done done, void *arg, struct login **login);

#endif

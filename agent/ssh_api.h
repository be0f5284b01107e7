/*
 * ssh_api.h - the endpoints of SSH: certificates, the CA, what is revoked.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_API_H
#define AGENT_SSH_API_H

#include "agent/agent.h"

/* What is said where the configuration has no ssh {}. */
#define SSH_NOT_CONFIGURED	"SSH is not configured: see the section ssh of tessera.conf(5)"

/* POST /ssh/certificate {"public_key", "lifetime", "principals", "credential",
 * "device"}: a certificate over a key of the caller's own, for a proof that pays for it
 * alone. */
void ssh_certificate(struct agent *a, const struct http_request *r, const struct asker *who);

/* GET /ssh/certificates: the caller's own. */
void ssh_certificates(struct agent *a, const struct http_request *r, const struct asker *who);
/* GET /ssh/ca, GET /ssh/krl: everybody's. */
void ssh_show_ca(struct agent *a, const struct http_request *r, const struct asker *who);
void ssh_show_krl(struct agent *a, const struct http_request *r, const struct asker *who);

/* GET /admin/ssh/certificates[?subject=NAME] */
void admin_ssh_certificates(struct agent *a, const struct http_request *r, const struct asker *who);
/* POST /admin/ssh/ca {"do": "prepare", "rotate" or "retire", "id", "at_once"} */
void admin_ssh_ca(struct agent *a, const struct http_request *r, const struct asker *who);
/* POST /admin/ssh/revoke {"serial"} or {"subject"} */
void admin_ssh_revoke(struct agent *a, const struct http_request *r, const struct asker *who);

#endif

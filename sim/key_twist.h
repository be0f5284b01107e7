/*
 * key_twist.h - a virtual key's replies, made false.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_TWIST_H
#define SIM_KEY_TWIST_H

#include "base/buf.h"
#include "sim/ctaphid.h"
#include "sim/key_fault.h"

/* Change the reply (status byte, CBOR) as the fault wants.  TSR_NOMEM. */
int key_twist_cbor(struct key_fault *f, struct buf *reply);

/* What is to be done wrong in the framing of n bytes. */
void key_twist_frame(struct key_fault *f, size_t n, struct ctaphid_twist *twist);

#endif

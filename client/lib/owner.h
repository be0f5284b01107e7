/*
 * owner.h - the uid of the agent's user.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_OWNER_H
#define CLIENT_LIB_OWNER_H

/* 1 where uid is that of the user "tessera".  Asks the name service. */
int owner_is_agent(unsigned uid);

#endif

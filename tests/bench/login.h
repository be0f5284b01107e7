/*
 * login.h - a login by PAM, as a screen locker does it: one who has nothing to do
 * but type his PIN.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BENCH_LOGIN_H
#define BENCH_LOGIN_H

/* pam_start() with the service "bench" of that folder, pam_authenticate() as who runs
 * this, pam_end().  Ends the program where it fails. */
void login_once(const char *folder, const char *pin);

#endif

/*
 * no_module.c - a shared object that is no PKCS#11 module.
 *
 * SPDX-License-Identifier: ISC
 */
__attribute__((visibility("default"))) int not_a_module(void);

int
not_a_module(void)
{
	return 0;
}

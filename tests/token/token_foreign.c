/*
 * token_foreign.c - our half of test_foreign.py.
 *
 * mint: a set and a token of each algorithm under it, a line each.
 * check: the first line of standard input is a set; for each further line, a
 * token, prints "ok SUBJECT" or the error code.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/jwt.h"

#define LINE_MAX_BYTES	JWK_SET_BYTES_MAX

static const struct jwt_claims claims = {
	.iss = "https://desk7.example/tessera", .sub = "al\"ic\xc3\xa9\t", .aud = "vpn",
	.client_id = "uid:1000", .jti = "j1", .scope = "connect", .acr = "hardware",
	.amr = { "hwk", "pin" }, .n_amr = 2, .exp = 4000000300, .iat = 4000000000,
	.sid = "s1"
};

static int
foreign_mint(void)
{
	struct jws_key *key[2] = { NULL, NULL };
	struct jwk_set set = { .n = 2 };
	struct buf b;
	int i;

	buf_init(&b, LINE_MAX_BYTES);
	for (i = 0; i < 2; i++) {
		if (jws_key_generate(i == 0 ? JWK_EDDSA : JWK_ES256, &key[i]) != TSR_OK)
			return 1;
		set.key[i] = *jws_key_public(key[i]);
	}
	if (jwk_set_write(&b, &set) != TSR_OK)
		return 1;
	for (i = 0; i < 2; i++)
		if (buf_put_u8(&b, '\n') != TSR_OK ||
		    jwt_mint(&b, key[i], &claims) != TSR_OK)
			return 1;
	printf("%.*s\n", (int)b.len, (char *)b.data);
	buf_free(&b);
	jws_key_free(&key[0]);
	jws_key_free(&key[1]);
	return 0;
}

static int
foreign_check(void)
{
	static char line[LINE_MAX_BYTES];
	static struct jwk_set set;
	struct jwt_expect want = { .keys = &set, .iss = claims.iss, .aud = "vpn",
	    .now = claims.iat, .leeway = 5, .max_lifetime = 3600 };
	struct jwt_claims c;
	int r;

	if (fgets(line, sizeof(line), stdin) == NULL ||
	    jwk_set_parse(line, strcspn(line, "\n"), &set) != TSR_OK)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		r = jwt_check(line, strcspn(line, "\n"), &want, &c);
		if (r == TSR_OK)
			printf("ok %s\n", c.sub);
		else
			printf("%d\n", r);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "mint") == 0)
		return foreign_mint();
	if (argc == 2 && strcmp(argv[1], "check") == 0)
		return foreign_check();
	return 2;
}

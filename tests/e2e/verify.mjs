// SPDX-License-Identifier: ISC
// Verify an access token with the npm package jose:
//   TESSERA_NODE_MODULES=DIR node verify.mjs JWKS ISSUER AUDIENCE < token
// Prints the claims, or says on standard error what is wrong and ends with 1.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.TESSERA_NODE_MODULES + "/");
const { createLocalJWKSet, jwtVerify } = require("jose");

if (process.argv.length !== 5) {
	console.error("usage: verify.mjs JWKS ISSUER AUDIENCE < token");
	process.exit(2);
}
const [jwks, issuer, audience] = process.argv.slice(2);
try {
	const keys = createLocalJWKSet(JSON.parse(readFileSync(jwks, "utf8")));
	const { payload } = await jwtVerify(readFileSync(0, "utf8").trim(), keys, {
		issuer, audience, typ: "at+jwt", algorithms: ["EdDSA", "ES256"],
		requiredClaims: ["exp", "sub", "client_id", "iat", "jti"],
	});
	console.log(JSON.stringify(payload));
} catch (e) {
	console.error(`refused: ${e.code ?? e.name}: ${e.message}`);
	process.exit(1);
}

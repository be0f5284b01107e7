/*
 * jwt_rows.h - access tokens and what must become of each, for all who check
 * them: each row differs from a good token in one thing.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_JWT_ROWS_H
#define TESTS_JWT_ROWS_H

#include "tessera.h"
#include "token_help.h"

/* Headers with the good claims, signed by the Ed25519 key. */
#define H(rest)	"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"" HELP_KID_ED "\"" rest "}"
#define H_ALG(alg)	"{\"alg\":" alg ",\"typ\":\"at+jwt\",\"kid\":\"" HELP_KID_ED "\"}"
#define H_TYP(typ)	"{\"alg\":\"EdDSA\",\"typ\":" typ ",\"kid\":\"" HELP_KID_ED "\"}"
#define H_KID(kid)	"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":" kid "}"
#define JWK_STRANGER	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik\"}"

static const struct jwt_header_row {
	const char *name, *clause, *header;
	int code;
} header_rows[] = {
	{ "good", "RFC 9068 2.1", HELP_HEAD_ED, TSR_OK },
	{ "members in another order, whitespace", "RFC 8259 2",
	  "\r\n{ \"kid\" : \"" HELP_KID_ED "\" ,\t\"typ\":\"at+jwt\", \"alg\":\"EdDSA\" } ", TSR_OK },
	{ "alg none", "RFC 8725 3.2", H_ALG("\"none\""), TSR_BAD_ALGORITHM },
	{ "alg None", "RFC 8725 3.2", H_ALG("\"None\""), TSR_BAD_ALGORITHM },
	{ "alg NONE", "RFC 8725 3.2", H_ALG("\"NONE\""), TSR_BAD_ALGORITHM },
	{ "alg nOnE", "RFC 8725 3.2", H_ALG("\"nOnE\""), TSR_BAD_ALGORITHM },
	{ "alg empty", "RFC 7515 4.1.1", H_ALG("\"\""), TSR_BAD_ALGORITHM },
	{ "alg null", "RFC 7515 4.1.1", H_ALG("null"), TSR_BAD_ALGORITHM },
	{ "alg array", "RFC 7515 4.1.1", H_ALG("[\"EdDSA\"]"), TSR_BAD_ALGORITHM },
	{ "alg number", "RFC 7515 4.1.1", H_ALG("1"), TSR_BAD_ALGORITHM },
	{ "alg absent", "RFC 7515 4.1.1", "{\"typ\":\"at+jwt\",\"kid\":\"" HELP_KID_ED "\"}", TSR_BAD_ALGORITHM },
	{ "alg in another case", "RFC 7515 4.1.1", H_ALG("\"eddsa\""), TSR_BAD_ALGORITHM },
	{ "alg ES256 under an EdDSA key", "RFC 8725 3.1", H_ALG("\"ES256\""), TSR_BAD_ALGORITHM },
	{ "alg RS256 under an EdDSA key", "RFC 8725 3.1", H_ALG("\"RS256\""), TSR_BAD_ALGORITHM },
	{ "alg HS256 under an EdDSA key", "RFC 8725 3.1", H_ALG("\"HS256\""), TSR_BAD_ALGORITHM },
	{ "alg EdDSA with a NUL", "RFC 7515 4.1.1", H_ALG("\"EdDSA\\u0000\""), TSR_INVALID },
	{ "typ of any case", "RFC 9068 2.1", H_TYP("\"AT+JWT\""), TSR_OK },
	{ "typ with application/", "RFC 9068 2.1", H_TYP("\"application/at+jwt\""), TSR_OK },
	{ "typ with Application/, any case", "RFC 9068 2.1", H_TYP("\"Application/At+Jwt\""), TSR_OK },
	{ "typ absent", "RFC 9068 4", "{\"alg\":\"EdDSA\",\"kid\":\"" HELP_KID_ED "\"}", TSR_BAD_TYPE },
	{ "typ JWT", "RFC 8725 3.11", H_TYP("\"JWT\""), TSR_BAD_TYPE },
	{ "typ dpop+jwt", "RFC 8725 3.11", H_TYP("\"dpop+jwt\""), TSR_BAD_TYPE },
	{ "typ application/jwt", "RFC 8725 3.11", H_TYP("\"application/jwt\""), TSR_BAD_TYPE },
	{ "typ with a space", "RFC 9068 4", H_TYP("\"at+jwt \""), TSR_BAD_TYPE },
	{ "typ cut short", "RFC 9068 4", H_TYP("\"at+jw\""), TSR_BAD_TYPE },
	{ "typ empty", "RFC 9068 4", H_TYP("\"\""), TSR_BAD_TYPE },
	{ "typ array", "RFC 9068 4", H_TYP("[\"at+jwt\"]"), TSR_BAD_TYPE },
	{ "typ null", "RFC 9068 4", H_TYP("null"), TSR_BAD_TYPE },
	{ "crit unknown", "RFC 7515 4.1.11", H(",\"crit\":[\"exp2\"],\"exp2\":1"), TSR_INVALID },
	{ "crit empty", "RFC 7515 4.1.11", H(",\"crit\":[]"), TSR_INVALID },
	{ "crit naming an absent header", "RFC 7515 4.1.11", H(",\"crit\":[\"nowhere\"]"), TSR_INVALID },
	{ "crit null", "RFC 7515 4.1.11", H(",\"crit\":null"), TSR_INVALID },
	{ "crit string", "RFC 7515 4.1.11", H(",\"crit\":\"b64\""), TSR_INVALID },
	{ "b64 false", "RFC 7797 3", H(",\"b64\":false"), TSR_INVALID },
	{ "b64 false with crit", "RFC 7797 6", H(",\"b64\":false,\"crit\":[\"b64\"]"), TSR_INVALID },
	{ "b64 true", "RFC 7797 7", H(",\"b64\":true"), TSR_INVALID },
	{ "jwk of a stranger, ignored", "RFC 8725 3.10", H(",\"jwk\":" JWK_STRANGER), TSR_OK },
	{ "jku, ignored", "RFC 8725 3.10", H(",\"jku\":\"https://evil.example/jwks\""), TSR_OK },
	{ "x5u, ignored", "RFC 8725 3.10", H(",\"x5u\":\"file:///etc/shadow\""), TSR_OK },
	{ "x5c, ignored", "RFC 8725 3.10", H(",\"x5c\":[\"AAAA\"],\"x5t#S256\":\"AAAA\""), TSR_OK },
	{ "kid absent", "RFC 7515 4.1.4", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", TSR_INVALID },
	{ "kid number", "RFC 7515 4.1.4", H_KID("7"), TSR_INVALID },
	{ "kid array", "RFC 7515 4.1.4", H_KID("[\"" HELP_KID_ED "\"]"), TSR_INVALID },
	{ "kid empty", "RFC 8725 3.10", H_KID("\"\""), TSR_UNKNOWN_KEY },
	{ "kid with a path", "RFC 8725 3.10", H_KID("\"../../../../dev/null\""), TSR_UNKNOWN_KEY },
	{ "kid with SQL", "RFC 8725 3.10", H_KID("\"x' OR 1=1 --\""), TSR_UNKNOWN_KEY },
	{ "kid with a NUL behind it", "RFC 8725 3.10", H_KID("\"" HELP_KID_ED "\\u0000\""), TSR_INVALID },
	{ "kid unknown", "RFC 7515 4.1.4", H_KID("\"AAAAAAAA\""), TSR_UNKNOWN_KEY },
	{ "kid in another case", "RFC 7515 4.1.4", H_KID("\"KPRK_QMX\""), TSR_UNKNOWN_KEY },
	{ "kid a prefix", "RFC 7515 4.1.4", H_KID("\"kPrK_qm\""), TSR_UNKNOWN_KEY },
	{ "kid with more behind it", "RFC 7515 4.1.4", H_KID("\"" HELP_KID_ED "x\""), TSR_UNKNOWN_KEY },
	{ "kid of 65 characters", "RFC 8725 3.10",
	  H_KID("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""), TSR_UNKNOWN_KEY },
	{ "alg twice", "RFC 7515 4", H(",\"alg\":\"EdDSA\""), TSR_INVALID },
	{ "kid twice", "RFC 7515 4", H(",\"kid\":\"" HELP_KID_ED "\""), TSR_INVALID },
	{ "alg twice, once escaped", "RFC 7515 4", H(",\"\\u0061lg\":\"none\""), TSR_INVALID },
	{ "unknown member twice, deep", "RFC 7515 4", H(",\"x\":{\"a\":1,\"a\":2}"), TSR_INVALID },
	{ "header an array", "RFC 7515 4", "[" HELP_HEAD_ED "]", TSR_INVALID },
	{ "header a string", "RFC 7515 4", "\"alg\"", TSR_INVALID },
	{ "header cut short", "RFC 8259 2", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"", TSR_INVALID },
	{ "header with bytes behind it", "RFC 8259 2", HELP_HEAD_ED "{}", TSR_INVALID },
	{ "header with a comment", "RFC 8259 2", HELP_HEAD_ED "//", TSR_INVALID },
	{ "header with a BOM", "RFC 8259 8.1", "\xef\xbb\xbf" HELP_HEAD_ED, TSR_INVALID },
	{ "header not UTF-8", "RFC 7515 5.2", H(",\"x\":\"\xc3\x28\""), TSR_INVALID },
	{ "header single quoted", "RFC 8259 7", "{'alg':'EdDSA'}", TSR_INVALID },
	{ "header of a JWE", "RFC 7516 4.1", "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", TSR_BAD_TYPE }
};

/* Claims under the good header, signed. */
#define ISS	"\"iss\":\"" HELP_ISS "\","
#define SUB	"\"sub\":\"alice\","
#define AUD	"\"aud\":\"vpn\","
#define EXP	"\"exp\":1800000300,"
#define IAT	"\"iat\":1800000000,"
#define JTI	"\"jti\":\"j1\","
#define CID	"\"client_id\":\"uid:1000\""
#define C_ISS(v)	"{" v SUB AUD EXP IAT JTI CID "}"
#define C_SUB(v)	"{" ISS v AUD EXP IAT JTI CID "}"
#define C_AUD(v)	"{" ISS SUB v EXP IAT JTI CID "}"
#define C_EXP(v)	"{" ISS SUB AUD v IAT JTI CID "}"
#define C_IAT(v)	"{" ISS SUB AUD EXP v JTI CID "}"
#define C_JTI(v)	"{" ISS SUB AUD EXP IAT v CID "}"
#define C_CID(v)	"{" ISS SUB AUD EXP IAT "\"jti\":\"j1\"" v "}"
#define C_MORE(v)	"{" ISS SUB AUD EXP IAT JTI CID "," v "}"
#define X64	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256	X64 X64 X64 X64

static const struct jwt_claims_row {
	const char *name, *clause, *claims;
	int code;
} claims_rows[] = {
	{ "good", "RFC 9068 2.2", HELP_CLAIMS, TSR_OK },
	{ "claims that we do not know", "RFC 7519 4.3", C_MORE("\"x\":{\"y\":[1,2.5,null,true]}"), TSR_OK },

	{ "exp twice", "RFC 7519 4", C_MORE("\"exp\":1800000300"), TSR_INVALID },
	{ "exp twice, once escaped", "RFC 7519 4", C_MORE("\"e\\u0078p\":1900000000"), TSR_INVALID },
	{ "sub twice", "RFC 7519 4", C_MORE("\"sub\":\"root\""), TSR_INVALID },
	{ "unknown member twice, deep", "RFC 8725 2.4", C_MORE("\"x\":[{\"a\":1,\"a\":1}]"), TSR_INVALID },

	{ "exp absent", "RFC 9068 2.2", C_EXP(""), TSR_BAD_CLAIM },
	{ "exp past", "RFC 7519 4.1.4", C_EXP("\"exp\":1799999999,"), TSR_EXPIRED },
	{ "exp equal to now", "RFC 7519 4.1.4", C_EXP("\"exp\":1800000000,"), TSR_EXPIRED },
	{ "exp one second ahead", "RFC 7519 4.1.4", C_EXP("\"exp\":1800000001,"), TSR_OK },
	{ "exp zero", "RFC 7519 4.1.4", C_EXP("\"exp\":0,"), TSR_EXPIRED },
	{ "exp string", "RFC 7519 2", C_EXP("\"exp\":\"1800000300\","), TSR_BAD_CLAIM },
	{ "exp fraction", "RFC 7519 4.1.4", C_EXP("\"exp\":1800000300.5,"), TSR_BAD_CLAIM },
	{ "exp with .0", "RFC 7519 4.1.4", C_EXP("\"exp\":1800000300.0,"), TSR_BAD_CLAIM },
	{ "exp with an exponent", "RFC 7519 4.1.4", C_EXP("\"exp\":18000003e2,"), TSR_BAD_CLAIM },
	{ "exp negative", "RFC 7519 4.1.4", C_EXP("\"exp\":-1800000300,"), TSR_BAD_CLAIM },
	{ "exp 1e400", "RFC 8259 6", C_EXP("\"exp\":1e400,"), TSR_INVALID },
	{ "exp 2^53", "RFC 8259 6", C_EXP("\"exp\":9007199254740992,"), TSR_BAD_CLAIM },
	{ "exp 2^53 + 1", "RFC 8259 6", C_EXP("\"exp\":9007199254740993,"), TSR_BAD_CLAIM },
	{ "exp 2^63 - 1", "RFC 8259 6", C_EXP("\"exp\":9223372036854775807,"), TSR_BAD_CLAIM },
	{ "exp 2^63", "RFC 8259 6", C_EXP("\"exp\":9223372036854775808,"), TSR_INVALID },
	{ "exp 2^64 + 1800000300", "RFC 8259 6", C_EXP("\"exp\":18446744075509551916,"), TSR_INVALID },
	{ "exp -2^63 - 1", "RFC 8259 6", C_EXP("\"exp\":-9223372036854775809,"), TSR_INVALID },
	{ "exp with a leading zero", "RFC 8259 6", C_EXP("\"exp\":01800000300,"), TSR_INVALID },
	{ "exp with a plus", "RFC 8259 6", C_EXP("\"exp\":+1800000300,"), TSR_INVALID },
	{ "exp hexadecimal", "RFC 8259 6", C_EXP("\"exp\":0x7fffffff,"), TSR_INVALID },
	{ "exp NaN", "RFC 8259 6", C_EXP("\"exp\":NaN,"), TSR_INVALID },
	{ "exp true", "RFC 7519 4.1.4", C_EXP("\"exp\":true,"), TSR_BAD_CLAIM },
	{ "exp null", "RFC 7519 4.1.4", C_EXP("\"exp\":null,"), TSR_BAD_CLAIM },
	{ "exp array", "RFC 7519 4.1.4", C_EXP("\"exp\":[1800000300],"), TSR_BAD_CLAIM },
	{ "exp object", "RFC 7519 4.1.4", C_EXP("\"exp\":{},"), TSR_BAD_CLAIM },

	{ "iat absent", "RFC 9068 2.2", C_IAT(""), TSR_BAD_CLAIM },
	{ "iat string", "RFC 7519 2", C_IAT("\"iat\":\"1800000000\","), TSR_BAD_CLAIM },
	{ "iat fraction", "RFC 7519 4.1.6", C_IAT("\"iat\":1800000000.25,"), TSR_BAD_CLAIM },
	{ "iat negative", "RFC 7519 4.1.6", C_IAT("\"iat\":-1,"), TSR_BAD_CLAIM },
	{ "iat ahead within the leeway", "RFC 7519 4.1.6", C_IAT("\"iat\":1800000005,"), TSR_OK },
	{ "iat ahead", "RFC 7519 4.1.6", C_IAT("\"iat\":1800000006,"), TSR_NOT_YET_VALID },
	{ "lifetime at the maximum", "RFC 9068 4", C_IAT("\"iat\":1799996700,"), TSR_OK },
	{ "lifetime beyond the maximum", "RFC 9068 4", C_IAT("\"iat\":1799996699,"), TSR_BAD_CLAIM },
	{ "lifetime of years", "RFC 9068 4", C_IAT("\"iat\":0,"), TSR_BAD_CLAIM },
	{ "exp before iat", "RFC 7519 4.1.4", "{" ISS SUB AUD "\"exp\":1800000002,\"iat\":1800000003," JTI CID "}", TSR_BAD_CLAIM },
	{ "nbf now", "RFC 7519 4.1.5", C_MORE("\"nbf\":1800000000"), TSR_OK },
	{ "nbf ahead within the leeway", "RFC 7519 4.1.5", C_MORE("\"nbf\":1800000005"), TSR_OK },
	{ "nbf ahead", "RFC 7519 4.1.5", C_MORE("\"nbf\":1800000006"), TSR_NOT_YET_VALID },
	{ "nbf string", "RFC 7519 4.1.5", C_MORE("\"nbf\":\"0\""), TSR_BAD_CLAIM },
	{ "nbf fraction", "RFC 7519 4.1.5", C_MORE("\"nbf\":0.5"), TSR_BAD_CLAIM },
	{ "nbf negative", "RFC 7519 4.1.5", C_MORE("\"nbf\":-1"), TSR_BAD_CLAIM },
	{ "nbf null", "RFC 7519 4.1.5", C_MORE("\"nbf\":null"), TSR_BAD_CLAIM },
	{ "auth_time string", "RFC 9068 2.2.1", C_MORE("\"auth_time\":\"1800000000\""), TSR_BAD_CLAIM },
	{ "auth_time fraction", "RFC 9068 2.2.1", C_MORE("\"auth_time\":1.5"), TSR_BAD_CLAIM },
	{ "auth_time negative", "RFC 9068 2.2.1", C_MORE("\"auth_time\":-1"), TSR_BAD_CLAIM },
	{ "auth_time over 2^53", "RFC 9068 2.2.1", C_MORE("\"auth_time\":9007199254740993"), TSR_BAD_CLAIM },

	{ "iss absent", "RFC 9068 2.2", C_ISS(""), TSR_BAD_CLAIM },
	{ "iss wrong", "RFC 9068 4", C_ISS("\"iss\":\"https://desk8.example/tessera\","), TSR_BAD_ISSUER },
	{ "iss a prefix of ours", "RFC 9068 4", C_ISS("\"iss\":\"https://desk7.example\","), TSR_BAD_ISSUER },
	{ "iss ours and more", "RFC 9068 4", C_ISS("\"iss\":\"" HELP_ISS "/user/1000\","), TSR_BAD_ISSUER },
	{ "iss with a slash behind it", "RFC 9068 4", C_ISS("\"iss\":\"" HELP_ISS "/\","), TSR_BAD_ISSUER },
	{ "iss in another case", "RFC 9068 4", C_ISS("\"iss\":\"https://DESK7.example/tessera\","), TSR_BAD_ISSUER },
	{ "iss array", "RFC 7519 4.1.1", C_ISS("\"iss\":[\"" HELP_ISS "\"],"), TSR_BAD_CLAIM },
	{ "iss number", "RFC 7519 4.1.1", C_ISS("\"iss\":7,"), TSR_BAD_CLAIM },
	{ "iss empty", "RFC 7519 4.1.1", C_ISS("\"iss\":\"\","), TSR_BAD_CLAIM },
	{ "iss with a NUL behind it", "RFC 9068 4", C_ISS("\"iss\":\"" HELP_ISS "\\u0000\","), TSR_INVALID },
	{ "iss by escapes", "RFC 8259 8.3", C_ISS("\"iss\":\"https:\\/\\/desk7.example\\u002ftessera\","), TSR_OK },

	{ "aud array that holds ours", "RFC 7519 4.1.3", C_AUD("\"aud\":[\"ssh\",\"vpn\",\"web\"],"), TSR_OK },
	{ "aud absent", "RFC 9068 2.2", C_AUD(""), TSR_BAD_CLAIM },
	{ "aud wrong", "RFC 9068 4", C_AUD("\"aud\":\"ssh\","), TSR_BAD_AUDIENCE },
	{ "aud empty array", "RFC 7519 4.1.3", C_AUD("\"aud\":[],"), TSR_BAD_AUDIENCE },
	{ "aud array of others", "RFC 7519 4.1.3", C_AUD("\"aud\":[\"ssh\",\"vp\",\"vpn2\"],"), TSR_BAD_AUDIENCE },
	{ "aud array with ours and a number", "RFC 7519 4.1.3", C_AUD("\"aud\":[\"vpn\",7],"), TSR_BAD_CLAIM },
	{ "aud array in an array", "RFC 7519 4.1.3", C_AUD("\"aud\":[[\"vpn\"]],"), TSR_BAD_CLAIM },
	{ "aud object", "RFC 7519 4.1.3", C_AUD("\"aud\":{\"vpn\":true},"), TSR_BAD_CLAIM },
	{ "aud a prefix of ours", "RFC 9068 4", C_AUD("\"aud\":\"vp\","), TSR_BAD_AUDIENCE },
	{ "aud ours and more", "RFC 9068 4", C_AUD("\"aud\":\"vpn ssh\","), TSR_BAD_AUDIENCE },
	{ "aud in another case", "RFC 9068 4", C_AUD("\"aud\":\"VPN\","), TSR_BAD_AUDIENCE },
	{ "aud empty", "RFC 9068 4", C_AUD("\"aud\":\"\","), TSR_BAD_CLAIM },

	{ "sub absent", "RFC 9068 2.2", C_SUB(""), TSR_BAD_CLAIM },
	{ "sub empty", "RFC 9068 2.2", C_SUB("\"sub\":\"\","), TSR_BAD_CLAIM },
	{ "sub number", "RFC 7519 4.1.2", C_SUB("\"sub\":0,"), TSR_BAD_CLAIM },
	{ "sub null", "RFC 7519 4.1.2", C_SUB("\"sub\":null,"), TSR_BAD_CLAIM },
	{ "sub of 256 bytes", "RFC 7519 4.1.2", C_SUB("\"sub\":\"" X256 "\","), TSR_BAD_CLAIM },
	{ "sub with a NUL", "RFC 8259 7", C_SUB("\"sub\":\"root\\u0000x\","), TSR_INVALID },
	{ "sub with a lone surrogate", "RFC 8259 8.2", C_SUB("\"sub\":\"\\ud800\","), TSR_INVALID },
	{ "sub with surrogates turned round", "RFC 8259 8.2", C_SUB("\"sub\":\"\\udd11\\ud83d\","), TSR_INVALID },
	{ "sub with a raw control", "RFC 8259 7", C_SUB("\"sub\":\"a\nb\","), TSR_INVALID },
	{ "client_id absent", "RFC 9068 2.2", C_CID(""), TSR_BAD_CLAIM },
	{ "client_id empty", "RFC 9068 2.2", C_CID(",\"client_id\":\"\""), TSR_BAD_CLAIM },
	{ "client_id array", "RFC 9068 2.2", C_CID(",\"client_id\":[\"uid:1000\"]"), TSR_BAD_CLAIM },
	{ "jti absent", "RFC 9068 2.2", C_JTI(""), TSR_BAD_CLAIM },
	{ "jti empty", "RFC 7519 4.1.7", C_JTI("\"jti\":\"\","), TSR_BAD_CLAIM },
	{ "jti number", "RFC 7519 4.1.7", C_JTI("\"jti\":1,"), TSR_BAD_CLAIM },
	{ "jti of 64 bytes", "RFC 7519 4.1.7", C_JTI("\"jti\":\"" X64 "\","), TSR_BAD_CLAIM },
	{ "scope array", "RFC 8693 4.2", C_MORE("\"scope\":[\"connect\"]"), TSR_BAD_CLAIM },
	{ "scope of 512 bytes", "RFC 8693 4.2", C_MORE("\"scope\":\"" X256 X256 "\""), TSR_BAD_CLAIM },
	{ "acr number", "RFC 9068 2.2.1", C_MORE("\"acr\":2"), TSR_BAD_CLAIM },
	{ "sid object", "RFC 9068 2.2", C_MORE("\"sid\":{}"), TSR_BAD_CLAIM },
	{ "amr of four", "RFC 8176 1", C_MORE("\"amr\":[\"a\",\"b\",\"c\",\"d\"]"), TSR_OK },
	{ "amr empty array", "RFC 8176 1", C_MORE("\"amr\":[]"), TSR_OK },
	{ "amr of five", "RFC 8176 1", C_MORE("\"amr\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), TSR_BAD_CLAIM },
	{ "amr string", "RFC 8176 1", C_MORE("\"amr\":\"hwk\""), TSR_BAD_CLAIM },
	{ "amr with a number", "RFC 8176 1", C_MORE("\"amr\":[\"hwk\",1]"), TSR_BAD_CLAIM },
	{ "amr with 16 bytes", "RFC 8176 1", C_MORE("\"amr\":[\"xxxxxxxxxxxxxxxx\"]"), TSR_BAD_CLAIM },
	{ "cnf jkt", "RFC 9449 6.1", C_MORE("\"cnf\":{\"jkt\":\"abc\"}"), TSR_OK },
	{ "cnf of a kind that nobody checks", "RFC 7800 3.1", C_MORE("\"cnf\":{\"x5t#S256\":\"abc\"}"), TSR_BAD_CLAIM },
	{ "cnf jkt and another", "RFC 7800 3.1", C_MORE("\"cnf\":{\"jkt\":\"abc\",\"jwk\":{}}"), TSR_BAD_CLAIM },
	{ "cnf empty", "RFC 7800 3.1", C_MORE("\"cnf\":{}"), TSR_BAD_CLAIM },
	{ "cnf null", "RFC 7800 3.1", C_MORE("\"cnf\":null"), TSR_BAD_CLAIM },
	{ "cnf jkt number", "RFC 9449 6.1", C_MORE("\"cnf\":{\"jkt\":1}"), TSR_BAD_CLAIM },

	{ "claims an array", "RFC 7519 7.2", "[" HELP_CLAIMS "]", TSR_INVALID },
	{ "claims no JSON", "RFC 7519 7.2", "iss=x", TSR_INVALID },
	{ "claims empty object", "RFC 7519 7.2", "{}", TSR_BAD_CLAIM },
	{ "claims cut short", "RFC 8259 2", "{" ISS SUB AUD EXP IAT JTI CID, TSR_INVALID },
	{ "claims with bytes behind them", "RFC 8259 2", HELP_CLAIMS "x", TSR_INVALID },
	{ "claims twice", "RFC 8259 2", HELP_CLAIMS HELP_CLAIMS, TSR_INVALID },
	{ "claims with a comma behind them", "RFC 8259 4", "{" ISS SUB AUD EXP IAT JTI CID ",}", TSR_INVALID },
	{ "claims with a comma twice", "RFC 8259 4", "{" ISS "," SUB AUD EXP IAT JTI CID "}", TSR_INVALID },
	{ "claims with a BOM", "RFC 8259 8.1", "\xef\xbb\xbf" HELP_CLAIMS, TSR_INVALID },
	{ "claims not UTF-8", "RFC 8259 8.1", C_SUB("\"sub\":\"caf\xe9\","), TSR_INVALID },
	{ "claims with overlong UTF-8", "RFC 3629 3", C_SUB("\"sub\":\"\xc1\xa1lice\","), TSR_INVALID },
	{ "claims with a UTF-8 surrogate", "RFC 3629 3", C_SUB("\"sub\":\"\xed\xa0\x80\","), TSR_INVALID },
	{ "claims in a JWS", "RFC 7519 7.2", "eyJhbGciOiJub25lIn0.e30.", TSR_INVALID },
	{ "nested 16 levels", "RFC 8259 9", C_MORE("\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]"), TSR_OK },
	{ "nested 17 levels", "RFC 8259 9", C_MORE("\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), TSR_TOO_LARGE }
};

#endif

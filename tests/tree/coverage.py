# SPDX-License-Identifier: ISC
"""What the committed inputs of the fuzz targets reach: of every file that parses
bytes from outside at least LEAST percent of its lines.

    coverage.py SOURCE BUILD

BUILD is of the preset "coverage"; its fuzz targets are replayed here."""
import json
import os
import subprocess
import sys
import tempfile

LEAST = 85

# A file, and the targets whose inputs have to reach it.
PARSERS = {
    "base/audit_chain.c": "audit_log",
    "base/audit_check.c": "audit_log",
    "base/buf.c": "frame challenge config body http_head request",
    "base/config.c": "config",
    "base/config_check.c": "config",
    "base/config_key.c": "config",
    "base/config_read.c": "config",
    "base/config_section.c": "config",
    "base/config_ssh.c": "config",
    "base/config_text.c": "config",
    "base/escape.c": "frame",
    "base/frame.c": "frame",
    "base/proto.c": "frame",
    "token/b64.c": "jwk jwt",
    "token/challenge.c": "challenge",
    "token/doc.c": "doc",
    "token/ecdsa.c": "spki lib_keys",
    "token/epochs.c": "epochs",
    "token/json.c": "json doc",
    "token/json_text.c": "json",
    "token/jwk.c": "jwk",
    "token/jwk_parse.c": "jwk",
    "token/jws.c": "jwt",
    "token/jwt_check.c": "jwt",
    "token/jwt_claims.c": "jwt",
    "token/jwt_plain.c": "jwt",
    "token/pubkey.c": "jwk jwt spki",
    "token/sigcheck.c": "spki",
    "token/spki.c": "spki",
    "token/ssh_bind.c": "ssh_bind",
    "token/ssh_cert.c": "ssh_cert",
    "token/ssh_cert_read.c": "ssh_cert",
    "token/ssh_fields.c": "ssh_bind ssh_key",
    "token/ssh_host.c": "ssh_bind",
    "token/ssh_key.c": "ssh_key",
    "token/ssh_krl_join.c": "ssh_krl",
    "token/ssh_signed.c": "ssh_signed",
    "token/utf8.c": "doc json",
    "agent/authdata.c": "authdata",
    "agent/body.c": "body",
    "agent/attestation_read.c": "webauthn",
    "agent/clientdata.c": "webauthn",
    "agent/webauthn.c": "webauthn",
    "agent/caller_unit.c": "unit",
    "agent/cbor.c": "authdata request",
    "agent/fido_call.c": "fido_frame request",
    "agent/http_form.c": "http_form",
    "agent/http_head.c": "http_head",
    "agent/introspect.c": "request",
    "agent/opaque_text.c": "request",
    "agent/ssh_agent.c": "ssh_agent",
    "agent/ssh_binds.c": "ssh_agent",
    "agent/ssh_conn.c": "ssh_agent",
    "agent/ssh_sign.c": "ssh_agent",
    "agent/uri.c": "uri",
    "agent/verify.c": "request",
    "fido/ask.c": "fido_answer",
    "fido/ask_make.c": "fido_answer",
    "fido/fault.c": "fido_answer",
    "pkcs11/keys.c": "p11_keys",
    "pkcs11/mech.c": "p11_keys",
    "pkcs11/spki.c": "p11_keys",
    "pkcs11/token.c": "p11_keys",
    "client/ask.c": "client_answer",
    "client/audit_row.c": "audit_row",
    "client/container.c": "container",
    "client/lib/cache.c": "lib_keys",
    "client/lib/http_answer.c": "client_answer lib_answer",
    "client/lib/record.c": "lib_answer",
    "client/lib/result.c": "lib_answer",
    "client/lib/sse.c": "client_answer",
    "client/lib/stream.c": "lib_answer",
    "pam/claims.c": "pam",
    "pam/options.c": "pam",
}


def replay(source, build, work, target):
    """The profile of a target over its inputs."""
    raw, data = os.path.join(work, target + ".raw"), os.path.join(work, target + ".prof")
    subprocess.run([os.path.join(build, "fuzz", "fuzz_" + target),
                    os.path.join(source, "tests/fuzz/corpus", target)], check=True,
                   stdout=subprocess.DEVNULL, env=dict(os.environ, LLVM_PROFILE_FILE=raw))
    subprocess.run(["llvm-profdata-14", "merge", "-sparse", "-o", data, raw], check=True)
    os.unlink(raw)
    return data


def lines(build, work, profiles, targets, files):
    """{file: (lines, those reached)} by the inputs of some targets together."""
    data = os.path.join(work, "together.prof")
    subprocess.run(["llvm-profdata-14", "merge", "-sparse", "-o", data] +
                   [profiles[t] for t in targets], check=True)
    objects = [os.path.join(build, "fuzz", "fuzz_" + t) for t in targets]
    argv = ["llvm-cov-14", "export", "-summary-only", "-instr-profile", data, objects[0]]
    for more in objects[1:]:
        argv += ["-object", more]
    said = subprocess.run(argv, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = {}
    for entry in json.loads(said.stdout)["data"][0]["files"]:
        count = entry["summary"]["lines"]
        for path in files:		# a compiler cache may have the path of another copy
            if entry["filename"].endswith("/" + path):
                found[path] = (count["count"], count["covered"])
    return found


def main():
    source, build = os.path.realpath(sys.argv[1]), sys.argv[2]
    groups, bad = {}, 0
    for path, targets in PARSERS.items():
        groups.setdefault(targets, []).append(path)
    with tempfile.TemporaryDirectory() as work:
        profiles = {t: replay(source, build, work, t)
                    for t in sorted({t for g in groups for t in g.split()})}
        found = {}
        for targets, files in groups.items():
            found.update(lines(build, work, profiles, targets.split(), files))
    for path, targets in PARSERS.items():
        count, covered = found.get(path, (0, 0))
        percent = 100 * covered / count if count else 0
        bad += percent < LEAST
        print("%5.1f %%  %4d of %4d  %-26s %-20s %s" %
              (percent, covered, count, path, targets, "" if percent >= LEAST else "TOO FEW"))
    print("%d of %d files below %d %%" % (bad, len(PARSERS), LEAST))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

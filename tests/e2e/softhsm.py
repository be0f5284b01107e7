# SPDX-License-Identifier: ISC
"""SoftHSM2 tokens for tests, made with softhsm2-util and pkcs11-tool.

    conf = make_token(folder, "card", "123456", kinds=["p256", "ed25519"])

The key of kinds[i] has the id bytes([i + 1]) and its kind as label.  More
tokens may be made in the same folder: they share one configuration file, whose
path is returned and belongs into SOFTHSM2_CONF.
"""
import os
import subprocess
import sys

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
SO_PIN = "87654321"
KINDS = {
    "p256": "EC:prime256v1",
    "p384": "EC:secp384r1",
    "rsa2048": "rsa:2048",
    "rsa3072": "rsa:3072",
    "ed25519": "EC:edwards25519",
}


def run(conf, *command):
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "SOFTHSM2_CONF": conf}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stdout))
    return done.stdout


def write_conf(folder):
    """The configuration file of a folder; made with the folder where absent."""
    tokens = os.path.join(folder, "tokens")
    conf = os.path.join(folder, "softhsm2.conf")
    os.makedirs(tokens, mode=0o700, exist_ok=True)
    if not os.path.exists(conf):
        with open(conf, "w", encoding="utf-8") as f:
            f.write("directories.tokendir = %s\nobjectstore.backend = file\n"
                    "log.level = ERROR\nslots.removable = false\n" % tokens)
    return conf


def make_token(folder, label, pin, kinds=("p256",)):
    """A token with one key of each kind; the path for SOFTHSM2_CONF."""
    conf = write_conf(folder)
    run(conf, "softhsm2-util", "--init-token", "--free", "--label", label,
        "--pin", pin, "--so-pin", SO_PIN)
    for i, kind in enumerate(kinds):
        add_key(conf, label, pin, kind, bytes([i + 1]))
    return conf


def init_without_pin(conf, label):
    """A token as its maker's tool leaves it: whose it is has set no PIN yet."""
    run(conf, "pkcs11-tool", "--module", MODULE, "--slot-index", "0", "--init-token", "--label",
        label, "--so-pin", SO_PIN)


def set_pin(conf, label, pin):
    run(conf, "pkcs11-tool", "--module", MODULE, "--token-label", label, "--init-pin", "--login",
        "--login-type", "so", "--so-pin", SO_PIN, "--new-pin", pin)


def add_key(conf, label, pin, kind, key_id, extra=()):
    """One more key; extra are further options of pkcs11-tool."""
    run(conf, "pkcs11-tool", "--module", MODULE, "--token-label", label, "--login",
        "--pin", pin, "--keypairgen", "--key-type", KINDS[kind], "--id", key_id.hex(),
        "--label", kind, *extra)


def add_object(conf, label, pin, path, kind, key_id, name):
    """Write a DER file as an object of kind cert, pubkey or privkey."""
    run(conf, "pkcs11-tool", "--module", MODULE, "--token-label", label, "--login",
        "--pin", pin, "--write-object", path, "--type", kind, "--id", key_id.hex(),
        "--label", name)


def remove_token(conf, label):
    """Delete the token as if it had been pulled for good."""
    run(conf, "softhsm2-util", "--delete-token", "--token", label)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: softhsm.py FOLDER LABEL PIN [KIND...]")
    print(make_token(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:] or ["p256"]))

# SPDX-License-Identifier: ISC
"""Codes of disconnected tokens as another implementation makes them: oathtool."""
import subprocess

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def oathtool(*args):
    return subprocess.run(["oathtool", *args], check=True, capture_output=True,
                          text=True).stdout.strip()


def totp(secret, wall, digits=6, algorithm="SHA1", period=30):
    return oathtool(f"--totp={algorithm}", "--base32", "--digits", str(digits), "--now",
                    f"@{int(wall)}", "--time-step-size", str(period), secret)


def hotp(secret, counter):
    return oathtool("--hotp", "--base32", "--counter", str(counter), secret)


def secret_of(uri):
    return uri.split("secret=")[1].split("&")[0]

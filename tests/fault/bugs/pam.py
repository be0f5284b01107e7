# SPDX-License-Identifier: ISC
"""Bugs seeded into the PAM module, and login helpers."""

ROWS = [
]

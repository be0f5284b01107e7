# SPDX-License-Identifier: ISC
"""Bugs seeded into SSH: keys, certificates, what is signed for whom."""

ROWS = [
]

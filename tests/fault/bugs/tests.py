# SPDX-License-Identifier: ISC
"""Tests that many rows name."""

ENROL, LIFETIME, IMPOSTOR = "e2e/enrol Enrol.", "e2e/lifetime Lifetime.", "e2e/impostor Lies."
RECOVER, SHARING = "e2e/recover Recover.", "e2e/recover Sharing."
PRESENCE = "e2e/presence Presence."
PLUG = "e2e/plug Plug."
CALLERS, TOKEN, HELPER = "e2e/callers Callers.", "e2e/token ", "e2e/helper Helper."
PIN = "e2e/pin "
DOCTOR = "e2e/doctor "
JOURNAL = "e2e/journal "
REFUSALS, RECOVERY = "e2e/otp_refusals Refusals.", "e2e/otp_recovery Recovery."
PAM, PAM_AGENT, PAM_SWEEP = "e2e/pam ", "e2e/pam_agent Gone.", "fault/pam Sweep."

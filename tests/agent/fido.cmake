# FIDO2 keys: what they answer.
tessera_test(assertion SOURCES test_assertion.c LINK tessera_agent)
tessera_test(attestation SOURCES test_attestation.c LINK tessera_agent)
tessera_test(clientdata SOURCES test_clientdata.c LINK tessera_agent)
tessera_test(challenges SOURCES test_challenges.c LINK clock_rig)

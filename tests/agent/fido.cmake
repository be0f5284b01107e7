# FIDO2 keys: what they answer.
tessera_test(assertion SOURCES test_assertion.c LINK tessera_agent)

# The audit log.
tessera_test(audit SOURCES test_audit.c LINK tessera_audit)

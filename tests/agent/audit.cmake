# The audit log.
add_library(audit_rig STATIC audit_rig.c)
target_link_libraries(audit_rig PUBLIC tessera_audit PkgConfig::CMOCKA)
tessera_test(audit SOURCES test_audit.c LINK audit_rig)
tessera_test(audit_chain SOURCES test_audit_chain.c LINK audit_rig)
tessera_test(audit_file SOURCES test_audit_file.c LINK audit_rig)

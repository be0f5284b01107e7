tessera_fuzz(client_answer LINK tessera_client)
tessera_fuzz(audit_row SOURCES ${PROJECT_SOURCE_DIR}/client/audit_row.c LINK tessera_client)
tessera_fuzz(container SOURCES ${PROJECT_SOURCE_DIR}/client/container.c LINK tessera_oath tessera_base PkgConfig::PSKC)

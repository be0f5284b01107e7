tessera_fuzz(audit_log LINK tessera_base)

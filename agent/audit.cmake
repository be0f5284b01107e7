# The audit log: its files, and what is said in it.
tessera_part(tessera_audit
	SOURCES audit.c audit_file.c audit_first.c audit_refused.c audit_tail.c audit_text.c
	LINK tessera_net tessera_store tessera_base PkgConfig::SODIUM)

# The SSH socket, certificates and their CA.
tessera_test(store_ssh SOURCES test_store_ssh.c LINK store_help)
tessera_test(ssh_ca SOURCES test_ssh_ca.c LINK store_help)
tessera_test(ssh_binds SOURCES test_ssh_binds.c LINK tessera_agent)

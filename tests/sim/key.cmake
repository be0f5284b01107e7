# The virtual FIDO2 key.
tessera_test(sim_cbor SOURCES test_cbor.c diag.c LINK tessera_sim_key)
tessera_test(sim_ctaphid SOURCES test_ctaphid.c LINK tessera_sim_key)
tessera_test(sim_key SOURCES test_key.c diag.c LINK tessera_sim_key)
tessera_test(sim_key_token SOURCES test_key_token.c diag.c LINK tessera_sim_key)

tessera_fuzz(doc LINK tessera_token tessera_scarce)
tessera_fuzz(lib_answer LINK tessera_link tessera_scarce)
tessera_fuzz(lib_keys LINK tessera_verify)

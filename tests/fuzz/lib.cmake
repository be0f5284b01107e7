tessera_fuzz(doc LINK tessera_token)
tessera_fuzz(lib_answer LINK tessera_link)
target_link_options(fuzz_lib_answer PRIVATE -Wl,--wrap=malloc,--wrap=calloc)
tessera_fuzz(lib_keys LINK tessera_verify)

# What the FIDO2 helper makes of a key's answers.
tessera_fuzz(fido_answer LINK tessera_fido tessera_scarce)
target_link_options(fuzz_fido_answer PRIVATE -Wl,--wrap=fido_dev_new)

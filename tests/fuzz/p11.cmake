# What the PKCS#11 helper makes of a module's answers.
tessera_fuzz(p11_keys LINK tessera_pkcs11)

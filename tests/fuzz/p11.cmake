# What the PKCS#11 helper makes of a module's answers.
tessera_fuzz(p11_keys LINK tessera_pkcs11)
foreach(call PKCS11_enumerate_certs PKCS11_get_slotid_from_slot)
	target_link_options(fuzz_p11_keys PRIVATE -Wl,--wrap=${call})
endforeach()

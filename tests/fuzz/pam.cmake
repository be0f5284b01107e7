tessera_fuzz(pam LINK tessera_pam_parse)

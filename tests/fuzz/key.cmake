# The virtual FIDO2 key.
tessera_fuzz(sim_ctap LINK tessera_sim_key)
tessera_fuzz(sim_hid LINK tessera_sim_key)

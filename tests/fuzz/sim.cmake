# The virtual devices.
tessera_fuzz(sim_apdu LINK tessera_sim_card)

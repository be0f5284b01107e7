tessera_fuzz(frame LINK tessera_base)

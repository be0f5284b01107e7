tessera_fuzz(authdata LINK tessera_agent)

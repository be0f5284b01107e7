tessera_fuzz(authdata LINK tessera_agent)
tessera_fuzz(webauthn LINK tessera_agent tessera_scarce)

tessera_fuzz(jwt LINK tessera_token tessera_scarce)
foreach(name epochs json jwk challenge spki)
	tessera_fuzz(${name} LINK tessera_token)
endforeach()

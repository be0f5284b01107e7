foreach(name json jwk jwt challenge spki)
	tessera_fuzz(${name} LINK tessera_token)
endforeach()

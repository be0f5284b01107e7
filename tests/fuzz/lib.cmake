tessera_fuzz(doc LINK tessera_token)

tessera_fuzz(client_answer LINK tessera_client)

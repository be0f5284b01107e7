# The SSH agent's socket, SSH certificates and their CA.
set(tessera_ssh
	ssh_conn.c
)

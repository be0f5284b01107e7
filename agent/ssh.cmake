# The SSH agent's socket, SSH certificates and their CA.
set(tessera_ssh
	ssh_api.c
	ssh_certificate.c
	ssh_conn.c
	ssh_issue.c
	ssh_revoke.c
)

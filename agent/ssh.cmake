# The SSH agent's socket, SSH certificates and their CA.
set(tessera_ssh
	ssh_about.c
	ssh_agent.c
	ssh_api.c
	ssh_binds.c
	ssh_certificate.c
	ssh_conn.c
	ssh_file.c
	ssh_issue.c
	ssh_revoke.c
	ssh_sign.c
	ssh_user.c)

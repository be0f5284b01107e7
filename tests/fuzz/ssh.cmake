# What comes to the SSH socket.
foreach(name ssh_key ssh_cert ssh_signed ssh_bind)
	tessera_fuzz(${name} LINK tessera_token)
endforeach()

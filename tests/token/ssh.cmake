# SSH keys, certificates and lists.
add_library(ssh_help STATIC ssh_help.c)
target_link_libraries(ssh_help PUBLIC token_help)

foreach(name ssh_bind ssh_cert ssh_key ssh_krl ssh_signed)
	tessera_test(${name} SOURCES test_${name}.c LINK ssh_help)
endforeach()

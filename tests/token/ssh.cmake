# SSH keys, certificates and lists.
add_library(ssh_help STATIC ssh_help.c)
target_link_libraries(ssh_help PUBLIC token_help)

foreach(name ssh_bind ssh_cert ssh_key ssh_krl ssh_krl_join ssh_signed)
	tessera_test(${name} SOURCES test_${name}.c LINK ssh_help)
endforeach()

# Against ssh-keygen and ssh-agent, both ways.
add_executable(token_ssh token_ssh.c)
target_link_libraries(token_ssh PRIVATE tessera_flags tessera_token)
set_target_properties(token_ssh PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
add_test(NAME ssh_foreign COMMAND ${PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/test_ssh_foreign.py $<TARGET_FILE:token_ssh>)
set_tests_properties(ssh_foreign PROPERTIES TIMEOUT 120)

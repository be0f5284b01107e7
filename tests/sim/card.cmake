# The virtual PIV card.
tessera_test(sim_card SOURCES test_card.c card_rig.c LINK tessera_sim_card)

# Dies, or fails, at the moment when a file is replaced.
tessera_test(sim_card_files SOURCES test_card_files.c card_rig.c LINK tessera_sim_card)
target_link_options(test_sim_card_files PRIVATE -Wl,--wrap=renameat)

tessera_test(sim_card_keys SOURCES test_card_keys.c card_rig.c LINK tessera_sim_card)

# Under OpenSC and yubico-piv-tool, through pcscd: as the end-to-end tests.
add_test(NAME sim_stack COMMAND ${PYTHON3} -B ${CMAKE_CURRENT_SOURCE_DIR}/test_stack.py)
set_tests_properties(sim_stack PROPERTIES
	LABELS e2e TIMEOUT 300
	ENVIRONMENT "TESSERA_BIN=${PROJECT_BINARY_DIR}/bin;TESSERA_SOURCE=${PROJECT_SOURCE_DIR}")

# A card that others wrote, for the end-to-end tests.
pkg_check_modules(CACARD REQUIRED IMPORTED_TARGET libcacard)
add_executable(cacbridge cacbridge.c)
target_link_libraries(cacbridge PRIVATE tessera_flags tessera_sim_base PkgConfig::CACARD)
set_target_properties(cacbridge PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

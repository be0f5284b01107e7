# Starting programs, keeping workers, sandboxes.
function(tessera_test_program name)
	add_executable(${name} ${ARGN})
	target_link_libraries(${name} PRIVATE tessera_base)
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endfunction()

tessera_test_program(spawn_probe spawn_probe.c)
tessera_test_program(keeper_worker keeper_worker.c)

tessera_test(base_spawn SOURCES spawn.c LINK tessera_base)
target_compile_definitions(test_base_spawn PRIVATE SPAWN_PROBE="$<TARGET_FILE:spawn_probe>")
add_dependencies(test_base_spawn spawn_probe)

tessera_test(base_keeper SOURCES keeper.c LINK tessera_base)
target_compile_definitions(test_base_keeper PRIVATE KEEPER_WORKER="$<TARGET_FILE:keeper_worker>")
add_dependencies(test_base_keeper keeper_worker)

tessera_test(base_sandbox_escape SOURCES sandbox_escape.c breakout_files.c breakout_processes.c
	breakout_kernel.c jail.c LINK tessera_base)

tessera_test(base_sandbox_work SOURCES sandbox_work.c sandbox_module.c jail.c
	LINK tessera_base PkgConfig::SQLITE PkgConfig::SYSTEMD PkgConfig::CRYPTO ${CMAKE_DL_LIBS})
target_include_directories(test_base_sandbox_work PRIVATE ${P11KIT_INCLUDE_DIRS})
target_compile_definitions(test_base_sandbox_work PRIVATE SPAWN_PROBE="$<TARGET_FILE:spawn_probe>")
add_dependencies(test_base_sandbox_work spawn_probe)

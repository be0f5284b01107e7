# libtessera's verifier beside the bare check, with the agent's file of dead tokens:
# a program of its own.
tessera_bench(verify)
target_link_libraries(bench_verify PRIVATE tessera_agent tessera_verify tessera_token PkgConfig::SODIUM)
target_include_directories(bench_verify PRIVATE ${PROJECT_SOURCE_DIR}/include)
if(NOT TESSERA_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
	add_test(NAME bench_verify COMMAND bench_verify --short)
	set_tests_properties(bench_verify PROPERTIES LABELS bench RUN_SERIAL TRUE TIMEOUT 120)
endif()

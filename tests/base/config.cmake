# The configuration.
add_library(config_rig STATIC config_rig.c)
target_link_libraries(config_rig PUBLIC tessera_config PkgConfig::CMOCKA)
tessera_test(base_config_place SOURCES test_config_place.c LINK config_rig)
tessera_test(base_config_ssh SOURCES test_config_ssh.c LINK config_rig)
tessera_test(base_config SOURCES test_config.c LINK config_rig PkgConfig::JANSSON)
# Lets allocations fail.
target_link_options(test_base_config PRIVATE
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=strdup -Wl,--wrap=mmap)
if(NOT TESSERA_SANITIZE)	# a sanitizer's allocator has no heap to keep
	tessera_test(base_config_memory SOURCES test_config_memory.c LINK config_rig PkgConfig::CONFUSE)
	target_link_options(test_base_config_memory PRIVATE -Wl,--wrap=cfg_init -Wl,--wrap=cfg_parse_buf)
endif()

# The configuration.
tessera_test(base_config SOURCES test_config.c LINK tessera_config PkgConfig::JANSSON)
# Lets allocations fail.
target_link_options(test_base_config PRIVATE
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=strdup -Wl,--wrap=mmap)

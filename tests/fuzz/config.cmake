tessera_fuzz(config LINK tessera_config PkgConfig::JANSSON)

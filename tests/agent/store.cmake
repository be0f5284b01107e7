# The store and the signing keys.
add_library(store_help STATIC store_help.c)
target_link_libraries(store_help PUBLIC tessera_store PkgConfig::CMOCKA)

tessera_test(store_open SOURCES test_store_open.c LINK store_help)
tessera_test(store_key SOURCES test_store_key.c LINK store_help)
tessera_test(store_batch SOURCES test_store_batch.c fault_vfs.c LINK store_help)
tessera_test(store_credential SOURCES test_store_credential.c LINK store_help)
tessera_test(store_fido SOURCES test_store_fido.c LINK store_help)
tessera_test(store_signing SOURCES test_store_signing.c LINK store_help)
tessera_test(keys SOURCES test_keys.c LINK store_help)
tessera_test(store_tag SOURCES test_store_tag.c LINK store_help)
target_compile_definitions(test_store_open PRIVATE TESSERA_SOURCE="${PROJECT_SOURCE_DIR}")
tessera_test(store_backup SOURCES test_store_backup.c fault_vfs.c LINK store_help)

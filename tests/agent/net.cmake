# The loop, the sockets and HTTP, and what the kernel says of callers.
tessera_test(timer SOURCES test_timer.c LINK tessera_net)
tessera_test(http_head SOURCES test_http_head.c LINK tessera_net)
tessera_test(http_form SOURCES test_http_form.c LINK tessera_net)

add_library(http_rig STATIC http_rig.c)
target_link_libraries(http_rig PUBLIC tessera_net PkgConfig::CMOCKA)
tessera_test(http SOURCES test_http.c LINK http_rig)
tessera_test(http_callers SOURCES test_http_callers.c LINK http_rig)
tessera_test(caller SOURCES test_caller.c LINK tessera_net)
tessera_test(names SOURCES test_names.c LINK tessera_net)
tessera_test(listen SOURCES test_listen.c LINK tessera_net)
tessera_test(loop SOURCES test_loop.c LINK tessera_net)
tessera_test(metrics SOURCES test_metrics.c LINK tessera_agent)

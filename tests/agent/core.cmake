# The agent's core: what needs neither a socket nor a store.
add_library(clock_rig STATIC clock_rig.c)
target_link_libraries(clock_rig PUBLIC tessera_agent PkgConfig::CMOCKA)
tessera_test(uri SOURCES test_uri.c LINK tessera_agent)
tessera_test(session SOURCES test_session.c LINK clock_rig)
tessera_test(enrol_code SOURCES test_enrol_code.c LINK clock_rig)
tessera_test(policy SOURCES test_policy.c LINK tessera_agent)
tessera_test(problem SOURCES test_problem.c LINK tessera_agent)
tessera_test(helper_pool SOURCES test_helper_pool.c LINK clock_rig)

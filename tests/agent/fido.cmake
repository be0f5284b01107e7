# FIDO2 keys: what they answer.
tessera_test(assertion SOURCES test_assertion.c LINK tessera_agent)
tessera_test(attestation SOURCES test_attestation.c LINK tessera_agent)
tessera_test(attestation_read SOURCES test_attestation_read.c LINK tessera_agent)
# How they are asked.
tessera_test(fido_call SOURCES test_fido_call.c LINK helper_rig clock_rig)
tessera_test(fido_pin SOURCES test_fido_pin.c LINK tessera_agent clock_rig)
tessera_test(fido_turn SOURCES test_fido_turn.c LINK tessera_agent clock_rig)
# The whole agent with a key that is played behind the helper's socket.
add_library(fido_bed STATIC fido_bed.c ../fuzz/agent_rig.c)
target_link_libraries(fido_bed PUBLIC tessera_agent clock_rig)
foreach(call confine_agent loop_run log_line http_server_new)
	target_link_options(fido_bed INTERFACE -Wl,--wrap=${call})
endforeach()
tessera_test(fido_touch SOURCES test_fido_touch.c LINK fido_bed)
tessera_test(fido_proof SOURCES test_fido_proof.c LINK fido_bed)
set_tests_properties(fido_touch PROPERTIES TIMEOUT 600)
tessera_test(clientdata SOURCES test_clientdata.c LINK tessera_agent)
tessera_test(challenges SOURCES test_challenges.c LINK clock_rig)

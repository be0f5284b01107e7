# What the agent's core reads: URIs, JSON bodies, and what its helpers say.
tessera_fuzz(uri LINK tessera_agent tessera_scarce)
tessera_fuzz(body LINK tessera_agent tessera_scarce)
tessera_fuzz(helper_frame LINK tessera_agent tessera_scarce)
tessera_mutate(helper_frame 30000 LINK tessera_agent tessera_scarce)
tessera_fuzz(watcher_frame LINK tessera_agent)
# The whole agent but for its sandbox.
tessera_fuzz(request SOURCES agent_rig.c fido_end.c ../agent/clock_rig.c LINK tessera_agent tessera_scarce)
foreach(call confine_agent loop_run log_line http_server_new)
	target_link_options(fuzz_request PRIVATE -Wl,--wrap=${call})
endforeach()

# What the agent's core reads: URIs, JSON bodies, and what its helpers say.
tessera_fuzz(uri LINK tessera_agent)
tessera_fuzz(body LINK tessera_agent)
tessera_fuzz(helper_frame LINK tessera_agent)
tessera_fuzz(watcher_frame LINK tessera_agent)

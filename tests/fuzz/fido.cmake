tessera_fuzz(authdata LINK tessera_agent)
tessera_fuzz(webauthn LINK tessera_agent tessera_scarce)
# What the agent makes of what its FIDO2 helper says.
tessera_fuzz(fido_frame SOURCES ../agent/clock_rig.c LINK tessera_agent tessera_scarce)
tessera_mutate(fido_frame 30000 SOURCES ../agent/clock_rig.c LINK tessera_agent tessera_scarce)

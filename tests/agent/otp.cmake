# Disconnected tokens: what the store keeps of them, and codes.
tessera_test(otp_throttle SOURCES test_otp_throttle.c LINK tessera_store)
tessera_test(otp SOURCES test_otp.c clock_rig.c LINK store_help tessera_agent)

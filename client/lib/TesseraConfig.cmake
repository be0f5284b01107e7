# Tessera::tessera is libtessera, the client of the agent and verifier of tokens.
include(${CMAKE_CURRENT_LIST_DIR}/TesseraTargets.cmake)

# What clients of the socket send.
tessera_fuzz(http_head LINK tessera_net tessera_scarce)
tessera_fuzz(http_form LINK tessera_net tessera_scarce)
tessera_fuzz(unit LINK tessera_net)

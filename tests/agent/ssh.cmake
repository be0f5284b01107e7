# The SSH socket, certificates and their CA.

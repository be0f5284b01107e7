# What comes to the SSH socket.

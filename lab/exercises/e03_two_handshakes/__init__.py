"""Exercise 3: the handshake of TCP, and that of TLS."""

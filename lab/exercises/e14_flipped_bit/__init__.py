"""Exercise 14: one bit is flipped on the way, in plaintext and under TLS."""

"""Exercise 1: a message in plaintext."""

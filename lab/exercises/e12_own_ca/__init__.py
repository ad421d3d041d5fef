"""Exercise 12: build a CA and a server certificate that verifies."""

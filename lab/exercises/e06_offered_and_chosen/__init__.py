"""Exercise 6: what the client offered and the server chose."""

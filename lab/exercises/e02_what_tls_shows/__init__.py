"""Exercise 2: the same message over TLS, and what its bytes prove."""

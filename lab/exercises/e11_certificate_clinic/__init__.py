"""Exercise 11: what six certificates suffer from."""

"""Exercise 5: segments are not records."""

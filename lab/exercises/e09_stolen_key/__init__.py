"""Exercise 9: the stolen key."""

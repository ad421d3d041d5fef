"""Exercise 13: sizes and times."""

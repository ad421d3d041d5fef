"""Exercise 8: find the right line of a key log, and decrypt."""

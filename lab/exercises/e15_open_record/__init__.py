"""Exercise 15: decrypt one record in code."""

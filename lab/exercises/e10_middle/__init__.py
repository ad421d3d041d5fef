"""Exercise 10: be in the middle of a careless client."""

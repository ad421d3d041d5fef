"""Exercise 7: where is the certificate."""

"""Exercise 4: a record header by hand."""

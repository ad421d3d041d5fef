"""`lab decrypt`: the records of a capture opened with its keys, and every number on the way."""

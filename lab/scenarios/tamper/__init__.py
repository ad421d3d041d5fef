"""One bit changed on the way, a record replayed, dropped or swapped: who notices."""

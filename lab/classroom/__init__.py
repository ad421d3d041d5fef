"""A course: who is in it, what each student gets, and what becomes of what they hand in."""

"""Somebody in the middle with false certificates: which client falls for which."""

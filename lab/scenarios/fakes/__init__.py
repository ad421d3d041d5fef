"""Chats that only look encrypted, each read from the capture by the standard attack."""

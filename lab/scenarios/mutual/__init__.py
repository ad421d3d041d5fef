"""Certificates for clients, too: names that cannot be borrowed."""

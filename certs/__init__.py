"""Keys, requests, certificates and a small CA; the TLS contexts made of them. Knows nothing of chat, capture or lab."""

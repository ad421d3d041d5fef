"""The multi-user chat: protocol, room, server and clients. Is handed its TLS contexts; knows nothing of captures."""

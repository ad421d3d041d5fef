"""Traffic in: live capture, capture files, readers, streams, TLS records, decoding. Sees only bytes."""

"""How much longer the body of a TLS record is than a line of the chat in it. Knows numbers only."""

TAG = 16  # bytes: authenticates the record, in every suite of TLS 1.3 that OpenSSL offers (RFC 8446, section B.4)
INNER_TYPE = 1  # byte: the real content type, encrypted (RFC 8446, section 5.2)
ADDED = TAG + INNER_TYPE
OLD_ADDED = (
    8 + TAG
)  # bytes: TLS 1.2 with AES-GCM sends a part of the nonce along, and no inner type (RFC 5288, section 3)
NEWLINE = 1  # byte: the chat ends a line with LF

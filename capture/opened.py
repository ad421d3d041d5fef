"""Record protection: one record, its keys and its number in, the plaintext out, or nothing.

Pure. Knows nonce, additional data, inner type and padding (RFC 8446, sections 5.2 to 5.4; RFC 5246, section 6.2.3.3;
RFC 5288; RFC 7905). Does not know which keys belong to which record. A record that does not open gives nothing out,
because an AEAD checks before it decrypts. What was used to open a record stays with it: what is shown as a step is what
was done.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from capture.errors import KeyLogError
from capture.schedule import TAG, TrafficKeys
from capture.tls import Record


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that was encrypted and has been opened, and what it was opened with.

    Attributes:
        record: the record as it was captured.
        content_type: the inner type (TLS 1.3, RFC 8446, section 5.2), or the record's own (TLS 1.2).
        plaintext: what was inside.
        body: offset in the record's fragment where the ciphertext of `plaintext` starts. These ciphers encrypt byte by
            byte, so byte n of the plaintext stands encrypted at fragment[body + n].
        padding: how many zero bytes followed the inner type (RFC 8446, section 5.4); 0 in TLS 1.2.
        keys: the keys.
        sequence: number of the record among those under these keys, from 0; it is never sent.
        nonce: what the AEAD was given for this record and no other.
        aad: the additional data: what is authenticated beside the ciphertext.
    """

    record: Record
    content_type: int
    plaintext: bytes
    body: int
    padding: int
    keys: TrafficKeys
    sequence: int
    nonce: bytes
    aad: bytes

    @property
    def ciphertext(self) -> bytes:
        """The encrypted bytes: in TLS 1.3 of the plaintext, of its type and of the padding."""
        return self.record.fragment[self.body : -TAG]

    @property
    def tag(self) -> bytes:
        """The authentication tag, at the end of the record."""
        return self.record.fragment[-TAG:]


class UnopenedError(KeyLogError):
    """A record does not open with the keys there are.

    Attributes:
        record: that record.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        side = "client" if record.stream.from_client else "server"
        super().__init__(
            f"The key log has keys for this connection, but they do not open record {record.index} "
            f"of the {side} ({record.stream.locate(record.start, record.end)[0]}): the key log or the capture was "
            "changed."
        )


class Protector:
    """Opens the records of one direction, one after the other, while its keys last.

    Attributes:
        keys: the keys.
        sequence: the number of the next record, from 0.
    """

    def __init__(self, keys: TrafficKeys) -> None:
        self.keys = keys
        self._aead = keys.suite.aead(keys.key)
        self._iv = int.from_bytes(keys.iv, "big")
        self.sequence = 0

    def open13(self, record: Record) -> Opened | None:
        """Open a record of TLS 1.3 and count it; None: it does not open, and nothing is counted."""
        nonce = (self._iv ^ self.sequence).to_bytes(12, "big")  # RFC 8446, section 5.3
        aad = record.header  # section 5.2
        inner = self._decrypt(nonce, record.fragment, aad)
        if inner is None:
            return None
        unpadded = inner.rstrip(b"\0")  # section 5.4
        # all zeros has no type: 0 is none of the types there are
        content_type, plaintext = (unpadded[-1], unpadded[:-1]) if unpadded else (0, b"")
        padding = len(inner) - len(unpadded)
        return Opened(record, content_type, plaintext, 0, padding, self.keys, self._counted(), nonce, aad)

    def open12(self, record: Record) -> Opened | None:
        """Open a record of TLS 1.2, likewise."""
        explicit = self.keys.suite.explicit
        number = self.sequence.to_bytes(8, "big")
        if explicit:
            nonce = self.keys.iv + record.fragment[:explicit]  # RFC 5288, section 3
        else:
            nonce = (self._iv ^ self.sequence).to_bytes(12, "big")  # RFC 7905, section 2
        length = max(0, len(record.fragment) - explicit - TAG)  # of the plaintext
        aad = number + record.header[:3] + length.to_bytes(2, "big")  # RFC 5246, section 6.2.3.3
        plaintext = self._decrypt(nonce, record.fragment[explicit:], aad)
        if plaintext is None:
            return None
        return Opened(record, record.content_type, plaintext, explicit, 0, self.keys, self._counted(), nonce, aad)

    def _decrypt(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        if len(sealed) < TAG:
            return None
        try:
            return self._aead.decrypt(nonce, sealed, aad)
        except InvalidTag:
            return None

    def _counted(self) -> int:
        self.sequence += 1
        return self.sequence - 1

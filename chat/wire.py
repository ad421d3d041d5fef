"""What lies between the words and the socket: nothing, or TLS. Bytes in, bytes out.

Knows: the `ssl` module's TLS without sockets (`ssl.SSLObject`). Must not know: sockets, time, what the words mean.
Contract: `receive` takes what came off the socket and returns the words in it; `send` takes words and returns what goes
onto the socket. After each `receive`, and also when TLS failed in it, `outgoing` has what the other side must be sent:
the handshake, an alert. What goes out is in the caller's hands, so a client can show what its last words became.
"""

import ssl
from contextlib import suppress
from typing import Protocol

_READ = 65536
# RFC 8446, section 5.1: the types of TLS records begin with change_cipher_spec(20) and end with application_data(23).
_RECORD_TYPES = range(20, 24)
_HANDSHAKE = 22


class Wire(Protocol):
    """What a connection speaks through."""

    @property
    def ready(self) -> bool:
        """Whether words may be sent."""

    @property
    def ended(self) -> bool:
        """Whether the other side has said that no more words come."""

    @property
    def failure(self) -> ssl.SSLError | None:
        """Why TLS failed, after the words that were returned last; None while it has not."""

    def receive(self, data: bytes) -> bytes:
        """Take bytes off the socket; return the words in them. Where `failure` is set after it, no more will come."""

    def send(self, words: bytes) -> bytes:
        """Return the bytes that carry these words."""

    def outgoing(self) -> bytes:
        """Return what is to be sent for the wire's own sake, once."""

    def end(self) -> bytes:
        """Return the bytes that say that no more words come."""


class Plain:
    """Nothing in between."""

    ready = True
    ended = False
    failure = None

    def receive(self, data: bytes) -> bytes:
        """Return the bytes as they are."""
        return data

    def send(self, words: bytes) -> bytes:
        """Return the words as they are."""
        return words

    def outgoing(self) -> bytes:
        """Return nothing: plaintext has no words of its own."""
        return b""

    def end(self) -> bytes:
        """Return nothing: the end of the connection is all there is."""
        return b""


class Tls:
    """TLS by OpenSSL.

    Args:
        context: this side of it.
        server_side: whether this is the server.
        server_hostname: what a client asks for, and looks for in the certificate.
    """

    def __init__(
        self, context: ssl.SSLContext, *, server_side: bool = False, server_hostname: str | None = None
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname
        )
        self.ready = False
        self.ended = False
        self.failure: ssl.SSLError | None = None

    def receive(self, data: bytes) -> bytes:
        """Take records; return the words in them. See `Wire.receive`."""
        self._incoming.write(data)
        words: list[bytes] = []
        try:
            self._read(words)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.failure = error  # what came whole before is not lost with it
        return words[0] if len(words) == 1 else b"".join(words)

    def _read(self, words: list[bytes]) -> None:
        if not self.ready:
            self.object.do_handshake()
            self.ready = True
        # what is left of a record that is not whole yet is kept by OpenSSL
        while (self._incoming.pending or self.object.pending()) and not self.ended:
            try:
                read = self.object.read(_READ)
            except ssl.SSLZeroReturnError:
                read = b""
            if not read:
                self.ended = True
            words.append(read)

    def send(self, words: bytes) -> bytes:
        """Return the records that carry these words."""
        if words and self.failure is None:
            self.object.write(words)
        return self._outgoing.read()

    def outgoing(self) -> bytes:
        """Return what OpenSSL has to say: a part of the handshake, an alert, tickets, key updates."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def start(self) -> bytes:
        """Return a client's first flight."""
        self.receive(b"")
        return self._outgoing.read()

    def end(self) -> bytes:
        """Return the alert close_notify (RFC 8446, section 6.1)."""
        if self.ready:
            with suppress(ssl.SSLError):  # SSLWantReadError until the other side says so too; else it broke before
                self.object.unwrap()
        return self._outgoing.read()


def shake_hands(client: Tls, server: Tls) -> None:
    """Bring a handshake between two that are joined in memory to its end, or as far as it goes: `failure` says why."""
    flight = client.start()
    while flight and client.failure is None:
        server.receive(flight)
        client.receive(server.outgoing())
        flight = client.outgoing()


def is_tls(data: bytes) -> bool:
    """Tell whether what came first is the beginning of a TLS connection, whose first record is of type handshake(22).

    As text that byte is the control character SYN, with which no name can begin.
    """
    return data[:1] == bytes([_HANDSHAKE])


def is_record(data: bytes) -> bool:
    """Tell whether what came is a TLS record of any type: as an answer to plaintext, an alert."""
    return bool(data) and data[0] in _RECORD_TYPES

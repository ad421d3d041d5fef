"""Opens TLS records with the secrets of a key log: TLS 1.3, and TLS 1.2 with AEAD suites.

Pure. Knows which keys of the key schedule protect which records: those of early data, of the handshake, of what comes
after it and of each key update (RFC 8446, sections 2.3, 4.6.3 and 7); in TLS 1.2 those of each handshake (RFC 5246,
section 7.1). A record that does not open raises; no byte of it is given out.
"""

import itertools
from collections.abc import Generator, Iterator
from dataclasses import replace

from capture.errors import CaptureError, KeyLogError
from capture.hello import ClientHello, ServerHello, client_hello, parse_client_hello, parse_server_hello, server_hello
from capture.keylog import KeyLog
from capture.opened import Opened, Protector, UnopenedError
from capture.schedule import SUITES, TAG, Suite, TrafficKeys, TrafficSecret, tls12_keys, traffic_keys, updated
from capture.streams import ByteStream, select
from capture.tls import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    END_OF_EARLY_DATA,
    FINISHED,
    HANDSHAKE,
    HEADER,
    KEY_UPDATE,
    SERVER_HELLO,
    TLS_1_2,
    TLS_1_3,
    HandshakeReader,
    Record,
    RecordLayer,
    handshake_messages,
)

_TLS13_SUITES = tuple(SUITES[number] for number in (0x1301, 0x1302, 0x1303))  # RFC 8446, section B.4
_CLIENT, _SERVER = 0, 1
_EARLY, _MASTER = "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_RANDOM"  # labels of a key log, RFC 9850, section 2.1


def open_connection(client: RecordLayer, server: RecordLayer, keylog: KeyLog) -> tuple[list[Opened], list[Opened]]:
    """Open the encrypted records of both directions of a connection; return the client's and the server's.

    Raises:
        KeyLogError: the key log has no secret for this connection, or a record does not open with what it has (then it
            is an UnopenedError).
        CaptureError: there is no handshake in the capture, or its version or suite is not one that can be opened.
        MalformedError: a hello breaks the rules.
    """
    ours, theirs = open_sides(client, server, keylog)
    return list(ours), list(theirs)


def open_sides(client: RecordLayer, server: RecordLayer, keylog: KeyLog) -> tuple[Iterator[Opened], Iterator[Opened]]:
    """Open a connection record by record, so that what opens before a record that does not is not lost.

    Raises:
        CaptureError: as `open_connection`, at once or when the first record is asked for that does not open.
    """
    hello, answer = client_hello(client), server_hello(server)
    if hello is None or answer is None:
        msg = f"The handshake of {client.stream.source} with {client.stream.destination} is not in the capture."
        raise CaptureError(msg)
    suite = _suite(answer)
    if answer.version == TLS_1_3:
        return (
            _open_tls13(client, hello, suite, keylog, "CLIENT"),
            _open_tls13(server, hello, suite, keylog, "SERVER"),
        )
    states = _States((client, server), _keys12(hello, answer, keylog), keylog)
    return states.open(_CLIENT), states.open(_SERVER)


def _suite(answer: ServerHello) -> Suite:
    suite = SUITES.get(answer.cipher_suite)
    if suite is None or answer.version not in (TLS_1_2, TLS_1_3):
        msg = f"The cipher suite {answer.suite_name} is not one that this lab can open; TLS 1.3 and AEAD suites are."
        raise CaptureError(msg)
    return suite


def _secret(keylog: KeyLog, label: str, hello: ClientHello) -> bytes:
    try:
        return keylog[label, hello.random]
    except KeyError:
        msg = (
            "The key log has no keys for a connection of this capture: it belongs to another session, or was cut short "
            f"(no {label} for client random {hello.random[:4].hex()}…)."
        )
        raise KeyLogError(msg) from None


def _open_tls13(layer: RecordLayer, hello: ClientHello, suite: Suite, keylog: KeyLog, side: str) -> Iterator[Opened]:
    """Yield the records of one direction: early data, those of the handshake, and from its Finished on all others."""
    # neither the hellos, nor the change_cipher_spec that means nothing (RFC 8446, section 5)
    records = iter([record for record in layer.records if record.content_type == APPLICATION_DATA])
    early = keylog.get((_EARLY, hello.random)) if side == "CLIENT" and hello.early_data else None
    if early is not None:
        records = yield from _open_early(records, TrafficSecret(_EARLY, 0, early), suite)
    label, application = f"{side}_HANDSHAKE_TRAFFIC_SECRET", f"{side}_TRAFFIC_SECRET_0"
    protection: Protector | None = None
    reader = HandshakeReader()
    for record in records:
        if protection is None:
            protection = Protector(traffic_keys(TrafficSecret(label, 0, _secret(keylog, label, hello)), suite))
        opened = protection.open13(record)
        if opened is None:
            if side == "CLIENT" and hello.early_data and label != application and not protection.sequence:
                _secret(keylog, _EARLY, hello)  # without it, early data is what does not open
            raise UnopenedError(record)
        yield opened
        if opened.content_type != HANDSHAKE:
            continue
        for message in reader.feed(opened.plaintext):
            secret = protection.keys.secret
            if label != application and message.msg_type == FINISHED:
                label, protection = application, None
                break  # nothing may follow in the same record (RFC 8446, section 5.1)
            if label == application and message.msg_type == KEY_UPDATE and isinstance(secret, TrafficSecret):
                protection = Protector(traffic_keys(updated(secret, suite), suite))


def _open_early(
    records: Iterator[Record], secret: TrafficSecret, suite: Suite
) -> Generator[Opened, None, Iterator[Record]]:
    """Yield the records that only the pre-shared key protects (RFC 8446, section 2.3); return those after them.

    An EndOfEarlyData ends them. A server that takes no early data gets none (section 4.5): then it is the first
    record that does not open.
    """
    # the suite is that of the session resumed, and another one may be chosen where no early data is taken
    tried = [Protector(traffic_keys(secret, one)) for one in (suite, *_TLS13_SUITES)]
    reader = HandshakeReader()
    for record in records:
        for protection in tried:
            opened = protection.open13(record)
            if opened is not None:
                break
        else:
            return itertools.chain([record], records)
        tried = [protection]
        yield opened
        if opened.content_type == HANDSHAKE and any(
            message.msg_type == END_OF_EARLY_DATA for message in reader.feed(opened.plaintext)
        ):
            break
    return records


def _keys12(hello: ClientHello, answer: ServerHello, keylog: KeyLog) -> tuple[TrafficKeys, TrafficKeys]:
    master = _secret(keylog, _MASTER, hello)
    return tls12_keys(_MASTER, master, hello.random, answer.random, _suite(answer))


class _States:
    """The states of a TLS 1.2 connection, each with keys of its own.

    A change_cipher_spec ends one (RFC 5246, section 7.1). The first is in the clear. Where a later one holds a
    handshake, too, the connection is renegotiated in it, and its hellos say which keys come next.
    """

    def __init__(
        self, layers: tuple[RecordLayer, RecordLayer], first: tuple[TrafficKeys, TrafficKeys], keylog: KeyLog
    ) -> None:
        self._records = tuple(_encrypted_states(layer) for layer in layers)
        self._names = tuple(str(layer.stream.source) for layer in layers)
        self._keys = [first]
        self._keylog = keylog

    def open(self, side: int) -> Iterator[Opened]:
        """Yield the encrypted records of one side."""
        for number in range(len(self._records[side])):
            while len(self._keys) <= number:
                self._keys.append(self._renegotiated(len(self._keys) - 1))
            yield from self._open(side, number)

    def _open(self, side: int, number: int) -> Iterator[Opened]:
        protection = Protector(self._keys[number][side])
        for record in self._records[side][number]:
            opened = protection.open12(record)
            if opened is None:
                raise UnopenedError(record)
            yield opened

    def _renegotiated(self, number: int) -> tuple[TrafficKeys, TrafficKeys]:
        """Return the keys that the handshake within a state leads to."""
        hello = parse_client_hello(self._message(_CLIENT, number, CLIENT_HELLO))
        answer = parse_server_hello(self._message(_SERVER, number, SERVER_HELLO))
        return _keys12(hello, answer, self._keylog)

    def _message(self, side: int, number: int, msg_type: int) -> bytes:
        states = self._records[side]
        opened = self._open(side, number) if number < len(states) else iter(())
        fragments = (item.plaintext for item in opened if item.content_type == HANDSHAKE)
        for message in handshake_messages(fragments):
            if message.msg_type == msg_type:
                return message.body
        msg = f"What follows a change_cipher_spec stays closed: {self._names[side]} said no hello before it."
        raise CaptureError(msg)


def _encrypted_states(layer: RecordLayer) -> list[list[Record]]:
    """Return the records after the first change_cipher_spec, those up to each further one together."""
    states: list[list[Record]] = [[]]
    for record in layer.records:
        states[-1].append(record)
        if record.content_type == CHANGE_CIPHER_SPEC:
            states.append([])
    return states[1:]


def explicit_nonce(answer: ServerHello) -> int:
    """Return how many bytes at the start of each fragment are a nonce in the clear (RFC 5288, section 3)."""
    suite = SUITES.get(answer.cipher_suite)
    return suite.explicit if suite is not None and answer.version == TLS_1_2 else 0


def overhead(answer: ServerHello) -> int | None:
    """Return how many bytes longer a fragment is than its plaintext, padding apart; None for a suite not known here.

    The tag; in TLS 1.2 with AES-GCM the explicit nonce; in TLS 1.3 the byte of the inner type (RFC 8446, section 5.2).
    """
    if answer.cipher_suite not in SUITES:
        return None
    return TAG + explicit_nonce(answer) + (1 if answer.version == TLS_1_3 else 0)


def plaintext_stream(stream: ByteStream, opened: list[Opened]) -> ByteStream:
    """Return the application data of one direction as a stream; its bytes stand where their ciphertext was captured."""
    spoken = [item for item in opened if item.content_type == APPLICATION_DATA and item.plaintext]
    starts = [item.record.start + HEADER + item.body for item in spoken]
    ranges = [(start, start + len(item.plaintext)) for start, item in zip(starts, spoken, strict=True)]
    return replace(select(stream, ranges), data=b"".join(item.plaintext for item in spoken))


def sealed_stream(layer: RecordLayer, answer: ServerHello | None) -> ByteStream:
    """Return what encryption should hide of one direction: no handshake in the clear, no headers, no explicit nonces.

    Bytes that are no TLS record belong to it: they have no business in an encrypted stream.

    Args:
        layer: the records of the direction.
        answer: the ServerHello of the connection, None where it was not captured.
    """
    skip = HEADER + (explicit_nonce(answer) if answer else 0)
    changed = False
    ranges = []
    for record in layer.records:
        if record.content_type == CHANGE_CIPHER_SPEC:
            # in TLS 1.2 all that follows is encrypted (RFC 5246, section 7.1); in TLS 1.3 it means nothing
            changed = answer is None or answer.version != TLS_1_3
        elif (changed or record.content_type == APPLICATION_DATA) and record.start + skip < record.end:
            ranges.append((record.start + skip, record.end))
    if layer.at < len(layer.stream.data):
        ranges.append((layer.at, len(layer.stream.data)))
    return select(layer.stream, ranges)

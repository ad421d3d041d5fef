"""A connection as it was captured, without keys and with them. `test_scenario` asks tshark."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from capture.keylog import KeyLog, read_keylog
from capture.readers import read_segments
from capture.streams import on_port, reassemble
from lab.scenarios.mutual.judge import Chat, Result
from lab.scenarios.mutual.seen import Seen, common_name, see
from lab.sessions import sessions


def again(result: Result, chat: Chat, keys: KeyLog | None) -> list[Seen]:
    """Everybody's connection, read with other keys."""
    streams = reassemble(read_segments(result.capture, "native"))
    people = [seen.person for seen in chat.seen]
    return [
        see(session, person)
        for session, person in zip(sessions(on_port(streams, chat.port), keys), people, strict=True)
    ]


def test_every_reader_sees_the_same(mutual_asked: Result) -> None:
    for chat in mutual_asked.chats:
        assert tuple(again(mutual_asked, chat, read_keylog(mutual_asked.keylog))) == chat.seen


def test_the_bytes_at_the_spans(mutual_asked: Result) -> None:
    chat = mutual_asked.chats[0]
    streams = reassemble(read_segments(mutual_asked.capture, "native"))
    for seen in chat.seen:
        if seen.in_clear is None:
            continue
        spans = (seen.in_clear.name_spans, seen.in_clear.spans)
        for expected, (span,) in zip(
            ((seen.in_clear.name or "").encode(), seen.in_clear.certificate), spans, strict=True
        ):
            [found] = [
                stream.data[piece.start + span.first - piece.offset :][: span.last - span.first + 1]
                for stream in streams
                for piece in stream.pieces
                if piece.frame == span.frame
            ]
            assert found == expected


def test_without_keys_tls_1_3_says_nothing_of_anybody(mutual_asked: Result) -> None:
    tls12, tls13 = (again(mutual_asked, chat, None) for chat in mutual_asked.chats)
    names = [seen.in_clear and seen.in_clear.name for seen in tls12]
    assert names == ["alice", "bob", "mallory", "alice", None, "alice"]
    assert [seen.alert and seen.alert.name for seen in tls12] == [
        *(None, None, None),
        *("unknown_ca", "handshake_failure", "decrypt_error"),
    ]
    for seen in tls13:
        assert (seen.in_clear, seen.with_keys, seen.alert, seen.answer, seen.found) == (None, None, None, None, ())
        assert (seen.let_in, seen.refused_by_chat, seen.refused_in_handshake) == (False, None, False)


@pytest.mark.parametrize("name", ["alice", "Lucía", "x" * 64])
def test_how_a_certificate_says_a_name(name: str) -> None:
    written = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]).public_bytes()
    assert written.endswith(common_name(name))

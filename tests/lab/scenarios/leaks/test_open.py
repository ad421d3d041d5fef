from collections.abc import Callable
from pathlib import Path

import pytest

from capture.errors import CaptureError
from capture.readers import read_segments
from capture.streams import ByteStream, reassemble
from lab.scenarios.leaks.open import Openly, Shown, openly
from lab.sessions import Session, sessions
from tests.capture.conftest import tshark
from tests.capture.dissected import Dissected, dissect

__all__ = ["tshark"]
DATA = Path(__file__).parents[3] / "data"
Tshark = Callable[..., list[str]]
Streams = Callable[..., tuple[ByteStream, ...]]


def read(name: str) -> list[Session]:
    return list(sessions(reassemble(read_segments(DATA / name, "native")), None))


def place(shown: Shown) -> tuple[int, int, str]:
    (span,) = shown.spans
    assert span.last + 1 - span.first == len(shown.value)
    return span.frame, span.first, shown.value.hex()


def theirs(found: list[Dissected], name: str) -> list[tuple[int, int, str]]:
    return [(field.frame, field.at, field.value) for field in found if field.name == name]


def in_the_clear(name: str, certificate: bytes = b"\0" * 64) -> list[Openly]:
    return [openly(session, certificate) for session in read(name)]


def test_tls12_shows_certificate_and_ticket(tshark: Tshark) -> None:
    found = dissect(tshark, DATA / "tls12-resumed.pcapng")
    first, second = in_the_clear("tls12-resumed.pcapng")
    assert first.certificate is not None
    assert place(first.certificate) in theirs(found, "tls.handshake.certificate")
    assert first.ticket_given is not None
    assert place(first.ticket_given) in theirs(found, "tls.handshake.session_ticket")
    assert first.ticket_shown is None
    assert second.ticket_shown is not None
    assert place(second.ticket_shown) in theirs(found, "tls.handshake.extension.data")
    assert second.ticket_shown.value == first.ticket_given.value
    assert second.certificate is None, "a resumed session needs none"
    names = theirs(found, "tls.handshake.extensions_server_name")
    assert [place(seen.server_name) for seen in (first, second) if seen.server_name] == names


def test_tls13_shows_a_ticket_only_where_it_is_brought(tshark: Tshark) -> None:
    found = dissect(tshark, DATA / "tls13-resumed.pcapng")
    seen = in_the_clear("tls13-resumed.pcapng")
    assert [one.certificate for one in seen] == [None] * len(seen)
    assert [one.ticket_given for one in seen] == [None] * len(seen)
    identities = theirs(found, "tls.handshake.extensions.psk.identity.identity")
    assert [place(one.ticket_shown) for one in seen if one.ticket_shown] == identities
    assert identities


@pytest.mark.parametrize("name", ["tls12.pcapng", "tls13.pcapng"])
def test_the_certificate_is_searched_for_byte_by_byte(name: str) -> None:
    (old,) = in_the_clear("tls12.pcapng")
    assert old.certificate is not None
    (seen,) = in_the_clear(name, old.certificate.value)
    assert seen.held == ((old.certificate.spans,) if name == "tls12.pcapng" else ())
    assert seen.searched == sum(len(layer.stream.data) for s in read(name) for layer in (s.client, s.server))
    assert not in_the_clear(name)[0].held


def test_the_fingerprint_comes_with_its_hello(tshark: Tshark) -> None:
    (seen,) = in_the_clear("tls13.pcapng")
    (line,) = tshark(
        DATA / "tls13.pcapng", "-Y", "tls.handshake.ja3", "-Tfields", "-e", "frame.number", "-e", "tls.handshake.ja3"
    )
    assert line.split("\t") == [str(seen.hello.spans[0].frame), seen.ja3]
    assert seen.ja3_full.startswith("771,")
    assert seen.hello.value[:2] == b"\3\3"


def test_a_connection_without_a_hello_is_refused(streams_of: Streams) -> None:
    (session,) = sessions(streams_of((">", b"\x17\3\3\0\1a"), ("<", b"\x17\3\3\0\1a")), None)
    with pytest.raises(CaptureError, match="not in the capture"):
        openly(session, b"x")

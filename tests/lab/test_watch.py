import io

import pytest
from rich.console import Console

from capture.engines.engine import Dissection
from capture.segment import Endpoint, Segment
from lab.watch import line, print_batch


def seen(payload: bytes, data: bytes, protocol: str = "TCP", info: str = "") -> Dissection:
    segment = Segment(14, 0, Endpoint("127.0.0.1", 40000), Endpoint("::1", 12345), 1, 1, 24, len(payload), payload, 66)
    return Dissection(segment, data, protocol, info)


def test_words_and_where_they_stand() -> None:
    said = "¡hola!\n".encode()
    shown = "frame 14, bytes 66-73  127.0.0.1:40000 > [::1]:12345  DATA  ¡hola!"
    assert line(seen(said, said, "DATA")) == shown


def test_a_segment_without_payload_is_not_shown() -> None:
    assert line(seen(b"", b"")) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x17\x03\x03\x00\x01\xff", "17:03:03:00:01:ff (6 bytes)"),
        (b"\xff" * 300, "ff:" * 11 + "ff:… (300 bytes)"),
        (b"two\nlines\r\n", r"two\x0alines"),
        (b"\x1b[2Jgone \xe2\x80\xaeback", "\\x1b[2Jgone \\u202eback"),
    ],
)
def test_bytes_and_hostile_words(data: bytes, words: str) -> None:
    assert (line(seen(data, data)) or "").endswith(f"  TCP  {words}")


def test_tls_that_stays_closed_says_what_it_is() -> None:
    assert (line(seen(b"\x17" * 40, b"", "TLSv1.3", "Application Data")) or "").endswith("TLSv1.3  Application Data")
    assert "\x1b" not in (line(seen(b"\x17" * 40, b"", "TLSv1.3", "\x1b[31mClient Hello")) or "")
    assert (line(seen(b"\x17" * 40, b"", "TCP", "")) or "").endswith("TCP  40 bytes")


def test_nothing_to_show_prints_nothing() -> None:
    out = io.StringIO()
    console = Console(file=out)
    print_batch([seen(b"", b"")], console)
    assert out.getvalue() == ""
    print_batch([seen(b"[red]a", b"[red]a"), seen(b"", b""), seen(b"b", b"b")], console)
    assert [text.split()[-1] for text in out.getvalue().splitlines()] == ["[red]a", "b"]

"""A result of the scenario `leaks` made by hand: a conversation as it would be heard, without a capture."""

import random
import struct
from collections.abc import Mapping
from pathlib import Path

from capture.sources.source import Counters
from capture.streams import Span
from capture.tls import HEADER
from chat import protocol
from lab.scenarios.leaks.guess import Heard, Tapped
from lab.scenarios.leaks.open import Openly, Shown
from lab.scenarios.leaks.result import PADDINGS, Handshakes, Padding, Result, attack, blind
from lab.scenarios.leaks.talk import NAMES, Line, draw

CERTIFICATE = b"the certificate"
_TAG = 16  # bytes


def fragment(text: str, block: int) -> int:
    """How long a fragment of TLS 1.3 with a line of the chat is: LF, inner type, padding, tag."""
    inner = len(text.encode()) + 1 + 1
    return inner + -inner % block + _TAG


def hear(lines: tuple[Line, ...], padding: Padding) -> Tapped:
    """What is heard of a conversation: 3 ms pass on average until a message has reached everybody, 1 at least."""
    now, heard, octets = 1_700_000_000_000_000_000, [], 0
    late = random.Random(f"{lines}{padding}")  # noqa: S311
    for number, line in enumerate(lines):
        now += round((line.pause + 0.001 + late.expovariate(500)) * 1e9)
        length = fragment(line.phrase, padding.block)
        heard.append(Heard(line.speaker, length, now, (Span(100 + number, 66, 70 + length),)))
        passed_on = fragment(protocol.said(NAMES[line.speaker], line.phrase), padding.block)
        octets += HEADER + length + (len(NAMES) - 1) * (HEADER + passed_on)
    names = tuple(
        Heard(place, fragment(name, padding.block), 0, (Span(10 + place, 66, 90),)) for place, name in enumerate(NAMES)
    )
    return Tapped(names, tuple(heard), _TAG + 1, octets, 12346)


def connection(
    *,
    ja3: str = "11",
    certificate: bytes | None = None,
    held: bool = False,
    given: bytes | None = None,
    shown: bytes | None = None,
    name: bytes | None = b"localhost",
) -> Openly:
    """What one handshake shows, each thing in a frame of its own."""

    def at(value: bytes | None, frame: int) -> Shown | None:
        return None if value is None else Shown(value, (Span(frame, 66, 65 + len(value)),))

    hello, everywhere = Shown(b"hello", (Span(1, 75, 79),)), ((Span(6, 66, 80),),) if held else ()
    seen = (at(certificate, 3), at(given, 4), at(shown, 5))
    return Openly(at(name, 2), ja3, f"771,{ja3},,,", hello, *seen, 1500, everywhere)


def handshakes() -> Handshakes:
    """As the textbook has them."""
    old = connection(certificate=CERTIFICATE, held=True, given=b"ticket")
    return Handshakes(
        chat=(connection(), connection()),
        openssl=connection(ja3="22"),
        tls12=(old, connection(shown=b"ticket")),
        tls13=(connection(), connection(shown=b"identity"), connection(shown=b"identity")),
    )


def result(seed: int = 7, tapped: Mapping[Padding, Tapped] | None = None) -> Result:
    """A whole result, as the textbook has it unless something else is heard."""
    lines = draw(seed)
    return Result(
        truth=lines,
        attacked=attack(lines, tapped or {padding: hear(lines, padding) for padding in PADDINGS}),
        blind=blind(lines),
        handshakes=handshakes(),
        certificate=CERTIFICATE,
        capture=Path("out/it's here/capture.pcapng"),
        counters=Counters(5000, 0),
        problems=(),
    )


def tapped_in(made: Result) -> dict[Padding, Tapped]:
    """Each chat of a result from outside."""
    return {padding: chat.tapped for padding, chat in made.attacked.items()}


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG (RFC 2083, section 11.2.1)."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack("!II", data[16:24])
    return width, height

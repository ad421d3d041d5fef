"""What tshark dissects of the TLS in a capture, with where it stands: the oracle of several tests."""

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from capture.fields import Field
from capture.streams import ByteStream

DATA = Path(__file__).parent.parent / "data"
CAPTURES = sorted(path.name for path in DATA.glob("tls*.pcapng"))
# What differs in these begins above TCP: their packets are captured and cut as those of tls12 and tls13 are.
_ABOVE_TCP = ("tls12-", "tls13-", "tls-", "keys-", "foreign-")
PACKETS = sorted(path.name for path in DATA.glob("*.pcap*") if not path.name.startswith(_ABOVE_TCP))


class Dissected(NamedTuple):
    """A field: the frame, its name, the offset and number of its bytes in the frame, they in hexadecimal, its text."""

    frame: int
    name: str
    at: int
    size: int
    value: str
    text: str


def dissect(tshark: Callable[..., list[str]], capture: Path) -> list[Dissected]:
    found = []
    frame = 0
    for line in tshark(capture, "-Y", "tls", "-Tpdml"):
        field = dict(re.findall(r'(\w+)="([^"]*)"', line))
        name = field.get("name", "")
        if name == "frame.number":
            frame = int(field["show"])
        if name.startswith("tls."):
            text = html.unescape(field.get("showname", ""))
            found.append(Dissected(frame, name, int(field["pos"]), int(field["size"]), field.get("value", ""), text))
    return found


def placed(stream: ByteStream, fields: tuple[Field, ...]) -> list[Dissected]:
    """Our fields of a stream in the same form."""
    found = []
    for field in fields:
        (span,) = stream.locate(field.start, field.end)
        size = span.last + 1 - span.first
        value = stream.data[field.start : field.end].hex()
        found.append(Dissected(span.frame, field.name, span.first, size, value, str(field)))
    return found

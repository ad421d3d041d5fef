"""What somebody on the way sees of a message: its bytes, and what can be read in them.

Knows: the record layer of TLS (RFC 8446, section 5.1). Must not know: keys; an eavesdropper has none. Contract: pure
functions; what is shown is what left, byte by byte, cut only where it is long, and it says so then.
"""

from dataclasses import dataclass
from typing import Final

from chat.escape import visible
from chat.security import Lock
from chat.words import Words

_HEADER = 5
_SHOWN = 64  # bytes: what fits below a transcript
_READ = 300  # characters
_APPLICATION_DATA: Final = 23
_LEGACY: Final = b"\x03\x03"


@dataclass(frozen=True, slots=True)
class Sent:
    """A line that was sent, and the bytes that it became."""

    text: str
    wire: bytes
    lock: Lock


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the view.

    Attributes:
        label: what it is.
        value: bytes in hex, words that were read, or an explanation.
        exposed: whether this gives the words away.
    """

    label: str
    value: str
    exposed: bool = False


def rows(sent: Sent | None, words: Words) -> tuple[Row, ...]:
    """Return what is seen of a message, line by line."""
    if sent is None:
        return (Row(words.say("Nothing sent yet"), words.say("say something, and see here what passes on the wire")),)
    wire = Row(words.say("On the wire"), _hex(sent.wire, words))
    if sent.lock is Lock.READABLE:
        read = visible(sent.wire.decode("utf-8", "backslashreplace").removesuffix("\n"))
        shown = read if len(read) <= _READ else read[:_READ] + " …"
        return wire, Row(words.say("Anyone reads"), shown, exposed=True)
    header = sent.wire[:_HEADER]
    if len(header) < _HEADER:
        return (wire,)
    follow = int.from_bytes(header[3:])
    length = words.say("{count} bytes follow; only the length shows", count=follow)
    return (
        wire,
        Row(words.say("Anyone reads"), words.say("nothing: without the keys it cannot be read")),
        Row(header[:3].hex(":"), _meaning(header[0], header[1:3], words)),
        Row(header[3:].hex(":"), length),
    )


def _meaning(kind: int, version: bytes, words: Words) -> str:
    if kind == _APPLICATION_DATA and version == _LEGACY:
        return words.say("a TLS record with application data; 03:03 is written for TLS 1.2 and 1.3 alike")
    return words.say("a TLS record of type {kind}", kind=kind)


def _hex(data: bytes, words: Words) -> str:
    if len(data) <= _SHOWN:
        return data.hex(":")
    return f"{data[:_SHOWN].hex(':')}… " + words.say("({count} bytes in all)", count=len(data))

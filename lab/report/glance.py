"""What anybody on the way can tell: who speaks with whom, and what each frame is, in a few words. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from capture.segment import ACK, FIN, RST, SYN
from capture.streams import ByteStream
from capture.tls import CONTENT_TYPES
from chat.escape import visible
from lab.decrypting.reading import Row
from lab.overhear import name_of
from lab.report.wire import Talk, Wire
from lab.visible import look

_FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (ACK, "ACK"))
_SHOWN = 80  # characters of what is said
_NAMES = 4  # of the records in a frame


@dataclass(frozen=True, slots=True)
class Glance:
    """A frame of a connection.

    Attributes:
        connection: its number, -1 where it belongs to none.
        from_client: its direction.
        payload: bytes that it carries.
        info: what it is.
    """

    connection: int
    from_client: bool
    payload: int
    info: str


def connections(wire: Wire) -> list[dict[str, Any]]:
    """Return the connections as the page has them; `who` only where the name crossed in the clear."""
    found = []
    for talk in wire.talks:
        client, server = talk.streams
        seen = look(talk.session.client, talk.session.server) if talk.tls is not None else None
        who = name_of(client, server) if seen is None else None
        found.append(
            {
                "conn": talk.number,
                "client": str(client.source),
                "server": str(server.source),
                "tls": seen is not None,
                "version": seen.version if seen is not None else None,
                "suite": seen.cipher_suite if seen is not None else None,
                "server_name": visible(seen.server_name) if seen is not None and seen.server_name else None,
                "who": visible(who) if who is not None else None,
            }
        )
    return found


def glances(wire: Wire) -> dict[int, Glance]:
    """Return what is known of each frame that belongs to a connection, by its number."""
    return {frame: glance for talk in wire.talks for frame, glance in _talk(talk)}


def _talk(talk: Talk) -> Iterator[tuple[int, Glance]]:
    said = {**_words(talk.streams[0]), **_words(talk.streams[1])}
    if talk.tls is not None:
        before = _before(talk)  # is still said in the clear
        said = {frame: words for frame, words in said.items() if frame in before} | _records(talk)
    client = talk.streams[0].source
    for segment in talk.segments:
        flags = ", ".join(name for flag, name in _FLAGS if segment.flags & flag)
        info = said.get(segment.frame, flags) if segment.length else flags
        yield segment.frame, Glance(talk.number, segment.source == client, segment.length, info)


def _before(talk: Talk) -> set[int]:
    """Return the frames with what was said before TLS began."""
    layers = talk.session.client, talk.session.server
    return {piece.frame for layer in layers for piece in layer.stream.pieces if piece.start < layer.start}


def _words(stream: ByteStream) -> dict[int, str]:
    found: dict[int, str] = {}
    for piece in stream.pieces:
        data = stream.data[piece.start : piece.start + min(piece.length, 4 * _SHOWN)]
        text = data.decode("utf-8", "replace").strip("\r\n").replace("\n", " ⏎ ").replace("\r", "")
        shown = text[:_SHOWN]
        more = "…" if len(shown) < len(text) or len(data) < piece.length else ""
        found.setdefault(piece.frame, f"“{visible(shown)}{more}”")
    return found


def _records(talk: Talk) -> dict[int, str]:
    """Return of each frame which records begin in it, or that it goes on with one."""
    assert talk.tls is not None
    begun: dict[int, list[str]] = defaultdict(list)
    continued: dict[int, str] = {}
    for row in talk.tls.rows:
        name = _outside(row)
        first, *others = row.spans
        begun[first.frame].append(name)
        for span in others:
            if span.frame != first.frame:
                continued.setdefault(span.frame, f"… {name}")
    return continued | {frame: _joined(names) for frame, names in begun.items()}


def _joined(names: list[str]) -> str:
    counted = [f"{names.count(name)} {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names)]
    return ", ".join(counted[:_NAMES]) + (" …" if len(counted) > _NAMES else "")


def _outside(row: Row) -> str:
    """Return what a record is for those who have no keys."""
    kind = CONTENT_TYPES.get(row.record.content_type, "record").replace("_", " ").title()
    if row.protection == "clear":
        return ", ".join(thing.name for thing in row.inside) or kind
    return kind if kind == "Application Data" else f"Encrypted {kind}"

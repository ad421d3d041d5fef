"""Holds what the lab reads of a folder of captures against tshark: `python -m tests.capture.hostile.compare FOLDER`.

Of every capture, whoever made it: the lab's readers, streams, records, handshake, alerts and sessions may end in an
error of our own and in nothing else; the records of each TCP stream must be those of tshark, with their types, versions
and lengths; and what is called encrypted or clear must be what tshark calls so. Where they differ the reason is said:
one of REASONS, which are limits that the lab has and names, or "unexplained".
"""

import argparse
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from capture.alert import alerts
from capture.errors import CaptureError, TornCaptureError
from capture.handshake import read_handshake
from capture.hello import parse_server_hello
from capture.protection import Protection, protection
from capture.readers import ReaderName, read_segments
from capture.segment import Endpoint, Segment
from capture.streams import ByteStream, reassemble
from capture.tls import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, SERVER_HELLO, RecordLayer, first_messages
from lab.reading import read_capture
from lab.sessions import Session, sessions
from lab.visible import look
from tests.capture.hostile.dissection import Dissected, Theirs, Way, dissected

HEARTBEAT = 24
MODERN = (0x0304, *range(0x7F16, 0x7F1D))  # TLS 1.3 and its drafts 22 to 28


class Ours(NamedTuple):
    """A record as the lab reads it."""

    kind: int
    version: int
    length: int
    state: Protection
    frame: int

    @property
    def same(self) -> tuple[int, int, int]:
        return self.kind, self.version, self.length


def read(capture: Path, reader: ReaderName) -> tuple[list[Session], str]:
    """Return the sessions of a capture, and what was wrong with the file."""
    segments: list[Segment] = []
    problem = ""
    try:
        segments.extend(read_segments(capture, reader))
    except TornCaptureError as error:
        problem = str(error)
    return list(sessions(reassemble(segments), None)), problem


def everything(session: Session) -> Iterator[str]:
    """Let all parts of the lab have a look at a session; yield what they call malformed."""
    states = protection(session.client, session.server)
    look(session.client, session.server)
    for layer, state in zip((session.client, session.server), states, strict=True):
        try:
            alerts(layer, state)
        except CaptureError as error:
            yield str(error)
    try:
        read_handshake(session.client, session.server)
    except CaptureError as error:
        yield str(error)


def records_of(session: Session) -> Iterator[tuple[RecordLayer, list[Ours]]]:
    states = protection(session.client, session.server)
    for layer, found in zip((session.client, session.server), states, strict=True):
        yield (
            layer,
            [
                Ours(
                    record.content_type,
                    record.version,
                    len(record.fragment),
                    state,
                    layer.stream.slice(record.end - 1, record.end)[0].frame,
                )
                for record, state in zip(layer.records, found, strict=True)
            ],
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Where one stream is not the same to both.

    Attributes:
        way: who sent it to whom.
        reason: why.
        at: how many records were the same before.
        ours: the records that follow, at most three.
        theirs: likewise.
    """

    way: Way
    reason: str
    at: int
    ours: Sequence[Ours]
    theirs: Sequence[Theirs]

    def __str__(self) -> str:
        ours = ", ".join(f"{r.kind}/{r.version:04x}/{r.length} {r.state}" for r in self.ours) or "nothing"
        theirs = ", ".join(f"{r.kind}/{r.version:04x}/{r.length} '{r.label}' in {r.frame}" for r in self.theirs)
        return (
            f"{self.way[0]} to {self.way[1]}, after {self.at} records: {self.reason}; "
            f"here {ours}, tshark {theirs or 'nothing'}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing one capture gave.

    Attributes:
        streams: streams with records that are the same to both.
        records: the records in them, and those before the differences.
        versions: of the records that agree, by number.
        differences: the streams that differ.
        malformed: what the parts of the lab call malformed, a sentence each.
        problem: what is wrong with the file as a whole.
    """

    streams: int
    records: int
    versions: Counter[int]
    differences: tuple[Difference, ...]
    malformed: tuple[str, ...]
    problem: str = ""


def compare(tshark: str, capture: Path, reader: ReaderName = "native", ports: Sequence[int] = ()) -> Comparison:
    """Hold a capture against tshark.

    Args:
        tshark: the program.
        capture: the file.
        reader: which of the lab's.
        ports: where tshark is told from the start that TLS is spoken.

    Raises:
        CaptureError: it is no capture.
    """
    found, problem = read(capture, reader)
    read_capture(capture, reader)
    layers: dict[Way, list[tuple[RecordLayer, list[Ours]]]] = {}
    malformed: list[str] = []
    modern: set[Way] = set()
    for session in found:
        malformed += everything(session)
        if _version(session.server) in MODERN:
            modern |= {_way(session.client.stream), _way(session.server.stream)}
        for layer, records in records_of(session):
            layers.setdefault(_way(layer.stream), []).append((layer, records))
    theirs = dissected(tshark, capture, ports)
    # where it sees no TLS it may be that it does not look
    more = {
        _server(pairs[0][0].stream).port
        for way, pairs in layers.items()
        if way not in theirs.records and any(records for _, records in pairs)
    }
    if more:
        again = dissected(tshark, capture, more)
        theirs = Dissected(again.records | theirs.records, again.malformed | theirs.malformed)
    streams, versions, differences = 0, Counter[int](), []
    for way in [*layers, *(way for way in theirs.records if way not in layers)]:
        pairs = layers.get(way, [])
        difference, same = _hold(way, pairs, theirs, modern=way in modern)
        versions.update(record.version for record in [r for _, records in pairs for r in records][:same])
        if difference is not None:
            differences.append(difference)
        elif same:
            streams += 1
    return Comparison(streams, versions.total(), versions, tuple(differences), tuple(malformed), problem)


def _version(server: RecordLayer) -> int | None:
    """Return the version that a server chose, in a HelloRetryRequest too."""
    message = next(first_messages(server.records), None)
    with contextlib.suppress(CaptureError):
        return parse_server_hello(message.body).version if message and message.msg_type == SERVER_HELLO else None
    return None


def _way(stream: ByteStream) -> Way:
    return stream.source, stream.destination


def _server(stream: ByteStream) -> Endpoint:
    return stream.destination if stream.from_client else stream.source


def _hold(
    way: Way, pairs: Sequence[tuple[RecordLayer, list[Ours]]], dissection: Dissected, *, modern: bool
) -> tuple[Difference | None, int]:
    """Return how two lists of records differ, and how many are the same before."""
    ours = [record for _, records in pairs for record in records]
    theirs = dissection.records.get(way, [])
    same = sum(1 for _ in takewhile(lambda pair: pair[0].same == pair[1].same, zip(ours, theirs, strict=False)))
    wrong = [at for at in range(same) if _contradict(ours[at], theirs[at])]
    if wrong:
        unexplained = [at for at in wrong if not _guessed(ours, at, modern=modern)]
        at = (unexplained or wrong)[0]
        reason = "protection" if unexplained else "tshark guesses"
        return Difference(way, reason, at, ours[at : at + 3], theirs[at : at + 3]), same
    if same == max(len(ours), len(theirs)):
        return None, same
    reason = _reason([layer for layer, _ in pairs], ours[same:], theirs[same:])
    if reason == "unexplained":
        # what it leaves may be the beginning of a record that ends in the next frame
        if any(record.frame in dissection.malformed for record in ours[: same + 1]):
            reason = "tshark leaves the rest of a malformed frame"
        elif any(layer.start for layer, _ in pairs):
            # where they are few it waits for the rest of a header, and takes it from what follows
            reason = "tshark takes words in the clear for a header"
        elif same < len(ours) and ours[same].version == 0x0304:
            reason = "tshark wants no version 0304 in a record"
    return Difference(way, reason, same, ours[same : same + 3], theirs[same : same + 3]), same


def _contradict(ours: Ours, theirs: Theirs) -> bool:
    # what it calls a change_cipher_spec may be one or an encrypted one
    known = ours.state != "unknown" and ours.kind != CHANGE_CIPHER_SPEC
    return known and (ours.state == "encrypted") != theirs.encrypted


def _guessed(ours: Sequence[Ours], at: int, *, modern: bool) -> bool:
    """Whether tshark can be wrong.

    It goes by what handshake messages, alerts and heartbeats can look like: it takes the middle of one for encrypted,
    and noise that begins well for clear. The rule is that all is encrypted after change_cipher_spec, up to TLS 1.2 (RFC
    5246, section 7.1), and in TLS 1.3 none that says it is one of these (RFC 8446, section 5).
    """
    if ours[at].kind not in {ALERT, HANDSHAKE, HEARTBEAT}:
        return False
    changed = any(record.kind == CHANGE_CIPHER_SPEC for record in ours[:at])
    return (changed and not modern) == (ours[at].state == "encrypted")


def _reason(layers: Sequence[RecordLayer], ours: Sequence[Ours], theirs: Sequence[Theirs]) -> str:
    """Say why two lists of records end differently."""
    if not layers:
        return "not among the segments that the reader gives: a tunnel"
    if ours and not theirs:
        return "tshark sees no TLS"
    if ours:
        return "unexplained"
    if any(layer.stream.gaps for layer in layers):
        return "after a gap"
    if any(layer.end == "malformed" for layer in layers):
        return "after bytes that are no record"
    return "unexplained"


def captures(paths: Iterable[Path]) -> list[Path]:
    """Return the files, and all files below the folders."""
    found: list[Path] = []
    for path in paths:
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return found


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Compare captures; 1 where something is unexplained, or breaks."""
    parser = argparse.ArgumentParser(description="Holds the TLS records of captures against tshark.")
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--reader", default="native")
    parser.add_argument("--tshark", default="tshark")
    parser.add_argument("--all", action="store_true", help="name the explained differences too")
    arguments = parser.parse_args(argv)
    counts, reasons, versions = Counter[str](), Counter[str](), Counter[int]()
    begun = time.monotonic()
    for path in captures(arguments.paths):
        try:
            result = compare(arguments.tshark, path, arguments.reader)
        except CaptureError as error:
            counts["no capture"] += 1
            say(f"{path.name}: {error}")
            continue
        except Exception as error:  # this is what is looked for
            counts["broken"] += 1
            say(f"{path.name}: BROKEN {type(error).__name__}: {error}")
            continue
        counts["captures"] += 1
        counts["captures with TLS"] += bool(result.records or result.differences)
        counts["streams that agree"] += result.streams
        counts["records that agree"] += result.records
        counts["malformed messages"] += len(result.malformed)
        counts["torn"] += bool(result.problem)
        versions.update(result.versions)
        for difference in result.differences:
            reasons[difference.reason] += 1
            if arguments.all or difference.reason in {"unexplained", "protection"}:
                say(f"{path.name}: {difference}")
        if arguments.all:
            for sentence in result.malformed:
                say(f"{path.name}: malformed: {sentence}")
    for what, number in counts.items():
        say(f"{number:7} {what}")
    for version, number in sorted(versions.items()):
        say(f"{number:7} records {version:04x}")
    for what, number in reasons.most_common():
        say(f"{number:7} streams differ: {what}")
    say(f"{time.monotonic() - begun:.0f} s")
    return int(bool(counts["broken"] or reasons["unexplained"] or reasons["protection"]))


if __name__ == "__main__":
    sys.exit(main())

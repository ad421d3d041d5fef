"""What the capture tells of each pair: what the attacker's keys open, what the server got, and which alert was sent.

Pure. What was read is what the capture and the attacker's key log give, and nothing else; the server's key log is only
for the proof of what arrived. From those who took part come the ports, which say whose connection is whose; from the
client its reason for a refusal, not the refusal itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.hello import server_hello
from capture.keylog import KeyLog
from capture.streams import ByteStream, on_port
from capture.tls import VERSIONS
from lab.errors import LabError
from lab.overhear import Heard, overhear
from lab.scenarios.alerts import SeenAlert, alerts
from lab.scenarios.mitm.run import Recording, Visit
from lab.sessions import Session, sessions


@dataclass(frozen=True, slots=True)
class Cell:
    """One client before one certificate, as the capture has it.

    Attributes:
        visit: what those say who took part.
        version: of TLS between client and relay; None where there is no ServerHello.
        alert: the first alert between client and relay, None where there is none that can be read.
        read: the client's messages, as the attacker's keys open them.
        got: the client's messages as they reached the server, opened with the server's own keys.
        in_clear: how many of the client's messages stand as they are in the bytes between client and relay.
        problems: what of the two connections is not whole.
    """

    visit: Visit
    version: str | None
    alert: SeenAlert | None
    read: tuple[Heard, ...]
    got: tuple[Heard, ...]
    in_clear: int
    problems: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the client went on after the handshake: then words of its reached the server."""
        return bool(self.got)

    @property
    def refused(self) -> bool:
        """Whether the client went away: it said so, and no word of its reached the server."""
        return not self.got and self.alert is not None and self.alert.from_client

    @property
    def changed(self) -> tuple[tuple[Heard, Heard], ...]:
        """The messages that became others on the way: as the client sent them, as the server got them."""
        return tuple(pair for pair in zip(self.read, self.got, strict=False) if pair[0].text != pair[1].text)


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured in a run.

    Attributes:
        capture: the capture file.
        recording: what those say who took part.
        cells: what the capture says, a cell for each visit.
    """

    capture: Path
    recording: Recording
    cells: tuple[Cell, ...]


def read_cells(
    streams: Sequence[ByteStream], visits: Sequence[Visit], port: int, attacker: KeyLog, server: KeyLog
) -> tuple[Cell, ...]:
    """Return a cell for each visit.

    Args:
        streams: all that was captured.
        visits: who was where.
        port: of the server, as captured.
        attacker: the attacker's keys.
        server: the server's keys.
    """
    return tuple(_cell(streams, visit, port, attacker, server) for visit in visits)


def _cell(streams: Sequence[ByteStream], visit: Visit, port: int, attacker: KeyLog, server: KeyLog) -> Cell:
    near = on_port(streams, visit.port)
    far = [s for s in on_port(streams, port) if visit.onward in (s.source.port, s.destination.port)]
    without_keys, opened = _only(near, None), _only(near, attacker)
    hello = server_hello(without_keys.server)
    heard = alerts(opened)
    problems = (*without_keys.problems, *_only(far, None).problems)
    return Cell(
        visit=visit,
        version=VERSIONS[hello.version] if hello is not None else None,
        alert=heard[0] if heard else None,
        read=overhear(opened.readable),
        got=overhear(_only(far, server).readable),
        in_clear=sum(words.encode() in stream.data for words in visit.sent for stream in near),
        problems=problems,
    )


def _only(streams: Sequence[ByteStream], keys: KeyLog | None) -> Session:
    found = sessions(streams, keys)
    if len(found) != 1:
        raise LabError("The capture does not hold every connection of the run once: run it again.")
    return found[0]

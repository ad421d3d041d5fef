"""What the capture of exercise 13 gives away without any key: lengths, moments, and who sends."""

import bisect
from dataclasses import dataclass

from capture.segment import Segment
from capture.streams import Span
from capture.tls import Record
from lab.errors import LabError
from lab.exercises.e13_sizes_and_times.record import ADDED, NEWLINE
from lab.exercises.e13_sizes_and_times.run import PEOPLE, letters, sentences, stream, which
from lab.exercises.work import Work, sealed

_FIRST_MESSAGE = 2  # of a client's encrypted records, from 0: Finished and nickname come before it


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nobody sends, up to a message.

    Attributes:
        length_ns: of it.
        record: the message that ends it.
        before: port of the client that sent the message before; 0 where it is the first.
    """

    length_ns: int
    record: Record
    before: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        body: bytes of the body of the record whose text is asked for.
        span: where that record stands.
        reply: likewise, of the server's record with the same number.
        others: likewise, of the records with the same number from the other clients.
        pause: milliseconds of the longest silence before a message.
        second: of the second longest.
        elapsed: from the first frame to the end of the longest.
        speaker: port of the client that ends it.
        before: port of the client that sent the message before it.
        clients: ports of all clients.
        server: port of the server.
        sentences: what the sentence of each letter stands for.
    """

    body: int
    span: Span
    reply: int
    others: frozenset[int]
    pause: float
    second: float
    elapsed: float
    speaker: int
    before: int
    clients: frozenset[int]
    server: int
    sentences: dict[str, str]

    @property
    def length(self) -> int:
        """Bytes of the text that is asked for."""
        return self.body - ADDED - NEWLINE


def truth(work: Work) -> Truth:
    """Measure the capture.

    Raises:
        LabError: the capture does not hold the run.
        CaptureError: the capture cannot be read.
    """
    found = work.traffic.sessions
    work.traffic.expect(PEOPLE)
    clients = [sealed(session.client) for session in found]
    answers = [sealed(session.server) for session in found]
    at, number = stream(work.draw), which(work.draw) - 1
    if any(len(records) <= number for records in (*clients, answers[at])):
        raise LabError("The capture has fewer records than the run has made.")
    longest, second, *_ = _silences(work.traffic.segments, clients)
    if len(longest.record.fragment) != len(sentences(work.draw)[""].encode()) + NEWLINE + ADDED:
        raise LabError("The longest silence is not where the run has made it: this computer was busy. Run it again.")
    return Truth(
        body=len(clients[at][number].fragment),
        span=_span(clients[at][number]),
        reply=len(answers[at][number].fragment),
        others=frozenset(len(records[number].fragment) for records in clients if records is not clients[at]),
        pause=longest.length_ns / 1e6,
        second=second.length_ns / 1e6,
        elapsed=(_moment(longest.record) - work.traffic.segments[0].time_ns) / 1e6,
        speaker=longest.record.stream.source.port,
        before=longest.before,
        clients=frozenset(session.client.stream.source.port for session in found),
        server=found[0].server.stream.source.port,
        sentences=letters(work.draw),
    )


def _span(record: Record) -> Span:
    return record.stream.locate(record.start, record.end)[0]


def _moment(record: Record) -> int:
    """Return when the frame was captured in which a record begins, nanoseconds since 1970."""
    return record.stream.slice(record.start, record.end)[0].time_ns


def _silences(segments: tuple[Segment, ...], clients: list[list[Record]]) -> list[Silence]:
    """Return the silence before each message of a client, the longest first: since anybody has sent anything."""
    moments = sorted(segment.time_ns for segment in segments if segment.length)
    messages = sorted((record for records in clients for record in records[_FIRST_MESSAGE:]), key=_moment)
    found = []
    before = 0
    for record in messages:
        at = bisect.bisect_left(moments, _moment(record))
        found.append(Silence(_moment(record) - moments[max(0, at - 1)], record, before))
        before = record.stream.source.port
    return sorted(found, key=lambda silence: silence.length_ns, reverse=True)

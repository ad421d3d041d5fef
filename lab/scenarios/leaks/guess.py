"""The attack: from the lengths and times of TLS records to who says what to whom. Opens nothing, has no key.

Pure. Knows the record layer and how the chat frames a line; the lists of phrases and names, which are public; how the
chat pads, which its settings say. Must not know what was sent.
"""

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from capture.decrypt import overhead
from capture.errors import CaptureError
from capture.hello import server_hello
from capture.streams import Span
from capture.tls import APPLICATION_DATA, Record
from chat.protocol import encode
from lab.sessions import Session

_TYPE = 1  # byte: the inner type is padded along with the content (RFC 8446, section 5.2)


@dataclass(frozen=True, slots=True)
class Heard:
    """An encrypted record from a client, from outside.

    Attributes:
        speaker: which connection it came on, from 0 in the order in which they were opened.
        length: of its fragment, in bytes.
        time_ns: when its first byte was captured, nanoseconds since 1970.
        spans: where it stands.
    """

    speaker: int
    length: int
    time_ns: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Tapped:
    """One encrypted chat over TLS 1.3, as heard from outside.

    Attributes:
        names: for each connection the record that carries its client's name.
        lines: the records that carry messages, in the order of their times.
        overhead: how many bytes longer a fragment is than what it hides, padding apart.
        octets: bytes of TLS in both directions of all connections, handshakes included.
        port: the server's.
    """

    names: tuple[Heard, ...]
    lines: tuple[Heard, ...]
    overhead: int
    octets: int
    port: int


@dataclass(frozen=True, slots=True)
class Guess:
    """What the attack says of one message.

    Attributes:
        speaker: which connection.
        phrase: what was said.
        candidates: how many phrases the record may hold.
        answers: whether it answers the message before it.
    """

    speaker: int
    phrase: str
    candidates: int
    answers: bool


def tap(sessions: Sequence[Session], count: int) -> Tapped:
    """Return what can be heard of a chat of `count` messages.

    Args:
        sessions: its connections, in the order in which they were opened.
        count: everybody comes before the first message, and leaves after the last.

    Raises:
        CaptureError: a handshake or a record is missing.
    """
    answers = [server_hello(session.server) for session in sessions]
    more = {overhead(answer) if answer else None for answer in answers}
    if len(more) != 1 or (added := more.pop()) is None:
        raise CaptureError("The chat's connections cannot be read as TLS 1.3 with a cipher suite that is known here.")
    names, lines = [], []
    for place, session in enumerate(sessions):
        # a client's first encrypted record is Finished (RFC 8446, section 4.4.4), the next its name
        sealed = [record for record in session.client.records if record.content_type == APPLICATION_DATA][1:]
        heard = [_heard(place, record) for record in sealed]
        names += heard[:1]
        lines += heard[1:]
    lines.sort(key=lambda line: line.time_ns)
    if len(names) < len(sessions) or len(lines) < count:
        raise CaptureError("The capture does not hold the whole chat.")
    octets = sum(len(layer.stream.data) for session in sessions for layer in (session.client, session.server))
    return Tapped(tuple(names), tuple(lines[:count]), added, octets, sessions[0].client.stream.destination.port)


def _heard(place: int, record: Record) -> Heard:
    first = record.stream.slice(record.start, record.end)[0]
    spans = record.stream.locate(record.start, record.end)
    return Heard(place, len(record.fragment), first.time_ns, spans)


def sealed_length(text: str, added: int, block: int) -> int:
    """Return how long the fragment is in which a client sends a line of the chat.

    Args:
        text: the line.
        added: `Tapped.overhead`, the byte of the inner type included.
        block: content and type are padded to a multiple of so many bytes (RFC 8446, section 5.4).
    """
    inner = len(encode(text)) + _TYPE
    return math.ceil(inner / block) * block + added - _TYPE


def fitting(length: int, texts: Sequence[str], added: int, block: int) -> tuple[str, ...]:
    """Return which of the texts a fragment of this length may hold."""
    return tuple(text for text in texts if sealed_length(text, added, block) == length)


def guess(tapped: Tapped, phrases: Sequence[str], block: int) -> tuple[Guess, ...]:
    """Say of each message who sends it, what it is, and whether it answers the one before.

    Where several phrases fit, each is as likely as the others, and one is drawn; where none does, of all.
    """
    rng = random.Random("attack")  # noqa: S311  (to be the same each time)
    quick = quick_ones([line.time_ns for line in tapped.lines])
    guesses = []
    for line, answers in zip(tapped.lines, quick, strict=True):
        candidates = fitting(line.length, phrases, tapped.overhead, block)
        guesses.append(Guess(line.speaker, rng.choice(candidates or phrases), len(candidates), answers))
    return tuple(guesses)


def blind_guess(count: int, phrases: Sequence[str], speakers: int) -> tuple[Guess, ...]:
    """Say the same of `count` messages without having heard anything: drawn."""
    rng = random.Random("blind")  # noqa: S311
    return tuple(
        Guess(rng.randrange(speakers), rng.choice(phrases), len(phrases), rng.random() < 0.5) for _ in range(count)
    )


def names_of(tapped: Tapped, names: Sequence[str], block: int) -> tuple[str | None, ...]:
    """Return the name behind each connection, None where the length leaves a choice."""
    found = [fitting(line.length, names, tapped.overhead, block) for line in tapped.names]
    return tuple(fit[0] if len(fit) == 1 else None for fit in found)


def quick_ones(times_ns: Sequence[int]) -> tuple[bool, ...]:
    """Return for each time whether it follows the one before quickly, compared with the others; the first does not.

    No threshold is given: the logarithms of the gaps are put into two groups so that they differ least within them
    (2-means, which in one dimension is the best of all cuts of the sorted values).
    """
    gaps = [math.log(max(1, after - before)) for before, after in itertools.pairwise(times_ns)]
    if not gaps:
        return (False,) * len(times_ns)
    cut = _best_cut(sorted(gaps))
    return (False, *(gap < cut for gap in gaps))


def _best_cut(values: Sequence[float]) -> float:
    """Return the smallest value of the upper of two groups."""
    total, below = sum(values), 0.0
    best, cut = -math.inf, values[0]
    for number, value in enumerate(values):
        if number:
            above, rest = total - below, len(values) - number
            # the sum of squares between the groups, less what does not depend on the cut
            between = below * below / number + above * above / rest
            if between > best:
                best, cut = between, value
        below += value
    return cut


def threshold_ns(times_ns: Sequence[int]) -> int:
    """Return the gap from which on `quick_ones` takes a message for a new subject, in nanoseconds."""
    quick = quick_ones(times_ns)
    slow = [b - a for a, b, q in zip(times_ns, times_ns[1:], quick[1:], strict=False) if not q]
    return min(slow, default=0)

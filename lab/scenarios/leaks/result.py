"""What a run of the scenario has measured, and what the attack makes of it. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.sources.source import Counters
from lab.scenarios.leaks.guess import Guess, Tapped, blind_guess, guess, names_of
from lab.scenarios.leaks.open import Openly
from lab.scenarios.leaks.score import Scores, score
from lab.scenarios.leaks.talk import NAMES, PHRASES, Line


@dataclass(frozen=True, slots=True)
class Padding:
    """How a chat pads its records.

    Attributes:
        words: how the page calls it.
        block: content and inner type are padded to a multiple of so many bytes; 1 for not at all.
    """

    words: str
    block: int


NONE = Padding("no padding", 1)
BUCKETS = Padding("multiples of 32", 32)
# more than any line of this chat has, those from the server included
CONSTANT = Padding("always 256", 256)
PADDINGS = (NONE, BUCKETS, CONSTANT)


@dataclass(frozen=True, slots=True)
class Handshakes:
    """What the handshakes show, by who connected.

    Attributes:
        chat: the lab's client, each connection of all chats.
        openssl: `openssl s_client`, None where it is not installed.
        tls12: two visits over TLS 1.2, the second with the ticket of the first.
        tls13: three visits over TLS 1.3, the second and the third with one ticket of the first.
    """

    chat: tuple[Openly, ...]
    openssl: Openly | None
    tls12: tuple[Openly, Openly]
    tls13: tuple[Openly, Openly, Openly]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures that were drawn.

    Attributes:
        files: where they are.
        problem: why there are none; else empty.
    """

    files: tuple[Path, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Attacked:
    """One chat, and what the attack makes of it.

    Attributes:
        tapped: the chat.
        guesses: one for each message.
        scores: how good they are.
        names: the name found for each connection, None where the length of its first record leaves a choice.
        lengths: how many messages came in fragments of each length.
    """

    tapped: Tapped
    guesses: tuple[Guess, ...]
    scores: Scores
    names: tuple[str | None, ...]
    lengths: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured.

    Attributes:
        truth: the conversation, as it was sent, the same over each chat.
        attacked: each chat from outside, and what the attack makes of it.
        blind: how good somebody is who has heard nothing.
        handshakes: what the handshakes show.
        certificate: the server's, in DER.
        capture: the file.
        counters: what the capture counted.
        problems: what of the TLS could not be read.
        pictures: what was drawn of it.
    """

    truth: tuple[Line, ...]
    attacked: Mapping[Padding, Attacked]
    blind: Scores
    handshakes: Handshakes
    certificate: bytes
    capture: Path
    counters: Counters
    problems: tuple[str, ...]
    pictures: Pictures = Pictures(())


def attack(truth: Sequence[Line], tapped: Mapping[Padding, Tapped]) -> dict[Padding, Attacked]:
    """Attack each chat, and score it."""
    attacked = {}
    for padding, chat in tapped.items():
        guesses = guess(chat, PHRASES, padding.block)
        attacked[padding] = Attacked(
            chat,
            guesses,
            score(truth, guesses, len(PHRASES), len(NAMES)),
            names_of(chat, NAMES, padding.block),
            Counter(line.length for line in chat.lines),
        )
    return attacked


def blind(truth: Sequence[Line]) -> Scores:
    """Score somebody who has heard nothing."""
    return score(truth, blind_guess(len(truth), PHRASES, len(NAMES)), len(PHRASES), len(NAMES))

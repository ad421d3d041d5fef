"""What notebook 7 shows of the leaks: the attack run on a capture, rows of it, and what padding would do.

The attack itself is in `lab.scenarios.leaks`; it is handed streams and what is public. Here is only what finds the
chats in the capture and lays out what came of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from capture.errors import CaptureError
from capture.streams import ByteStream, on_port
from capture.tls import HEADER
from lab.notebook.live import Run
from lab.presentation import spans_text
from lab.scenarios.leaks.guess import Tapped, sealed_length, tap
from lab.scenarios.leaks.result import NONE, PADDINGS, Attacked, Padding, attack
from lab.scenarios.leaks.score import KINDS
from lab.scenarios.leaks.talk import COUNT, NAMES, Line, draw
from lab.sessions import sessions


def chats(streams: Sequence[ByteStream]) -> dict[Padding, Tapped]:
    """Return the three chats of a run of `leaks`, as heard from outside, by how they pad.

    The more a chat pads, the fewer lengths its records have.

    Raises:
        CaptureError: they are not in the capture.
    """
    found = []
    for port in dict.fromkeys(stream.destination.port for stream in streams if stream.from_client):
        try:
            found.append(tap(sessions(on_port(streams, port), None), COUNT))
        except CaptureError:
            continue  # visits whose handshakes are looked at, not a chat of so many messages
    if len(found) != len(PADDINGS):
        msg = f"The capture holds {len(found)} of the {len(PADDINGS)} chats: run it again."
        raise CaptureError(msg)
    found.sort(key=lambda chat: -len({line.length for line in chat.lines}))
    return dict(zip(PADDINGS, found, strict=True))


def truth(run: Run) -> tuple[Line, ...]:
    """Return what was really said in a run of `leaks`: to score the attack, after it."""
    drawn = draw(run.verdict["seed"])
    return tuple(
        replace(line, speaker=NAMES.index(sent["who"]), phrase=sent["text"])
        for line, sent in zip(drawn, run.sent["sent"], strict=True)
    )


def attacked(run: Run) -> dict[Padding, Attacked]:
    """Attack the chats of a run of `leaks` from its capture, and score it."""
    return attack(truth(run), chats(run.streams()))


def heard(chat: Attacked, said: Sequence[Line], count: int) -> list[tuple[str, int, int, str, str]]:
    """Return the first messages as the attacker has them.

    Returns:
        For each: where its record stands, its length in bytes, how many phrases fit, who says what by the attack, and
        whether the words are right.
    """
    rows = []
    for line, guess, true in list(zip(chat.tapped.lines, chat.guesses, said, strict=True))[:count]:
        who = chat.names[guess.speaker] or f"person {guess.speaker + 1}"
        right = "✔" if guess.phrase == true.phrase else f"✘ {true.phrase}"
        rows.append((spans_text(line.spans), line.length, guess.candidates, f"{who}: {guess.phrase}", right))
    return rows


def scores(found: Mapping[Padding, Attacked]) -> list[tuple[str, ...]]:
    """Return for each kind of question how many were right in each chat, and how many blind guessing gets."""
    return [
        (
            kind,
            *(f"{pick(chat.scores).right} of {pick(chat.scores).of}" for chat in found.values()),
            f"{pick(found[NONE].scores).expected:.0f}",
        )
        for kind, pick in KINDS.items()
    ]


def by_speaker(chat: Attacked, count: int) -> dict[str, list[tuple[float, int]]]:
    """Return the seconds and lengths of the first records, by who sent them, as the attacker tells it."""
    lines = chat.tapped.lines[:count]
    rows: dict[str, list[tuple[float, int]]] = {}
    for line in lines:
        who = chat.names[line.speaker] or f"person {line.speaker + 1}"
        rows.setdefault(who, []).append(((line.time_ns - lines[0].time_ns) / 1e9, line.length))
    return rows


@dataclass(frozen=True, slots=True)
class Padded:
    """What padding to multiples of `block` bytes would do to a list of phrases, each as likely as the others.

    Attributes:
        block: in bytes, 1 for no padding.
        lengths: how many different lengths are left.
        named: the share of messages that is named right on average, 0 to 1.
        octets: bytes of a record on average, its header included.
    """

    block: int
    lengths: int
    named: float
    octets: float


def padded(phrases: Sequence[str], block: int, added: int) -> Padded:
    """Compute what a padding would do, without sending anything.

    Args:
        phrases: what can be said.
        block: content and inner type are padded to a multiple of so many bytes (RFC 8446, section 5.4).
        added: `Tapped.overhead`: how many bytes longer a fragment is than what it hides.
    """
    sizes = [sealed_length(phrase, added, block) for phrase in phrases]
    # of n phrases with one length the attack draws one, which is right once in n times: each length counts once
    many = len(set(sizes))
    return Padded(block, many, many / len(sizes), HEADER + sum(sizes) / len(sizes))

"""What became of each message, against the textbook. Pure.

The textbook: whoever changes plaintext or XOR on the way changes what is read, and nobody notices. A TLS record opens
only as the bytes that were sealed, and only at its place in their order (RFC 8446, sections 5.2 and 5.3; RFC 5246,
section 6.2.3.3); the first that does not open ends the connection (RFC 8446, sections 5.2 and 6.2). That nothing more
comes TLS tells by close_notify (RFC 8446, section 6.1) and by nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from capture.alert import CLOSE_NOTIFY
from capture.sources.source import Counters
from capture.streams import Span
from lab.folder import RunFolder
from lab.scenarios.alerts import FATAL, SeenAlert
from lab.scenarios.shape import Claim, Judgement, Question
from lab.scenarios.tamper.changes import BODY, Flip, Tampering, Target, Transport
from lab.scenarios.tamper.difference import Difference, Kind, difference
from lab.scenarios.tamper.read import Cell


@dataclass(frozen=True, slots=True)
class Result:
    """What the run has measured.

    Attributes:
        target: what was said, and what of it was to be changed.
        cells: every transport with every tampering.
        counters: what the capture counted.
        folder: where the files are.
    """

    target: Target
    cells: tuple[Cell, ...]
    counters: Counters
    folder: RunFolder

    def cell(self, *pairing: Transport | Tampering) -> Cell:
        """Return the cell of a transport and a tampering."""
        return next(cell for cell in self.cells if (cell.transport, cell.tampering) == pairing)


_ON_THE_WAY = {
    Tampering.NONE: Kind.SAME,
    Tampering.FLIP: Kind.CHANGED,
    Tampering.REPLAY: Kind.DOUBLED,
    Tampering.DROP: Kind.MISSING,
    Tampering.SWAP: Kind.SWAPPED,
    Tampering.CUT: Kind.ENDED,
}


class Outcome(StrEnum):
    """What came of it."""

    AS_SENT = "the words as they were sent"
    UNNOTICED = "other words, and nobody notices"
    REFUSED = "nothing of it: the connection ends"


QUESTIONS = (
    Question(
        "plain", "One bit of a plaintext message is flipped on the way. What does its reader get?", tuple(Outcome)
    ),
    Question("xor", "The same with a message encrypted by XOR, by somebody without the key?", tuple(Outcome)),
    Question("tls", "The same with a TLS record?", tuple(Outcome)),
    Question(
        "drop",
        "One TLS record is left out; those after it arrive unchanged. What does the reader get?",
        ("all but the words left out", "nothing more: the next record is refused"),
    ),
    Question(
        "cut",
        "From one TLS record on everything is left out, to the end. Does the server raise an alert?",
        ("yes, bad_record_mac", "no: the only sign is a goodbye that is missing", "something else"),
    ),
)


def outcome(cell: Cell, target: Target) -> Outcome:
    """Return what came of a cell."""
    if refusal(cell):
        return Outcome.REFUSED
    return Outcome.AS_SENT if reading(cell, target).kind is Kind.SAME else Outcome.UNNOTICED


def passage(cell: Cell) -> Difference:
    """Return how what arrived differs from what was sent, as bytes on the wire."""
    return difference([unit.data for unit in cell.sent], [unit.data for unit in cell.arrived])


def reading(cell: Cell, target: Target) -> Difference:
    """Return how what was read differs from what was said, as words."""
    return difference([text.encode() for text in target.words], [heard.text.encode() for heard in cell.read])


def flipped(cell: Cell, at: int) -> tuple[Flip, ...]:
    """Return the bits in which unit `at` differs on its two hops, counted in its words."""
    sent, arrived = cell.sent[at].data, cell.arrived[at].data
    return tuple(
        Flip(n - BODY[cell.transport], bit)
        for n, (a, b) in enumerate(zip(sent, arrived, strict=False))
        for bit in range(8)
        if (a ^ b) >> bit & 1
    )


def refused(cell: Cell) -> int | None:
    """Return which of the messages that arrived is the first that the key does not open, counted from 0."""
    return next((n for n, unit in enumerate(cell.arrived) if unit.words is None), None)


def refusal(cell: Cell) -> str:
    """Return by which alert the connection was ended; empty where it was not."""
    return next((alert.name for alert in cell.alerts if alert.level == FATAL), "")


def goodbyes(alerts: tuple[SeenAlert, ...]) -> tuple[SeenAlert, ...]:
    """Return those of alice's alerts that say that nothing more comes."""
    return tuple(alert for alert in alerts if alert.from_client and alert.description == CLOSE_NOTIFY)


def judge(result: Result) -> Judgement:
    """Compare every cell with the textbook, in three ways: what was done, what was read, who noticed."""
    target = result.target
    claims = [
        claim
        for cell in result.cells
        for claim in (_passage_claim(cell, target), _reading_claim(cell, target), _notice_claim(cell, target))
    ]
    drop = result.cell(Transport.TLS_1_3, Tampering.DROP)
    cut = result.cell(Transport.TLS_1_3, Tampering.CUT)
    options = {question.key: question.options for question in QUESTIONS}
    answers = {
        "plain": outcome(result.cell(Transport.PLAIN, Tampering.FLIP), target),
        "xor": outcome(result.cell(Transport.XOR, Tampering.FLIP), target),
        "tls": outcome(result.cell(Transport.TLS_1_3, Tampering.FLIP), target),
        "drop": options["drop"][outcome(drop, target) is Outcome.REFUSED],
        "cut": options["cut"][
            0
            if refusal(cut) == "bad_record_mac"
            else 1
            if goodbyes(cut.alerts_sent) and not (refusal(cut) or goodbyes(cut.alerts))
            else 2
        ],
    }
    return Judgement(tuple(claims), answers, result.counters, details=_details(result))


def _passage_claim(cell: Cell, target: Target) -> Claim:
    textbook = str(Difference(_ON_THE_WAY[cell.tampering], target.at))
    found = passage(cell)
    measured = str(found)
    if cell.tampering is Tampering.FLIP:
        textbook += f" in bit {target.flip.bit} of byte {target.flip.byte} alone"
    if found.kind is Kind.CHANGED:
        measured += " in " + " and ".join(f"bit {flip.bit} of byte {flip.byte}" for flip in flipped(cell, found.at))
        measured += " alone"
    if _said(cell, len(target.words)) != list(target.words):
        measured = "alice did not send the words that she was given"
    spans = tuple(span for unit in (*cell.sent[target.at :][:1], *cell.arrived[target.at :][:1]) for span in unit.spans)
    return _claim(cell, "on the way", textbook, measured, spans)


def _said(cell: Cell, count: int) -> list[str]:
    return [(unit.words or b"").decode("utf-8", "backslashreplace") for unit in cell.sent[:count]]


def _reading_claim(cell: Cell, target: Target) -> Claim:
    expected = Difference(_ON_THE_WAY[cell.tampering], target.at)
    words = target.flipped if expected.kind is Kind.CHANGED else ""
    if cell.transport.is_tls and cell.tampering is not Tampering.NONE:
        # a second copy is refused when the first one has been read
        expected = Difference(Kind.ENDED, target.at + (cell.tampering is Tampering.REPLAY))
        words = ""
    found = reading(cell, target)
    said = cell.read[found.at].text if found.kind is Kind.CHANGED else ""
    # where the message is not there, the last thing that bob got
    shown = cell.read[target.at :][:1] or cell.read[-1:]
    spans = tuple(span for heard in shown for span in heard.spans)
    return _claim(cell, "what is read", _quoted(expected, words), _quoted(found, said), spans)


def _quoted(what: Difference, words: str) -> str:
    return f"{what}: {words}" if words else str(what)


def _notice_claim(cell: Cell, target: Target) -> Claim:
    expected = "nobody notices"
    if cell.transport.is_tls and cell.tampering is Tampering.CUT:
        expected += "; alice's close_notify does not arrive"
    elif cell.transport.is_tls and cell.tampering is not Tampering.NONE:
        number = target.at + 1 + (cell.tampering is Tampering.REPLAY)
        expected = (
            f"the server refuses record {number} of the messages by a fatal bad_record_mac and ends the connection"
        )
    measured, spans = _noticed(cell)
    return _claim(cell, "who notices", expected, measured, spans)


def _noticed(cell: Cell) -> tuple[str, tuple[Span, ...]]:
    """Return who noticed what, and where that stands."""
    fatal = next((alert for alert in cell.alerts if alert.level == FATAL), None)
    if fatal is not None:
        at, who = refused(cell), "alice" if fatal.from_client else "the server"
        spans = (cell.arrived[at].spans if at is not None else ()) + fatal.spans
        ended = cell.end is not None and cell.end.span.frame >= fatal.spans[-1].frame
        record = "something" if at is None else f"record {at + 1} of the messages"
        measured = f"{who} refuses {record} by a fatal {fatal.name}"
        if cell.end is not None and ended:
            return f"{measured} and ends the connection", (*spans, cell.end.span)
        return f"{measured} and goes on", spans
    if cell.complaints:
        return f"the server says {cell.complaints[0]!a}", ()
    sent, arrived = goodbyes(cell.alerts_sent), goodbyes(cell.alerts)
    spans = tuple(span for alert in (*sent, *arrived) for span in alert.spans)
    if sent and not arrived:
        return "nobody notices; alice's close_notify does not arrive", spans
    return "nobody notices", spans


def _claim(cell: Cell, what: str, textbook: str, measured: str, spans: tuple[Span, ...]) -> Claim:
    return Claim(f"{cell.transport}, {cell.tampering}: {what}", textbook, measured, textbook == measured, spans)


def _details(result: Result) -> Mapping[str, Any]:
    target = result.target
    return {
        "messages": list(target.words),
        "message": target.at + 1,
        "byte": target.flip.byte,
        "bit": target.flip.bit,
        "cells": [
            {
                "transport": cell.transport,
                "tampering": cell.tampering,
                "cipher_suite": cell.cipher_suite,
                "outcome": outcome(cell, target),
                "read": [heard.text for heard in cell.read],
            }
            for cell in result.cells
        ],
    }

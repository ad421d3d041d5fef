"""Exercise 14: one flipped bit, in plaintext and under TLS."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e14_flipped_bit.run import people, record, target
from lab.exercises.e14_flipped_bit.truth import Truth, read_truth
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.work import CAPTURE, KEYLOG, Work
from lab.scenarios.tamper.changes import Transport

_RIGHT = "new_sum"
_WHYS = (_RIGHT, "header_only", "too_short", "mended")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the capture says, and the letter that stands for each explanation."""

    truth: Truth
    letters: Mapping[str, str]


def _letters(draw: Draw) -> Mapping[str, str]:
    return dict(zip(_WHYS, draw.shuffled("letters", "abcd"), strict=True))


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    speaker, reader = people(draw)
    return {"speaker": speaker, "reader": reader, "host": cast.host(draw), **_letters(draw)}


def marks(draw: Draw) -> tuple[bytes, ...]:
    """Return what names this student in the capture: the server's name, and the first thing said in plaintext."""
    return cast.host(draw).encode(), target(draw, Transport.PLAIN).words[0].encode()


def truth(work: Work) -> Asked:
    """Find the bit.

    Raises:
        LabError: the capture or the key log is not whole.
        CaptureError: they cannot be read, or do not belong together.
    """
    return Asked(read_truth(work.traffic, work.keylog()), _letters(work.draw))


def _arrived(asked: Asked, answer: str) -> str:
    said = unicodedata.normalize("NFC", answer.strip())
    sent, arrived = (data.decode(errors="replace") for data in (asked.truth.sent, asked.truth.arrived))
    if said == arrived:
        return ""
    if said == sent:
        return "as_sent"
    if said.endswith(arrived):
        return "with_name"
    return "not_whole" if said and said in arrived else "wrong"


def _frame(asked: Asked, answer: int) -> str:
    truth = asked.truth
    if answer == truth.span.frame:
        return ""
    if answer == truth.before:
        return "before_the_relay"
    if answer in truth.copies:
        return "to_the_reader"
    place = truth.frames.get(answer, "")
    if place.startswith("tls"):
        return "other_chat"
    return "other_message" if place == "plain far client" else "wrong"


def _mask(asked: Asked, answer: str) -> str:
    truth, digits = asked.truth, answer.strip().lower()
    if digits == f"{truth.mask:02x}":
        return ""
    if digits in (f"{truth.sent[truth.at]:02x}", f"{truth.arrived[truth.at]:02x}"):
        return "the_byte"
    if digits.lstrip("0") == str(truth.mask.bit_length() - 1).lstrip("0"):
        return "bit_number"
    if digits == f"{truth.mask:08b}":
        return "binary"
    return "prefix" if re.fullmatch(rf"0x0*{truth.mask:x}|0*{truth.mask:x}h?", digits) else "wrong"


def _record_frame(asked: Asked, answer: int) -> str:
    truth = asked.truth
    if answer == truth.record.frame:
        return ""
    if answer == truth.record_before:
        return "before_the_relay"
    place = truth.frames.get(answer, "")
    if place.startswith("plain"):
        return "other_chat"
    if place.endswith("server"):
        return "wrong_direction"
    return "other_record" if place == "tls far client" else "wrong"


def _alert_frame(asked: Asked, answer: int) -> str:
    truth = asked.truth
    if answer == truth.alert.frame:
        return ""
    if answer == truth.alert_after:
        return "passed_on"
    place = truth.frames.get(answer, "")
    if place.startswith("plain"):
        return "other_chat"
    if place.endswith("client"):
        return "wrong_direction"
    return "other_record" if place == "tls far server" else "wrong"


def _why(asked: Asked, answer: str) -> str:
    letter = answer.strip().lower()
    reason = next((reason for reason, its in asked.letters.items() if its == letter), "no_letter")
    return "" if reason == _RIGHT else reason


EXERCISE = Exercise(
    number=14,
    name="e14_flipped_bit",
    steps=(
        Step(
            "arrived",
            1,
            Kind.TEXT,
            _arrived,
            lambda a: f"{a.truth.arrived.decode(errors='replace')!a} ({a.truth.span})",
        ),
        Step("frame", 1, Kind.NUMBER, _frame, lambda a: f"{a.truth.span.frame} ({a.truth.span})"),
        Step("mask", 2, Kind.TEXT, _mask, lambda a: f"{a.truth.mask:02x} (byte {a.truth.at} of the message)"),
        Step("record_frame", 2, Kind.NUMBER, _record_frame, lambda a: f"{a.truth.record.frame} ({a.truth.record})"),
        Step("alert_frame", 2, Kind.NUMBER, _alert_frame, lambda a: f"{a.truth.alert.frame} ({a.truth.alert})"),
        Step("why", 2, Kind.TEXT, _why, lambda a: a.letters[_RIGHT]),
    ),
    values=values,
    run=record,
    marks=marks,
    truth=truth,
    files=(CAPTURE, KEYLOG),
)

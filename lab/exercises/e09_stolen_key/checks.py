"""Exercise 9: what a server's stolen private key opens, and what it does not."""

from collections.abc import Mapping

from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e09_stolen_key.run import KEY, run, which
from lab.exercises.e09_stolen_key.truth import REASONS, Truth, letters, truth
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import plain_digits, same_text
from lab.exercises.work import CAPTURE

_DIGITS = 8  # hex digits of a public key that are asked for


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    return {"host": cast.host(draw), "number": str(which(draw)), **letters(draw)}


def _port(truth: Truth, answer: int) -> str:
    if answer == truth.port:
        return ""
    if answer in truth.client_ports:
        return "client_port"
    return {truth.ecdhe_port: "ecdhe", truth.tls13_port: "tls13"}.get(answer, "wrong")


def _message(truth: Truth, answer: str) -> str:
    text = answer.strip()
    if same_text(answer, truth.message):
        return ""
    if text.endswith(f"> {truth.message}"):
        return "name_left"
    return "wrong_number" if text in [said for _, said in truth.messages] else "wrong"


def _share(truth: Truth, answer: str) -> str:
    digits = answer.strip().lower()
    if digits == truth.share[:_DIGITS]:
        return ""
    plain = plain_digits(answer)
    if plain == truth.share[:_DIGITS]:
        return "separators_left"
    if len(plain) > _DIGITS and truth.share.startswith(plain):
        return "whole_key"
    found = {truth.client_share: "client_key", truth.next_share: "wrong_stream", truth.tls13_share: "tls13"}
    return next((mistake for share, mistake in found.items() if plain[:_DIGITS] == share[:_DIGITS]), "wrong")


def _why(truth: Truth, answer: str) -> str:
    letter = answer.strip().lower()
    reason = next((reason for reason, its in truth.letters.items() if its == letter), "wrong")
    return "" if reason == REASONS[0] else reason


EXERCISE = Exercise(
    number=9,
    name="e09_stolen_key",
    steps=(
        Step("port", 1, Kind.NUMBER, _port, lambda t: str(t.port)),
        Step("message", 2, Kind.TEXT, _message, lambda t: t.message),
        Step("share", 1, Kind.TEXT, _share, lambda t: t.share[:_DIGITS]),
        Step("why", 1, Kind.TEXT, _why, lambda t: t.letters[REASONS[0]]),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    evidence=(CAPTURE, KEY),
    truth=truth,
    files=(CAPTURE, KEY),
)

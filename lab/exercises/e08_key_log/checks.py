"""Exercise 8: the one line of a key log that opens a message."""

from collections.abc import Mapping

from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e08_key_log.run import run, side, stream, which
from lab.exercises.e08_key_log.truth import Truth, truth
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import plain_digits, same_text
from lab.exercises.work import CAPTURE, KEYLOG

_EXPORTER = "EXPORTER_SECRET"


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    told = {"host": cast.host(draw), "stream": str(stream(draw)), "number": str(which(draw))}
    return {**told, "side": side(draw).lower()}


def _random(truth: Truth, answer: str) -> str:
    digits = answer.strip().lower()
    if digits == truth.random:
        return ""
    if plain_digits(answer) == truth.random:
        return "separators_left"
    if digits == truth.server_random:
        return "server_random"
    if digits == truth.session_id:
        return "session_id"
    return "wrong_stream" if digits in truth.other_randoms else "wrong"


def _label(truth: Truth, answer: str) -> str:
    label = answer.strip().upper()
    if label == truth.label:
        return ""
    if label == truth.other_label:
        return "wrong_direction"
    if label.endswith("_HANDSHAKE_TRAFFIC_SECRET"):
        return "handshake"
    if label == _EXPORTER:
        return "exporter"
    return "old_label" if label in ("CLIENT_RANDOM", "RSA") else "wrong"


def _secret(truth: Truth, answer: str) -> str:
    digits = answer.strip().lower()
    if digits == truth.secrets[truth.label]:
        return ""
    label = next((label for label, secret in truth.secrets.items() if secret == digits), "")
    if label:
        return _label(truth, label) or "wrong"
    if digits in truth.other_secrets:
        return "wrong_stream"
    if digits in truth.foreign_secrets:
        return "not_captured"
    return "random" if digits == truth.random else "wrong"


def _message(truth: Truth, answer: str) -> str:
    text = answer.strip()
    if same_text(answer, truth.message):
        return ""
    if text == f"{truth.who} > {truth.message}":
        return "name_left"
    if text in truth.messages:
        return "wrong_number"
    return "other_side" if text in truth.other_side else "wrong"


def _who(truth: Truth, answer: str) -> str:
    name = answer.strip()
    if name == truth.who:
        return ""
    return "somebody_else" if name in truth.nicknames else "wrong"


EXERCISE = Exercise(
    number=8,
    name="e08_key_log",
    steps=(
        Step("random", 1, Kind.TEXT, _random, lambda t: t.random),
        Step("label", 1, Kind.TEXT, _label, lambda t: t.label),
        Step("secret", 1, Kind.TEXT, _secret, lambda t: t.secrets[t.label]),
        Step("message", 1, Kind.TEXT, _message, lambda t: t.message),
        Step("who", 1, Kind.TEXT, _who, lambda t: t.who),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    evidence=(CAPTURE, KEYLOG),
    truth=truth,
    files=(CAPTURE, KEYLOG),
)

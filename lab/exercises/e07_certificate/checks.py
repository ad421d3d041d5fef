"""Exercise 7: the certificate that TLS 1.2 shows to everybody, and TLS 1.3 to the client alone."""

from collections.abc import Mapping

from capture.tls import HEADER
from lab.exercises.draw import Draw
from lab.exercises.e07_certificate.run import hosts, marks, run, which
from lab.exercises.e07_certificate.truth import Truth, truth
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import plain_digits


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    # in the order of the alphabet: which of them speaks which version is for the student to find
    first, second = sorted(hosts(draw))
    return {"first": first, "second": second, "number": str(which(draw))}


def _frame(truth: Truth, answer: int) -> str:
    if answer == truth.frame:
        return ""
    if answer == truth.hello_frame:
        return "client_hello"
    if answer in truth.other_frames:
        return "wrong_stream"
    return "other_version" if answer in truth.hidden_frames else "wrong"


def _serial(truth: Truth, answer: str) -> str:
    digits = answer.strip().lower()
    right = f"{truth.serial:x}"
    if digits.lstrip("0") == right:
        return ""
    if plain_digits(answer).lstrip("0") == right:
        return "separators_left"
    if digits == str(truth.serial):
        return "decimal"
    whole = truth.serial.to_bytes((truth.serial.bit_length() + 7) // 8, "big")
    return "byte_order" if digits == whole[::-1].hex() else "wrong"


def _name(truth: Truth, answer: str) -> str:
    name = answer.strip().lower().removeprefix("dns:")
    asked, *rest = truth.names
    if [name] == rest:
        return ""
    if name == asked:
        return "server_name"
    if name.removeprefix("cn=") == truth.issuer.lower():
        return "issuer"
    if name.removeprefix("cn=") == truth.subject.lower():
        return "subject"
    return "both" if all(one in name for one in truth.names) else "wrong"


def _hidden(truth: Truth, answer: int) -> str:
    if answer == truth.hidden:
        return ""
    if answer == truth.hidden + HEADER:
        return "header_counted"
    if answer == truth.hello_length:
        return "server_hello"
    if answer in truth.others:
        return "other_record"
    return "other_version" if answer == truth.shown_length else "wrong"


def _sni(truth: Truth, answer: str) -> str:
    name = answer.strip().lower()
    if name == truth.server_name:
        return ""
    if name == truth.names[0]:
        return "other_version"
    return "certificate" if name in truth.names else "wrong"


EXERCISE = Exercise(
    number=7,
    name="e07_certificate",
    steps=(
        Step("frame", 1, Kind.NUMBER, _frame, lambda t: str(t.frame)),
        Step("serial", 1, Kind.TEXT, _serial, lambda t: f"{t.serial:x} (frame {t.frame})"),
        Step("name", 1, Kind.TEXT, _name, lambda t: f"{t.names[1]} (frame {t.frame})"),
        Step("hidden", 1, Kind.NUMBER, _hidden, lambda t: f"{t.hidden} ({t.span})"),
        Step("sni", 1, Kind.TEXT, _sni, lambda t: t.server_name),
    ),
    values=values,
    run=run,
    marks=marks,
    truth=truth,
)

"""Exercise 10: be in the middle of a careless client."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from capture.errors import KeyLogError
from capture.keylog import KeyLog
from capture.registry import ALERT_DESCRIPTIONS
from capture.tls import ALERT
from chat import notices
from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e10_middle.run import CA, HEARD, MESSAGES, MIDDLE, Rerun, people, record, run_again
from lab.exercises.e10_middle.truth import Truth, read_truth
from lab.exercises.e11_certificate_clinic.illness import HEALTHY, ILLNESSES
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.verifying import certificates
from lab.exercises.work import CAPTURE, KEYLOG, Work

_ALERTS = {name.lower().replace(" ", "_") for name in ALERT_DESCRIPTIONS.values()}


@dataclass(frozen=True, slots=True)
class Found:
    """What the capture says, what middle.py does when it is run again, and which message is asked for (from 1)."""

    truth: Truth
    again: Rerun | None
    number: int

    @property
    def message(self) -> str:
        """The message that is asked for; "" where it is not in the capture. The first line is the name."""
        return self.truth.words[self.number] if self.number < len(self.truth.words) else ""


def _number(draw: Draw) -> int:
    return draw.number("number", 2, MESSAGES - 1)


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    careless, careful = people(draw)
    return {"host": cast.host(draw), "careless": careless, "careful": careful, "number": str(_number(draw))}


def truth(work: Work) -> Found:
    """Read the capture, and run middle.py again.

    Raises:
        LabError: files are not whole, or middle.py cannot be run apart where it must be.
        CaptureError: the capture cannot be read.
    """
    ca = certificates(work.read(CA), CA)[0]
    keys: KeyLog
    try:
        keys = work.keylog()
    except KeyLogError:  # where nobody has come to an agreement there are none
        keys = {}
    read = read_truth(work.opened(keys), ca, cast.host(work.draw))
    return Found(read, run_again(work) if work.has(MIDDLE) else None, _number(work.draw))


def _heard(found: Found, _: None) -> str:
    again = found.again
    if again is None:
        return "missing"
    if again.stopped or again.told is None:
        return "never_ended"
    if not again.told.ready:
        return "not_ready"
    if again.told.careless:
        return "client_lost"
    if not again.told.ended:
        return "never_ended"
    if not again.heard:
        return "nothing_heard"
    if any(text.encode() not in again.heard for text in again.words):
        return "not_all_heard"
    welcome = notices.WELCOME.partition("{")[0].encode()
    return "answers_too" if welcome in again.heard else ""


def _words(found: Found, answer: str) -> str:
    said, message = unicodedata.normalize("NFC", answer.strip()), found.message
    if not message:
        return "nothing_said"
    if said == message:
        return ""
    if said == found.truth.words[found.number - 1]:
        return "name_counted"
    if said in found.truth.words:
        return "other_message"
    return "not_whole" if said and said in message else "wrong"


def _alert_frame(found: Found, answer: int) -> str:
    alert = found.truth.alert
    if alert is None:
        return "no_refusal"
    if answer == alert.spans[0].frame:
        return ""
    place = found.truth.frames.get(answer, "")
    if place.startswith("far"):
        return "behind_the_middle"
    if place.startswith("careless"):
        return "careless_client"
    return {"careful client": "other_record", "careful server": "wrong_direction"}.get(place, "wrong")


def _alert(found: Found, answer: int) -> str:
    alert = found.truth.alert
    if alert is None:
        return "no_refusal"
    if answer == alert.description:
        return ""
    if answer == alert.level:
        return "level"
    return "record_type" if answer == ALERT else "wrong"


def _why(found: Found, answer: str) -> str:
    why, word = found.truth.why, answer.strip().lower()
    if not why or why == HEALTHY:
        return "no_refusal"
    if word == why:
        return ""
    if word in ILLNESSES:
        return "another"
    return "alert_name" if word in _ALERTS else "not_a_word"


def _where(found: Found, what: object) -> str:
    return f"{what} ({found.truth.alert.spans[0]})" if found.truth.alert else "The careful client refused nothing."


EXERCISE = Exercise(
    number=10,
    name="e10_middle",
    steps=(
        Step(
            "middle",
            3,
            Kind.WORK,
            lambda f, _: f.truth.mistake,
            lambda _: "TLS on both sides, with a certificate each.",
        ),
        Step("heard", 2, Kind.WORK, _heard, lambda _: f"What the careless client said, in {HEARD}."),
        Step("words", 2, Kind.TEXT, _words, lambda f: f.message),
        Step("alert_frame", 1, Kind.NUMBER, _alert_frame, lambda f: _where(f, "the alert")),
        Step("alert", 1, Kind.NUMBER, _alert, lambda f: _where(f, f.truth.alert.description if f.truth.alert else "")),
        Step("why", 1, Kind.TEXT, _why, lambda f: f.truth.why),
    ),
    values=values,
    run=record,
    marks=cast.marks_of_host,
    truth=truth,
    files=(CAPTURE, KEYLOG, CA, MIDDLE, HEARD),
)

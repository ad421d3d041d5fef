"""What is found in captures of exercise 14 that are not as the run leaves them."""

from collections.abc import Callable, Iterable

import pytest

from capture.errors import CaptureError
from capture.keylog import KeyLog
from capture.segment import Segment
from capture.streams import reassemble
from lab.errors import LabError
from lab.exercises.e14_flipped_bit.checks import EXERCISE
from lab.exercises.e14_flipped_bit.truth import read_truth
from lab.exercises.work import Traffic, Work
from lab.sessions import sessions
from tests.lab.exercises.conftest import Make, draw_of


@pytest.fixture
def made(work: Make) -> tuple[Traffic, KeyLog]:
    its = Work(work(EXERCISE), draw_of(EXERCISE))
    return its.traffic, its.keylog()


def _again(segments: Iterable[Segment]) -> Traffic:
    kept = tuple(segments)
    return Traffic(kept, sessions(reassemble(kept), None), "")


def test_one_bit_was_changed_in_each_chat(made: tuple[Traffic, KeyLog]) -> None:
    truth = read_truth(*made)
    assert truth.mask.bit_count() == 1
    assert truth.sent != truth.arrived
    assert truth.before < truth.span.frame < truth.copies[0]
    assert truth.record_before < truth.record.frame < truth.alert.frame < truth.alert_after


def test_wherever_the_capture_ends_it_is_judged(made: tuple[Traffic, KeyLog]) -> None:
    traffic, keys = made
    whole = read_truth(*made)
    for end in range(0, len(traffic.segments), 3):
        try:
            truth = read_truth(_again(traffic.segments[:end]), keys)
        except (LabError, CaptureError):
            continue
        assert (truth.sent, truth.arrived) == (whole.sent, whole.arrived)


_Change = Callable[[Segment], Segment | None]


def _without_payload(segment: Segment) -> Segment:
    return segment._replace(payload=b"", length=0)


def _without_client(segment: Segment) -> Segment | None:
    return None if segment.source.port > segment.destination.port else segment


def _zeros(segment: Segment) -> Segment:
    return segment._replace(payload=bytes(len(segment.payload)))


@pytest.mark.parametrize("change", [_without_payload, _without_client, _zeros])
def test_what_is_no_such_traffic_is_named(made: tuple[Traffic, KeyLog], change: _Change) -> None:
    traffic, keys = made
    kept = [changed for segment in traffic.segments if (changed := change(segment)) is not None]
    with pytest.raises((LabError, CaptureError)):
        read_truth(_again(kept), keys)


def test_other_keys_open_nothing(made: tuple[Traffic, KeyLog]) -> None:
    traffic, keys = made
    with pytest.raises(CaptureError):
        read_truth(traffic, {})
    with pytest.raises(CaptureError):
        read_truth(traffic, {name: bytes(len(secret)) for name, secret in keys.items()})

"""What is found in captures of exercise 10, whole and as the run does not leave them."""

from collections.abc import Iterable

import pytest
from cryptography import x509

from capture.errors import CaptureError
from capture.keylog import KeyLog
from capture.rights import Choice, Way
from capture.segment import Segment
from capture.streams import reassemble
from lab.errors import LabError
from lab.exercises import cast, texts
from lab.exercises.e10_middle.checks import EXERCISE
from lab.exercises.e10_middle.run import people, record, words
from lab.exercises.e10_middle.truth import Truth, read_truth
from lab.exercises.verifying import certificates
from lab.exercises.work import Traffic, Work
from lab.sessions import sessions
from tests.lab.exercises.conftest import draw_of
from tests.lab.exercises.solvers import e10


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder = tmp_path_factory.mktemp("middle")
    for name, data in texts.given(EXERCISE.name):
        (folder / name).write_bytes(data)
    e10.prepare(folder)
    record(draw_of(EXERCISE), folder, Choice(Way.TAP, ""))
    return Work(folder, draw_of(EXERCISE))


def _read(work: Work, segments: Iterable[Segment], keys: KeyLog | None = None) -> Truth:
    kept = tuple(segments)
    found = sessions(reassemble(kept), work.keylog() if keys is None else keys)
    return read_truth(Traffic(kept, found, ""), _ca(work), cast.host(work.draw))


def _ca(work: Work) -> x509.Certificate:
    return certificates(work.read("ca.pem"), "ca.pem")[0]


def test_the_whole_capture(work: Work) -> None:
    truth = _read(work, work.traffic.segments)
    assert truth.mistake == ""
    assert truth.words == (people(work.draw)[0], *words(work.draw), "!quit")
    assert truth.alert is not None
    assert truth.frames[truth.alert.spans[0].frame] == "careful client"


def test_without_keys_nothing_is_said(work: Work) -> None:
    truth = _read(work, work.traffic.segments, {})
    assert (truth.mistake, truth.words) == ("not_passed_on", ())


def test_wherever_the_capture_ends_it_is_judged(work: Work) -> None:
    segments = work.traffic.segments
    for end in range(0, len(segments), 3):
        try:
            truth = _read(work, segments[:end])
        except (LabError, CaptureError):
            continue
        assert truth.mistake != "passed_through"


@pytest.mark.parametrize("fill", [b"", b"\0", b"\x16\x03\x03\x00\x01", b"\x15\x03\x03\x00\x02\x02"])
def test_what_is_no_such_traffic_is_judged(work: Work, fill: bytes) -> None:
    segments = [
        segment._replace(payload=(fill * segment.length)[: segment.length], length=segment.length if fill else 0)
        for segment in work.traffic.segments
    ]
    try:
        truth = _read(work, segments)
    except (LabError, CaptureError):
        return
    assert truth.mistake == "no_certificate"


def test_no_traffic_is_named(work: Work) -> None:
    with pytest.raises(LabError, match="no connection"):
        _read(work, ())

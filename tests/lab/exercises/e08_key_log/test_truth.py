"""What is found in captures of exercise 8 that are not as the run leaves them."""

import ssl

import pytest

from capture.rights import Choice, Way
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.e08_key_log.checks import EXERCISE
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Make, draw_of
from tests.lab.exercises.hostile import refusals


def test_another_capture_is_refused_in_a_sentence_or_read(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert len(said) >= 20
    assert all(said)


def test_a_chat_over_an_older_version_is_refused(work: Make) -> None:
    folder = work(EXERCISE)
    draw = draw_of(EXERCISE)
    keylog = folder / "tls.keylog"
    keylog.unlink()
    (folder / "keys").mkdir()
    made = live.secure(folder / "keys", cast.host(draw), version=ssl.TLSVersion.TLSv1_2, keylog=keylog)
    steps = cast.conversation(draw, 4, 12)
    chat = live.Chat(steps, live.port(draw), cast.host(draw), made.server, made.client)
    live.record(folder, Choice(Way.TAP, ""), [chat])
    with pytest.raises(LabError, match="does not open"):
        EXERCISE.truth(Work(folder, draw))

import pytest

from lab.errors import LabError
from lab.scenarios.mitm import scenario
from lab.scenarios.mitm.read import Result
from lab.scenarios.mitm.run import Recording
from lab.scenarios.mitm.scenario import SCENARIO
from tests.lab.scenarios.conftest import MakeSetting


def test_it_comes_out_as_the_textbook_has_it(met: Result) -> None:
    judgement = SCENARIO.judge(met)
    assert judgement.ok, judgement
    for question in SCENARIO.questions:
        assert judgement.answers[question.key] in question.options


def test_a_capture_that_shows_nothing_is_no_evidence(
    met: Result, make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def recorded(_: object) -> Recording:
        return met.recording

    monkeypatch.setattr(scenario, "record", recorded)
    monkeypatch.setattr(scenario, "read_segments", lambda *_: [])
    with pytest.raises(LabError, match="does not hold every connection"):
        SCENARIO.run(make_setting("mitm"))

"""The scenario as a whole: run for real, judged, and run with an attacker who does nothing."""

import pytest

from lab.scenario import CONVERSATION, Join, Leave, Say, Step, messages
from lab.scenarios.shape import Judgement
from lab.scenarios.tamper import run as tamper_run
from lab.scenarios.tamper import scenario as tamper
from lab.scenarios.tamper.changes import OnTheWay, Tampering, Transport, draw
from lab.scenarios.tamper.judge import Outcome, Result
from tests.lab.scenarios.conftest import MakeSetting

SEED = 7  # of the fixture


def wrong(judgement: Judgement) -> set[str]:
    return {claim.what for claim in judgement.claims if not claim.ok}


def test_it_comes_out_as_the_textbook_has_it(tampered: Result) -> None:
    judgement = tamper.SCENARIO.judge(tampered)
    assert wrong(judgement) == set()
    assert judgement.ok
    assert tampered.target == draw([said.text for said in messages(CONVERSATION)], SEED)
    assert len(judgement.claims) == 3 * len(Transport) * len(Tampering)
    assert judgement.answers == {
        "plain": "other words, and nobody notices",
        "xor": "other words, and nobody notices",
        "tls": "nothing of it: the connection ends",
        "drop": "nothing more: the next record is refused",
        "cut": "no: the only sign is a goodbye that is missing",
    }
    for question in tamper.SCENARIO.questions:
        assert judgement.answers[question.key] in question.options


def test_own_words(make_setting: MakeSetting) -> None:
    steps: tuple[Step, ...] = (
        *(Join("zoe"), Join("max")),
        *(Say("zoe", "¿qué?"), Say("max", "ni idea"), Say("max", "ni idea"), Say("zoe", "🙂")),
        Leave("max"),
    )
    result = tamper.run(make_setting("tamper", steps=steps))
    assert result.target.words == ("¿qué?", "ni idea", "🙂")
    assert result.target.at == 1
    assert wrong(tamper.SCENARIO.judge(result)) == set()


def test_what_it_leaves_behind(tampered: Result) -> None:
    files = {path.name: path.stat().st_mode & 0o777 for path in tampered.folder.path.iterdir()}
    assert files.keys() == {"capture.pcapng", "tls.keylog"}
    assert files["tls.keylog"] == 0o600


def test_an_attacker_who_does_nothing_is_found_out(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    class Idle(OnTheWay):
        def __call__(self, data: bytes) -> bytes:
            return data

    monkeypatch.setattr(tamper_run, "OnTheWay", Idle)
    result = tamper.run(make_setting("tamper"))
    judgement = tamper.SCENARIO.judge(result)
    assert not judgement.ok
    done = [tampering for tampering in Tampering if tampering is not Tampering.NONE]
    for transport in Transport:
        assert {f"{transport}, {tampering}: on the way" for tampering in done} <= wrong(judgement)
        assert f"{transport}, {Tampering.NONE}: on the way" not in wrong(judgement)
    assert judgement.answers["plain"] == judgement.answers["tls"] == Outcome.AS_SENT

"""`lab scenario` around a scenario that does nothing; tests/lab/demo runs the real ones."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from capture.errors import CaptureError
from capture.sources.source import Counters
from capture.streams import Span
from lab.cli import main
from lab.errors import LabError
from lab.scenario import CONVERSATION, Join, Say
from lab.scenarios.catalogue import SCENARIOS
from lab.scenarios.shape import Claim, Judgement, Question, Scenario, Setting

QUESTIONS = (Question("q", "Who?", ("everybody", "nobody")), Question("r", "Why?", ("because", "not so")))

CLAIM = Claim("the words", "read", "read", True, (Span(3, 66, 70),))


@dataclass(slots=True)
class Fake:
    """A scenario that notes how it is run, and comes out as it is told."""

    setting: Setting | None = None
    claim: Claim = CLAIM
    error: BaseException | None = None

    def run(self, setting: Setting) -> str:
        self.setting = setting
        if isinstance(self.error, CaptureError):
            setting.folder.capture.write_bytes(b"packets")
        if self.error is not None:
            raise self.error
        setting.folder.capture.write_bytes(b"packets")
        return "measured"

    def judge(self, result: str) -> Judgement:
        assert result == "measured"
        return Judgement((self.claim,), {"q": "nobody", "r": "because"}, Counters(10, 0), details={"bits": 1})

    def show(self, console: Console, result: str) -> None:
        console.print(Text(f"The page of what was {result}."))

    @property
    def folder(self) -> Path:
        assert self.setting is not None
        return self.setting.folder.path


@dataclass(frozen=True, slots=True)
class Done:
    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    scenario = Scenario("keys", "A fake", "Nothing is run.", QUESTIONS, fake.run, fake.judge, fake.show)
    monkeypatch.setitem(SCENARIOS, "keys", scenario)
    monkeypatch.setitem(SCENARIOS, "tamper", replace(scenario, name="tamper", own_words=True))
    return fake


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("COLUMNS", "200")

    def run_it(*arguments: str, typed: str = "", report: str = "--no-report") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = main(["scenario", "--way=tap", f"--keep={tmp_path}/runs", report, *arguments])
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run_it


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_known_by_its_name(name: str) -> None:
    scenario = next(scenario for known, scenario in SCENARIOS.items() if known == name)
    assert scenario.name == name
    assert scenario.title
    for question in scenario.questions:
        assert 2 <= len(question.options) <= 8
        assert len(set(question.options)) == len(question.options)
    assert len({question.key for question in scenario.questions}) == len(scenario.questions)


def test_a_run(run: Run, fake: Fake) -> None:
    done = run("keys", "--seed=5", "--reader=native")
    assert (done.status, done.err) == (0, "")
    said = ("A fake", "Nothing is run.", "Who?", "The page of what was measured.", "1 of 1 claims came out", "seed 5.")
    places = [done.out.index(text) for text in said]
    assert places == sorted(places)
    assert fake.setting is not None
    assert (fake.setting.seed, fake.setting.reader) == (5, "native")
    assert tuple(fake.setting.steps) == CONVERSATION
    verdict = json.loads(fake.setting.folder.verdict.read_text())
    assert (verdict["scenario"], verdict["as_expected"], verdict["predicted"]) == ("keys", True, {})


@pytest.mark.usefixtures("fake")
def test_nobody_is_asked_outside_a_terminal(run: Run) -> None:
    done = run("keys", typed="a\n")
    assert done.status == 0
    assert "Your prediction" not in done.out


@pytest.mark.parametrize(
    ("typed", "predicted"),
    [
        ("b\na\n", {"q": "nobody", "r": "because"}),
        ("\nb\n", {"r": "not so"}),
        ("z\nB\n\n", {"q": "nobody"}),
        ("a\n", {"q": "everybody"}),  # then the input ends
        ("", {}),
    ],
)
def test_predictions(run: Run, fake: Fake, typed: str, predicted: dict[str, str]) -> None:
    done = run("keys", "--predict", typed=typed)
    assert done.status == 0
    verdict = json.loads((fake.folder / "verdict.json").read_text())
    assert verdict["predicted"] == predicted
    assert done.out.index("Your prediction for 1") < done.out.index("The page")
    assert ("as you said" in done.out) is ("nobody" in predicted.values() or "because" in predicted.values())
    assert ("you said: everybody" in done.out) is ("everybody" in predicted.values())


def test_every_run_draws_anew(run: Run, fake: Fake) -> None:
    seeds = set()
    for _ in range(3):
        assert run("keys").status == 0
        assert fake.setting is not None
        seeds.add(fake.setting.seed)
    assert len(seeds) == 3


def test_json_and_nothing_else(run: Run, fake: Fake) -> None:
    done = run("keys", "--json")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == json.loads((fake.folder / "verdict.json").read_text())
    assert json.loads(done.out)["bits"] == 1


def test_a_report_that_cannot_be_made_loses_nothing(run: Run, fake: Fake) -> None:
    done = run("keys", report="--report")
    assert done.status == 0
    assert done.err.startswith("There is no report: ")  # what the fake has "captured" is no capture
    assert len(done.err.splitlines()) == 1
    assert "1 of 1 claims came out" in done.out
    assert (fake.folder / "verdict.json").exists()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_claim_that_fails(run: Run, fake: Fake, options: tuple[str, ...]) -> None:
    fake.claim = replace(fake.claim, measured="\x1b[31mnot\x1b[0m read", ok=False)
    done = run("keys", *options)
    assert done.status == 1
    assert "\x1b" not in done.out
    if options:
        assert json.loads(done.out)["as_expected"] is False
    else:
        assert "0 of 1 claims came out as the textbook has them." in done.out
        failed = r"Not as expected: the words: \x1b[31mnot\x1b[0m read (frame 3, bytes 66-70); the textbook says read."
        assert failed in done.out
    # what there is to look at stays
    assert (fake.folder / "capture.pcapng").exists()


def test_own_words_where_they_are_taken(run: Run, fake: Fake, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("ann > hello\nben > good day\n")
    assert run("tamper", f"--messages={words}").status == 0
    assert fake.setting is not None
    assert tuple(fake.setting.steps) == (Join("ann"), Join("ben"), Say("ann", "hello"), Say("ben", "good day"))


def test_own_words_where_they_are_not(run: Run, fake: Fake, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("hello\n")
    done = run("keys", f"--messages={words}")
    assert (done.status, done.out) == (1, "")
    assert done.err == "The scenario keys has words of its own: leave --messages out.\n"
    assert fake.setting is None
    assert not (tmp_path / "runs").exists()


def test_words_that_cannot_be_read(run: Run, fake: Fake, tmp_path: Path) -> None:
    done = run("tamper", f"--messages={tmp_path}/none.txt")
    assert done.status == 1
    assert done.err.startswith("The messages cannot be read: ")
    assert fake.setting is None


def test_a_name_that_is_none(run: Run, tmp_path: Path) -> None:
    done = run("magic")
    assert (done.status, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert "'magic'" in done.err
    assert not (tmp_path / "runs").exists()


def test_what_was_captured_before_a_failure_is_kept(run: Run, fake: Fake) -> None:
    fake.error = CaptureError("The disk is full.")
    done = run("keys")
    assert done.status == 1
    assert done.err == f"The disk is full. What was captured is in {fake.folder}/capture.pcapng.\n"
    assert (fake.folder / "capture.pcapng").exists()


@pytest.mark.parametrize(
    ("error", "status", "said"), [(LabError("No."), 1, "No."), (KeyboardInterrupt(), 130, "Stopped.")]
)
def test_a_failure_before_anything_was_captured(
    run: Run, fake: Fake, error: BaseException, status: int, said: str
) -> None:
    fake.error = error
    done = run("keys")
    assert (done.status, done.err) == (status, f"{said}\n")
    assert not fake.folder.exists()

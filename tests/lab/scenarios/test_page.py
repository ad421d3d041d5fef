import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from capture.rights import MEANING, Choice, Way
from capture.sources.source import Counters
from capture.streams import Span
from lab.folder import RunFolder
from lab.scenarios.page import ask, evidence, show_setting, show_verdict
from lab.scenarios.shape import Claim, Judgement, Question, Scenario, Setting

LONG = "Somebody in the middle flips one bit of a message that is on its way from one side to the other; who notices?"
QUESTIONS = (
    Question("first", "Who can read it?", ("everybody", "nobody")),
    Question("second", LONG, ("all", "none", "some of them and not the others")),
)
RIGHT = Claim("plaintext", "read", "read", True, (Span(3, 66, 70),))
EVIL = "\x1b[31mred\x1b[0m [bold]x[/bold] \u202e"


def scenario(questions: tuple[Question, ...] = QUESTIONS, *, keylog: bool = True) -> Scenario[None]:
    return Scenario(
        name="test",
        title="A test",
        setting="Somebody says something. " * 10,
        questions=questions,
        run=lambda _: None,
        judge=lambda _: Judgement((), {}, Counters(0, 0)),
        show=lambda *_: None,
        keylog=keylog,
    )


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    (tmp_path / "capture.pcapng").write_bytes(b"x")
    (tmp_path / "certs").mkdir()
    return Setting(RunFolder(tmp_path), Choice(Way.TAP, "It was asked for."), "native", (), 5)


def printed(width: int = 60) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width, highlight=False, color_system=None), out


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[str]:
    """Type these lines, then the end of the input; return the prompts."""
    prompts: list[str] = []
    left = iter(lines)

    def answer(*_: object) -> str:
        prompts.append("asked")
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)
    return prompts


def test_the_setting_and_its_questions() -> None:
    console, out = printed()
    show_setting(console, scenario(), Choice(Way.LOOPBACK, ""))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= 60
    assert " 1. Who can read it?" in lines
    assert "    a) everybody" in lines
    assert "    c) some of them and not the others" in lines
    # further lines of a question stand below its first word
    at = next(number for number, line in enumerate(lines) if line.startswith(" 2. Somebody in the middle"))
    assert lines[at + 1].startswith("    ")
    assert " ".join(line.strip() for line in lines[at : at + 3]).startswith(f"2. {LONG}")


def test_without_questions_nothing_is_to_be_predicted() -> None:
    console, out = printed()
    show_setting(console, scenario(()), Choice(Way.LOOPBACK, ""))
    assert "Predict" not in out.getvalue()


@pytest.mark.parametrize(
    ("lines", "predicted", "asked"),
    [
        (("a", "c"), {"first": "everybody", "second": "some of them and not the others"}, 2),
        ((" B ", "A"), {"first": "nobody", "second": "all"}, 2),
        (("", ""), {}, 2),
        (("", "b"), {"second": "none"}, 2),
        (("x", "c", "ab", "b", "a"), {"first": "nobody", "second": "all"}, 5),
        (("a",), {"first": "everybody"}, 2),  # Ctrl-D
        ((), {}, 1),
    ],
)
def test_asking(monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], predicted: dict[str, str], asked: int) -> None:
    console, out = printed()
    prompts = typed(monkeypatch, *lines)
    assert ask(console, QUESTIONS) == predicted
    assert len(prompts) == asked
    said = out.getvalue()
    assert "Your prediction for 1 (a/b, Enter to skip): " in said
    assert said.count("Type one of a, b, or press Enter alone.") == (3 if asked == 5 else 0)


def test_how_the_predictions_did(setting: Setting) -> None:
    judgement = Judgement((RIGHT,), {"first": "everybody", "second": "none"}, Counters(10, 0))
    console, out = printed(100)
    show_verdict(console, scenario(), setting, judgement, {"first": "nobody", "second": "none"})
    text = out.getvalue()
    assert "everybody  you said: nobody" in text
    assert "none  as you said" in text
    assert "1 of 1 claims came out as the textbook has them." in text
    assert "10 frames written, 0 dropped, read with native, seed 5." in text
    assert f"Files: {setting.folder.path}/ (capture.pcapng)" in text
    assert "Not as expected" not in text
    console, out = printed(100)
    show_verdict(console, scenario(), setting, judgement, {})
    assert "you said" not in out.getvalue()


def test_what_is_not_as_expected_is_said(setting: Setting) -> None:
    failed = Claim("TLS", "refused", "delivered", False, (Span(7, 66, 70), Span(8, 66, 69)))
    nowhere = Claim("the key", "absent", "present", False)
    judgement = Judgement((RIGHT, failed, nowhere), {}, Counters(10, 3), problems=("It rained.",))
    console, out = printed(200)
    show_verdict(console, scenario(()), setting, judgement, {})
    lines = out.getvalue().splitlines()
    assert "Verdict: 1 of 3 claims came out as the textbook has them." in lines
    assert [line for line in lines if "Not as expected" in line] == [
        "  Not as expected: TLS: delivered (frame 7, bytes 66-70; frame 8, bytes 66-69); the textbook says refused.",
        "  Not as expected: the key: present; the textbook says absent.",
        "  Not as expected: The capture dropped 3 packets.",
        "  Not as expected: It rained.",
    ]


def test_nothing_captured_colours_or_moves_the_page(setting: Setting) -> None:
    claim = Claim(EVIL, EVIL, EVIL, False)
    judgement = Judgement((claim,), {}, Counters(10, 0), problems=(EVIL,))
    console, out = printed(400)
    show_verdict(console, scenario(()), setting, judgement, {})
    text = out.getvalue()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count(r"\x1b[31mred\x1b[0m [bold]x[/bold] \u202e") == 4


def test_the_key_log_is_named_where_there_is_one(setting: Setting) -> None:
    judgement = Judgement((RIGHT,), {}, Counters(1, 0))
    for there, leaves, named in ((False, True, False), (True, True, True), (True, False, False)):
        if there:
            setting.folder.keylog.write_text("")
        console, out = printed(400)
        show_verdict(console, scenario((), keylog=leaves), setting, judgement, {})
        assert ("tls.keylog_file:" in out.getvalue()) is named


def test_the_evidence(setting: Setting) -> None:
    failed = Claim("TLS", "refused", "delivered", False)
    judgement = Judgement(
        (RIGHT, failed), {"first": "nobody"}, Counters(10, 1), problems=("It rained.",), details={"bits": 1}
    )
    found = json.loads(json.dumps(evidence(scenario(), setting, judgement, {"first": "everybody"})))
    assert found == {
        "scenario": "test",
        "as_expected": False,
        "problems": ["The capture dropped 1 packet.", "It rained."],
        "seed": 5,
        "capture": {
            "file": "capture.pcapng",
            "way": "tap",
            "meaning": MEANING[Way.TAP],
            "reader": "native",
            "packets": 10,
            "dropped": 1,
        },
        "claims": [
            {
                "what": "plaintext",
                "textbook": "read",
                "measured": "read",
                "ok": True,
                "spans": [{"frame": 3, "first": 66, "last": 70}],
            },
            {"what": "TLS", "textbook": "refused", "measured": "delivered", "ok": False, "spans": []},
        ],
        "answers": {"first": "nobody"},
        "predicted": {"first": "everybody"},
        "bits": 1,
    }

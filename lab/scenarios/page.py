"""The page of a scenario around what is its own: setting, questions, verdict. Reads values and prints."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capture.rights import MEANING, Choice
from chat.escape import visible
from lab.presentation import counted, rule, show_files, spans_text, way_text
from lab.scenarios.shape import Claim, Judgement, Question, Scenario, Setting

_WIDTH = 96  # columns of the widest table


def show_setting(console: Console, scenario: Scenario[Any], choice: Choice) -> None:
    """Print what will be run, and what to think about before."""
    console.print(rule(scenario.title))
    console.print(way_text(choice))
    if console.width < _WIDTH:
        console.print(
            Text(f"Your terminal has {console.width} columns; the tables need {_WIDTH} to be whole.", "yellow")
        )
    console.print(Padding(Text(scenario.setting), (1, 1)))
    if scenario.questions:
        console.print(Text("Predict first:", "bold"))
    for number, question in enumerate(scenario.questions, start=1):
        console.print(_numbered(number, Text(question.text)))
        for letter, option in _lettered(question):
            console.print(Padding(Text(f"{letter}) {option}"), (0, 1, 0, 4)))


def ask(console: Console, questions: Sequence[Question]) -> dict[str, str]:
    """Ask for a prediction to each question; return them by key. Enter alone answers nothing."""
    predicted: dict[str, str] = {}
    for number, question in enumerate(questions, start=1):
        options = dict(_lettered(question))
        while True:
            try:
                said = console.input(Text(f"Your prediction for {number} ({'/'.join(options)}, Enter to skip): "))
            except EOFError:
                console.print()
                return predicted
            if not said.strip():
                break
            if said.strip().lower() in options:
                predicted[question.key] = options[said.strip().lower()]
                break
            console.print(Text(f"Type one of {', '.join(options)}, or press Enter alone.", "yellow"))
    return predicted


def _numbered(number: int, text: Text) -> Padding:
    """Return a question, its further lines below its first word."""
    row = Table.grid(padding=(0, 1))
    row.add_row(f"{number}.", text)
    return Padding(row, (0, 1))


def _lettered(question: Question) -> list[tuple[str, str]]:
    return list(zip("abcdefgh", question.options, strict=False))


def show_verdict(
    console: Console, scenario: Scenario[Any], setting: Setting, judgement: Judgement, predicted: Mapping[str, str]
) -> None:
    """Print how the predictions did, the verdict, and where the files are."""
    if scenario.questions:
        console.print(rule("What was to be predicted"))
    for number, question in enumerate(scenario.questions, start=1):
        answer, said = judgement.answers[question.key], predicted.get(question.key)
        text = Text.assemble(f"{question.text}\n", (answer, "bold"))
        if said == answer:
            text.append("  as you said", "green")
        elif said is not None:
            text.append(f"  you said: {said}", "yellow")
        console.print(_numbered(number, text))
    good = sum(claim.ok for claim in judgement.claims)
    console.print()
    console.print(
        Text.assemble(
            ("Verdict: ", "bold"),
            (
                f"{good} of {len(judgement.claims)} claims came out as the textbook has them.",
                "bold green" if judgement.ok else "bold red",
            ),
        )
    )
    for claim in judgement.claims:
        if not claim.ok:
            console.print(Text(visible(f"  Not as expected: {_sentence(claim)}"), "bold red"))
    for problem in (*judgement.lost, *judgement.problems):
        console.print(Text(visible(f"  Not as expected: {problem}"), "bold red"))
    console.print(Text(f"{counted(setting.choice, judgement.counters, setting.reader)}, seed {setting.seed}."))
    files = sorted(path for path in setting.folder.path.iterdir() if path.is_file())
    keylog = setting.folder.keylog if scenario.keylog and setting.folder.keylog.exists() else None
    show_files(console, setting.folder, files, keylog)


def _sentence(claim: Claim) -> str:
    where = f" ({spans_text(claim.spans)})" if claim.spans else ""
    return f"{claim.what}: {claim.measured}{where}; the textbook says {claim.textbook}."


def evidence(
    scenario: Scenario[Any], setting: Setting, judgement: Judgement, predicted: Mapping[str, str]
) -> dict[str, Any]:
    """Return what verdict.json holds; frames count from 1, `first` and `last` are offsets in them, both included."""
    return {
        "scenario": scenario.name,
        "as_expected": judgement.ok,
        "problems": [*judgement.lost, *judgement.problems],
        "seed": setting.seed,
        "capture": {
            "file": setting.folder.capture.name,
            "way": setting.choice.way,
            "meaning": MEANING[setting.choice.way],
            "reader": setting.reader,
            "packets": judgement.counters.received,
            "dropped": judgement.counters.dropped,
        },
        "claims": [{**asdict(claim), "spans": [asdict(span) for span in claim.spans]} for claim in judgement.claims],
        "answers": dict(judgement.answers),
        "predicted": dict(predicted),
        **judgement.details,
    }

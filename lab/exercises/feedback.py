"""What a student is told about their work: right, or which step is wrong and a hint. Never the answer."""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

from capture.explanations import Language
from lab.exercises.desk import Desk
from lab.exercises.exercise import Exercise
from lab.exercises.judge import Judged

_WORDS = {
    "en": {
        "points": "{got} of {all} points",
        "right": "right",
        "done": "Exercise {number} is solved.",
        "line": " Look at line {line}.",
    },
    "es": {
        "points": "{got} de {all} puntos",
        "right": "correcto",
        "done": "El ejercicio {number} está resuelto.",
        "line": " Mira la línea {line}.",
    },
}
_LINE = re.compile(r"\(at line (\d+), column \d+\)")  # as tomllib says where answers.toml is none


def say(language: Language, key: str, **values: object) -> str:
    """Return one of the few words that feedback has of its own."""
    return _WORDS[language][key].format(**values)


def show(console: Console, desk: Desk, exercise: Exercise[Any], judged: Judged) -> None:
    """Print how an exercise came out: a line for each step, and a hint for each that is not right."""
    right = say(desk.language, "right")
    told = [desk.hint(exercise, one.step, one.mistake) if one.mistake else right for one in judged.outcomes]
    if len(set(told)) == 1 and right not in told:
        # one reason for all of them is said once
        line = _LINE.search(judged.problem)
        console.print(Text(told[0] + (say(desk.language, "line", line=line[1]) if line else "")), style="yellow")
    else:
        for outcome, hint in zip(judged.outcomes, told, strict=True):
            mark, style = ("✗", "yellow") if outcome.mistake else ("✓", "green")
            console.print(Text.assemble((f"{mark} {outcome.step}: ", style), hint))
    console.print(Text(say(desk.language, "points", got=judged.points, all=exercise.points)))
    if judged.points == exercise.points:
        console.print(Text(say(desk.language, "done", number=exercise.number), style="green"))

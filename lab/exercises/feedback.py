"""What a student is told about their work: right, or which step is wrong and a hint. Never the answer."""

from typing import Any

from rich.console import Console
from rich.text import Text

from capture.explanations import Language
from lab.exercises.desk import Desk
from lab.exercises.exercise import Exercise
from lab.exercises.judge import Judged

_WORDS = {
    "en": {"points": "{got} of {all} points", "right": "right", "done": "Exercise {number} is solved."},
    "es": {"points": "{got} de {all} puntos", "right": "correcto", "done": "El ejercicio {number} está resuelto."},
}


def say(language: Language, key: str, **values: object) -> str:
    """Return one of the few words that feedback has of its own."""
    return _WORDS[language][key].format(**values)


def show(console: Console, desk: Desk, exercise: Exercise[Any], judged: Judged) -> None:
    """Print how an exercise came out: a line for each step, and a hint for each that is not right."""
    if judged.outcomes and all(outcome.mistake == judged.outcomes[0].mistake != "" for outcome in judged.outcomes):
        # one reason for all of them is said once
        only = judged.outcomes[0]
        console.print(Text(desk.hint(exercise, only.step, only.mistake)), style="yellow")
    else:
        for outcome in judged.outcomes:
            told = (
                desk.hint(exercise, outcome.step, outcome.mistake) if outcome.mistake else say(desk.language, "right")
            )
            mark, style = ("✗", "yellow") if outcome.mistake else ("✓", "green")
            console.print(Text.assemble((f"{mark} {outcome.step}: ", style), told))
    console.print(Text(say(desk.language, "points", got=judged.points, all=exercise.points)))
    if judged.points == exercise.points:
        console.print(Text(say(desk.language, "done", number=exercise.number), style="green"))

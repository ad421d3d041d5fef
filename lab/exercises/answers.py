"""answers.toml, which a student fills in. Knows how it is written; `lab.exercises.work` reads it, as data."""

import json
from collections.abc import Mapping
from typing import Any

from lab.exercises.exercise import Exercise, Kind


def blank(exercise: Exercise[Any]) -> dict[str, str | int]:
    """Return an answer for each step that asks for one: an empty text, or 0."""
    return {step.name: step.kind.value for step in exercise.steps if step.kind is not Kind.WORK}


def dumps(answers: Mapping[str, str | int]) -> str:
    """Return answers in TOML, a line each."""
    # a string of JSON is one of TOML but for DEL, which TOML wants escaped (TOML 1.0, "String")
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in answers.items()]
    return "".join(lines).replace("\x7f", "\\u007f")

"""The texts of the exercises, in each language: tasks and hints. Files beside the exercises; knows no exercise."""

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from capture.explanations import Language

_FOLDER = Path(__file__).parent
_PLACE = re.compile(r"\{([a-z_0-9]+)\}")


def task(name: str, language: Language, values: Mapping[str, str]) -> str:
    """Return the task of an exercise, in Markdown, with what differs from student to student filled in.

    Raises:
        KeyError: the text names a value that there is not.
    """
    text = (_FOLDER / name / f"task.{language}.md").read_text("utf-8")
    return _PLACE.sub(lambda place: values[place[1]], text)


@functools.cache  # a class page asks for thousands
def hints(name: str, language: Language) -> dict[str, dict[str, str]]:
    """Return the hints of an exercise: for each step, by mistake; under "each" those that any of its steps may need."""
    with (_FOLDER / name / f"hints.{language}.toml").open("rb") as file:
        return tomllib.load(file)


@functools.cache
def common_hints(language: Language) -> dict[str, str]:
    """Return the hints for mistakes that any exercise knows, by mistake."""
    with (_FOLDER / f"common.{language}.toml").open("rb") as file:
        return tomllib.load(file)


def hint(name: str, step: str, mistake: str, language: Language) -> str:
    """Return the hint for a mistake in a step.

    Raises:
        KeyError: nobody has written one.
    """
    tables = hints(name, language)
    own = {**tables.get("each", {}), **tables.get(step, {})}
    return own[mistake] if mistake in own else common_hints(language)[mistake]


def starter(name: str) -> str:
    """Return the cells of an exercise's starter notebook, in Jupytext's py:percent form."""
    return (_FOLDER / name / "starter.py").read_text("utf-8")


def given(name: str) -> tuple[tuple[str, bytes], ...]:
    """Return the files that a student gets to work on, by name: those in the exercise's folder `given`."""
    return tuple((path.name, path.read_bytes()) for path in sorted((_FOLDER / name / "given").glob("*.py")))

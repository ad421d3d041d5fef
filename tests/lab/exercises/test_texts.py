"""Tasks and hints: there in both languages, alike, and true to the exercise."""

import re
from pathlib import Path

import jupytext
import pytest

from capture.explanations import LANGUAGES
from lab.exercises import texts
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Exercise, Kind
from tests.lab.exercises.conftest import draw_of

FOLDER = Path(texts.__file__).parent
PLACE = re.compile(r"\{([a-z_0-9]+)\}")
EACH = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


@EACH
def test_a_task_says_everything_that_is_asked_for(exercise: Exercise[object]) -> None:
    values = exercise.values(draw_of(exercise))
    for language in LANGUAGES:
        task = texts.task(exercise.name, language, values)
        assert task.startswith(f"# {exercise.number}. ")
        assert not PLACE.search(task), "every place is filled in"
        for step in exercise.steps:  # one letter names one of several files, from the first to the last
            if step.kind is not Kind.WORK and len(step.name) > 1:
                assert f"`{step.name}`" in task
        assert f"lab check {exercise.number}" in task
        assert (f"lab exercise {exercise.number}" in task) is (exercise.run is not None)


@EACH
def test_both_tasks_name_the_same_values(exercise: Exercise[object]) -> None:
    english, spanish = (
        set(PLACE.findall((FOLDER / exercise.name / f"task.{language}.md").read_text("utf-8")))
        for language in LANGUAGES
    )
    assert {name.removesuffix("_en") for name in english} == {name.removesuffix("_es") for name in spanish}
    assert english | spanish <= set(exercise.values(draw_of(exercise)))


@EACH
def test_hints_are_the_same_in_both_languages_and_at_least_three(exercise: Exercise[object]) -> None:
    english, spanish = (
        {(step, m) for step, table in texts.hints(exercise.name, language).items() for m in table}
        for language in LANGUAGES
    )
    assert english == spanish
    assert len(english) >= 3
    assert {step for step, _ in english} <= {step.name for step in exercise.steps} | {"each"}
    shared = {mistake for _, mistake in english} & texts.common_hints("en").keys()
    assert shared <= {"not_yours"}, "one name, one mistake; whose it is can need words of its own"
    for language in LANGUAGES:
        for table in texts.hints(exercise.name, language).values():
            assert all(len(text) > 20 for text in table.values())


def test_common_hints_are_the_same_in_both_languages() -> None:
    english, spanish = map(texts.common_hints, LANGUAGES)
    assert english.keys() == spanish.keys()
    assert not set(english.values()) & set(spanish.values())


@EACH
def test_a_starter_is_a_notebook_without_answers(exercise: Exercise[object]) -> None:
    cells = jupytext.reads(texts.starter(exercise.name), fmt="py:percent").cells
    assert cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert f"open_exercise({exercise.number})" in code
    compile(re.sub(r"^(\w+ = )?[!%].*$", "", code, flags=re.MULTILINE), exercise.name, "exec")


@EACH
def test_a_teacher_has_a_note(exercise: Exercise[object]) -> None:
    assert (FOLDER / exercise.name / "teacher.md").read_text("utf-8").startswith(f"# {exercise.number}. ")


def test_what_is_nowhere_written_is_an_error() -> None:
    with pytest.raises(KeyError):
        texts.hint(EXERCISES[0].name, EXERCISES[0].steps[0].name, "no such mistake", "en")
    with pytest.raises(KeyError):
        texts.task(EXERCISES[3].name, "en", {})

"""answers.toml as Python's own TOML reader takes it."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from lab.exercises.answers import blank, dumps
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Kind


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"])) | st.integers(0, 1 << 62),
    )
)
def test_what_is_written_is_read_again(answers: dict[str, str | int]) -> None:
    assert tomllib.loads(dumps(answers)) == answers


def test_blank_has_a_line_for_each_answer() -> None:
    for exercise in EXERCISES:
        assert list(blank(exercise)) == [step.name for step in exercise.steps if step.kind is not Kind.WORK]

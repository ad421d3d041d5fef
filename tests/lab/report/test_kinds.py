import string
from typing import get_args

import pytest

from capture.explanations import LANGUAGES, Language
from lab.report.kinds import Kind
from lab.report.words import words

KINDS = set(get_args(Kind))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_kind_has_its_words_and_there_are_no_others(language: Language) -> None:
    told = words(language, "story")
    assert {key.rpartition(".")[0] for key in told} == KINDS
    for kind in KINDS:
        assert told.keys() >= {f"{kind}.{part}" for part in ("title", "what", "learns")}
    assert {key.rpartition(".")[2] for key in told} == {"title", "what", "learns", "keys"}


def test_the_languages_name_the_same() -> None:
    english, spanish = words("en", "story"), words("es", "story")

    def named(text: str) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}

    assert {key for key in english if named(english[key]) != named(spanish[key])} == set()

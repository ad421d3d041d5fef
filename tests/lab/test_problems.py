"""What is said of a hand-in: in each language, of whatever the code finds."""

import ast
from pathlib import Path

import pytest

from capture.explanations import LANGUAGES
from lab import entries, problems, unpacking
from lab.problems import Problem, sentence


@pytest.mark.parametrize("module", [entries, unpacking])
def test_whatever_is_found_has_a_sentence_in_each_language(module: object) -> None:
    """A code is a name that a function returns, hands on as a reason, or makes a problem of."""
    known = {*problems._SENTENCES["en"], *problems._REASONS["en"]}
    tree = ast.parse(Path(getattr(module, "__file__")).read_text("utf-8"))  # noqa: B009
    told = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    used = told & known
    assert len(used) >= 7
    for code in used:
        said = {sentence(Problem(code, "THIS"), language) for language in LANGUAGES}
        assert len(said) == len(LANGUAGES), "each language has words of its own"
        assert all(one.endswith(".") for one in said)


def test_no_language_has_more_than_another() -> None:
    for table in (problems._SENTENCES, problems._REASONS):
        assert {frozenset(table[language]) for language in LANGUAGES} == {frozenset(table["en"])}
    for code, english in problems._SENTENCES["en"].items():
        assert {problems._SENTENCES[language][code].count("{}") for language in LANGUAGES} == {english.count("{}")}


def test_a_name_is_no_pattern() -> None:
    assert sentence(Problem("large", "{0}{x}"), "en") == "{0}{x} was left out: it is larger than 32 MiB."
    assert sentence(Problem("large", "a"), "es") == "a no se ha aceptado: ocupa más de 32 MiB."
    assert sentence(Problem("more", "3"), "es") == "Y 3 más."


def test_what_nobody_has_written() -> None:
    with pytest.raises(KeyError):
        sentence(Problem("no_such_code"), "en")

import pytest

from capture.explanations import LANGUAGES
from lab.report.words import PARTS, all_words, words


@pytest.mark.parametrize("part", PARTS)
def test_every_part_says_the_same_in_every_language(part: str) -> None:
    keys = [words(language, part).keys() for language in LANGUAGES]
    assert keys[0] == keys[1]
    assert all(text.strip() for language in LANGUAGES for text in words(language, part).values())


def test_all_of_them() -> None:
    found = all_words()
    assert found.keys() == set(LANGUAGES)
    assert all(found[language].keys() == set(PARTS) for language in LANGUAGES)
    # a table's name and its keys are one key
    assert found["en"]["story"]["tcp.syn.title"].startswith("SYN")
    assert found["es"]["page"]["title"] == "Cada byte de tu sesión"

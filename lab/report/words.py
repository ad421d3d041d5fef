"""The page's own words: a TOML file a part and language, beside this file. Knows where they lie, not what they say."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from capture.explanations import LANGUAGES, Language

_FOLDER = Path(__file__).with_name("words")
PARTS = ("page", "explorer", "story", "numbers")


def words(language: Language, part: str) -> dict[str, str]:
    """Return the words of a part by key; a table's keys are joined to its name: "client_hello.title"."""
    with (_FOLDER / language / f"{part}.toml").open("rb") as file:
        return dict(_flat(tomllib.load(file)))


def all_words() -> dict[str, dict[str, dict[str, str]]]:
    """Return the words of every language and part."""
    return {language: {part: words(language, part) for part in PARTS} for language in LANGUAGES}


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", str(value)

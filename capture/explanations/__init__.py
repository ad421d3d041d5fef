"""What each field of a frame is, what its value means here, and where that is defined, in English and Spanish.

Reads its own catalogue (the .toml files beside it) once for each language, and nothing else. Knows Wireshark's names of
fields, which are those that the parsers in `capture` give where they read a byte; knows no frame and no connection.
`facts.toml` holds what is the same in every language.
"""

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from capture.dissection import Node
from capture.explanations import composed, shown

Language = Literal["en", "es"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")

_FOLDER = Path(__file__).parent
_FIELDS = ("record", "handshake", "extensions", "certificate", "network", "tcp")
_SECTION: Final[Mapping[Language, str]] = {"en": ", section ", "es": ", sección "}
_HEAD = 64  # as many of a field's first bytes are looked at; no sentence shows more


@dataclass(frozen=True, slots=True)
class Explanation:
    """A field in plain sentences. Plain text: printable characters only, never markup.

    Attributes:
        what: what the field is.
        here: what its value means here; empty where there is no more to say.
        where: where it is defined: "RFC 8446, section 5.1".
    """

    what: str
    here: str
    where: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A field of the catalogue.

    Attributes:
        what: what it is.
        here: a template with the placeholders of `shown.value`; may be empty.
        where: where it is defined, in this language.
        table: the table that its values are looked up in; empty for none.
        fixed: the explanation where it is the same whatever the value.
    """

    what: str
    here: str
    where: str
    table: str
    fixed: Explanation | None


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """What a language has.

    Attributes:
        fields: by name; a name that begins with * is the beginning of the label of a nameless line.
        values: tables of sentences by number or, for object identifiers, by text.
        composed: sentences and parts of sentences for `composed.sentence`.
    """

    fields: Mapping[str, _Entry]
    values: Mapping[str, Mapping[int | str, str]]
    composed: Mapping[str, Any]


def explain(node: Node, data: bytes, language: Language) -> Explanation | None:
    """Explain a line of the tree. Never fails, whatever the bytes.

    Args:
        node: the line; one without a name is explained where its label is known, and then `here` stands for itself.
        data: the bytes that it stands on.
        language: of the sentences.

    Returns:
        None for a field that the catalogue does not have.
    """
    name = key_of(node)
    entry = _catalogue(language).fields.get(name)
    if entry is None:
        return None
    return entry.fixed or _explained(name, language, node.number, node.size, bytes(data[:_HEAD]))


def what_is(key: str, language: Language) -> tuple[str, str] | None:
    """Return what a field is, and where that is defined, by its key; None where the catalogue does not have it."""
    entry = _catalogue(language).fields.get(key)
    return None if entry is None else (entry.what, entry.where)


@lru_cache(maxsize=1 << 16)
def _explained(name: str, language: Language, number: int | None, size: int, head: bytes) -> Explanation:
    catalogue = _catalogue(language)
    entry = catalogue.fields[name]
    # what Wireshark has no number for may still be one: a type in front of its content, a short value
    if number is None and name.startswith("*"):
        number = int.from_bytes(head[:2], "big")
    elif number is None and size <= 8:
        number = int.from_bytes(head[:size], "big")
    return Explanation(entry.what, _here(entry, catalogue, number, size, head), entry.where)


def _here(entry: _Entry, catalogue: _Catalogue, number: int | None, size: int, head: bytes) -> str:
    found = None
    if entry.table == "oid":
        found = catalogue.values["oid"].get(shown.object_identifier(head))
    elif entry.table and number is not None:
        found = catalogue.values.get(entry.table, {}).get(number)
        if found is None:
            found = composed.sentence(entry.table, number, catalogue.composed)
    return found or shown.fill(entry.here, number, size, head)


def key_of(node: Node) -> str:
    """Return what a line is found under: its name; without one "Extension: padding (len=1)" is under "*Extension"."""
    return node.name or "*" + node.label.split(":", 1)[0].split(" (", 1)[0]


def _load(name: str) -> dict[str, Any]:
    with (_FOLDER / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: Language) -> _Catalogue:
    facts = _load("facts")
    fields = {}
    for part in _FIELDS:
        for name, texts in _load(f"{language}/{part}").items():
            what, here = texts["what"], texts.get("here", "")
            where = facts["where"][name].replace(" § ", _SECTION[language])
            table = facts["values"].get(name, "")
            same = not table and not any(field for _, field, _, _ in string.Formatter().parse(here))
            fields[name] = _Entry(what, here, where, table, Explanation(what, here, where) if same else None)
    values: dict[str, dict[int | str, str]] = {
        table: {key if "." in key else int(key, 0): text for key, text in texts.items()}
        for table, texts in _load(f"{language}/values").items()
    }
    return _Catalogue(fields, values, _load(f"{language}/composed"))

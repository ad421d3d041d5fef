"""The oracle of the catalogue is Babel: what it finds in the code, and what it compiles."""

import io
import string
from gettext import GNUTranslations
from pathlib import Path
from typing import IO

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import chat
from chat import failures, notices
from chat.protocol import USERS_COMMANDS
from chat.security import Lock
from chat.words import LANGUAGES, Words, language_after, mark, preferred, recognise

PACKAGE = Path(chat.__file__).parent
CATALOGUE = PACKAGE / "locale" / "es" / "LC_MESSAGES" / "chat.po"
SPANISH = Words("es")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="es", domain="chat", abort_invalid=True)


def messages(catalogue: Catalog) -> dict[str, Message]:
    return {str(message.id): message for message in catalogue if message.id}


def in_the_code() -> set[str]:
    """What the code calls `say` and `mark` with, and the sentences that others write or recognise."""
    found = extract_from_dir(PACKAGE, [("**.py", "python")], keywords={"say": None, "mark": None})
    marked = {text for _, _, text, _, _ in found}
    return marked | set(notices.TEMPLATES) | set(failures.TEMPLATES) | {lock.value for lock in Lock}


def fields(template: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


def test_every_sentence_has_its_spanish_and_no_other_has(catalogue: Catalog) -> None:
    assert set(messages(catalogue)) == in_the_code()
    assert [message.id for message in messages(catalogue).values() if not message.string] == []
    assert [message.id for message in messages(catalogue).values() if message.fuzzy] == []
    assert not catalogue.obsolete


def test_fields_are_the_same(catalogue: Catalog) -> None:
    for message in messages(catalogue).values():
        assert fields(str(message.string)) == fields(str(message.id)), message.id


def test_sentences_end_alike(catalogue: Catalog) -> None:
    """A sentence stays one; a part of one stays a part. OpenSSL's reasons stand within brackets and end in nothing."""
    for message in messages(catalogue).values():
        if message.id not in failures.TEMPLATES:
            assert str(message.string).endswith(".") == str(message.id).endswith("."), message.id


def test_the_compiled_catalogue_is_the_one_that_is_read(catalogue: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        assert all_of(file) == all_of(compiled), "compile it: .venv/bin/pybabel compile -d chat/locale -D chat"


def all_of(file: IO[bytes]) -> dict[str, str]:
    """Every message of a compiled catalogue but its header, in which Babel names its own version."""
    read = GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # it has no other way to list them
    return {key: value for key, value in read.items() if key}


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "es_ES.UTF-8"}, "es"),
        ({"LANG": "es"}, "es"),
        ({"LANG": "ES_mx"}, "es"),
        ({"LANG": "est_XX"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({}, "en"),
        ({"LC_ALL": "C", "LC_MESSAGES": "es_ES", "LANG": "es_ES"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "es_ES", "LANG": "en_GB"}, "es"),
    ],
)
def test_the_language_of_the_environment(environment: dict[str, str], language: str) -> None:
    assert preferred(environment) == language


def test_switching_goes_round() -> None:
    assert {language_after(language) for language in LANGUAGES} == set(LANGUAGES)
    assert language_after("en") == "es"


def test_a_command_is_one_of_two() -> None:
    assert [Words(language).command(USERS_COMMANDS) for language in ("en", "es")] == ["!users", "!usuarios"]


def test_english_needs_no_catalogue() -> None:
    assert Words().say("{name} has left", name="bob") == "bob has left"
    assert Words("en").say("") == Words("es").say("") == ""
    assert mark("anything") == "anything"


def test_fields_are_not_templates() -> None:
    assert Words().say("{name} has left", name="{name}") == "{name} has left"
    assert Words().say("no fields { at all }") == "no fields { at all }"


def test_a_notice_of_the_server() -> None:
    notice = notices.recognise("bob has come in")
    assert notice is not None
    assert SPANISH.notice(notice) == "bob ha entrado"


def test_a_sentence_within_a_sentence() -> None:
    said = "name refused: The name bob is taken, or looks like one that is: choose another one."
    expected = "nombre rechazado: El nombre bob ya está en uso, o se parece a uno que lo está: elige otro."
    assert SPANISH.sentence(said) == expected
    assert Words().sentence(said) == said


def test_failures_of_the_client() -> None:
    said = "The certificate of localhost:1 is not to be trusted (self-signed certificate): check who runs it."
    assert SPANISH.sentence(said) == (
        "El certificado de localhost:1 no es de fiar (está firmado por sí mismo): comprueba quién lo lleva."
    )
    assert SPANISH.sentence("h:1 does not let you in: the server is closing.") == (
        "h:1 no te deja entrar: el servidor se cierra."
    )


def test_what_is_not_known_stays() -> None:
    assert recognise("the teacher says hello") is None
    assert SPANISH.sentence("the teacher says hello") == "the teacher says hello"


def test_what_was_received_is_made_safe() -> None:
    assert SPANISH.sentence("\x1b[2J") == "\\x1b[2J"
    assert SPANISH.sentence("\x1b[2J has left") == "\\x1b[2J ha salido"
    assert SPANISH.sentence("name refused: \u202eevil") == "nombre rechazado: \\u202eevil"


def test_nobody_can_make_it_go_in_circles() -> None:
    nested = "name refused: " * 4000 + "no"
    assert SPANISH.sentence(nested).startswith("nombre rechazado: nombre rechazado: nombre rechazado: name refused: ")

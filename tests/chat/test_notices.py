import re
from string import Formatter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import notices
from chat.errors import NicknameError
from chat.escape import visible
from chat.names import nickname


def is_name(text: str) -> bool:
    try:
        return nickname(text) == text
    except NicknameError:
        return False


# Names that would be part of a sentence, and any others.
TRICKY = ["has", "come", "here", "1", "2.", "welcome", "earlier", "The", "a.", "now.", "is", "left", "room", "name"]
LETTERS = st.characters(categories=("L", "Nd"), include_characters="_-.")
NAMES = st.sampled_from(TRICKY) | st.text(LETTERS, min_size=1, max_size=20).filter(is_name)
LISTS = st.lists(NAMES, min_size=1, max_size=4).map(", ".join)
NUMBERS = st.integers(0, 10**6).map(str)
LINES = st.text(max_size=40)
# What somebody could say, or be refused for, to be taken for the server.
SENTENCES = st.sampled_from([template for template in notices.TEMPLATES if "{" not in template]) | LINES
FIELDS: dict[str, st.SearchStrategy[str]] = {
    "name": NAMES,
    "room": NAMES,
    "names": LISTS,
    "rooms": LISTS,
    "count": NUMBERS,
    "limit": NUMBERS,
    "at": NUMBERS,
    "minutes": NUMBERS,
    "shown": st.sampled_from([visible(chr(code)) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"]),
    "why": SENTENCES,
    "text": SENTENCES,
}


def fields_of(template: str) -> list[str]:
    return [field for _, field, _, _ in Formatter().parse(template) if field is not None]


@st.composite
def filled(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    template = draw(st.sampled_from(notices.TEMPLATES))
    return template, {field: draw(FIELDS[field]) for field in fields_of(template)}


@pytest.mark.parametrize("template", notices.TEMPLATES)
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_written_is_read_back(template: str, data: st.DataObject) -> None:
    fields = {field: data.draw(FIELDS[field]) for field in fields_of(template)}
    said = notices.sentence(template, **fields)
    assert notices.recognise(said) == notices.Notice(template, fields)
    assert notices.recognise_line(notices.line(template, **fields)) == notices.Notice(template, fields)
    assert notices.text_of(notices.line(template, **fields)) == said


def could_be(template: str, said: str) -> bool:
    """Tell by the words alone whether a sentence could come from a template, with any word in each of its fields."""
    pattern = "".join(
        re.escape(words) + ("" if field is None else ".*" if field in {"why", "text", "names", "rooms"} else r"[^ ]+")
        for words, field, _, _ in Formatter().parse(template)
    )
    return re.fullmatch(pattern, said, re.DOTALL) is not None


@given(filled())
def test_no_two_can_be_taken_for_each_other(one: tuple[str, dict[str, str]]) -> None:
    template, fields = one
    said = notices.sentence(template, **fields)
    assert [other for other in notices.TEMPLATES if could_be(other, said)] == [template]


def test_all_there_are_can_be_recognised() -> None:
    there: list[str] = []
    for name, value in vars(notices).items():
        if name.isupper() and not name.startswith("_") and name != "TEMPLATES":
            there += [value] if isinstance(value, str) else value
    assert sorted(there) == sorted(notices.TEMPLATES)
    assert len(set(there)) == len(there)


@pytest.mark.parametrize("template", notices.TEMPLATES)
def test_each_is_one_plain_line(template: str) -> None:
    assert template.isascii()
    assert template.isprintable()
    assert template == template.strip()
    assert len(fields_of(template)) == len(set(fields_of(template)))


@pytest.mark.parametrize("template", [value for name, value in vars(notices).items() if name.startswith("NAME_")])
def test_a_refused_name_is_told_what_to_do(template: str) -> None:
    if template not in {notices.NAME_REFUSED, notices.NAME_TIMEOUT}:
        assert template.endswith(": choose another one.")


@pytest.mark.parametrize(
    "received",
    [
        "",
        "*",
        "* ",
        "*bob has left",
        "bob has left",
        "alice > bob has left",
        "alice > * bob has left",
        "* bob  has left",
        "* bob has left.",
        "* two words has left",
        "* * bob has left",
        "* x here: alice",
        "* 2 here:",
        "* 2 here: alice,bob, ",
        "* something of a later version",
        "* the server is closing\n",
    ],
)
def test_nothing_else_is_recognised(received: str) -> None:
    assert notices.recognise_line(received) is None


@pytest.mark.parametrize(
    ("received", "said"), [("* hi", "hi"), ("* ", ""), ("alice > hi", None), ("*hi", None), ("", None)]
)
def test_what_the_server_says_itself(received: str, said: str | None) -> None:
    assert notices.text_of(received) == said


@given(st.text())
def test_anything_can_be_looked_at(received: str) -> None:
    notice = notices.recognise(received)
    assert notice is None or notices.sentence(notice.template, **notice.fields) == received


def test_wording() -> None:
    assert notices.line(notices.HERE, count=2, names="alice, bob") == "* 2 here: alice, bob"
    assert (
        notices.line(notices.WELCOME, name="bob", count=2, names="alice, bob") == "* welcome, bob. 2 here: alice, bob"
    )
    assert notices.line(notices.MOVED, room="x", count=1, names="bob") == "* you are in the room x now. 1 here: bob"
    assert notices.line(notices.CAME, name="bob") == "* bob has come in"
    assert notices.line(notices.LEFT, name="bob") == "* bob has left"
    assert notices.line(notices.EARLIER, name="bob", text="a > b") == "* earlier: bob > a > b"
    assert notices.line(notices.NAME_REFUSED, why="No.") == "* name refused: No."
    assert notices.recognise("name refused: No.") == notices.Notice(notices.NAME_REFUSED, {"why": "No."})
    assert notices.recognise("welcome, bobby. 1 here: bobby") == notices.Notice(
        notices.WELCOME, {"name": "bobby", "count": "1", "names": "bobby"}
    )


def test_fields_are_words_and_no_templates() -> None:
    assert notices.sentence(notices.NAME_REFUSED, why="{name} {0} {") == "name refused: {name} {0} {"
    assert notices.sentence("{why}", why=ValueError("as it is")) == "as it is"

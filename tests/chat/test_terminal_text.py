"""Lines as a terminal shows them. The oracle for widths is wcwidth, which prompt_toolkit's own measure comes from."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from chat import notices
from chat.model import Login, Model
from chat.security import READABLE, Lock
from chat.terminal_text import INDENT, Line, News, keys, packed, prompt, rows, status, words_of, wrapped
from chat.visit import Visit
from chat.words import Words

NOON = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)
HOME = Login("alice", "localhost", 12345, Lock.READABLE)
WELCOME = notices.line(notices.WELCOME, name="alice", count=2, names="bob, alice")


@pytest.fixture
def visit() -> Visit:
    """Alice is inside, with bob."""
    model = Model(Words("en"), clock=lambda: NOON)
    model.connecting(HOME)
    model.entered("alice", WELCOME, READABLE)
    return Visit(model, {}, HOME)


def new(news: News) -> list[str]:
    return [words_of(line) for line, _ in news.take()]


def test_each_kind_of_entry(visit: Visit) -> None:
    news = News(visit)
    visit.model.received("bob > hi")
    visit.model.received("bob to alice > psst")
    visit.model.received("* earlier: carol > good morning")
    visit.model.received("a line of some other server")
    visit.model.sent("hello", b"hello\n")
    visit.model.sent("!msg bob shh", b"!msg bob shh\n")
    visit.model.complain("It does not work.")
    visit.model.lost("The connection is gone: it was cut off.")
    assert new(news) == [
        "12:00 * welcome, alice. 2 here: bob, alice",
        "12:00 bob > hi",
        "12:00 bob, to you alone > psst",
        "12:00 carol, earlier > good morning",
        "12:00 * a line of some other server",
        "12:00 alice > hello",
        "12:00 alice, to bob alone > shh",
        "12:00 ! It does not work.",
        "12:00 ! The connection is gone: it was cut off.",
        "12:00 - The connection is lost. What you typed is kept: connect again when you like.",
    ]
    assert new(news) == []


def test_another_language_words_what_comes_from_then_on(visit: Visit) -> None:
    news = News(visit)
    new(news)
    visit.speak_other()
    visit.model.received("* bob has left")
    assert new(news) == ["      - de aquí en adelante en español", "12:00 * bob ha salido"]


def test_what_passes_is_shown_with_each_message(visit: Visit) -> None:
    news = News(visit)
    new(news)
    visit.eavesdrop()
    assert new(news) == ["      Nothing sent yet  say something, and see here what passes on the wire"]
    visit.model.sent("hi", b"hi\n")
    shown = ["12:00 alice > hi", "      On the wire   68:69:0a", "      Anyone reads  hi"]
    assert new(news) == shown
    assert new(news) == []
    visit.model.sent("hi", b"hi\n")
    assert new(news) == shown
    visit.eavesdrop()
    assert new(news) == ["      - what passes on the wire is shown no longer"]
    visit.model.sent("hi", b"hi\n")
    assert new(news) == shown[:1]


def test_the_lock_is_shown_each_time_it_is_asked_for(visit: Visit) -> None:
    news = News(visit)
    new(news)
    for _ in range(2):
        visit.look_at_lock()
        assert new(news)[1] == "      Certificate        none: nobody has shown who they are"
        assert new(news) == []
    visit.model.lost("The connection is gone: it was cut off.")
    new(news)
    visit.look_at_lock()
    assert new(news) == []
    visit.model.connecting(HOME)
    visit.model.entered("alice", WELCOME, READABLE)
    assert new(news) == ["12:00 * welcome, alice. 2 here: bob, alice"]


def test_how_things_stand(visit: Visit) -> None:
    def shown() -> tuple[str, list[str], list[str]]:
        return prompt(visit), [text for _, text in status(visit)], [words_of(key) for key in keys(visit)]

    everything = ["F1 help", "F2 users", "F3 wire", "F4 Español", "F5 lock", "^D leave"]
    assert shown() == ("alice > ", ["readable by anyone", "alice", "In lobby: 2"], everything)
    visit.model.lost("it was cut off.")
    lost = ["Enter connect again", "F4 Español", "^D leave"]
    assert shown() == ("alice > ", ["not connected", "alice"], lost)
    visit.model.connecting(HOME)
    assert shown() == ("alice > ", ["Connecting …", "localhost:12345"], ["^C give up"])
    visit.asking = True
    assert shown() == ("Your name: ", ["not connected", "alice"], ["F4 Español", "^D leave"])
    visit.model.switch_language()
    assert shown() == ("Tu nombre: ", ["sin conexión", "alice"], ["F4 English", "^D salir"])


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("lock", Lock)
def test_the_lock_and_everything_else_have_room_in_60_columns(language: str, lock: Lock) -> None:
    name = "n" * 20
    model = Model(Words(language))
    model.connecting(HOME)
    model.entered(name, f"* welcome, {name}. 1 here: {name}", READABLE)
    model.received(notices.line(notices.MOVED, room="r" * 20, count=1, names=name))
    visit = Visit(model, {}, HOME)
    lines = [*packed([[part] for part in status(visit)], " | ", 60), *packed(keys(visit), "  ", 60)]
    assert len(lines) <= 4
    assert all(len(words_of(line)) <= 60 for line in lines)
    assert model.words.say(READABLE.lock.value) in words_of(lines[0])
    assert len(model.words.say(lock.value)) <= 60


def test_labels_stand_in_a_column() -> None:
    shown = rows([("漢字", "one", False), ("label", "two", True)])
    assert [words_of(line) for line in shown] == ["      漢字   one", "      label  two"]
    assert [line[1][0] for line in shown] == ["", "class:exposed"]


def test_a_line_is_broken_between_words_or_bytes() -> None:
    assert words_of(wrapped([("", "12:00 bob > one two three")], 24)) == "12:00 bob > one two\n      three"
    assert words_of(wrapped([("", "12:00 bob > one two")], 19)) == "12:00 bob > one two"
    assert words_of(wrapped([("", "12:00 bob > " + "x" * 20)], 24)) == f"12:00 bob > {'x' * 12}\n      {'x' * 8}"
    wire = rows([("Wire", "68:6f:6c:61:0a:68:6f:6c:61:0a", False)])[0]
    assert words_of(wrapped(wire, 28)) == "      Wire  68:6f:6c:61:0a:\n            68:6f:6c:61:0a"
    assert words_of(wrapped([("", "a\tb")], 20)) == "a    b"


def test_nobody_writes_a_line_of_somebody_else() -> None:
    """Blanks up to the end of the row, and then what looks like another line."""
    for blanks in range(60):
        line: Line = [("class:time", "12:00 "), ("", "eve > x" + " " * blanks + "12:01 bob > I owe eve 100")]
        later = words_of(wrapped(line, 60)).split("\n")[1:]
        assert not any(row.startswith("12:01") for row in later)


@given(st.lists(st.text(st.sampled_from("ab c:漢字👋é"), max_size=40), min_size=1, max_size=4), st.integers(20, 70))
def test_rows_are_never_too_wide_and_nothing_is_lost(texts: list[str], width: int) -> None:
    line = [("class:time", "12:00 "), *(("", text) for text in texts)]
    shown = words_of(wrapped(line, width))
    assert all(wcswidth(row) <= width for row in shown.split("\n"))
    assert all(row.startswith(" " * min(INDENT, width // 4)) for row in shown.split("\n")[1:])
    assert "".join(shown.split()) == "".join(words_of(line).split())

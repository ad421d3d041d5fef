"""The transcript and the panels, on a screen; the keys are real ones."""

import pytest

pytest.importorskip("tkinter", reason="this Python has no tkinter")

import tkinter as tk
from collections.abc import Callable, Iterator

from chat.model import Login, Model
from chat.security import READABLE, Lock
from chat.window_look import Fonts
from chat.window_text import Panel, ReadOnlyText, Transcript
from chat.words import Words

WELCOME = "* welcome, alice. 1 here: alice"


@pytest.fixture
def root(display: str) -> Iterator[tk.Tk]:
    made = tk.Tk(screenName=display)
    made.geometry("400x300+0+0")
    yield made
    made.destroy()


@pytest.fixture
def model() -> Model:
    made = Model(Words("en"), kept=20)
    made.connecting(Login("alice", "localhost", 1, Lock.READABLE))
    made.entered("alice", WELCOME, READABLE)
    return made


@pytest.fixture
def transcript(root: tk.Tk) -> Transcript:
    made = Transcript(root, Fonts(root))
    made.pack(fill="both", expand=True)
    root.update()
    return made


def lines(transcript: Transcript) -> list[str]:
    """The lines without their times."""
    return [line.partition("\t")[2] or line for line in transcript.text.get("1.0", "end-1c").split("\n")]


def at_end(transcript: Transcript) -> bool:
    transcript.update()
    return transcript.text.dlineinfo("end-1c") is not None


# --- text that is not edited ---


EDITS = (
    *("x", "<Return>", "<BackSpace>", "<Delete>", "<<Paste>>", "<<Cut>>", "<<Clear>>", "<Control-d>", "<Insert>"),
    *("<Control-h>", "<Control-k>", "<Control-o>", "<Control-t>", "<Control-i>", "<Meta-d>", "<<PasteSelection>>"),
)


def test_nothing_changes_it(root: tk.Tk) -> None:
    text = ReadOnlyText(root, Fonts(root), height=3)
    text.pack()
    text.write("one two\nthree")
    root.clipboard_append("paste")
    for event in EDITS:
        text.mark_set("insert", "1.3")
        text.tag_add("sel", "1.0", "1.3")
        root.update()
        text.focus_force()
        text.event_generate(event)
        root.update()
        assert text.get("1.0", "end-1c") == "one two\nthree", event


def test_it_can_be_selected_and_copied_by_keyboard(root: tk.Tk) -> None:
    text = ReadOnlyText(root, Fonts(root), height=3)
    text.pack()
    text.write("one two\nthree")
    root.update()
    text.focus_force()
    text.mark_set("insert", "1.0")
    text.event_generate("<Shift-Down>")
    text.event_generate("<<Copy>>")
    assert root.clipboard_get() == "one two\n"
    text.event_generate("<Control-a>")
    text.event_generate("<<Copy>>")
    assert root.clipboard_get() == "one two\nthree"


def test_tab_goes_on(root: tk.Tk) -> None:
    first, text, second = tk.Entry(root), ReadOnlyText(root, Fonts(root)), tk.Entry(root)
    for widget in (first, text, second):
        widget.pack()
    root.update()
    text.focus_force()
    text.event_generate("<Tab>")
    root.update()
    assert root.focus_get() is second
    text.focus_force()
    text.event_generate("<Shift-Tab>")
    root.update()
    assert root.focus_get() is first


# --- the transcript ---


def test_only_what_is_new_is_drawn(model: Model, transcript: Transcript, monkeypatch: pytest.MonkeyPatch) -> None:
    transcript.draw(model)
    model.received("bob > one")
    written: list[object] = []
    real: Callable[..., None] = transcript.text.write

    def write(*parts: str) -> None:
        written.append(parts)
        real(*parts)

    monkeypatch.setattr(transcript.text, "write", write)
    transcript.draw(model)
    transcript.draw(model)
    assert len(written) == 1
    assert lines(transcript) == ["welcome, alice. 1 here: alice", "bob > one"]


def test_every_kind_of_line(model: Model, transcript: Transcript) -> None:
    model.received("* earlier: carol > before you")
    model.received("bob to alice > psst")
    model.sent("!msg bob yes", b"")
    model.sent("all", b"")
    model.complain("It broke.")
    transcript.draw(model)
    assert lines(transcript)[1:] == [
        "carol, earlier > before you",
        "bob, to you alone > psst",
        "alice, to bob alone > yes",
        "alice > all",
        "It broke.",
    ]
    assert "private" in transcript.text.tag_names("3.20")
    assert "error" in transcript.text.tag_names("6.10")
    assert transcript.text.get("1.0", "1.5") == f"{model.entries[0].at:%H:%M}"


def test_what_the_model_forgets_goes(model: Model, transcript: Transcript) -> None:
    for number in range(50):
        model.received(f"bob > {number}")
        if number % 7 == 0:
            transcript.draw(model)
    transcript.draw(model)
    assert lines(transcript) == [f"bob > {number}" for number in range(30, 50)]


def test_the_unread_line_comes_and_goes(model: Model, transcript: Transcript) -> None:
    model.received("bob > seen")
    model.look_away()
    model.received("bob > one")
    transcript.draw(model)
    assert lines(transcript)[-3:] == ["bob > seen", "──── unread from here ────", "bob > one"]
    model.look()
    model.sent("read", b"")
    transcript.draw(model)
    assert lines(transcript)[-3:] == ["bob > seen", "bob > one", "alice > read"]
    model.look_away()
    for number in range(100):  # it is forgotten with the lines around it
        model.received(f"bob > {number}")
        transcript.draw(model)
    assert lines(transcript) == [f"bob > {number}" for number in range(80, 100)]
    model.look_away()
    model.look()
    model.look_away()
    model.received("bob > last")
    transcript.draw(model)
    assert lines(transcript)[-2:] == ["──── unread from here ────", "bob > last"]


def test_the_unread_line_above_the_first_one(transcript: Transcript, model: Model) -> None:
    transcript.draw(model)
    model.look_away()
    for number in range(20):
        model.received(f"bob > {number}")
    transcript.draw(model)
    assert lines(transcript) == ["──── unread from here ────", *(f"bob > {number}" for number in range(20))]
    model.received("bob > 20")
    transcript.draw(model)
    assert lines(transcript) == [f"bob > {number}" for number in range(1, 21)]
    model.look()
    model.look_away()
    transcript.draw(model)
    assert lines(transcript) == [f"bob > {number}" for number in range(1, 21)]


def test_it_scrolls_along_only_at_the_end(model: Model, transcript: Transcript) -> None:
    for number in range(20):
        model.received(f"bob > {number}")
    transcript.draw(model)
    assert at_end(transcript)
    transcript.scroll(-1)
    transcript.update()
    assert not at_end(transcript)
    model.received("bob > new")
    transcript.draw(model)
    assert not at_end(transcript), "whoever reads what was said before is left alone"
    transcript.follow()
    model.received("bob > newer")
    transcript.draw(model)
    assert at_end(transcript)


def test_it_stays_at_the_end_when_it_gets_smaller(root: tk.Tk, model: Model, transcript: Transcript) -> None:
    for number in range(10):
        model.received(f"bob > {number}")
    transcript.draw(model)
    assert at_end(transcript)
    root.geometry("400x150")
    root.update()
    assert at_end(transcript)


def test_another_edition_is_drawn_anew(model: Model, transcript: Transcript) -> None:
    model.look_away()
    model.received("bob > one")
    transcript.draw(model)
    model.switch_language()
    transcript.draw(model)
    assert lines(transcript) == [
        "te damos la bienvenida, alice. Aquí hay 1: alice",
        "──── sin leer desde aquí ────",
        "bob > one",
    ]


def test_emoji_where_the_screen_cannot_draw_them(root: tk.Tk, model: Model) -> None:
    transcript = Transcript(root, Fonts(root), emoji=False)
    model.received("bob > 🙂")
    transcript.draw(model)
    assert lines(transcript)[-1] == "bob > \\U0001f642"


# --- panels ---


def test_a_panel_is_as_high_as_what_it_says(root: tk.Tk) -> None:
    panel = Panel(root, Fonts(root), share=0.5)
    panel.pack(fill="x")
    panel.draw([("Label", "value", "plain")])
    root.update()
    low = panel["height"]
    panel.draw([("Label", "ab:" * 100, "fixed"), ("Other", "words " * 20, "exposed")])
    root.update()
    assert panel["height"] > low
    panel.draw([("Label", "words " * 1000, "plain")])
    root.update()
    assert panel.winfo_height() < 0.75 * root.winfo_height(), "the conversation can still be seen"
    assert panel.get("1.0", "end-1c").startswith("Label\twords")

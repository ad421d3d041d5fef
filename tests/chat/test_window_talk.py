"""The conversation in a real window with real keys; what needs no second person."""

import pytest

pytest.importorskip("tkinter", reason="this Python has no tkinter")

import tkinter as tk

from tests.chat.screen import Desk, House, Sit


@pytest.fixture
def alice(sit: Sit, plain_house: House) -> Desk:
    desk = sit(plain_house.port)
    desk.enter()
    return desk


def test_sending_by_enter_and_by_the_button(alice: Desk, plain_house: House) -> None:
    bob = plain_house.join("bob")
    alice.write("by enter")
    alice.hands.press("Return")
    assert alice.hears(bob.hears()) == "alice > by enter"
    alice.write("by the button")
    alice.click(alice.talk.send_it)
    assert alice.hears(bob.hears()) == "alice > by the button"
    alice.write("by its key")
    alice.hands.press("alt+s")
    assert alice.hears(bob.hears()) == "alice > by its key"
    alice.until(lambda: alice.talk.typed.get() == "")


def test_what_cannot_be_said_stays_in_the_line(alice: Desk) -> None:
    alice.write("!kick bob")
    alice.hands.press("Return")
    alice.says("There is no such command: !help lists them.")
    assert alice.talk.typed.get() == "!kick bob"


def test_the_arrow_keys_bring_back_what_was_typed(alice: Desk) -> None:
    for text in ("one", "two"):
        alice.write(text)
        alice.hands.press("Return")
        alice.says(f"alice > {text}")
    alice.write("a draft")
    for key, shown in (("Up", "two"), ("Up", "one"), ("Up", "one"), ("Down", "two"), ("Down", "a draft")):
        alice.hands.press(key)
        alice.until(lambda shown=shown: alice.talk.typed.get() == shown)  # type: ignore[misc]


@pytest.mark.parametrize("how", ["F2", "alt+u", "click"])
def test_listing_the_users(alice: Desk, how: str) -> None:
    if how == "click":
        alice.click(alice.talk.list_users)
    else:
        alice.hands.press(how)
    alice.says("\t1 here: alice")


def test_help_has_a_key(alice: Desk) -> None:
    alice.hands.press("F1")
    alice.says("!quit leaves, !help says this again")
    alice.says("!eavesdropper")


def test_the_list_of_users_is_current_and_begins_a_whisper(alice: Desk, plain_house: House) -> None:
    bob = plain_house.join("bob")
    alice.until(lambda: alice.talk.users.get(0, "end") == (" alice (you)", " bob"))
    assert str(alice.talk.here["text"]) == "In lobby: 2"
    alice.hands.press("shift+Tab")
    alice.until(lambda: alice.root.focus_get() is alice.talk.users)
    alice.hands.press("Down", "Return")
    alice.until(lambda: alice.talk.typed.get() == "!msg bob ")
    alice.write("psst")
    alice.hands.press("Return")
    assert alice.hears(bob.hears()) == "alice to bob > psst"
    alice.says("alice, to bob alone > psst")
    bob.say("!join den")
    alice.until(lambda: alice.talk.users.get(0, "end") == (" alice (you)",))
    alice.write("!join den")
    alice.hands.press("Return")
    alice.until(lambda: alice.talk.users.get(0, "end") == (" bob", " alice (you)"))
    assert str(alice.talk.here["text"]) == "In den: 2"


def test_every_part_is_reached_with_tab(alice: Desk) -> None:
    talk = alice.talk
    order: list[tk.Misc] = [talk.entry, talk.send_it, talk.list_users, talk.watch, talk.leave]
    order += [talk.lock, talk.language, talk.transcript.text, talk.users, talk.entry]
    for at, widget in enumerate(order):
        alice.until(lambda widget=widget: alice.root.focus_get() is widget)  # type: ignore[misc]
        if at < len(order) - 1:
            alice.hands.press("Tab")


def test_enter_presses_the_button_that_has_the_keyboard(alice: Desk) -> None:
    alice.talk.watch.focus_set()
    alice.hands.press("Return")
    alice.until(alice.talk.wire.winfo_viewable)
    assert "Nothing sent yet" in alice.talk.wire.get("1.0", "end")
    alice.hands.press("space")
    alice.until(lambda: not alice.talk.wire.winfo_viewable())


def test_typing_goes_into_the_line_and_never_into_the_transcript(alice: Desk) -> None:
    before = alice.transcript
    alice.click(alice.talk.transcript.text)
    alice.until(lambda: alice.root.focus_get() is alice.talk.transcript.text)
    alice.hands.press("BackSpace", "Delete", "ctrl+v", "ctrl+x")
    alice.write("hello")
    assert alice.root.focus_get() is alice.talk.entry
    assert alice.transcript == before


def test_several_lines_are_pasted_as_one(alice: Desk, plain_house: House) -> None:
    bob = plain_house.join("bob")
    alice.root.clipboard_clear()
    alice.root.clipboard_append("one\r\ntwo\nthree")
    alice.hands.press("ctrl+v", "Return")
    assert alice.hears(bob.hears()) == "alice > one two three"


def test_the_pages_of_the_transcript_turn_from_the_line(alice: Desk, plain_house: House) -> None:
    bob = plain_house.join("bob")
    bob.say(*(str(number) for number in range(60)))
    alice.says("bob > 59")
    text = alice.talk.transcript.text
    alice.until(lambda: text.dlineinfo("end-1c"))
    alice.hands.press("Prior")
    alice.until(lambda: not text.dlineinfo("end-1c"))
    alice.hands.press("Next")
    alice.until(lambda: text.dlineinfo("end-1c"))


def test_local_commands_work_as_in_the_terminal(alice: Desk) -> None:
    alice.write("!espia")
    alice.hands.press("Return")
    alice.until(alice.talk.wire.winfo_viewable)
    alice.write("!idioma")
    alice.hands.press("Return")
    alice.until(lambda: str(alice.talk.send_it["text"]) == "Enviar")

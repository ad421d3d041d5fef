"""The form on a screen, without anything behind it."""

from collections.abc import Iterator

import pytest

pytest.importorskip("tkinter", reason="this Python has no tkinter")

import tkinter as tk

from chat.model import Login, Model
from chat.notices import Notice
from chat.security import Lock
from chat.window_form import NO_PORT, Form
from chat.window_look import Fonts, style
from chat.words import Words

PORTS = {Lock.READABLE: 12345, Lock.VERIFIED: 12346, Lock.UNVERIFIED: 12346}


@pytest.fixture
def done() -> list[object]:
    """What the form asked for."""
    return []


@pytest.fixture
def form(display: str, done: list[object]) -> Iterator[Form]:
    root = tk.Tk(screenName=display)
    fonts = Fonts(root)
    style(root, fonts)
    made = Form(
        root,
        fonts,
        [Lock.READABLE, Lock.VERIFIED, Lock.UNVERIFIED],
        PORTS,
        connect=done.append,
        cancel=lambda: done.append("cancel"),
        switch=lambda: done.append("switch"),
    )
    made.pack()
    made.fill(Login("alice", "localhost", 12345, Lock.READABLE))
    made.draw(Model(Words("en")))
    root.update()
    yield made
    root.destroy()


def put(form: Form, field: str, text: str) -> None:
    form.fields[field].delete(0, "end")
    form.fields[field].insert(0, text)


def test_what_was_filled_in(form: Form, done: list[object]) -> None:
    form.button.invoke()
    put(form, "name", " José ")
    put(form, "host", " ")
    put(form, "port", " 1 ")
    form.ways[Lock.UNVERIFIED].invoke()
    form.button.invoke()
    assert done == [
        Login("alice", "localhost", 12345, Lock.READABLE),
        Login(" José ", "localhost", 1, Lock.UNVERIFIED),
    ]


@pytest.mark.parametrize("port", ["", "0", "65536", "99999999", "-1", "12x", "١٢"])
def test_a_port_that_is_none(form: Form, port: str) -> None:
    put(form, "port", port)
    assert form.login() == Notice(NO_PORT, {})


def test_the_usual_port_goes_with_the_way(form: Form) -> None:
    for lock in (Lock.VERIFIED, Lock.UNVERIFIED, Lock.READABLE):
        form.ways[lock].invoke()
        assert form.fields["port"].get() == str(PORTS[lock])
    put(form, "port", "4000")
    form.ways[Lock.VERIFIED].invoke()
    assert form.fields["port"].get() == "4000", "a port of one's own stays"


def test_access_keys_in_both_languages(form: Form) -> None:
    assert set(form.letters()) == set("ptoc")
    form.draw(Model(Words("es")))
    assert set(form.letters()) == set("ptvc")
    form.letters()["v"]()
    login = form.login()
    assert isinstance(login, Login)
    assert login.lock is Lock.UNVERIFIED


def test_while_it_connects_it_can_only_be_given_up(form: Form, done: list[object]) -> None:
    model = Model(Words("en"))
    model.connecting(Login("alice", "localhost", 1, Lock.READABLE))
    form.draw(model)
    assert all(field.instate(["disabled"]) for field in form.fields.values())
    form.fields["name"].event_generate("<Return>")
    form.button.invoke()
    assert done == ["cancel"]


def test_a_problem_is_shown_and_goes(form: Form) -> None:
    model = Model(Words("es"))
    model.refused("Nothing listens at localhost:1: start the server, or check the address.")
    form.draw(model)
    form.update()
    assert form.problem.winfo_viewable()
    assert str(form.problem["text"]).startswith("Nadie escucha en localhost:1")
    model.problem = None
    form.draw(model)
    form.update()
    assert not form.problem.winfo_viewable()


def test_the_other_language(form: Form, done: list[object]) -> None:
    form.language.invoke()
    assert done == ["switch"]
    assert "Español" in str(form.language["text"])


def test_a_name_begins_selected(form: Form) -> None:
    form.begin()
    assert form.fields["name"].selection_present()

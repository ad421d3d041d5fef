"""Real windows on a screen of their own, real keys and clicks, a real server; `screen` says how the tests see them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("tkinter", reason="this Python has no tkinter")

from chat.model import Kind, Login, Stage
from chat.security import Lock
from chat.window_look import LOCKS
from tests.chat.screen import PATIENCE, Desk, Hands, House, Sit

WORDS = {Lock.VERIFIED: "encrypted and verified", Lock.UNVERIFIED: "nobody verified", Lock.READABLE: "readable by"}


def stage(desk: Desk) -> Stage:
    return desk.model.stage


# --- coming in ---


@pytest.mark.parametrize("lock", Lock)
def test_the_three_locks_by_keyboard_alone(
    lock: Lock, sit: Sit, plain_house: House, tls_house: House, client_context: object
) -> None:
    assert client_context
    house = plain_house if lock is Lock.READABLE else tls_house
    alice = sit(house.port)
    key = {Lock.READABLE: "alt+p", Lock.VERIFIED: "alt+t", Lock.UNVERIFIED: "alt+o"}[lock]
    alice.hands.press(key)
    alice.enter()
    assert WORDS[lock] in str(alice.talk.lock["text"])
    assert alice.talk.lock["style"] == f"{lock.name}.TButton"
    alice.write("hello")
    alice.hands.press("F3", "Return")
    alice.says("alice > hello")
    alice.until(alice.talk.wire.winfo_viewable)
    wire = alice.talk.wire.get("1.0", "end")
    if lock is Lock.READABLE:
        assert "68:65:6c:6c:6f:0a" in wire
        assert "Anyone reads\thello" in wire
        assert "exposed" in alice.talk.wire.tag_names("2.end-1c")
    else:
        assert "\t17:03:03:00:17:" in wire
        assert "hello" not in wire
    # the certificate's details, by a click on the lock
    alice.click(alice.talk.lock)
    alice.until(alice.talk.details.winfo_viewable)
    details = alice.talk.details.get("1.0", "end")
    assert ("SHA-256 fingerprint\t" in details) == (lock is not Lock.READABLE)
    assert ("CN=localhost" in details) == (lock is not Lock.READABLE)
    alice.hands.press("Escape")
    alice.until(lambda: not alice.talk.details.winfo_viewable())
    ink = alice.root.tk.call("ttk::style", "lookup", f"{lock.name}.TButton", "-foreground")
    assert ink == LOCKS[lock].dark


def test_no_way_in_and_then_one(sit: Sit, plain_house: House) -> None:
    bob = plain_house.join("alice")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        alice = sit(closed.getsockname()[1])
        alice.hands.press("Return")
        alice.until(lambda: "Nothing listens at localhost" in str(alice.form.problem["text"]))
    # from the name to the port with Tab
    alice.hands.press("Tab", "Tab")
    alice.hands.type(str(plain_house.port))
    alice.hands.press("Return")
    alice.until(lambda: "alice is taken" in str(alice.form.problem["text"]))
    assert alice.form.winfo_viewable()
    alice.click(alice.form.fields["name"])
    alice.hands.press("ctrl+slash")
    alice.hands.type("ana")
    alice.enter()
    assert plain_house.names == ("alice", "ana")
    bob.leave()
    alice.until(lambda: alice.model.users == ("ana",))


def test_waiting_is_given_up_with_escape(sit: Sit) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        alice = sit(silent.getsockname()[1])
        alice.hands.press("Return")
        alice.until(lambda: stage(alice) is Stage.CONNECTING)
        alice.until(lambda: alice.form.button["text"] == "Cancel")
        alice.hands.press("Escape")
        alice.until(lambda: alice.form.button["text"] == "Connect")
        assert stage(alice) is Stage.SETTING_UP


# --- coming back ---


def test_unread_while_away(sit: Sit, plain_house: House) -> None:
    alice, bob = sit(plain_house.port), plain_house.join("bob")
    alice.enter()
    bob.say("seen")
    alice.says("bob > seen")
    alice.look_away()
    alice.until(lambda: not alice.model.looking)
    bob.say("one", "two")
    alice.says("two")
    alice.until(lambda: alice.root.title() == "(2) alice · lobby · Chat")
    assert "seen\n──── unread from here ────\n" in alice.transcript
    alice.look()
    alice.until(lambda: alice.root.title() == "alice · lobby · Chat")
    assert "unread from here" in alice.transcript
    alice.write("I have read it")
    alice.hands.press("Return")
    alice.until(lambda: "unread from here" not in alice.transcript)
    assert "bob > seen\n" in alice.transcript


def test_what_the_keyboard_is_on_is_what_is_chosen(sit: Sit, plain_house: House) -> None:
    def chosen() -> Lock:
        login = alice.form.login()
        assert isinstance(login, Login)
        return login.lock

    alice = sit(plain_house.port)
    ways = [lock for lock in alice.form.ways if lock is not chosen()]
    alice.form.ways[chosen()].focus_set()
    alice.hands.press("Down")
    alice.until(lambda: chosen() is ways[0])
    alice.hands.press("Up")
    alice.until(lambda: chosen() is Lock.READABLE)
    alice.form.ways[ways[0]].focus_set()
    alice.hands.press("Return")
    alice.until(alice.form.problem.winfo_viewable)
    assert chosen() is ways[0], "TLS with a port that speaks plaintext: refused, and nothing said in plaintext"
    assert not plain_house.names


def test_a_lost_connection_and_the_same_again(sit: Sit, plain_house: House) -> None:
    alice = sit(plain_house.port)
    alice.enter()
    alice.write("half a sent")
    plain_house.close()
    alice.until(alice.talk.banner.winfo_viewable)
    alice.until(lambda: "the server is closing" in alice.transcript)
    assert stage(alice) is Stage.LOST
    assert alice.talk.users.get(0, "end") == ()
    assert "not connected" in str(alice.talk.lock["text"])
    alice.hands.press("Return")
    alice.until(lambda: stage(alice) is Stage.LOST and "Nothing listens at" in alice.transcript)
    alice.hands.press("alt+r")
    alice.until(lambda: stage(alice) is Stage.LOST and alice.transcript.count("Nothing listens at") == 2)
    alice.write("ence")
    plain_house.open()
    alice.hands.press("Return")
    alice.until(lambda: stage(alice) is Stage.INSIDE and not alice.talk.banner.winfo_viewable())
    bob = plain_house.join("bob")
    alice.hands.press("Return")
    assert alice.hears(bob.hears()) == "alice > half a sentence"
    alice.says("alice > half a sentence")


def test_leaving_by_the_button_goes_back_to_the_form(sit: Sit, plain_house: House) -> None:
    alice = sit(plain_house.port)
    alice.enter()
    alice.click(alice.talk.leave)
    alice.until(alice.form.winfo_viewable)
    assert not plain_house.names
    alice.enter()
    assert plain_house.names
    alice.write("!salir")
    alice.hands.press("Return")
    alice.until(alice.form.winfo_viewable)


def test_closing_leaves(sit: Sit, plain_house: House) -> None:
    alice, bob = sit(plain_house.port), plain_house.join("bob")
    alice.enter()
    assert alice.hears(bob.hears()) == "* alice has come in"
    alice.close()
    assert bob.hears().result(PATIENCE) == "* alice has left"


# --- the look of it ---


def test_all_letters_grow_and_shrink(sit: Sit, plain_house: House) -> None:
    alice = sit(plain_house.port)
    alice.enter()
    fonts = alice.window.fonts
    before, line = fonts.text["size"], fonts.fixed.metrics("linespace")
    high = alice.talk.entry.winfo_height()
    alice.hands.press("ctrl+plus", "ctrl+plus")
    alice.until(lambda: fonts.text["size"] > before and alice.talk.entry.winfo_height() > high)
    assert fonts.fixed.metrics("linespace") > line
    alice.hands.press("ctrl+minus", "ctrl+minus", "ctrl+minus")
    alice.until(lambda: fonts.text["size"] < before)
    alice.hands.press("ctrl+0")
    alice.until(lambda: fonts.text["size"] == before)


def test_switching_the_language_words_everything_anew(sit: Sit, plain_house: House) -> None:
    alice = sit(plain_house.port)
    alice.hands.press("F4")
    alice.until(lambda: alice.form.button["text"] == "Conectar")
    alice.enter()
    alice.says("te damos la bienvenida, alice. Aquí hay 1: alice")
    assert [str(button["text"]) for button in (alice.talk.send_it, alice.talk.leave)] == ["Enviar", "Salir"]
    alice.hands.press("alt+l")
    alice.says("aquí hay 1: alice")
    alice.click(alice.talk.language)
    alice.says("welcome, alice. 1 here: alice")
    assert "te damos" not in alice.transcript
    alice.hands.press("alt+u")
    alice.until(lambda: [alice.model.text(entry) for entry in alice.model.entries].count("1 here: alice") == 2)


def test_a_flood_does_not_freeze_it(sit: Sit, plain_house: House) -> None:
    alice, bob = sit(plain_house.port), plain_house.join("bob")
    alice.enter()
    flood = threading.Thread(target=bob.say, args=[f"line {number}" for number in range(6000)])
    flood.start()
    alice.says("bob > line ")
    alice.write("still here")
    alice.hands.press("Return")
    alice.says("alice > still here")
    alice.says("bob > line 5999")
    flood.join()
    assert len(alice.model.entries) == 5000
    assert alice.transcript.count("\n") == 4999
    assert alice.talk.transcript.text.dlineinfo("end-1c"), "the last line is seen"


# --- whole programs ---

PROGRAM = """
import ssl, sys
from chat.model import Login
from chat.security import Lock
from chat.window import run
name, port, certificate = sys.argv[1:]
context = ssl.create_default_context(cafile=certificate)
login = Login(name, "localhost", int(port), Lock.VERIFIED)
sys.exit(run({Lock.VERIFIED: context}, login=login, ports=dict.fromkeys(Lock, int(port)), language="en"))
"""


class Program:
    """A window in a process of its own."""

    def __init__(self, display: str, name: str, port: int, certificate: Path) -> None:
        self.hands = Hands(display)
        before = self.hands.windows()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, name, str(port), str(certificate)],
            env={**os.environ, "DISPLAY": display},
            stderr=subprocess.PIPE,
            text=True,
        )
        while not (new := self.hands.windows() - before):
            assert self.process.poll() is None  # each look takes a while of its own
        (self.number,) = new

    def look(self) -> None:
        self.hands("windowfocus", "--sync", self.number)

    def is_called(self, title: str) -> None:
        """Wait until the title says so, which comes with what is drawn."""
        deadline = time.monotonic() + PATIENCE
        while not (seen := self.hands("getwindowname", self.number)).startswith(title):
            assert time.monotonic() < deadline, seen

    def end(self) -> tuple[int, str]:
        _, complaints = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, complaints


def test_two_windows_talk_over_tls(display: str, tls_house: House, certificate: Path) -> None:
    carol = tls_house.join("carol")
    programs: list[Program] = []
    try:
        for name in ("ana", "luis"):
            programs.append(Program(display, name, tls_house.port, certificate))
            programs[-1].look()
            programs[-1].hands.press("Return")
            assert carol.hears().result(PATIENCE) == f"* {name} has come in"
            programs[-1].is_called(name)
        ana, luis = programs
        ana.look()
        ana.hands.type("hello luis")
        ana.hands.press("Return")
        assert carol.hears().result(PATIENCE) == "ana > hello luis"
        # luis answers what he has read: he finds it in his transcript, copies it and sends it back
        luis.is_called("(1) luis")
        luis.look()
        luis.is_called("luis")
        ana_said = ("shift+Tab", "shift+Tab", "ctrl+End", "shift+Home", "ctrl+c")
        luis.hands.press(*ana_said)
        luis.hands.press("Escape", "ctrl+v", "Return")
        answer = carol.hears().result(PATIENCE)
        assert answer.startswith("luis > ")
        assert answer.endswith("ana > hello luis")
        luis.process.send_signal(signal.SIGTERM)
        assert luis.end() == (0, "")
        assert carol.hears().result(PATIENCE) == "* luis has left"
        ana.process.send_signal(signal.SIGINT)
        assert ana.end() == (0, "")
        assert carol.hears().result(PATIENCE) == "* ana has left"
    finally:
        for program in programs:
            if program.process.poll() is None:
                program.process.kill()
                program.end()


def test_a_dead_server_does_not_keep_a_window_open(sit: Sit) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        alice = sit(listening.getsockname()[1])
        alice.hands.press("Return")
        alice.until(lambda: stage(alice) is Stage.CONNECTING)
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"* welcome, alice. 1 here: alice\n")
            alice.until(lambda: stage(alice) is Stage.INSIDE)
            alice.close(within=2.5)


def test_what_is_received_is_text_and_nothing_else(sit: Sit, plain_house: House) -> None:
    alice, bob = sit(plain_house.port), plain_house.join("bob")
    alice.enter()
    bob.say("see https://example.com/ [exec rm] $x {y}", "\u202eevil")
    alice.says("bob > see https://example.com/ [exec rm] $x {y}\n")
    alice.says("bob > \\u202eevil")
    text = alice.talk.transcript.text
    assert all(not text.tk.call(str(text), "tag", "bind", tag) for tag in text.tag_names())
    assert [entry.kind for entry in alice.model.entries][-2:] == [Kind.SAID, Kind.SAID]


def test_what_the_form_begins_with(sit: Sit) -> None:
    alice = sit(12345, lock=Lock.UNVERIFIED, name="Lucía")
    assert alice.form.login() == Login("Lucía", "localhost", 12345, Lock.UNVERIFIED)

"""A person's side of the chat, without a server: lines go in as a server writes them."""

import datetime
import ssl
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import notices, protocol
from chat.client import Client
from chat.errors import ConnectionLost, NicknameError
from chat.escape import visible
from chat.lines import MAX_LINE
from chat.model import Detail, Entry, Kind, Login, Model, Stage, hue
from chat.security import READABLE, Lock, Security
from chat.server import Server
from chat.words import Words

HOME = Login("alice", "localhost", 12345, Lock.READABLE)
WELCOME = notices.line(notices.WELCOME, name="alice", count=2, names="bob, alice")
NOON = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)
Run = Callable[[Coroutine[None, None, None]], None]


@pytest.fixture
def model() -> Model:
    """Somebody who has not connected yet."""
    return Model(Words("en"), clock=lambda: NOON)


@pytest.fixture
def inside(model: Model) -> Model:
    """Alice, who has found bob in the room."""
    model.connecting(HOME)
    model.entered("alice", WELCOME, READABLE)
    return model


def last(model: Model) -> Entry:
    return model.entries[-1]


def texts(model: Model) -> list[str]:
    return [model.text(entry) for entry in model.entries]


def stage(model: Model) -> Stage:
    return model.stage


def users(model: Model) -> tuple[str, ...]:
    return model.users


def marker(model: Model) -> int | None:
    return model.marker


def eavesdropping(model: Model) -> bool:
    return model.eavesdropping


def detailed(model: Model) -> bool:
    return model.detailed


def type_in(model: Model, text: str) -> str | None:
    model.draft = text
    return model.submit()


# --- coming and going ---


def test_the_way_in(model: Model) -> None:
    assert stage(model) is Stage.SETTING_UP
    model.connecting(HOME)
    assert (stage(model), model.login) == (Stage.CONNECTING, HOME)
    model.entered("alice", WELCOME, READABLE)
    assert (stage(model), model.name, model.room) == (Stage.INSIDE, "alice", "lobby")
    assert users(model) == ("bob", "alice")
    assert texts(model) == ["welcome, alice. 2 here: bob, alice"]
    assert last(model) == Entry(
        1,
        Kind.NOTICE,
        NOON,
        notice=notices.Notice(notices.WELCOME, {"name": "alice", "count": "2", "names": "bob, alice"}),
    )


def test_no_way_in(model: Model) -> None:
    model.connecting(HOME)
    model.refused(NicknameError("The name alice is taken, or looks like one that is: choose another one."))
    assert stage(model) is Stage.SETTING_UP
    assert model.problem is not None
    assert Words("es").notice(model.problem).startswith("El nombre alice ya está en uso")
    assert not model.entries


def test_waiting_no_longer(model: Model) -> None:
    model.connecting(HOME)
    model.given_up()
    assert (stage(model), model.problem) == (Stage.SETTING_UP, None)


def test_leaving_and_coming_again_begins_anew(inside: Model) -> None:
    inside.received("bob > hello")
    inside.sent("hi", b"hi\n")
    inside.detailed = True
    inside.left()
    assert (stage(inside), inside.users, inside.detailed) == (Stage.LEFT, (), False)
    edition = inside.edition
    inside.connecting(HOME)
    inside.entered("alice", WELCOME, READABLE)
    assert texts(inside) == ["welcome, alice. 2 here: bob, alice"]
    assert inside.sent_last is None
    assert inside.edition != edition


def test_what_is_lost_and_what_is_not(inside: Model) -> None:
    inside.received("bob > hello")
    inside.draft = "half a sent"
    inside.lost(ConnectionLost("The connection is gone: it was cut off."))
    assert stage(inside) is Stage.LOST
    assert users(inside) == ()
    assert inside.draft == "half a sent"
    assert texts(inside)[-2:] == [
        "The connection is gone: it was cut off.",
        "The connection is lost. What you typed is kept: connect again when you like.",
    ]
    assert inside.submit() is None, "there is nobody to send it to"
    assert inside.draft == "half a sent"

    assert inside.login is not None
    inside.connecting(inside.login)
    inside.refused("Nothing listens at localhost:12345: start the server, or check the address.")
    assert stage(inside) is Stage.LOST
    assert last(inside).kind is Kind.ERROR

    inside.connecting(inside.login)
    inside.given_up()
    assert stage(inside) is Stage.LOST
    inside.connecting(inside.login)
    inside.entered("alice", WELCOME, READABLE)
    assert "hello" in texts(inside), "the conversation goes on"
    assert inside.submit() == "half a sent"


def test_coming_back_into_another_room(inside: Model) -> None:
    inside.received(notices.line(notices.MOVED, room="den", count=1, names="alice"))
    inside.lost("The connection is gone: it was cut off.")
    inside.connecting(HOME)
    inside.entered("alice", WELCOME, READABLE)
    assert inside.room == "lobby"
    assert texts(inside)[-1] == "you are in the first room again: !join den goes back to where you were"


def test_words_that_did_not_leave_come_back(inside: Model) -> None:
    assert type_in(inside, "one") == "one"
    inside.unsent("one")
    assert inside.draft == "one"
    inside.draft = "two"
    inside.unsent("one")
    assert inside.draft == "one two"


# --- the transcript ---


def test_each_line_becomes_an_entry(inside: Model) -> None:
    def entry(line: str) -> tuple[Kind, str, str, str]:
        inside.received(line)
        return last(inside).kind, last(inside).name, last(inside).to, inside.text(last(inside))

    assert entry("bob > hi > all") == (Kind.SAID, "bob", "", "hi > all")
    assert entry("bob to alice > psst") == (Kind.PRIVATE, "bob", "alice", "psst")
    assert entry("* earlier: carol > I was here") == (Kind.EARLIER, "carol", "", "I was here")
    assert entry("* dave has come in") == (Kind.NOTICE, "", "", "dave has come in")
    assert entry("* a sentence of tomorrow") == (Kind.NOTICE, "", "", "a sentence of tomorrow")
    assert entry("no chat at all") == (Kind.NOTICE, "", "", "no chat at all")
    assert [entry.number for entry in inside.entries] == list(range(1, 8))


def test_what_was_sent(inside: Model) -> None:
    inside.sent("hello", b"hello\n")
    assert (last(inside).kind, last(inside).name, last(inside).to, last(inside).text) == (
        Kind.OWN,
        "alice",
        "",
        "hello",
    )
    inside.sent("!privado bob psst", b"!privado bob psst\n")
    assert (last(inside).to, last(inside).text) == ("bob", "psst")
    before = len(inside.entries)
    inside.sent("!users", b"!users\n")
    assert len(inside.entries) == before, "the answer says it"
    assert inside.overheard()[0].value == b"!privado bob psst\n".hex(":"), "a question is not what one said"


def test_one_panel_at_a_time(inside: Model) -> None:
    inside.switch_eavesdropper()
    inside.switch_details()
    assert (inside.eavesdropping, inside.detailed) == (False, True)
    inside.switch_eavesdropper()
    assert (inside.eavesdropping, inside.detailed) == (True, False)
    inside.switch_eavesdropper()
    assert (inside.eavesdropping, inside.detailed) == (False, False)


def test_it_does_not_grow_for_ever() -> None:
    model = Model(Words("en"), kept=10)
    model.entered("alice", WELCOME, READABLE)
    for number in range(100):
        model.received(f"bob > {number}")
    assert [entry.text for entry in model.entries] == [str(number) for number in range(90, 100)]
    assert model.entries[0].number == 92


def test_nobody_can_fill_the_list_of_users(inside: Model) -> None:
    for number in range(6000):
        inside.received(f"* x{number} has come in")
    assert len(inside.users) == 5000


def test_nor_the_screen_with_one_line(inside: Model) -> None:
    for line in ("bob > ", "bob to alice > ", "* ", ""):
        inside.received(line + "x" * 60_000)
        assert len(inside.text(last(inside))) < MAX_LINE + 10


@given(st.text())
def test_whatever_comes_is_made_safe(line: str) -> None:
    model = Model(Words("es"))
    model.entered("alice", WELCOME, READABLE)
    for text in (line, f"bob > {line}", f"bob to alice > {line}", f"* {line}", f"* earlier: {line} > {line}"):
        model.received(text)
    model.received(f"* {line} has come in")
    model.received(f"* you are in the room {line} now. 1 here: {line}")
    for entry in model.entries:
        for shown in (model.text(entry), entry.name, entry.to):
            assert visible(shown) == shown
    for shown in (*model.users, model.room):
        assert visible(shown) == shown


# --- who is here ---


def test_the_users_are_always_current(inside: Model) -> None:
    inside.received("* carol has come in")
    assert users(inside) == ("bob", "alice", "carol")
    inside.received("* bob has left")
    assert users(inside) == ("alice", "carol")
    inside.received("* nobody-we-know has left")
    inside.received("* carol has come in")
    assert users(inside) == ("alice", "carol")
    inside.received(notices.line(notices.MOVED, room="den", count=2, names="dave, alice"))
    assert users(inside) == ("dave", "alice")
    assert inside.room == "den"
    inside.received(notices.line(notices.HERE, count=3, names="dave, alice, erin"))
    assert users(inside) == ("dave", "alice", "erin")


def test_what_somebody_says_changes_nothing(inside: Model) -> None:
    inside.received("bob > * mallory has come in")
    assert users(inside) == ("bob", "alice")


# --- unread ---


def test_the_unread_marker(inside: Model) -> None:
    inside.received("bob > seen")
    inside.look_away()
    inside.received("* carol has come in")
    assert marker(inside) is None, "nothing to come back for"
    inside.received("bob > one")
    inside.received("bob to alice > two")
    assert inside.unread == 2
    assert marker(inside) == last(inside).number - 1
    inside.look()
    assert inside.unread == 0
    assert marker(inside) == last(inside).number - 1, "it shows where to read on"
    inside.received("bob > three")
    assert inside.unread == 0
    inside.look_away()
    assert marker(inside) is None
    inside.received("bob > four")
    inside.look_away()
    assert marker(inside) == last(inside).number, "looking away twice is looking away once"


def test_an_answer_takes_the_marker_away(inside: Model) -> None:
    inside.look_away()
    inside.received("bob > one")
    inside.look()
    inside.sent("I have read it", b"I have read it\n")
    assert marker(inside) is None


# --- the input line ---


def test_submitting(inside: Model) -> None:
    assert type_in(inside, " hello ") == " hello "
    assert inside.draft == ""
    inside.up()
    assert inside.draft == " hello "
    inside.down()
    assert inside.draft == ""


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_is_not_sent(inside: Model, text: str) -> None:
    before = len(inside.entries)
    assert type_in(inside, text) is None
    assert inside.draft == ""
    assert len(inside.entries) == before


def test_what_would_be_refused_stays(inside: Model) -> None:
    assert type_in(inside, "!kick bob") is None
    assert inside.draft == "!kick bob"
    assert last(inside).kind is Kind.ERROR
    assert texts(inside)[-1] == "There is no such command: !help lists them."
    inside.switch_language()
    assert texts(inside)[-1] == "No existe esa orden: !ayuda dice cuáles hay."


@pytest.mark.parametrize("command", ["!users", "!usuarios", "!QUIT", "!join den", "!ayuda"])
def test_the_servers_commands_go_to_the_server(inside: Model, command: str) -> None:
    assert type_in(inside, command) == command
    protocol.encode_typed(command)


def test_commands_of_this_side(inside: Model) -> None:
    for command in ("!idioma", "!LANGUAGE"):
        assert type_in(inside, command) is None
        assert inside.draft == ""
    assert inside.words.language == "en"
    assert type_in(inside, "!espia") is None
    assert eavesdropping(inside)
    assert type_in(inside, " !eavesdropper ") is None
    assert not eavesdropping(inside)
    assert type_in(inside, "!lock") is None
    assert detailed(inside)
    inside.lost("it broke")
    assert type_in(inside, "!candado") is None, "these need no server"
    assert not detailed(inside)


def test_help_says_what_this_side_adds(inside: Model) -> None:
    for template in notices.HELP:
        inside.received(notices.line(template))
    assert last(inside).kind is Kind.CLIENT
    assert "!eavesdropper" in texts(inside)[-1]


# --- the transcript ---


def test_what_is_new_since(model: Model) -> None:
    assert model.after(0) == []
    for number in range(9):
        model.received(f"bob > {number}")
    assert model.after(0) == list(model.entries)
    assert model.after(last(model).number - 2) == list(model.entries)[-2:]
    assert model.after(last(model).number) == []


def test_who_speaks(inside: Model) -> None:
    inside.received("* earlier: bob > one")
    inside.received("bob > two")
    inside.received("bob to alice > three")
    inside.sent("four", b"four\n")
    inside.sent("!msg bob five", b"!msg bob five\n")
    said = [inside.who(entry) for entry in inside.after(1)]
    assert said == ["bob, earlier", "bob", "bob, to you alone", "alice", "alice, to bob alone"]
    inside.switch_language()
    assert inside.who(last(inside)) == "alice, solo a bob"


# --- languages ---


def test_switching_words_the_whole_transcript(inside: Model) -> None:
    inside.received("bob > has come in")
    inside.received("* bob has left")
    edition = inside.edition
    inside.switch_language()
    assert texts(inside) == [
        "te damos la bienvenida, alice. Aquí hay 2: bob, alice",
        "has come in",
        "bob ha salido",
    ]
    assert inside.edition != edition
    inside.switch_language()
    assert texts(inside)[-1] == "bob has left"


# --- the lock ---


def test_the_lock_of_plaintext(inside: Model) -> None:
    assert inside.lock() == "readable by anyone"
    labels = [detail.label for detail in inside.details()]
    assert labels == ["Who can read this", "Certificate"]
    inside.switch_language()
    assert inside.lock() == "lo puede leer cualquiera"


@pytest.mark.parametrize("lock", [Lock.VERIFIED, Lock.UNVERIFIED])
def test_the_lock_of_tls(
    model: Model, run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, lock: Lock
) -> None:
    if lock is Lock.UNVERIFIED:
        client_context.check_hostname = False
        client_context.verify_mode = ssl.CERT_NONE

    async def main() -> None:
        async with (
            Server(port=0, context=server_context) as server,
            await Client.connect(*server.address, "alice", context=client_context) as client,
        ):
            model.connecting(HOME)
            model.entered(client.name, client.welcome, client.security)

    run(main())
    assert model.lock() == lock.value
    details = {detail.label: detail.value for detail in model.details()}
    assert details["Issued to"] == "CN=localhost"
    assert details["Valid for"] == "localhost, 127.0.0.1"
    assert details["Encryption"].startswith("TLSv1.3, TLS_")
    assert len(details["SHA-256 fingerprint"].split(":")) == 32


def test_a_certificate_that_cannot_be_read(model: Model) -> None:
    model.entered("alice", WELCOME, Security(Lock.UNVERIFIED, "TLSv1.2", "X", b"\x30\x00"))
    assert model.details()[-1] == Detail("Certificate", "it cannot be read")


def test_the_eavesdropper(inside: Model) -> None:
    assert inside.overheard()[0].label == "Nothing sent yet"
    inside.sent("hello", b"hello\n")
    assert inside.overheard()[1].value == "hello"


def test_a_name_keeps_its_hue() -> None:
    assert hue("alice", 6) == hue("ALICE", 6)
    assert len({hue(name, 6) for name in ("alice", "bob", "carol", "dave", "erin", "frank")}) > 1
    assert all(0 <= hue(f"name{number}", 6) < 6 for number in range(100))


def test_complaints(inside: Model) -> None:
    inside.complain("It is\x07 broken.")
    assert last(inside).kind is Kind.ERROR
    assert texts(inside)[-1] == "It is\\x07 broken."

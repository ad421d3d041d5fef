import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat import notices, protocol
from chat.errors import ChatError, NicknameError, ProtocolError
from chat.lines import MAX_LINE, LineReader
from chat.protocol import Help, Join, Meant, Quit, Rooms, Say, Tell, Users

# No name that is reserved, nor its double, is as long as this.
NAMES = st.from_regex(r"[a-z0-9_.-]{16,19}[a-z0-9]", fullmatch=True) | st.sampled_from(["a", "to", "alice", "-b.", "7"])
NO_SUCH_COMMAND = "There is no such command: !help lists them."
NEEDS_ROOM = "A room has a name: !join ROOM."
NEEDS_WORDS = "It takes a name and some words: !msg NAME WORDS."


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("hello", Say("hello")),
        ("", Say("")),
        ("a\tb", Say("a\tb")),
        (" spaced ", Say(" spaced ")),
        ("!", Say("!")),
        ("!!!", Say("!!!")),
        ("!1", Say("!1")),
        ("! users", Say("! users")),
        ("no !users", Say("no !users")),
        ("!users", Users()),
        ("!usuarios", Users()),
        (" !USERS ", Users()),
        ("!rooms", Rooms()),
        ("!Salas", Rooms()),
        ("!help", Help()),
        ("!ayuda\t", Help()),
        ("!quit", Quit()),
        ("!Salir", Quit()),
        ("!join tea", Join("tea")),
        ("!ENTRAR  Té ", Join("Té")),
        ("!join\ttea", Join("tea")),
        ("!join\u3000お茶", Join("お茶")),
        ("!join Te\u0301", Join("Té")),
        ("!msg bob hi", Tell("bob", "hi")),
        ("!privado bob hi > you, !users", Tell("bob", "hi > you, !users")),
        ("!msg  bob   two  words ", Tell("bob", "two  words")),
        ("!msg\tbob\thi", Tell("bob", "hi")),
        ("!msg\u00a0bob\u00a0hi", Tell("bob", "hi")),
        ("!msg bob bob", Tell("bob", "bob")),
        ("!msg Jose\u0301 ¿qué?", Tell("José", "¿qué?")),
    ],
)
def test_parse(line: str, meant: Meant) -> None:
    assert protocol.parse(line.encode()) == meant


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"ok \xff", "That line is not UTF-8 at byte 4: send it as UTF-8 text."),
        (b"a\xed\xa0\x80", "That line is not UTF-8 at byte 2: send it as UTF-8 text."),
        (b"a\x1b[2J", "Character 2 is the control character \\x1b: send the line without it."),
        (b"\xc2\x9b2J", "Character 1 is the control character \\x9b: send the line without it."),
        (b"a\rb", "Character 2 is the control character \\x0d: send the line without it."),
        (b"!msg bob a\x7f", "Character 11 is the control character \\x7f: send the line without it."),
        (b"!kick bob", NO_SUCH_COMMAND),
        (b"!users now", NO_SUCH_COMMAND),
        (b"!quit\xc2\xa0now", NO_SUCH_COMMAND),
        (b"!users!", NO_SUCH_COMMAND),
        (b"!joint tea", NO_SUCH_COMMAND),
        (b"!join", NEEDS_ROOM),
        (b"!join  ", NEEDS_ROOM),
        (b"!msg", NEEDS_WORDS),
        (b"!msg bob", NEEDS_WORDS),
        (b"!msg bob \t ", NEEDS_WORDS),
    ],
)
def test_parse_refuses(line: bytes, why: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(line)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    "line", ["!join two words", "!join *", "!join server", "!msg * hi", "!msg \u202ebob hi", "!msg all hi"]
)
def test_no_room_and_nobody_is_called_so(line: str) -> None:
    with pytest.raises(NicknameError, match=r": choose another one\.$"):
        protocol.parse(line.encode())


def understood(line: bytes) -> Meant | str:
    """What a line means, or why it was refused."""
    try:
        return protocol.parse(line)
    except ChatError as error:
        return str(error)


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda text: f"!{text}".encode("utf-8", "surrogatepass")))
@example("!users\u00a0now".encode())
@example("!a\u2003b".encode())
def test_any_line_means_something_or_is_refused(line: bytes) -> None:
    meant = understood(line)
    if isinstance(meant, str):
        assert notices.recognise(meant) is not None
        return
    assert not any(unicodedata.category(char) == "Cc" and char != "\t" for char in line.decode())
    if isinstance(meant, Say):
        assert meant.text == line.decode()
    if isinstance(meant, Tell):
        assert meant.text.strip() == meant.text != ""
        assert line.decode().rstrip().endswith(meant.text)


@given(st.text())
def test_what_a_client_may_send_is_what_the_server_accepts(text: str) -> None:
    try:
        data = protocol.encode_typed(text)
    except ChatError:
        return
    [line] = LineReader().feed(data)
    assert isinstance(line, bytes)
    meant = protocol.parse(line)
    assert not isinstance(meant, Say) or meant.text == text


@pytest.mark.parametrize(
    "text", ["two\nlines", "end\r", "", "  ", "é" * 2049, "half \ud83d", "!kick", "\x07", "!msg bob"]
)
def test_a_client_is_told_before_sending(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"^[A-Z].*\.$") as caught:
        protocol.encode_typed(text)
    assert notices.recognise(str(caught.value)) is not None


def test_the_longest_line_may_be_typed() -> None:
    assert protocol.encode_typed("é" * (MAX_LINE // 2)) == "é".encode() * (MAX_LINE // 2) + b"\n"


@pytest.mark.parametrize("text", ["!quit", "!salir", " !QUIT\t"])
def test_leaving(text: str) -> None:
    assert protocol.is_quit(text)


@pytest.mark.parametrize("text", ["quit", "!quit now", "!quitt", "", "! quit"])
def test_not_leaving(text: str) -> None:
    assert not protocol.is_quit(text)


@given(NAMES, st.text())
def test_said_comes_back(name: str, text: str) -> None:
    line = protocol.said(name, text)
    assert protocol.parse_said(line) == (name, text)
    assert protocol.parse_told(line) is None
    assert notices.recognise_line(line) is None


@given(NAMES, NAMES, st.text())
def test_told_comes_back(name: str, to: str, text: str) -> None:
    line = protocol.told(name, to, text)
    assert protocol.parse_told(line) == (name, to, text)
    assert protocol.parse_said(line) is None
    assert notices.recognise_line(line) is None


@pytest.mark.parametrize(
    "line", ["* 1 here: a > b", "hello", "two words > x", " > x", "", "* > x", "server > x", "a to b > x"]
)
def test_only_what_was_said_is_taken_for_it(line: str) -> None:
    assert protocol.parse_said(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "a > b to c > x",
        "* a to b > x",
        "a to > x",
        " to b > x",
        "a to b",
        "a to b c > x",
        "a  to b > x",
        "me to b > x",
        "",
    ],
)
def test_only_what_was_told_is_taken_for_it(line: str) -> None:
    assert protocol.parse_told(line) is None


def test_wording() -> None:
    assert protocol.said("alice", "hi > all") == "alice > hi > all"
    assert protocol.told("alice", "bob", "hi > you") == "alice to bob > hi > you"
    assert protocol.parse_here("* 2 here: alice, bob") == ("alice", "bob")
    assert protocol.parse_here("alice > * 2 here: x") is None
    assert protocol.parse_here("* bob has left") is None
    assert protocol.parse_here("* welcome, bob. 2 here: alice, bob") is None
    welcome = notices.recognise_line("* welcome, bob. 2 here: alice, bob")
    assert welcome is not None
    assert protocol.names_in(welcome) == ("alice", "bob")

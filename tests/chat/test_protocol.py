import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import protocol
from chat.errors import NicknameError, ProtocolError
from chat.protocol import LineReader, Quit, Say, Users


def shown(found: list[bytes | ProtocolError]) -> list[bytes | str]:
    return [str(item) if isinstance(item, ProtocolError) else item for item in found]


def by_the_book(data: bytes, limit: int) -> list[bytes | str]:
    """What a reader should find that has all the bytes at once and all the memory it likes."""
    lines: list[bytes | str] = []
    *ended, rest = data.split(b"\n")
    for line in ended:
        bare = line[:-1] if line.endswith(b"\r") else line
        lines.append(f"A line has at most {limit} bytes: send it in several." if len(bare) > limit else bare)
    if len(rest) > limit + 1 or (len(rest) == limit + 1 and not rest.endswith(b"\r")):
        lines.append(f"A line has at most {limit} bytes: send it in several.")
    return lines


STREAM = "alice\r\nhóla 👋\n\n!users\nunfinished".encode()


def test_lines_whole() -> None:
    reader = LineReader()
    assert reader.feed(STREAM) == [b"alice", "hóla 👋".encode(), b"", b"!users"]
    assert reader.pending == b"unfinished"


def test_lines_byte_by_byte() -> None:
    reader = LineReader()
    found = [line for byte in STREAM for line in reader.feed(bytes([byte]))]
    assert found == [b"alice", "hóla 👋".encode(), b"", b"!users"]
    assert reader.pending == b"unfinished"


@given(
    st.lists(st.text("ab\r\n", max_size=9).map(str.encode), max_size=12),
    st.integers(min_value=1, max_value=6),
)
def test_lines_do_not_depend_on_how_they_are_cut(chunks: list[bytes], limit: int) -> None:
    reader = LineReader(limit)
    found = [line for chunk in chunks for line in reader.feed(chunk)]
    assert shown(found) == by_the_book(b"".join(chunks), limit)
    assert len(reader.pending) <= limit + 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_limit_is_exact(end: bytes) -> None:
    longest = b"x" * protocol.MAX_LINE
    assert LineReader().feed(longest + end) == [longest]
    first, second = LineReader().feed(longest + b"x" + end + b"next\n")
    assert isinstance(first, ProtocolError)
    assert str(first) == "A line has at most 4096 bytes: send it in several."
    assert second == b"next"


def test_an_endless_line_is_reported_once_and_not_kept() -> None:
    reader = LineReader()
    found = [line for _ in range(160) for line in reader.feed(b"x" * 65536)]
    assert len(found) == 1
    assert reader.pending == b""
    assert reader.feed(b"tail\nnext\n") == [b"next"]


@pytest.mark.parametrize("name", ["alice", "Ñandú", "李雷", "अमित", "a", "x" * 20, "_b.o-b_", "٣"])
def test_names(name: str) -> None:
    assert protocol.nickname(f" {name} ") == name


def test_a_name_is_composed() -> None:
    assert protocol.nickname("Jose\u0301") == "José"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 21,
        "two words",
        "*",
        "* server",
        "!quit",
        "a>b",
        "\x1b[31mred",
        "a\u200bb",
        "a\u202eb",
        "\u3164",
        "\ufe0f",
        "\u0301a",
        "...",
        "👍",
        "x²",
        "аlice",  # noqa: RUF001 - the first letter is Cyrillic
        "half\ud83d",
    ],
)
def test_names_refused(name: str) -> None:
    with pytest.raises(NicknameError, match=r"^A name .*: choose another one\.$"):
        protocol.nickname(name)


@pytest.mark.parametrize(("one", "other"), [("alice", "ALICE"), ("alice", "ａｌｉｃｅ"), ("straße", "STRASSE")])  # noqa: RUF001
def test_names_that_look_the_same_share_a_key(one: str, other: str) -> None:
    assert protocol.name_key(one) == protocol.name_key(other)


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
        ("no !users", Say("no !users")),
        ("!users", Users()),
        ("!usuarios", Users()),
        (" !USERS ", Users()),
        ("!quit", Quit()),
        ("!Salir", Quit()),
    ],
)
def test_parse(line: str, meant: Say | Users | Quit) -> None:
    assert protocol.parse(line.encode()) == meant


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"ok \xff", "That line is not UTF-8 at byte 4: send it as UTF-8 text."),
        (b"a\xed\xa0\x80", "That line is not UTF-8 at byte 2: send it as UTF-8 text."),
        (b"a\x1b[2J", "Character 2 is the control character \\x1b: send the line without it."),
        (b"\xc2\x9b2J", "Character 1 is the control character \\x9b: send the line without it."),
        (b"a\rb", "Character 2 is the control character \\x0d: send the line without it."),
        (b"!kick bob", "There is no such command: use !users or !usuarios or !quit or !salir."),
        (b"!users now", "There is no such command: use !users or !usuarios or !quit or !salir."),
    ],
)
def test_parse_refuses(line: bytes, why: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(line)
    assert str(caught.value) == why


@given(st.text())
def test_what_a_client_may_send_is_what_the_server_accepts(text: str) -> None:
    try:
        data = protocol.encode_typed(text)
    except ProtocolError:
        return
    [line] = LineReader().feed(data)
    assert isinstance(line, bytes)
    meant = protocol.parse(line)
    assert not isinstance(meant, Say) or meant.text == text


@pytest.mark.parametrize("text", ["two\nlines", "end\r", "", "  ", "é" * 2049, "half \ud83d", "!kick", "\x07"])
def test_a_client_is_told_before_sending(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"^[A-Z].*\.$"):
        protocol.encode_typed(text)


@given(st.from_regex(r"[a-z0-9_.-]*[a-z0-9]", fullmatch=True).filter(lambda name: len(name) <= 20), st.text())
def test_said_comes_back(name: str, text: str) -> None:
    assert protocol.parse_said(protocol.said(name, text)) == (name, text)


@pytest.mark.parametrize("line", ["* 1 here: a > b", "hello", "two words > x", " > x", "", "* > x"])
def test_only_what_was_said_is_taken_for_it(line: str) -> None:
    assert protocol.parse_said(line) is None


def test_wording() -> None:
    assert protocol.said("alice", "hi > all") == "alice > hi > all"
    assert protocol.here(["alice", "bob"]) == "* 2 here: alice, bob"
    assert protocol.parse_here("* 2 here: alice, bob") == ("alice", "bob")
    assert protocol.parse_here("alice > * 2 here: x") is None
    assert protocol.parse_here("* bob has left") is None
    assert protocol.welcome("bob", ["alice", "bob"]) == "* welcome, bob. 2 here: alice, bob"
    assert protocol.is_welcome("* welcome, bob. 2 here: alice, bob", "bob")
    assert not protocol.is_welcome("* welcome, bobby. 1 here: bobby", "bob")
    assert protocol.parse_here("* welcome, bob. 2 here: alice, bob") is None
    assert protocol.came("bob") == "* bob has come in"
    assert protocol.left("bob") == "* bob has left"
    assert protocol.parse_notice("* hi") == "hi"
    assert protocol.parse_notice("alice > hi") is None
    assert protocol.parse_name_refused(protocol.name_refused("No.")) == "No."
    assert protocol.parse_name_refused("* bob has left") is None

import unicodedata
from pathlib import Path

import pytest

from chat import protocol
from chat.lines import MAX_LINE
from chat.names import name_key
from lab.errors import LabError
from lab.scenario import CONVERSATION, Join, Leave, ListUsers, Say, messages, read_messages


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    return path


def test_the_conversation_can_be_held() -> None:
    room: list[str] = []
    for step in CONVERSATION:
        match step:
            case Join(who):
                assert who not in room
                room.append(who)
            case Leave(who):
                room.remove(who)
            case Say(who, text):
                assert who in room
                assert len(room) > 1, "somebody must hear it"
                assert protocol.encode_typed(text) == text.encode() + b"\n"
            case ListUsers(who):
                assert who in room


def test_the_conversation_has_all_that_a_demo_shows() -> None:
    said = messages(CONVERSATION)
    assert len(said) >= 12
    assert [step for step in CONVERSATION if isinstance(step, Say)] == list(said)
    texts = [say.text for say in said]
    assert any(unicodedata.normalize("NFD", text) != text for text in texts), "accents"
    assert any(max(text) > "\U0001f000" for text in texts), "an emoji"
    assert any(1448 < len(text.encode()) <= MAX_LINE for text in texts), "one longer than a segment"
    assert len(set(texts)) == len(texts)
    kinds = [type(step) for step in CONVERSATION]
    assert ListUsers in kinds
    first, last = kinds.index(Say), len(kinds) - 1 - kinds[::-1].index(Say)
    assert Join in kinds[first:last], "somebody comes late"
    assert Leave in kinds[first:last], "somebody leaves early"


def test_words_of_ones_own(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffzoe > ¡hola! > y más\r\n\nonly words\n   \nzoe >  two spaces \r\nlast".encode())
    assert read_messages(path) == (
        Join("zoe"),
        Join("bob"),
        Join("alice"),
        Say("zoe", "¡hola! > y más"),
        Say("bob", "only words"),
        Say("zoe", " two spaces "),
        Say("alice", "last"),
    )


def test_where_no_name_is_given_three_take_turns(tmp_path: Path) -> None:
    steps = read_messages(write(tmp_path, b"one\ntwo\nthree\nfour\n"))
    assert [(say.who, say.text) for say in messages(steps)] == [
        ("alice", "one"),
        ("bob", "two"),
        ("carol", "three"),
        ("alice", "four"),
    ]


@pytest.mark.parametrize("name", ["alice", "Alice", "zoe", "BOB"])
def test_a_lone_speaker_gets_a_listener(tmp_path: Path, name: str) -> None:
    joined = [step.who for step in read_messages(write(tmp_path, f"{name} > hello".encode())) if isinstance(step, Join)]
    assert joined[0] == name
    assert len(joined) == 2
    assert len({name_key(who) for who in joined}) == 2, "the chat would refuse the second one"


def test_only_lf_ends_a_line(tmp_path: Path) -> None:
    words = "one\u2028still one\u2029 and one"
    assert messages(read_messages(write(tmp_path, words.encode()))) == (Say("alice", words),)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no message"),
        (b"\n  \r\n\t\n", "holds no message"),
        (b"fine\nb\xe4d\n", "is not UTF-8: line 2 has a byte e4"),
        (b"\xff\xfeh\0i\0", "is not UTF-8: line 1 has a byte ff"),
        (b"one\n\n!users\n", "line 3 is a command"),
        (b"!Salir", "line 1 is a command"),
        (b"!fly me to the moon", "line 1 cannot be said in the chat: There is no such command"),
        (b"bell\x07", "line 1 cannot be said in the chat: Character 5 is the control character \\x07"),
        (b"one\rtwo", "the control character \\x0d"),
        (b"alice > \n", "line 1 cannot be said in the chat: A blank line says nothing"),
        (b"x" * 4097, "A line has at most 4096 bytes"),
        (b"Alice > one\nalice > two\n", "names two speakers that look the same"),
        (b"x\n" * (1 << 19) + b"x", "is larger than 1 MiB"),
    ],
)
def test_what_cannot_be_said_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(LabError) as caught:
        read_messages(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_of_the_greatest_length_can_be_said(tmp_path: Path) -> None:
    assert messages(read_messages(write(tmp_path, b"x" * 4096)))[0].text == "x" * 4096


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file or directory"):
        read_messages(tmp_path / "nowhere")
    with pytest.raises(LabError, match="Is a directory"):
        read_messages(tmp_path)

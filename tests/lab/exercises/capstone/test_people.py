"""One end of a connection: what it reads, and that no other end can hold it up."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from lab.exercises.capstone.people import GoneError, Person, holding, notice, said

Pair = tuple[Person, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    person = Person(ours, time.monotonic() + 5)
    with ours, theirs:
        yield person, theirs


def test_lines_are_read_whatever_pieces_they_come_in(pair: Pair) -> None:
    person, other = pair
    for piece in (b"one\r\ntw", b"o \xe2\x82", b"\xac\nthree\n"):
        other.sendall(piece)
    assert [person.next() for _ in range(3)] == ["one", "two €", "three"]
    assert person.heard == ["one", "two €", "three"]


def test_what_is_said_is_a_line(pair: Pair) -> None:
    person, other = pair
    person.say("ñ")
    assert other.recv(100) == b"\xc3\xb1\n"


def test_the_end_is_seen(pair: Pair) -> None:
    person, other = pair
    other.sendall(b"whole\nhalf")
    other.close()
    assert person.until_gone()
    assert person.heard == ["whole"]
    person.try_to_say("nobody hears this")
    with pytest.raises(GoneError):
        person.say("nor this")


def test_silence_is_waited_for_no_longer_than_said(pair: Pair) -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        pair[0].until(holding("x"), 0.05)
    assert not pair[0].until_gone(0.05)
    assert time.monotonic() - begin < 2


def test_all_is_over_at_its_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"line\n")
        late = Person(ours, time.monotonic() - 1)
        with pytest.raises(TimeoutError):
            late.next()
        with pytest.raises(TimeoutError):
            late.say("x")


def test_one_who_takes_nothing_is_not_waited_for(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        pair[0].send(b"x" * (8 << 20), 0.1)


def flood(to: socket.socket, data: bytes) -> threading.Thread:
    def send() -> None:
        try:
            while True:
                to.sendall(data)
        except OSError:
            pass  # the test has heard enough

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_lines_without_end_are_no_answer(pair: Pair) -> None:
    person, other = pair
    sender = flood(other, b"more\n" * 100)
    with pytest.raises(TimeoutError):
        person.until(holding("enough"), 0.1)
    person.close()
    sender.join(5)
    assert not sender.is_alive()


def test_a_line_without_end_is_not_kept(pair: Pair) -> None:
    person, other = pair
    sender = flood(other, b"x" * 65536)
    with pytest.raises(GoneError):
        person.next()
    person.close()
    sender.join(5)
    assert not sender.is_alive()


def test_vanishing_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        person = Person(socket.create_connection(listening.getsockname()), time.monotonic() + 5)
        other, _ = listening.accept()
        with other:
            person.vanish()
            with pytest.raises(ConnectionResetError):
                other.recv(1)


def test_what_lines_are() -> None:
    assert notice("ana", "eva")("* 2 here: ana, eva")
    assert not notice("an")("* ana has come in")
    assert not notice("ana")("ana > * ana")
    assert said("ana", "hi")("ana > hi")
    assert said("ana", "hi")("hi")
    assert not said("ana", "hi")("eva > hi")

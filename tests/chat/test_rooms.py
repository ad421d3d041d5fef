from collections import defaultdict
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import protocol
from chat.errors import ProtocolError
from chat.room import Close, Deliver, Event, Joined, Left, Refused, Room


def lines(events: Iterable[Event]) -> list[tuple[tuple[int, ...], str]]:
    return [(event.to, event.line) for event in events if isinstance(event, Deliver) and event.to]


def room_of(*names: str) -> Room:
    made = Room(10)
    for member, name in enumerate(names):
        made.connect(member)
        assert Joined(member, name) in made.receive(member, name.encode())
    return made


def test_coming_in() -> None:
    made = room_of("alice")
    assert made.connect(7) == ()
    assert lines(made.receive(7, b"bob")) == [
        ((7,), "* welcome, bob. 2 here: alice, bob"),
        ((0,), "* bob has come in"),
    ]
    assert made.names == ("alice", "bob")


def test_talking() -> None:
    made = room_of("alice", "bob", "carol")
    assert made.receive(1, "¿qué?".encode()) == (Deliver((0, 2), "bob > ¿qué?"),)
    assert made.receive(1, b"  ") == ()
    assert made.receive(1, b"alice > fake") == (Deliver((0, 2), "bob > alice > fake"),)
    assert made.receive(2, b"!usuarios") == (Deliver((2,), "* 3 here: alice, bob, carol"),)


def test_those_without_a_name_hear_nothing() -> None:
    made = room_of("alice", "bob")
    made.connect(9)
    assert made.receive(0, b"hi") == (Deliver((1,), "alice > hi"),)


@pytest.mark.parametrize("line", [b"\xff", b"a\x1b[2J", b"!kick bob", ProtocolError("Too long.")])
def test_a_bad_line_is_answered_to_its_sender_alone(line: bytes | ProtocolError) -> None:
    [event] = room_of("alice", "bob").receive(0, line)
    assert isinstance(event, Deliver)
    assert event.to == (0,)
    assert event.line.startswith("* ")


@pytest.mark.parametrize("taken", ["alice", "ALICE", "ａｌｉｃｅ"])  # noqa: RUF001
def test_a_name_is_taken_once_and_free_again_later(taken: str) -> None:
    made = room_of("alice")
    made.connect(1)
    events = made.receive(1, taken.encode())
    assert any(isinstance(event, Refused) for event in events)
    [(to, line)] = lines(events)
    assert to == (1,)
    assert line.startswith("* name refused: The name ")
    made.disconnect(0)
    assert Joined(1, taken) in made.receive(1, taken.encode())


def test_five_bad_names_are_enough() -> None:
    made = room_of("alice")
    made.connect(1)
    for _ in range(4):
        assert not any(isinstance(event, Close) for event in made.receive(1, b"\x1b[31m"))
    assert made.receive(1, ProtocolError("Too long."))[-2:] == (
        Deliver((1,), protocol.TOO_MANY_NAMES),
        Close(1),
    )
    assert made.receive(1, b"bob") == ()
    assert made.disconnect(1) == ()


def test_leaving_is_told_once_however_it_happens() -> None:
    made = room_of("alice", "bob", "carol")
    left = (Left(1, "bob"), Deliver((0, 2), "* bob has left"))
    assert made.receive(1, b"!salir") == (*left, Close(1))
    assert made.receive(1, b"still here?") == ()
    assert made.disconnect(1) == ()
    assert made.disconnect(2) == (Left(2, "carol"), Deliver((0,), "* carol has left"))


def test_one_may_leave_without_a_name() -> None:
    made = room_of("alice")
    made.connect(1)
    assert made.receive(1, b"!quit") == (Close(1),)


def test_a_full_room_lets_nobody_in_until_somebody_leaves() -> None:
    made = Room(2)
    made.connect(0)
    made.connect(1)
    assert made.connect(2) == (Refused(2, "room full"), Deliver((2,), protocol.ROOM_FULL), Close(2))
    assert made.disconnect(2) == ()
    made.disconnect(0)
    assert made.connect(3) == ()


MEMBERS = st.integers(min_value=0, max_value=3)


@given(st.lists(st.tuples(MEMBERS, st.sampled_from(["say", "users", "quit", "cut", "come"])), max_size=60))
def test_nothing_is_lost_doubled_or_put_in_anothers_mouth(steps: list[tuple[int, str]]) -> None:
    made = Room(10)
    here: dict[int, str] = {}
    got: dict[int, list[str]] = defaultdict(list)
    wanted: dict[int, list[str]] = defaultdict(list)

    def all_but(who: int, line: str) -> None:
        for other in here.keys() - {who}:
            wanted[other].append(line)

    for at, (who, what) in enumerate(steps):
        events: tuple[Event, ...] = ()
        inside = who in here
        if what == "come" and not inside:
            made.connect(who)
            events = made.receive(who, f"name{who}".encode())
            here[who] = f"name{who}"
            wanted[who].append(f"* welcome, name{who}. {len(here)} here: {', '.join(here.values())}")
            all_but(who, f"* name{who} has come in")
        elif what == "say":
            events = made.receive(who, f"words {at}".encode())
            if inside:
                all_but(who, f"name{who} > words {at}")
        elif what == "users":
            events = made.receive(who, b"!users")
            if inside:
                wanted[who].append(f"* {len(here)} here: {', '.join(here.values())}")
        elif what in {"quit", "cut"}:
            events = made.receive(who, b"!quit") if what == "quit" else made.disconnect(who)
            assert (Close(who) in events) == (what == "quit" and inside)
            if here.pop(who, None) is not None:
                all_but(who, f"* name{who} has left")
        for to, line in lines(events):
            for member in to:
                got[member].append(line)
    assert got == wanted
    assert made.names == tuple(here.values())

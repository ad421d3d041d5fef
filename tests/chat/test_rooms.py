from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chat import notices, protocol
from chat.errors import ProtocolError
from chat.outbox import Member, Outbox
from chat.rooms import Close, Event, Joined, Left, Refused, Rooms, Said

SAID_IN_HELP = [
    "* every line you send is read by all others in your room",
    "* !users says who is here, !rooms which rooms there are",
    "* !join ROOM goes to another room, or makes it",
    "* !msg NAME WORDS says something to one person only",
    "* !quit leaves, !help says this again",
]


class House:
    """Rooms, their outbox, and what each member has read at last."""

    def __init__(self, *names: str, max_members: int = 10, max_rooms: int = 50, history: int = 0, texts: bool = False):
        self.outbox = Outbox()
        self.rooms = Rooms(self.outbox, max_members=max_members, max_rooms=max_rooms, history=history, texts=texts)
        for member, name in enumerate(names):
            self.rooms.connect(member)
            assert self.rooms.receive(member, name.encode()) == (Joined(member, name, "lobby"),)
        self.read()

    def say(self, member: Member, line: bytes | str | ProtocolError) -> tuple[Event, ...]:
        return self.rooms.receive(member, line.encode() if isinstance(line, str) else line)

    def read(self) -> dict[Member, list[str]]:
        """What has come for each member since the last time."""
        return {member: words.decode().removesuffix("\n").split("\n") for member, words in self.outbox.take()}


def test_coming_in() -> None:
    house = House("alice")
    assert house.rooms.connect(7) == ()
    assert house.say(7, "bob") == (Joined(7, "bob", "lobby"),)
    assert house.read() == {7: ["* welcome, bob. 2 here: alice, bob"], 0: ["* bob has come in"]}
    assert house.rooms.names == ("alice", "bob")


def test_talking() -> None:
    house = House("alice", "bob", "carol")
    assert house.say(1, "¿qué?") == ()
    assert house.read() == {0: ["bob > ¿qué?"], 2: ["bob > ¿qué?"]}
    assert house.say(1, "  ") == ()
    assert house.say(1, "") == ()
    assert house.say(1, "\u3000\t") == ()
    assert house.read() == {}
    house.say(1, "alice > fake")
    assert house.read() == {0: ["bob > alice > fake"], 2: ["bob > alice > fake"]}
    house.say(1, " * alice has left ")
    assert house.read() == {0: ["bob >  * alice has left "], 2: ["bob >  * alice has left "]}
    house.say(2, "!usuarios")
    assert house.read() == {2: ["* 3 here: alice, bob, carol"]}
    house.say(2, "!help")
    assert house.read() == {2: SAID_IN_HELP}


def test_those_without_a_name_hear_nothing() -> None:
    house = House("alice", "bob")
    house.rooms.connect(9)
    house.say(0, "hi")
    assert house.read() == {1: ["alice > hi"]}


@pytest.mark.parametrize(
    "line", [b"\xff", b"a\x1b[2J", b"!kick bob", ProtocolError("Too long."), b"!join a b", b"!msg carol x"]
)
def test_a_bad_line_is_answered_to_its_sender_alone(line: bytes | ProtocolError) -> None:
    house = House("alice", "bob")
    assert house.say(0, line) == ()
    [(member, [answer])] = house.read().items()
    assert member == 0
    assert answer.startswith("* ")


@pytest.mark.parametrize("taken", ["alice", "ALICE", "ａｌｉｃｅ", "a1ice", "aIice"])  # noqa: RUF001
def test_a_name_is_taken_once_and_free_again_later(taken: str) -> None:
    house = House("alice")
    house.rooms.connect(1)
    [event] = house.say(1, taken)
    assert isinstance(event, Refused)
    why = f"The name {taken} is taken, or looks like one that is: choose another one."
    assert event == Refused(1, why)
    assert house.read() == {1: [f"* name refused: {why}"]}
    house.rooms.disconnect(0)
    assert house.say(1, taken) == (Joined(1, taken, "lobby"),)


@pytest.mark.parametrize(
    ("bound", "typed"),
    [
        ("alice", "alice"),
        ("alice", "ALICE"),
        ("alice", "ａｌｉｃｅ"),  # noqa: RUF001
        ("ian", "Ian"),  # which could pass for lan
        ("paypai", "paypaI"),  # for paypal
        ("вера", "ВЕРА"),  # for the Latin BEPA # noqa: RUF001
    ],
)
def test_who_is_bound_to_a_name_is_called_as_the_certificate_writes_it(bound: str, typed: str) -> None:
    house = House("bob")
    house.rooms.connect(1, bound)
    assert house.say(1, typed) == (Joined(1, bound, "lobby"),)


@pytest.mark.parametrize("other", ["carol", "bob", "a1ice", "alice2", "álice"])
def test_who_is_bound_to_a_name_takes_no_other(other: str) -> None:
    """Nor one that only looks like it; and whether somebody has the other name they do not learn."""
    house = House("bob")
    house.rooms.connect(1, "alice")
    why = "Your certificate is for the name alice: come in under that one."
    assert house.say(1, other) == (Refused(1, why),)
    assert house.read() == {1: [f"* name refused: {why}"]}
    for _ in range(3):
        house.say(1, other)
    assert house.say(1, other) == (Refused(1, why), Close(1))


def test_a_name_is_bound_as_long_as_the_connection_lasts() -> None:
    house = House("bob")
    house.rooms.connect(1, "alice")
    assert house.say(1, "carol") != ()
    assert house.say(1, "alice") == (Joined(1, "alice", "lobby"),)
    house.rooms.disconnect(1)
    house.rooms.connect(1)
    assert house.say(1, "carol") == (Joined(1, "carol", "lobby"),)
    house.rooms.connect(2, "alice")
    assert house.say(2, "alice") == (Joined(2, "alice", "lobby"),)
    house.rooms.connect(3, "alice")  # the same person twice
    taken = "The name alice is taken, or looks like one that is: choose another one."
    assert house.say(3, "alice") == (Refused(3, taken),)


def test_five_bad_names_are_enough() -> None:
    house = House("alice")
    house.rooms.connect(1)
    for _ in range(4):
        [event] = house.say(1, b"\x1b[31m")
        assert isinstance(event, Refused)
    house.read()
    assert house.say(1, ProtocolError("Too long.")) == (Refused(1, "Too long."), Close(1))
    assert house.read() == {
        1: ["* name refused: Too long.", "* too many names were refused: connect again with another one"]
    }
    assert house.say(1, "bob") == ()
    assert house.rooms.disconnect(1) == ()
    assert house.read() == {}


def test_leaving_is_told_once_however_it_happens() -> None:
    house = House("alice", "bob", "carol")
    assert house.say(1, "!salir") == (Left(1, "bob", "lobby"), Close(1))
    assert house.read() == {0: ["* bob has left"], 2: ["* bob has left"]}
    assert house.say(1, "still here?") == ()
    assert house.rooms.disconnect(1) == ()
    assert house.rooms.disconnect(2) == (Left(2, "carol", "lobby"),)
    assert house.read() == {0: ["* carol has left"]}


def test_one_may_leave_without_a_name() -> None:
    house = House("alice")
    house.rooms.connect(1)
    assert house.say(1, "!quit") == (Close(1),)
    assert house.read() == {}


def test_what_was_said_before_leaving_is_still_for_those_who_leave() -> None:
    house = House("alice", "bob")
    house.say(0, "one")
    house.say(1, "!users")
    house.say(1, "!quit")
    assert house.outbox.remove(1) == b"alice > one\n* 2 here: alice, bob\n"


def test_a_full_house_lets_nobody_in_until_somebody_leaves() -> None:
    house = House("alice", "bob", max_members=2)
    assert house.rooms.connect(2) == (Refused(2, "room full"), Close(2))
    assert house.read() == {2: ["* the room is full: try again when somebody has left"]}
    assert house.rooms.disconnect(2) == ()
    house.rooms.disconnect(0)
    assert house.rooms.connect(3) == ()
    # it fills up while that one thinks of a name
    house.rooms.connect(4)
    assert house.say(4, "dora") == (Joined(4, "dora", "lobby"),)
    house.read()
    assert house.say(3, "carol") == (Refused(3, "room full"), Close(3))
    assert house.read() == {3: ["* the room is full: try again when somebody has left"]}
    assert house.say(3, "carol") == ()


def test_connections_without_a_name_fill_nothing() -> None:
    house = House("alice", max_members=2)
    for member in range(10, 20):
        assert house.rooms.connect(member) == ()
    assert house.say(19, "bob") == (Joined(19, "bob", "lobby"),)


def test_going_to_another_room() -> None:
    house = House("alice", "bob", "carol")
    assert house.say(0, "!join Tea") == (Left(0, "alice", "lobby"), Joined(0, "alice", "Tea"))
    assert house.read() == {
        0: ["* you are in the room Tea now. 1 here: alice"],
        1: ["* alice has left"],
        2: ["* alice has left"],
    }
    assert house.say(1, "!entrar TEA") == (Left(1, "bob", "lobby"), Joined(1, "bob", "Tea"))
    assert house.read() == {
        0: ["* bob has come in"],
        1: ["* you are in the room Tea now. 2 here: alice, bob"],
        2: ["* bob has left"],
    }
    house.say(0, "only here")
    house.say(2, "and here")
    house.say(2, "!rooms")
    assert house.read() == {1: ["alice > only here"], 2: ["* the rooms are: lobby, Tea"]}
    house.say(1, "!users")
    house.say(2, "!users")
    assert house.read() == {1: ["* 2 here: alice, bob"], 2: ["* 1 here: carol"]}
    assert house.rooms.names == ("alice", "bob", "carol")


def test_staying_where_one_is() -> None:
    house = House("alice", "bob", history=5)
    house.say(1, "hello")
    house.read()
    assert house.say(0, "!join LOBBY") == ()
    assert house.read() == {0: ["* you are in the room lobby now. 2 here: alice, bob"]}
    house.say(1, "once")
    assert house.read() == {0: ["bob > once"]}


def test_an_empty_room_ends_with_all_that_was_said_in_it() -> None:
    house = House("alice", "bob", history=5)
    house.say(0, "!join tea")
    house.say(0, "secret")
    house.say(0, "!join lobby")
    house.read()
    house.say(1, "!rooms")
    house.say(1, "!join TEA")
    assert house.read()[1] == ["* the rooms are: lobby", "* you are in the room TEA now. 1 here: bob"]


def test_the_last_one_leaves_nothing_behind() -> None:
    house = House("alice")
    house.say(0, "hello?")
    house.say(0, "!quit")
    assert house.outbox.remove(0) == b""
    assert not house.outbox


def test_there_are_only_so_many_rooms() -> None:
    house = House("alice", "bob", "carol", max_rooms=2)
    house.say(0, "!join tea")
    house.read()
    assert house.say(1, "!join coffee") == ()
    assert house.read() == {1: ["* There are 2 rooms already: join one of them."]}
    house.say(1, "!join tea")
    house.say(2, "!join tea")
    house.read()
    assert house.say(1, "!join coffee") == (), "the first room has its place also while nobody is in it"
    assert house.say(1, "!join lobby") == (Left(1, "bob", "tea"), Joined(1, "bob", "lobby"))


def test_private_words_reach_one_person_wherever_they_are() -> None:
    house = House("alice", "bob", "carol", texts=True)
    house.say(1, "!join tea")
    house.read()
    assert house.say(0, "!msg BOB psst > you") == (Said(0, "alice", "bob", "psst > you"),)
    assert house.read() == {1: ["alice to bob > psst > you"]}
    assert house.say(0, "!msg alice me") == ()
    assert house.read() == {0: ["* That is your own name: say it to somebody else."]}
    assert house.say(0, "!msg dora hi") == ()
    assert house.read() == {0: ["* There is nobody called dora: !users says who is here."]}


@pytest.mark.parametrize(("name", "typed"), [("adam", "adarn"), ("bob", "b0b"), ("coco", "сосо")])  # noqa: RUF001
def test_private_words_are_not_for_a_double(name: str, typed: str) -> None:
    house = House("alice", name)
    house.say(0, f"!msg {typed} hi")
    assert house.read() == {0: [f"* There is nobody called {typed}: !users says who is here."]}


def test_private_words_are_no_part_of_the_history() -> None:
    house = House("alice", "bob", history=5)
    house.say(0, "!msg bob psst")
    house.rooms.connect(2)
    house.say(2, "carol")
    assert house.read()[2] == ["* welcome, carol. 3 here: alice, bob, carol"]


def test_who_comes_later_reads_what_was_said_last() -> None:
    house = House("alice", "bob", history=3)
    for line in ("one", "two", "!users", "", "three > 3", "four"):
        house.say(0, line)
    house.read()
    house.rooms.connect(2)
    house.say(2, "carol")
    assert house.read()[2] == [
        "* welcome, carol. 3 here: alice, bob, carol",
        "* earlier: alice > two",
        "* earlier: alice > three > 3",
        "* earlier: alice > four",
    ]


def test_words_are_for_the_log_only_where_asked_for() -> None:
    assert House("alice", "bob").say(0, "hi") == ()
    assert House("alice", "bob", texts=True).say(0, "hi") == (Said(0, "alice", "lobby", "hi"),)


# Names by who would be taken for whom.
NAMES = {
    "alice": "alice",
    "ALICE": "alice",
    "a1ice": "alice",
    "bob": "bob",
    "Bob": "bob",
    "b0b": "bob",
    "сосо": "coco",  # noqa: RUF001
    "coco": "coco",
    "has": "has",
    "Zoë": "zoë",
}
SAME_WORD = [{"alice", "ALICE"}, {"bob", "Bob"}]
NOT_NAMES = ["", "*", "two words", "server", "\x1b", "x" * 21]
ROOMS = {"lobby": "lobby", "Lobby": "lobby", "tea": "tea", "TEA": "tea", "x": "x", "y": "y"}
WORDS = ["hi", "!!!", " * bob has left", "alice > hi", "¿qué?", "a to b > c", "x" * 40, "earlier: bob > x"]
MAX_MEMBERS, MAX_ROOMS, HISTORY = 4, 3, 3


class _Place:
    def __init__(self, name: str) -> None:
        self.name = name
        self.people: list[Member] = []
        self.said: list[tuple[str, str]] = []


class _View:
    """What a member can know of who is in its room, by nothing but the lines it reads."""

    def __init__(self) -> None:
        self.here: list[str] = []

    def read(self, line: str) -> None:
        notice = notices.recognise_line(line)
        if notice is None:
            return
        if notice.template in {notices.WELCOME, notices.MOVED}:
            self.here = list(protocol.names_in(notice))
            assert len(self.here) == int(notice.fields["count"])
        elif notice.template == notices.CAME:
            self.here.append(notice.fields["name"])
        elif notice.template == notices.LEFT:
            self.here.remove(notice.fields["name"])


class Naive(RuleBasedStateMachine):
    """The oracle: a list of lines for each member, written by hand at the moment when something happens."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.rooms = Rooms(self.outbox, max_members=MAX_MEMBERS, max_rooms=MAX_ROOMS, history=HISTORY, texts=True)
        self.number = count(1)
        self.nameless: dict[Member, int] = {}  # how often each was refused
        self.names: dict[Member, str] = {}
        self.places: dict[str, _Place] = {}
        self.inbox: dict[Member, list[str]] = {}
        self.views: dict[Member, _View] = {}

    # What should come of it

    def at(self, member: Member) -> _Place:
        [place] = [place for place in self.places.values() if member in place.people]
        return place

    def to_all(self, place: _Place, line: str, but: Member | None = None) -> None:
        for member in place.people:
            if member != but:
                self.inbox[member].append(line)

    def list_of(self, place: _Place) -> str:
        return f"{len(place.people)} here: {', '.join(self.names[member] for member in place.people)}"

    def goes(self, member: Member) -> Left:
        place = self.at(member)
        place.people.remove(member)
        self.to_all(place, f"* {self.names[member]} has left")
        self.places = {key: place for key, place in self.places.items() if place.people}
        return Left(member, self.names[member], place.name)

    def comes(self, member: Member, room: str, greeting: str) -> Joined:
        place = self.places.setdefault(ROOMS[room], _Place(room))
        place.people.append(member)
        self.inbox[member].append(f"* {greeting.format(room=place.name)}. {self.list_of(place)}")
        self.inbox[member] += [f"* earlier: {name} > {text}" for name, text in place.said[-HISTORY:]]
        self.to_all(place, f"* {self.names[member]} has come in", but=member)
        return Joined(member, self.names[member], place.name)

    def gone(self, member: Member) -> None:
        rest = self.outbox.remove(member).decode()
        assert rest == "".join(f"{line}\n" for line in self.inbox.pop(member))
        self.nameless.pop(member, None)
        self.names.pop(member, None)
        self.views.pop(member)

    # What happens

    @precondition(lambda self: len(self.inbox) < MAX_MEMBERS + 2)
    @rule()
    def connect(self) -> None:
        member = next(self.number)
        events = self.rooms.connect(member)
        self.inbox[member] = []
        self.views[member] = _View()
        if len(self.names) < MAX_MEMBERS:
            assert events == ()
            self.nameless[member] = 0
        else:
            self.full(member, events)

    def full(self, member: Member, events: tuple[Event, ...]) -> None:
        assert events == (Refused(member, "room full"), Close(member))
        self.inbox[member].append("* the room is full: try again when somebody has left")
        self.cut(member)

    def cut(self, member: Member) -> None:
        assert self.rooms.disconnect(member) == ((self.goes(member),) if member in self.names else ())
        self.gone(member)

    @precondition(lambda self: self.nameless)
    @rule(data=st.data(), name=st.sampled_from([*NAMES, *NOT_NAMES]))
    def give_a_name(self, data: st.DataObject, name: str) -> None:
        member = data.draw(st.sampled_from(sorted(self.nameless)))
        events = self.rooms.receive(member, name.encode())
        if name in NOT_NAMES or NAMES[name] in {NAMES[other] for other in self.names.values()}:
            self.refused(member, events)
        elif len(self.names) >= MAX_MEMBERS:
            del self.nameless[member]
            self.full(member, events)
        else:
            del self.nameless[member]
            self.names[member] = name
            assert events == (self.comes(member, "lobby", f"welcome, {name}"),)

    def refused(self, member: Member, events: tuple[Event, ...]) -> None:
        assert isinstance(events[0], Refused)
        self.inbox[member].append(f"* name refused: {events[0].why}")
        self.nameless[member] += 1
        if self.nameless[member] < 5:
            assert events == (Refused(member, events[0].why),)
            return
        assert events[1:] == (Close(member),)
        self.inbox[member].append("* too many names were refused: connect again with another one")
        del self.nameless[member]
        self.cut(member)

    def somebody(self, data: st.DataObject) -> Member:
        return data.draw(st.sampled_from(sorted(self.names)))

    @precondition(lambda self: self.names)
    @rule(data=st.data(), texts=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
    def say(self, data: st.DataObject, texts: list[str]) -> None:
        member = self.somebody(data)
        place = self.at(member)
        for text in texts:
            assert self.rooms.receive(member, text.encode()) == (Said(member, self.names[member], place.name, text),)
            self.to_all(place, f"{self.names[member]} > {text}", but=member)
            place.said.append((self.names[member], text))

    @precondition(lambda self: self.names)
    @rule(
        data=st.data(),
        line=st.sampled_from(["", "  ", "!fly", "\x07", "!join", "!msg bob", "!help", "!rooms", "!users"]),
    )
    def ask(self, data: st.DataObject, line: str) -> None:
        member = self.somebody(data)
        assert self.rooms.receive(member, line.encode()) == ()
        self.inbox[member] += {
            "!fly": ["* There is no such command: !help lists them."],
            "\x07": ["* Character 1 is the control character \\x07: send the line without it."],
            "!join": ["* A room has a name: !join ROOM."],
            "!msg bob": ["* It takes a name and some words: !msg NAME WORDS."],
            "!help": SAID_IN_HELP,
            "!rooms": [f"* the rooms are: {', '.join(place.name for place in self.places.values())}"],
            "!users": [f"* {self.list_of(self.at(member))}"],
        }.get(line, [])

    @precondition(lambda self: self.names)
    @rule(data=st.data(), typed=st.sampled_from(sorted(NAMES)), text=st.sampled_from(WORDS))
    def tell(self, data: st.DataObject, typed: str, text: str) -> None:
        member = self.somebody(data)
        events = self.rooms.receive(member, f"!msg {typed} {text}".encode())
        text = text.strip()
        others = [other for other, name in self.names.items() if name == typed or {name, typed} in SAME_WORD]
        if not others:
            assert events == ()
            self.inbox[member].append(f"* There is nobody called {typed}: !users says who is here.")
        elif others == [member]:
            assert events == ()
            self.inbox[member].append("* That is your own name: say it to somebody else.")
        else:
            [other] = others
            assert events == (Said(member, self.names[member], self.names[other], text),)
            self.inbox[other].append(f"{self.names[member]} to {self.names[other]} > {text}")

    @precondition(lambda self: self.names)
    @rule(data=st.data(), room=st.sampled_from(sorted(ROOMS)))
    def join(self, data: st.DataObject, room: str) -> None:
        member = self.somebody(data)
        events = self.rooms.receive(member, f"!join {room}".encode())
        place = self.at(member)
        if self.places.get(ROOMS[room]) is place:
            assert events == ()
            self.inbox[member].append(f"* you are in the room {place.name} now. {self.list_of(place)}")
        elif ROOMS[room] not in self.places and len({"lobby", ROOMS[room], *self.places}) > MAX_ROOMS:
            assert events == ()
            self.inbox[member].append(f"* There are {MAX_ROOMS} rooms already: join one of them.")
        else:
            assert events == (self.goes(member), self.comes(member, room, "you are in the room {room} now"))

    @precondition(lambda self: self.inbox)
    @rule(data=st.data())
    def quit(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(sorted(self.inbox)))
        events = self.rooms.receive(member, b"!quit")
        assert events == ((self.goes(member), Close(member)) if member in self.names else (Close(member),))
        assert self.rooms.receive(member, b"still here?") == ()
        assert self.rooms.disconnect(member) == ()
        self.gone(member)

    @precondition(lambda self: self.inbox)
    @rule(data=st.data())
    def is_cut(self, data: st.DataObject) -> None:
        self.cut(data.draw(st.sampled_from(sorted(self.inbox))))

    @rule()
    def read(self) -> None:
        got = {member: words.decode().removesuffix("\n").split("\n") for member, words in self.outbox.take()}
        assert got == {member: lines for member, lines in self.inbox.items() if lines}
        for member, lines in got.items():
            for line in lines:
                self.views[member].read(line)
            self.inbox[member] = []
        for member in self.names:
            assert self.views[member].here == [self.names[other] for other in self.at(member).people]

    @invariant()
    def everybody_is_known(self) -> None:
        assert self.rooms.names == tuple(self.names.values())

    def teardown(self) -> None:
        self.read()


TestNothingIsLostDoubledOrPutInAnothersMouth = Naive.TestCase
TestNothingIsLostDoubledOrPutInAnothersMouth.settings = settings(max_examples=100, stateful_step_count=50)

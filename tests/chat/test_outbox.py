from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from chat.outbox import Member, Outbox


def outbox_of(**rooms: str) -> Outbox:
    """An outbox with some rooms, and who is in them: each digit a member."""
    made = Outbox()
    for room, members in rooms.items():
        for member in map(int, members):
            made.add(member)
            made.enter(member, room)
    return made


def take(outbox: Outbox) -> dict[Member, bytes]:
    taken = list(outbox.take())
    assert len({member for member, _ in taken}) == len(taken), "one piece for each member"
    assert all(words for _, words in taken)
    return dict(taken)


def test_all_but_the_speaker_get_what_is_said() -> None:
    outbox = outbox_of(lobby="123")
    assert not outbox
    outbox.say("lobby", b"one\n", 1)
    outbox.say("lobby", b"two\n", 2)
    outbox.say("lobby", b"three\n", 1)
    outbox.say("lobby", b"to all\n")
    assert outbox
    assert take(outbox) == {1: b"two\nto all\n", 2: b"one\nthree\nto all\n", 3: b"one\ntwo\nthree\nto all\n"}
    assert not outbox
    assert take(outbox) == {}


def test_whoever_hears_only_themselves_gets_nothing() -> None:
    outbox = outbox_of(lobby="1")
    outbox.say("lobby", b"hello?\n", 1)
    assert take(outbox) == {}
    outbox.add(2)
    outbox.enter(2, "lobby")
    assert take(outbox) == {}
    outbox.say("lobby", b"hello\n", 2)
    assert take(outbox) == {1: b"hello\n"}


def test_what_is_told_stands_where_it_was_told() -> None:
    outbox = outbox_of(lobby="12")
    outbox.say("lobby", b"one\n", 1)
    outbox.tell(2, b"two\n")
    outbox.tell(1, b"a\n")
    outbox.say("lobby", b"three\n", 1)
    outbox.say("lobby", b"b\n", 2)
    outbox.tell(2, b"four\n")
    assert take(outbox) == {1: b"a\nb\n", 2: b"one\ntwo\nthree\nfour\n"}


def test_somebody_in_no_room_can_be_told_something() -> None:
    outbox = Outbox()
    outbox.add(1)
    outbox.tell(1, b"psst\n")
    assert outbox
    assert take(outbox) == {1: b"psst\n"}


def test_rooms_do_not_hear_each_other() -> None:
    outbox = outbox_of(lobby="12", tea="34")
    outbox.say("lobby", b"l\n", 1)
    outbox.say("tea", b"t\n", 3)
    assert take(outbox) == {2: b"l\n", 4: b"t\n"}


def test_whoever_moves_takes_along_what_was_said_and_nothing_more() -> None:
    outbox = outbox_of(lobby="12", tea="3")
    outbox.say("tea", b"too early\n", 3)
    outbox.say("lobby", b"before\n", 2)
    outbox.enter(1, "tea")
    outbox.say("lobby", b"too late\n", 2)
    outbox.say("tea", b"welcome\n", 3)
    outbox.say("tea", b"thanks\n", 1)
    assert take(outbox) == {1: b"before\nwelcome\n", 3: b"thanks\n"}


def test_whoever_came_in_the_middle_of_a_turn_hears_the_next_one_from_its_beginning() -> None:
    outbox = outbox_of(lobby="1")
    outbox.say("lobby", b"too early\n", 1)
    outbox.add(2)
    outbox.enter(2, "lobby")
    outbox.say("lobby", b"one\n", 1)
    assert take(outbox) == {2: b"one\n"}
    outbox.say("lobby", b"two\n", 1)
    assert take(outbox) == {2: b"two\n"}
    outbox.say("lobby", b"three\n", 1)
    assert take(outbox) == {2: b"three\n"}


def test_whoever_goes_takes_along_what_is_left() -> None:
    outbox = outbox_of(lobby="12")
    outbox.say("lobby", b"one\n", 1)
    outbox.say("lobby", b"mine\n", 2)
    outbox.tell(2, b"two\n")
    assert outbox.remove(2) == b"one\ntwo\n"
    outbox.say("lobby", b"unheard\n", 1)
    assert take(outbox) == {1: b"mine\n"}
    assert outbox.remove(1) == b""


def test_a_room_that_was_closed_begins_anew() -> None:
    outbox = outbox_of(lobby="1")
    outbox.add(2)
    outbox.tell(1, b"bye\n")
    outbox.say("lobby", b"hello?\n", 1)
    outbox.leave(1)
    outbox.close("lobby")
    outbox.enter(2, "lobby")
    outbox.enter(1, "lobby")
    outbox.say("lobby", b"again\n", 1)
    assert take(outbox) == {1: b"bye\n", 2: b"again\n"}


ROOMS = st.sampled_from(["lobby", "tea"])


class Naive(RuleBasedStateMachine):
    """The oracle: a list for each member, to which every line is added at once."""

    members: Bundle[Member] = Bundle("members")

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.wanted: dict[Member, list[bytes]] = {}
        self.where: dict[Member, str] = {}
        self.open: set[str] = set()
        self.lines = 0
        self.count = 0

    def line(self) -> bytes:
        self.lines += 1
        return b"%d%s\n" % (self.lines, b"x" * (self.lines % 7))

    @rule(target=members)
    def add(self) -> Member:
        self.count += 1
        self.outbox.add(self.count)
        self.wanted[self.count] = []
        return self.count

    @rule(member=members, room=ROOMS)
    def enter(self, member: Member, room: str) -> None:
        self.outbox.enter(member, room)
        self.where[member] = room
        self.open.add(room)

    @rule(member=members)
    def leave(self, member: Member) -> None:
        self.outbox.leave(member)
        self.where.pop(member, None)

    @rule(member=consumes(members))
    def remove(self, member: Member) -> None:
        assert self.outbox.remove(member) == b"".join(self.wanted.pop(member))
        self.where.pop(member, None)

    @rule(member=members, times=st.integers(1, 3))
    def say(self, member: Member, times: int) -> None:
        if member in self.where:
            for _ in range(times):
                line = self.line()
                self.outbox.say(self.where[member], line, member)
                self.hear(self.where[member], line, but=member)

    @rule(room=ROOMS)
    def announce(self, room: str) -> None:
        if room in self.open:
            line = self.line()
            self.outbox.say(room, line)
            self.hear(room, line)

    def hear(self, room: str, line: bytes, but: Member | None = None) -> None:
        for member, where in self.where.items():
            if where == room and member != but:
                self.wanted[member].append(line)

    @rule(member=members)
    def tell(self, member: Member) -> None:
        line = self.line()
        self.outbox.tell(member, line)
        self.wanted[member].append(line)

    @precondition(lambda self: self.open - set(self.where.values()))
    @rule()
    def close(self) -> None:
        for room in self.open - set(self.where.values()):
            self.outbox.close(room)
            self.open.discard(room)

    @rule()
    def take(self) -> None:
        assert take(self.outbox) == {member: b"".join(lines) for member, lines in self.wanted.items() if lines}
        for lines in self.wanted.values():
            lines.clear()
        assert not self.outbox

    @invariant()
    def says_when_there_is_something(self) -> None:
        assert self.outbox or not any(self.wanted.values())

    def teardown(self) -> None:
        self.take()


TestNothingIsLostDoubledOrMoved = Naive.TestCase
TestNothingIsLostDoubledOrMoved.settings = settings(max_examples=100, stateful_step_count=40)

"""The rooms: who is where, and who reads what.

Knows: connections as numbers, their names, the rules for entering and speaking. Must not know: sockets, TLS, bytes to
be cut into lines, time. Contract: lines in; what is to be sent goes into the outbox, and events come out, in the order
in which they are to be carried out; a connection that has left yields nothing.
"""

from collections import deque
from dataclasses import dataclass, field

from chat import notices, protocol
from chat.errors import ChatError, NicknameError, ProtocolError
from chat.names import name_key, name_keys, nickname
from chat.outbox import Member, Outbox

# A person mistypes a name once or twice; a program that guesses names is not worth listening to.
NAME_TRIES = 5
FIRST_ROOM = "lobby"


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is to be closed, after all that is for it."""

    member: Member


@dataclass(frozen=True, slots=True)
class Joined:
    """For the log: somebody is in a room now; after `Left` of another one, the same person."""

    member: Member
    name: str
    room: str


@dataclass(frozen=True, slots=True)
class Left:
    """For the log: somebody is out of a room."""

    member: Member
    name: str
    room: str


@dataclass(frozen=True, slots=True)
class Refused:
    """For the log: a connection or its name was not accepted."""

    member: Member
    why: str


@dataclass(frozen=True, slots=True)
class Said:
    """For the log, where words are wanted there: what somebody said, to a room or to one person."""

    member: Member
    name: str
    to: str
    text: str


Event = Close | Joined | Left | Refused | Said


@dataclass(slots=True)
class _Room:
    name: str
    history: deque[bytes]
    members: dict[Member, "_Person"] = field(default_factory=dict)  # in joining order


@dataclass(slots=True)
class _Person:
    name: str
    prefix: bytes  # what stands before everything they say
    room: str  # its key


class Rooms:
    """All conversations of one server.

    `connect` once for each connection, `receive` for each of its lines, `disconnect` when it has ended, for whatever
    reason, even after a `Close`.

    Args:
        outbox: where everything that is to be sent goes.
        max_members: people at a time, in all rooms together.
        max_rooms: rooms at a time; a room ends when the last one leaves it.
        history: how many lines of a room somebody reads who comes in later, 0 for none.
        texts: whether what is said comes out as events too, for the log.
    """

    def __init__(self, outbox: Outbox, *, max_members: int, max_rooms: int, history: int, texts: bool = False) -> None:
        self._outbox = outbox
        self._max_members, self._max_rooms, self._history, self._texts = max_members, max_rooms, history, texts
        self._tries: dict[Member, int] = {}  # connected, without a name yet
        self._bound: dict[Member, str] = {}  # the only name that each of these may take
        self._people: dict[Member, _Person] = {}
        self._known: dict[str, Member] = {}  # each name by each of its keys
        self._rooms: dict[str, _Room] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Who is here, in all rooms, in the order in which they came."""
        return tuple(person.name for person in self._people.values())

    def connect(self, member: Member, bound: str | None = None) -> tuple[Event, ...]:
        """Let a connection in, which has no name yet and hears nothing, unless the house is full.

        Args:
            member: the connection.
            bound: the only name that it may take, as `nickname` returns it; None for any.
        """
        self._outbox.add(member)
        if bound is not None:
            self._bound[member] = bound
        if len(self._people) >= self._max_members:
            return self._full(member)
        self._tries[member] = 0
        return ()

    def receive(self, member: Member, line: bytes | ProtocolError) -> tuple[Event, ...]:
        """Carry out one line of a connection, or answer one that could not be read."""
        person = self._people.get(member)
        if person is not None:
            return self._hear(member, person, line)
        return self._name(member, line) if member in self._tries else ()

    def disconnect(self, member: Member) -> tuple[Event, ...]:
        """Take a connection out of its room."""
        self._tries.pop(member, None)
        self._bound.pop(member, None)
        person = self._people.pop(member, None)
        if person is None:
            return ()
        for key in name_keys(person.name):
            del self._known[key]
        return (self._leave(member, person),)

    def _full(self, member: Member) -> tuple[Event, ...]:
        self._tell(member, notices.line(notices.ROOM_FULL))
        return Refused(member, "room full"), Close(member)

    def _name(self, member: Member, line: bytes | ProtocolError) -> tuple[Event, ...]:
        try:
            if isinstance(line, ProtocolError):
                raise line
            text = protocol.decode(line)
            if protocol.is_quit(text):
                return *self.disconnect(member), Close(member)
            name = nickname(text)
            bound = self._bound.get(member)
            if bound is not None:
                if name_key(name) != name_key(bound):
                    raise NicknameError(notices.sentence(notices.OTHER_NAME, name=bound))
                name = bound  # as the certificate writes it: in capitals "ian" could pass for "lan"
            keys = name_keys(name)
            if not keys.isdisjoint(self._known):
                raise NicknameError(notices.sentence(notices.NAME_TAKEN, name=name))
        except ChatError as error:
            return self._refuse(member, str(error))
        del self._tries[member]
        if len(self._people) >= self._max_members:  # it has filled up meanwhile
            return self._full(member)
        person = _Person(name, protocol.said(name, "").encode(), "")
        self._people[member] = person
        self._known.update(dict.fromkeys(keys, member))
        return self._enter(member, person, FIRST_ROOM, notices.WELCOME)

    def _refuse(self, member: Member, why: str) -> tuple[Event, ...]:
        self._tries[member] += 1
        self._tell(member, notices.line(notices.NAME_REFUSED, why=why))
        if self._tries[member] < NAME_TRIES:
            return (Refused(member, why),)
        del self._tries[member]
        self._tell(member, notices.line(notices.TOO_MANY_NAMES))
        return Refused(member, why), Close(member)

    def _hear(self, member: Member, person: _Person, line: bytes | ProtocolError) -> tuple[Event, ...]:
        try:
            if isinstance(line, ProtocolError):
                raise line
            match protocol.parse(line):
                case protocol.Say(text):
                    return self._say(member, person, line, text)
                case protocol.Tell(name, text):
                    return self._pass_on(member, person, name, text)
                case protocol.Join(room):
                    return self._move(member, person, room)
                case protocol.Users():
                    names = [other.name for other in self._rooms[person.room].members.values()]
                    self._tell(member, notices.line(notices.HERE, count=len(names), names=", ".join(names)))
                case protocol.Rooms():
                    rooms = ", ".join(room.name for room in self._rooms.values())
                    self._tell(member, notices.line(notices.ROOMS, rooms=rooms))
                case protocol.Help():
                    for template in notices.HELP:
                        self._tell(member, notices.line(template))
                case protocol.Quit():
                    return *self.disconnect(member), Close(member)
        except ChatError as error:
            self._tell(member, notices.line("{why}", why=error))
        return ()

    def _say(self, member: Member, person: _Person, line: bytes, text: str) -> tuple[Event, ...]:
        if not text or text.isspace():  # Enter on an empty line, which says nothing and is no mistake either
            return ()
        whole = person.prefix + line + b"\n"
        self._outbox.say(person.room, whole, member)
        if self._history:
            self._rooms[person.room].history.append(whole)
        return (Said(member, person.name, self._rooms[person.room].name, text),) if self._texts else ()

    def _pass_on(self, member: Member, person: _Person, name: str, text: str) -> tuple[Event, ...]:
        other = self._known.get(name_key(name))
        # a name that only looks like somebody's is another one's, who may have left
        if other is None or name_key(self._people[other].name) != name_key(name):
            raise NicknameError(notices.sentence(notices.NOBODY, name=name))
        if other == member:
            raise NicknameError(notices.TO_YOURSELF)
        to = self._people[other].name
        self._tell(other, protocol.told(person.name, to, text))
        return (Said(member, person.name, to, text),) if self._texts else ()

    def _move(self, member: Member, person: _Person, room: str) -> tuple[Event, ...]:
        key = name_key(room)
        rooms = self._rooms.keys() | {FIRST_ROOM}  # which has its place also while nobody is in it
        if key not in rooms and len(rooms) >= self._max_rooms:
            raise ProtocolError(notices.sentence(notices.TOO_MANY_ROOMS, limit=self._max_rooms))
        left = () if key == person.room else (self._leave(member, person),)
        return *left, *self._enter(member, person, room, notices.MOVED)

    def _enter(self, member: Member, person: _Person, name: str, greeting: str) -> tuple[Event, ...]:
        key = name_key(name)
        again = person.room == key
        room = self._rooms.setdefault(key, _Room(name, deque(maxlen=self._history)))
        if not again:
            self._outbox.enter(member, key)
            person.room = key
            room.members[member] = person
        names = [other.name for other in room.members.values()]
        fields = {"name": person.name, "room": room.name, "count": len(names), "names": ", ".join(names)}
        self._tell(member, notices.line(greeting, **fields))
        if again:
            return ()
        for line in room.history:
            who, _, text = line[:-1].decode().partition(" > ")
            self._tell(member, notices.line(notices.EARLIER, name=who, text=text))
        came = notices.line(notices.CAME, name=person.name)
        self._outbox.say(key, protocol.encode(came), member)
        return (Joined(member, person.name, room.name),)

    def _leave(self, member: Member, person: _Person) -> Left:
        room = self._rooms[person.room]
        key, person.room = person.room, ""
        del room.members[member]
        self._outbox.leave(member)
        if room.members:
            self._outbox.say(key, protocol.encode(notices.line(notices.LEFT, name=person.name)))
        else:
            del self._rooms[key]
            self._outbox.close(key)
        return Left(member, person.name, room.name)

    def _tell(self, member: Member, line: str) -> None:
        self._outbox.tell(member, protocol.encode(line))

"""The room: who is in it, and who reads what.

Knows: connections as numbers, their names, the rules for entering. Must not know: sockets, TLS, bytes to be cut into
lines, time. Contract: lines in, events out, in the order in which they are to be carried out; a connection that is not
in the room any more yields nothing.
"""

from dataclasses import dataclass

from chat import protocol
from chat.errors import NicknameError, ProtocolError

Member = int

# A person mistypes a name once or twice; a program that guesses names is not worth listening to.
NAME_TRIES = 5


@dataclass(frozen=True, slots=True)
class Deliver:
    """A line for each of these connections, the same one."""

    to: tuple[Member, ...]
    line: str


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is to be closed, after all that was delivered to it."""

    member: Member


@dataclass(frozen=True, slots=True)
class Joined:
    """For the log: a connection has a name now."""

    member: Member
    name: str


@dataclass(frozen=True, slots=True)
class Left:
    """For the log: a named connection is out of the room."""

    member: Member
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """For the log: a connection or its name was not accepted."""

    member: Member
    why: str


Event = Deliver | Close | Joined | Left | Refused


class Room:
    """One conversation.

    `connect` once for each connection, `receive` for each of its lines, `disconnect` when it has ended, for whatever
    reason, even after a `Close`.
    """

    def __init__(self, max_members: int) -> None:
        self._max_members = max_members
        self._tries: dict[Member, int] = {}  # connected, without a name yet
        self._names: dict[Member, str] = {}  # in joining order

    @property
    def names(self) -> tuple[str, ...]:
        """Who is here, in joining order."""
        return tuple(self._names.values())

    def connect(self, member: Member) -> tuple[Event, ...]:
        """Let a connection in, which has no name yet and hears nothing, unless the room is full."""
        if len(self._tries) + len(self._names) >= self._max_members:
            return Refused(member, "room full"), Deliver((member,), protocol.ROOM_FULL), Close(member)
        self._tries[member] = 0
        return ()

    def receive(self, member: Member, line: bytes | ProtocolError) -> tuple[Event, ...]:
        """Carry out one line of a connection, or answer one that could not be read."""
        name = self._names.get(member)
        if name is not None:
            return self._hear(member, name, line)
        return self._name(member, line) if member in self._tries else ()

    def disconnect(self, member: Member) -> tuple[Event, ...]:
        """Take a connection out of the room."""
        self._tries.pop(member, None)
        name = self._names.pop(member, None)
        if name is None:
            return ()
        return Left(member, name), Deliver(tuple(self._names), protocol.left(name))

    def _name(self, member: Member, line: bytes | ProtocolError) -> tuple[Event, ...]:
        try:
            if isinstance(line, ProtocolError):
                raise line
            text = protocol.decode(line)
            if protocol.is_quit(text):
                return *self.disconnect(member), Close(member)
            name = protocol.nickname(text)
            if protocol.name_key(name) in map(protocol.name_key, self._names.values()):
                raise NicknameError(f"The name {name} is taken: choose another one.")
        except (NicknameError, ProtocolError) as error:
            return self._refuse(member, str(error))
        others = tuple(self._names)
        del self._tries[member]
        self._names[member] = name
        return (
            Joined(member, name),
            Deliver((member,), protocol.welcome(name, self.names)),
            Deliver(others, protocol.came(name)),
        )

    def _refuse(self, member: Member, why: str) -> tuple[Event, ...]:
        self._tries[member] += 1
        answer = Refused(member, why), Deliver((member,), protocol.name_refused(why))
        if self._tries[member] < NAME_TRIES:
            return answer
        del self._tries[member]
        return *answer, Deliver((member,), protocol.TOO_MANY_NAMES), Close(member)

    def _hear(self, member: Member, name: str, line: bytes | ProtocolError) -> tuple[Event, ...]:
        try:
            if isinstance(line, ProtocolError):
                raise line
            meant = protocol.parse(line)
        except ProtocolError as error:
            return (Deliver((member,), protocol.notice(str(error))),)
        match meant:
            case protocol.Quit():
                return *self.disconnect(member), Close(member)
            case protocol.Users():
                return (Deliver((member,), protocol.here(self.names)),)
            case protocol.Say(text):
                if not text.strip():  # Enter on an empty line, which says nothing and is no mistake either
                    return ()
                others = tuple(other for other in self._names if other != member)
                return (Deliver(others, protocol.said(name, text)),)

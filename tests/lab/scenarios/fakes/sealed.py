"""A conversation as it would be captured between the ends of a tunnel: no socket, but the wording is the chat's own."""

from collections.abc import Callable, Iterable, Sequence

from capture.segment import Endpoint
from capture.streams import ByteStream, Piece
from chat import notices, protocol
from lab.scenario import Join, Leave, ListUsers, Say, Step
from lab.scenarios.codecs import Codec
from lab.scenarios.fakes.attacks import Read, messages

Line = tuple[int, bool, bytes]  # when, whether the client sends it, what it says

OFFSET = 66  # of the payload in a frame


def lines(steps: Sequence[Step]) -> dict[str, list[Line]]:
    """The lines of each connection, by the name of the client, in the order of their coming."""
    found: dict[str, list[Line]] = {}
    here: list[str] = []
    clock = iter(range(1, 1 << 20))

    def put(who: str, *, from_client: bool, text: str) -> None:
        found.setdefault(who, []).append((next(clock), from_client, text.encode()))

    def tell(who: str, text: str) -> None:
        for other in here:
            if other != who:
                put(other, from_client=False, text=text)

    def do(step: Step) -> None:
        match step:
            case Join(who):
                put(who, from_client=True, text=who)
                here.append(who)
                names = ", ".join(here)
                put(who, from_client=False, text=notices.line(notices.WELCOME, name=who, count=len(here), names=names))
                tell(who, notices.line(notices.CAME, name=who))
            case Say(who, text):
                put(who, from_client=True, text=text)
                tell(who, protocol.said(who, text))
            case ListUsers(who):
                put(who, from_client=True, text="!users")
                names = ", ".join(here)
                put(who, from_client=False, text=notices.line(notices.HERE, count=len(here), names=names))
            case Leave(who):
                put(who, from_client=True, text="!quit")
                here.remove(who)
                tell(who, notices.line(notices.LEFT, name=who))

    for step in steps:
        do(step)
    for who in tuple(here):
        do(Leave(who))
    return found


def streams(spoken: Iterable[Sequence[Line]], make: Callable[[], Codec]) -> tuple[ByteStream, ...]:
    """The streams of the connections, the client's before the server's, each line in a frame of its own."""
    found = []
    for number, said in enumerate(spoken):
        client, server = Endpoint("127.0.0.1", 40000 + number), Endpoint("127.0.0.1", 12345)
        for from_client in (True, False):
            codec, data, pieces = make(), b"", []
            for when, theirs, line in said:
                if theirs == from_client:
                    sealed = codec.seal(line)
                    pieces.append(Piece(len(data), len(sealed), when, OFFSET, when))
                    data += sealed
            ends = (client, server) if from_client else (server, client)
            found.append(ByteStream(number, *ends, from_client, data, tuple(pieces), ()))
    return tuple(found)


def said(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """Who says what."""
    return [(step.who, step.text) for step in steps if isinstance(step, Say)]


def heard(reads: Iterable[Read]) -> list[tuple[str, str]]:
    """Who was read to say what."""
    return [(message.who, message.text) for message in messages(reads)]

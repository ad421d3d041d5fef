"""Exercise 3: which frames are the handshake of TCP, and which that of TLS."""

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.rights import Choice
from capture.segment import ACK, SYN
from capture.streams import Connection, connections
from capture.tls import CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE, SERVER_HELLO, Record, RecordLayer
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import letters_in
from lab.exercises.work import Work, sealed
from lab.scenario import Join, Say
from lab.scenario import Step as Deed
from lab.sessions import Session

_PEOPLE = 4  # in each of the two chats
_BETWEEN = (1, 4)  # messages between two that come
# What the task asks of each: is it in a connection without TLS, too?
_EVENTS = ("SYN", "SYN/ACK", "ACK", "ClientHello", "ServerHello", "ChangeCipherSpec")
_LETTERS = "ABCDEF"


@dataclass(frozen=True, slots=True)
class Opening:
    """How a connection begins; 0 for a frame that there is not.

    Attributes:
        tcp: frames of SYN, SYN/ACK and ACK.
        client_hello: frame where it begins.
        server_hello: likewise.
        encrypted: frame where the first encrypted record begins, whoever sends it.
        by_client: where the client's first one begins.
        later: frames in which its further ones begin.
        events: which of `_EVENTS` it has.
    """

    tcp: tuple[int, int, int]
    client_hello: int
    server_hello: int
    encrypted: int
    by_client: int
    later: frozenset[int]
    events: frozenset[str]


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        mine: the connection that is asked for.
        others: the other ones over TLS.
        plain: those without TLS.
        letters: the letter of each event in the task.
    """

    mine: Opening
    others: tuple[Opening, ...]
    plain: tuple[Opening, ...]
    letters: Mapping[str, str]

    @property
    def in_both(self) -> frozenset[str]:
        """The letters of the events that connections without TLS have, too."""
        return frozenset(self.letters[event] for event in self.mine.events & self.plain[0].events)


def _connection(draw: Draw) -> int:
    """Return which connection over TLS is asked about, from 1; the first two have nothing said before them."""
    return draw.number("connection", 3, _PEOPLE)


def _letters(draw: Draw) -> dict[str, str]:
    return dict(zip(draw.shuffled("events", _EVENTS), _LETTERS, strict=True))


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    events = {letter.lower(): event for event, letter in _letters(draw).items()}
    return {"host": cast.host(draw), "connection": str(_connection(draw)), **events}


def marks(draw: Draw) -> tuple[bytes, ...]:
    """Return what names this student in the capture: the server's name, and what is said first without TLS."""
    return cast.host(draw).encode(), cast.secret(draw, "plain 0").encode()


def _steps(draw: Draw, chat: str, names: tuple[str, ...]) -> tuple[Deed, ...]:
    """Return a chat in which some is said between two that come: so nobody's connection has the frames of another's."""
    steps: list[Deed] = [Join(names[0]), Join(names[1])]
    said = 0
    for at in range(2, _PEOPLE + 1):
        for _ in range(draw.number(f"{chat} before {at}", *_BETWEEN)):
            who = draw.choice(f"{chat} speaker {said}", names[:at])
            steps.append(Say(who, cast.sentence(draw, f"{chat} {said}")))
            said += 1
        steps += [Join(name) for name in names[at : at + 1]]
    return tuple(steps)


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record two chats at once, one over TLS 1.3 and one without."""
    names = cast.nicknames(draw, 2 * _PEOPLE)
    with tempfile.TemporaryDirectory() as private:
        made = live.secure(Path(private), cast.host(draw))
    secret = _steps(draw, "secret", names[:_PEOPLE])
    plain = _steps(draw, "plain", names[_PEOPLE:])
    over_tls, without = live.ports(draw, "port with TLS", "port without")
    chats = [live.Chat(secret, over_tls, cast.host(draw), made.server, made.client), live.Chat(plain, without)]
    live.record(folder, choice, chats)


def truth(work: Work) -> Truth:
    """Find how the connections begin.

    Raises:
        LabError: the capture does not hold them.
        CaptureError: the capture cannot be read.
    """
    traffic = work.traffic
    pairs = list(zip(connections(traffic.segments), traffic.sessions, strict=True))
    secret = [_opening(*pair) for pair in pairs if pair[1].is_tls]
    plain = [_opening(*pair) for pair in pairs if not pair[1].is_tls]
    if len(secret) != _PEOPLE or len(plain) != _PEOPLE:
        msg = f"The capture has {len(secret)} connections over TLS and {len(plain)} without, not {_PEOPLE} of each."
        raise LabError(msg)
    mine = secret.pop(_connection(work.draw) - 1)
    if not all((*mine.tcp, mine.client_hello, mine.server_hello, mine.by_client)):
        raise LabError("The capture lacks part of a handshake.")
    return Truth(mine, tuple(secret), tuple(plain), _letters(work.draw))


def _opening(connection: Connection, session: Session) -> Opening:
    syn = syn_ack = ack = 0
    for segment in connection.segments:
        flags, is_client = segment.flags & (SYN | ACK), segment.source == connection.client
        if flags == SYN and is_client:
            syn = syn or segment.frame
        elif flags == SYN | ACK and not is_client:
            syn_ack = syn_ack or segment.frame
        elif flags == ACK and is_client and syn_ack:
            ack = segment.frame
            break
    ours, theirs = _sealed(session.client), _sealed(session.server)
    client_hello, server_hello = _hello(session.client, CLIENT_HELLO), _hello(session.server, SERVER_HELLO)
    change = _first(session.server, lambda record: record.content_type == CHANGE_CIPHER_SPEC)
    frames = zip(_EVENTS, (syn, syn_ack, ack, client_hello, server_hello, change), strict=True)
    return Opening(
        tcp=(syn, syn_ack, ack),
        client_hello=client_hello,
        server_hello=server_hello,
        encrypted=min((*ours[:1], *theirs[:1]), default=0),
        by_client=ours[0] if ours else 0,
        later=frozenset(ours[1:]),
        events=frozenset(event for event, frame in frames if frame),
    )


def _frame(record: Record) -> int:
    return record.stream.locate(record.start, record.end)[0].frame


def _first(layer: RecordLayer, is_meant: Callable[[Record], bool]) -> int:
    return next((_frame(record) for record in layer.records if is_meant(record)), 0)


def _hello(layer: RecordLayer, kind: int) -> int:
    return _first(layer, lambda record: record.content_type == HANDSHAKE and record.fragment[:1] == bytes([kind]))


def _sealed(layer: RecordLayer) -> list[int]:
    """Return where the encrypted records of a side begin."""
    return [_frame(record) for record in sealed(layer)]


def _tcp(truth: Truth, answer: str) -> str:
    frames = tuple(int(number) for number in re.findall(r"[0-9]{1,9}", answer)[:99])
    mine = truth.mine
    if frames == mine.tcp:
        return ""
    if sorted(frames) == sorted(mine.tcp):
        return "order"
    if {mine.client_hello, mine.server_hello} & set(frames):
        return "tls_counted"
    if frames in [other.tcp for other in truth.others]:
        return "wrong_stream"
    if frames in [other.tcp for other in truth.plain]:
        return "no_tls"
    return "too_few" if len(frames) < len(mine.tcp) and set(frames) < set(mine.tcp) else "wrong"


def _client_hello(truth: Truth, answer: int) -> str:
    return _tls(truth, answer, lambda opening: opening.client_hello, {truth.mine.server_hello: "server_hello"})


def _server_hello(truth: Truth, answer: int) -> str:
    return _tls(truth, answer, lambda opening: opening.server_hello, {truth.mine.client_hello: "client_hello"})


def _encrypted(truth: Truth, answer: int) -> str:
    mine = truth.mine
    # the first of the chat's own may share a frame with the last of the handshake
    known = dict.fromkeys(mine.later, "later") | {mine.by_client: "by_client", mine.client_hello: "in_clear"}
    return _tls(truth, answer, lambda opening: opening.encrypted, known)


def _tls(truth: Truth, answer: int, of: Callable[[Opening], int], known: Mapping[int, str]) -> str:
    if answer == of(truth.mine):
        return ""
    if answer in known:
        return known[answer]
    if answer in truth.mine.tcp:
        return "tcp"
    return "wrong_stream" if answer in map(of, truth.others) else "wrong"


def _both(truth: Truth, answer: str) -> str:
    named = letters_in(answer, _LETTERS)
    if named == truth.in_both:
        return ""
    if named < truth.in_both:
        return "too_few"
    return "all" if len(named) == len(_EVENTS) else "tls_counted"


EXERCISE = Exercise(
    number=3,
    name="e03_two_handshakes",
    steps=(
        Step("tcp", 1, Kind.TEXT, _tcp, lambda t: " ".join(map(str, t.mine.tcp))),
        Step("client_hello", 1, Kind.NUMBER, _client_hello, lambda t: str(t.mine.client_hello)),
        Step("server_hello", 1, Kind.NUMBER, _server_hello, lambda t: str(t.mine.server_hello)),
        Step("encrypted", 1, Kind.NUMBER, _encrypted, lambda t: str(t.mine.encrypted)),
        Step("both", 1, Kind.TEXT, _both, lambda t: "".join(sorted(t.in_both))),
    ),
    values=values,
    run=run,
    marks=marks,
    truth=truth,
)

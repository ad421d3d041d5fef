"""What every attack on a fake has: the sealed lines as they stand in the capture, and what was read of them.

Pure. An attack gets bytes of the capture, and what the world knows: how the chat words things, how a codec frames its
lines, what the attacker said herself. Never a key of the two ends, and never what was really said. What it cannot
read it leaves out. Here are the two attacks that need no thought: undoing base64, and opening with a key that one has.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capture.streams import ByteStream, Span
from chat import notices, protocol
from chat.errors import ChatError
from chat.names import nickname
from lab.errors import LabError
from lab.scenarios.codecs import LENGTH, Codec


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed line.

    Attributes:
        stream: the stream that it stands in.
        number: which line of the stream it is, from 0.
        start: offset in the stream of the first sealed byte, after a length.
        end: offset after the last one.
    """

    stream: ByteStream
    number: int
    start: int
    end: int

    @property
    def data(self) -> bytes:
        """The sealed bytes."""
        return self.stream.data[self.start : self.end]

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where they stand in the capture."""
        return self.stream.locate(self.start, self.end) if self.start < self.end else ()

    @property
    def time_ns(self) -> int:
        """When the first of them was captured, nanoseconds since 1970."""
        return self.stream.slice(self.start, self.end)[0].time_ns if self.start < self.end else 0


@dataclass(frozen=True, slots=True)
class Read:
    """A line that was read: where it stands sealed, and what it says."""

    sealed: Sealed
    plaintext: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was read: who said it, the words, and the line as it stands in the capture."""

    who: str
    text: str
    sealed: Sealed


@dataclass(frozen=True, slots=True)
class Crib:
    """Known plaintext, and where it stands sealed.

    Attributes:
        text: what must stand there.
        spans: where.
        reaches: how many bytes of the key stream are known with it.
    """

    text: str
    spans: tuple[Span, ...]
    reaches: int


# The lines of a client and of the server.
Connection = tuple[Sequence[Sealed], Sequence[Sealed]]


def in_pairs(lines: Sequence[Sequence[Sealed]]) -> tuple[Connection, ...]:
    """Return the lines of each connection, from those of each stream, the client's before the server's."""
    return tuple(zip(lines[::2], lines[1::2], strict=True))


def framed_lines(stream: ByteStream) -> tuple[Sealed, ...]:
    """Return the lines of a stream that has a length in front of each."""
    found: list[Sealed] = []
    at = 0
    while at + LENGTH <= len(stream.data):
        start = at + LENGTH
        at = start + int.from_bytes(stream.data[at:start], "big")
        if at > len(stream.data):
            break
        found.append(Sealed(stream, len(found), start, at))
    return tuple(found)


def text_lines(stream: ByteStream, opened: bytes | None = None) -> tuple[Sealed, ...]:
    """Return the lines of a stream that end in LF; `opened` is what its bytes are, where they stand there sealed."""
    found: list[Sealed] = []
    at = 0
    data = stream.data if opened is None else opened
    while (end := data.find(b"\n", at)) >= 0:
        found.append(Sealed(stream, len(found), at, end))
        at = end + 1
    return tuple(found)


def says_something(plaintext: bytes) -> bool:
    """Whether this could be a line of the chat: UTF-8 without control characters."""
    try:
        protocol.decode(plaintext)
    except ChatError:
        return False
    return True


def name_of(plaintext: bytes) -> str | None:
    """Return the name that somebody enters with, None where this is none."""
    try:
        return nickname(protocol.decode(plaintext))
    except ChatError:
        return None


def messages(reads: Iterable[Read]) -> tuple[Message, ...]:
    """Return the messages among what was read, in the order in which they were captured.

    They are read in the clients' streams: the first line is a name, each later one a message or a command. Who speaks
    where the name was not read is not known, so nothing is heard from there.
    """
    names: dict[int, str] = {}
    heard: list[Message] = []
    for read in sorted(reads, key=lambda read: read.sealed.number):
        stream = read.sealed.stream
        if not stream.from_client:
            continue
        if read.sealed.number == 0:
            name = name_of(read.plaintext)
            if name is not None:
                names[stream.connection] = name
            continue
        try:
            meant = protocol.parse(read.plaintext)
        except ChatError:
            continue
        if isinstance(meant, protocol.Say) and stream.connection in names:
            heard.append(Message(names[stream.connection], meant.text, read.sealed))
    return tuple(sorted(heard, key=lambda message: message.sealed.time_ns))


WELCOME = notices.line(notices.WELCOME, name="\0", count=1, names="\0").partition("\0")[0].encode()


def welcome(name: str) -> bytes:
    """Return what the server says to the first one who comes in."""
    return notices.line(notices.WELCOME, name=name, count=1, names=name).encode()


def welcome_cribs(name: Sealed, greeting: Sealed) -> tuple[bytes, tuple[Crib, ...]]:
    """Return the start of a key stream that both directions share, from what the first one to come in is told.

    Every welcome begins with the same bytes. They open as many bytes of the client's first line, which is the name;
    the name stands in the welcome, so that more of it is known; and so on, until all of it is.

    Args:
        name: the first line of the client. Where its end cannot be seen, it may be longer, and have an LF in it.
        greeting: the first line of the server, likewise.

    Returns:
        The key stream, empty where the two do not fit together, and the steps.
    """
    cribs: list[Crib] = []

    def place(text: bytes) -> bytes:
        known = combined(greeting.data, text)
        spans = greeting.stream.locate(greeting.start, greeting.start + len(known))
        cribs.append(Crib(text.decode(errors="replace"), spans, len(known)))
        return known

    known = place(WELCOME) if greeting.data and name.data else b""
    while known:
        said, end, _ = combined(name.data, known).partition(b"\n")
        if end or len(said) == len(name.data):
            who = name_of(said)
            return (place(welcome(who)), tuple(cribs)) if who is not None else (b"", ())
        longer = place(WELCOME + said)
        known = longer if len(longer) > len(known) else b""
    return b"", ()


def combined(first: bytes, second: bytes) -> bytes:
    """Return the XOR of two pieces, as long as the shorter one."""
    return bytes(a ^ b for a, b in zip(first, second, strict=False))


def undo_base64(streams: Sequence[ByteStream]) -> tuple[Read, ...]:
    """Read what is base64: anybody can."""
    reads = []
    for stream in streams:
        for line in text_lines(stream):
            try:
                reads.append(Read(line, base64.b64decode(line.data, validate=True)))
            except binascii.Error:
                continue
    return tuple(reads)


def open_with(codec: Codec, lines: Sequence[Sealed]) -> tuple[Read, ...]:
    """Read the framed lines of a stream with a codec that has the key, up to the first that does not open."""
    reads = []
    for line in lines:
        try:
            opened = codec.open(line.stream.data[line.start - LENGTH : line.end])
        except LabError:
            break
        reads += [Read(line, plaintext) for plaintext in opened]
    return tuple(reads)

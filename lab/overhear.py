"""What an eavesdropper makes of the streams: names and messages, read by the rules of the chat, and where they stand.

Knows the chat's protocol and byte streams; is not told what was sent. It reads a plaintext chat, a decrypted one, and,
in vain, an encrypted one, by the same code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capture.decode import Line, lines
from capture.streams import ByteStream, Span
from chat import protocol
from chat.errors import ChatError


@dataclass(frozen=True, slots=True)
class Heard:
    """A message read off the wire.

    Attributes:
        who: the name its sender entered with.
        text: the words.
        stream: the client's stream that it stands in.
        start: offset of the first byte of the words in that stream.
        end: offset after the last one.
        spans: where the words stand in the capture.
        time_ns: when the first byte of them was captured, nanoseconds since 1970.
    """

    who: str
    text: str
    stream: ByteStream
    start: int
    end: int
    spans: tuple[Span, ...]
    time_ns: int


def overhear(streams: Sequence[ByteStream]) -> tuple[Heard, ...]:
    """Return the messages in the clients' streams, in the order in which they were captured."""
    answers = {stream.connection: stream for stream in streams if not stream.from_client}
    heard: list[Heard] = []
    for stream in streams:
        if stream.from_client:
            heard += _one(stream, answers.get(stream.connection))
    return tuple(sorted(heard, key=lambda message: (message.time_ns, message.spans[0].frame, message.start)))


def _one(stream: ByteStream, answer: ByteStream | None) -> Iterable[Heard]:
    said = [line for line in lines(stream) if line.complete]
    who = None
    for line in said:
        if who is None:
            who = _entered(line, answer)
            continue
        try:
            meant = protocol.parse(line.data)
        except ChatError:
            continue  # the server refuses such a line, so nobody heard it
        if isinstance(meant, protocol.Say) and line.data:
            end = line.start + len(line.data)
            spans, first = stream.locate(line.start, end), stream.slice(line.start, end)[0]
            yield Heard(who, meant.text, stream, line.start, end, spans, first.time_ns)


def _entered(line: Line, answer: ByteStream | None) -> str | None:
    """Return the name that this line asks for, if the server let it in."""
    try:
        name = protocol.nickname(protocol.decode(line.data))
    except ChatError:
        return None
    if answer is None or not answer.data:
        return name  # only one direction was captured: take the client's word
    welcomed = any(protocol.is_welcome(line.text or "", name) for line in lines(answer))
    return name if welcomed else None

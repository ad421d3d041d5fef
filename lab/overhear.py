"""What an eavesdropper makes of the streams: names and messages, read by the rules of the chat, and where they stand.

Knows the chat's protocol and byte streams; is not told what was sent. It reads a plaintext chat, a decrypted one, and,
in vain, an encrypted one, by the same code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capture.decode import Line, lines
from capture.streams import ByteStream, Span
from chat import notices, protocol
from chat.errors import ChatError
from chat.lines import MAX_LINE
from chat.names import nickname


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
        to: the only person it was meant for, empty where that is everybody.
    """

    who: str
    text: str
    stream: ByteStream
    start: int
    end: int
    spans: tuple[Span, ...]
    time_ns: int
    to: str = ""


def overhear(streams: Sequence[ByteStream]) -> tuple[Heard, ...]:
    """Return the messages in the clients' streams, in the order in which they were captured."""
    answers = {stream.connection: stream for stream in streams if not stream.from_client}
    heard: list[Heard] = []
    for stream in streams:
        if stream.from_client:
            heard += _one(stream, answers.get(stream.connection))
    return tuple(sorted(heard, key=lambda message: (message.time_ns, message.spans[0].frame, message.start)))


def name_of(stream: ByteStream, answer: ByteStream) -> str | None:
    """Return the name that a client entered with, by its stream and its server's; None where it did not get in."""
    entry = _entry([line for line in lines(stream) if line.complete], answer)
    return entry[1] if entry is not None else None


def _entry(said: Sequence[Line], answer: ByteStream | None) -> tuple[int, str] | None:
    """Return with which line a client got in, and under which name."""
    answers = [line.text or "" for line in lines(answer)] if answer is not None else []
    for number, line in enumerate(said):
        # the server answers each try for a name with one line, a refusal or the welcome
        who = _entered(line, answers[number : number + 1] if answers else None)
        if who is not None:
            return number, who
    return None


def _one(stream: ByteStream, answer: ByteStream | None) -> Iterable[Heard]:
    said = [line for line in lines(stream) if line.complete]
    entry = _entry(said, answer)
    if entry is None:
        return
    number, who = entry
    for line in said[number + 1 :]:
        try:
            meant = protocol.parse(line.data)
        except ChatError:
            continue  # the server refuses such a line, so nobody heard it
        if isinstance(meant, protocol.Quit):
            return  # nor does anybody hear what comes after it
        # a blank line says nothing, and one that is too long is refused
        if isinstance(meant, protocol.Say | protocol.Tell) and meant.text.strip() and len(line.data) <= MAX_LINE:
            words = meant.text.encode()
            start = line.start + line.data.rindex(words)
            end = start + len(words)
            spans, first = stream.locate(start, end), stream.slice(start, end)[0]
            to = meant.name if isinstance(meant, protocol.Tell) else ""
            yield Heard(who, meant.text, stream, start, end, spans, first.time_ns, to)


def _entered(line: Line, answer: Sequence[str] | None) -> str | None:
    """Return the name that this line asks for, if the server let it in; None for `answer`: its side is not captured."""
    try:
        name = nickname(protocol.decode(line.data))
    except ChatError:
        return None
    if answer is None:
        return name  # take the client's word
    notice = notices.recognise_line(answer[0]) if answer else None
    welcome = notice is not None and notice.template == notices.WELCOME and notice.fields["name"] == name
    return name if welcome else None


def repeated(streams: Sequence[ByteStream]) -> tuple[Heard, ...]:
    """Return the messages in the servers' streams, each as often as it was passed on, named by the server.

    They name who spoke even where the capture began too late to hear a name given.
    """
    heard = []
    for stream in streams:
        if stream.from_client:
            continue
        for line in lines(stream):
            if not line.complete or not line.text:
                continue
            told = protocol.parse_told(line.text)
            said = (told[0], told[2]) if told is not None else protocol.parse_said(line.text)
            if said is not None:
                who, text = said
                end = line.start + len(line.data)
                start = end - len(text.encode())
                first = stream.slice(start, end)[0]
                heard.append(
                    Heard(
                        who, text, stream, start, end, stream.locate(start, end), first.time_ns, told[1] if told else ""
                    )
                )
    return tuple(heard)

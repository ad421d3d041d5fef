"""The page on tampering: the table, the flipped bit on every transport, the order of records. Reads and prints."""

import shlex
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capture.streams import Span
from chat.escape import visible
from lab.folder import RunFolder
from lab.overhear import Heard
from lab.presentation import facts, rule, shorten, show_lines, spans_text
from lab.scenarios.alerts import FATAL
from lab.scenarios.tamper.changes import BODY, Tampering, Transport
from lab.scenarios.tamper.difference import Kind
from lab.scenarios.tamper.judge import Outcome, Result, flipped, goodbyes, outcome, passage, reading, refusal, refused
from lab.scenarios.tamper.read import Cell, Unit

_AROUND = 5  # bytes shown on each side of the one that differs
_READING = {
    Kind.SAME: "as sent",
    Kind.CHANGED: "other words",
    Kind.DOUBLED: "the message twice",
    Kind.MISSING: "message missing",
    Kind.SWAPPED: "wrong order",
    Kind.ENDED: "the end missing",
    Kind.OTHER: "something else",
}


def show(console: Console, result: Result) -> None:
    """Print what was measured."""
    target = result.target
    console.print(rule("What was said"))
    for number, text in enumerate(target.words):
        chosen = number == target.at
        console.print(
            Text.assemble(
                (f"{number + 1:>3}  ", "bold"),
                (shorten(visible(text), console.width - 35), "bold yellow" if chosen else ""),
                ("  <- the one tampered with" if chosen else "", "yellow"),
            )
        )
    console.print(rule("What became of it"))
    console.print(
        Text(
            "What bob got, and the frame that shows it: the first of his messages that is not as it was sent, or the "
            "server's alert. The alerts are encrypted, too, and read with the key log. Red: nobody noticed.",
            "dim",
        )
    )
    console.print(_table(result))
    console.print(rule("The flipped bit, before and after"))
    console.print(
        Text(
            "The same bit of the same message each time: as alice sent it, and as it came out of the attacker's relay. "
            "Bytes count from 0.",
            "dim",
        )
    )
    for transport in Transport:
        console.print(_story(result, result.cell(transport, Tampering.FLIP), console.width - 20))
    console.print(
        Padding(
            Text(
                "XOR and AES-GCM, the cipher of both TLS chats, encrypt alike here: each byte of the words is combined "
                "with a secret byte. A bit flipped in the encrypted byte is the same bit flipped in the word, and "
                "that takes no key. But AES-GCM adds a tag: 16 bytes at the end of each record, computed with the key "
                "from the record's number and all its bytes. The receiver computes it too, and if the two differ it "
                "gives out nothing. That a text cannot be read does not mean that it cannot be changed: encryption "
                "alone guards only against the first."
            ),
            (1, 1, 0, 1),
        )
    )
    console.print(rule("Records have their place in line"))
    console.print(facts(_order(result), indent=1))
    console.print(
        Padding(
            Text(
                "Both sides count the records, and the number goes into the tag although it is never sent. So an "
                "unchanged record at another place does not open either. A replayed, missing or swapped line of "
                "plaintext is a line like any other."
            ),
            (1, 1, 0, 1),
        )
    )
    console.print(rule("What the tags cannot tell"))
    console.print(Text(_cut(result)))
    show_lines(console, "See it yourself", tuple(_lines(result)))


def _table(result: Result) -> RenderableType:
    table = Table(expand=True, show_lines=True)
    table.add_column("on the way", no_wrap=True)
    for transport in Transport:
        table.add_column(transport, ratio=1)
    for tampering in Tampering:
        table.add_row(
            Text(tampering, "bold"), *(_entry(result.cell(transport, tampering), result) for transport in Transport)
        )
    return table


def _entry(cell: Cell, result: Result) -> RenderableType:
    found, came_of_it = reading(cell, result.target), outcome(cell, result.target)
    if came_of_it is Outcome.REFUSED:
        alert = next(alert for alert in cell.alerts if alert.level == FATAL)
        return _two_lines(f"refused: {alert.name}", "green", alert.spans)
    if came_of_it is Outcome.AS_SENT:
        return _two_lines("as sent", "", _spans(cell.read[-1:]))
    # of words that do not come there is no frame: the last one before them
    shown = cell.read[found.at :][: 2 if found.kind is Kind.DOUBLED else 1] or cell.read[-1:]
    return _two_lines(_READING[found.kind], "red", _spans(shown[-1:]), "after " if found.kind is Kind.ENDED else "")


def _two_lines(text: str, style: str, spans: tuple[Span, ...], before: str = "") -> RenderableType:
    where = f"{before}frame {spans[0].frame}" if spans else ""
    return Group(Text(text, style), Text(where, "dim"))


def _spans(read: tuple[Heard, ...]) -> tuple[Span, ...]:
    return tuple(span for heard in read for span in heard.spans)


def _story(result: Result, cell: Cell, width: int) -> RenderableType:
    suite = f"  {cell.cipher_suite}" if cell.cipher_suite else ""
    head = Text.assemble((cell.transport, "bold"), (suite, "dim"))
    at = passage(cell).at
    flips = flipped(cell, at) if passage(cell).kind is Kind.CHANGED else ()
    if not flips:
        return Padding(Group(head, Text("  no bit was flipped", "bold red")), (1, 0, 0, 1))
    flip = flips[0]
    place = BODY[cell.transport] + flip.byte
    before, after = cell.sent[at], cell.arrived[at]
    a, b = before.data[place], after.data[place]
    rows: list[tuple[str, str | Text]] = [
        ("sent", _bytes(before, place)),
        ("arrived", _bytes(after, place)),
        ("the bit", f"{a:08b} became {b:08b}: bit {flip.bit}, counted from 0 on the right"),
        *_read_rows(result, cell, at, width),
    ]
    return Padding(Group(head, facts(rows, indent=2)), (1, 0, 0, 1))


def _bytes(unit: Unit, place: int) -> Text:
    first, end = max(0, place - _AROUND), min(len(unit.data), place + _AROUND + 1)
    (span,) = unit.span(place, place + 1)
    text = Text(f"frame {span.frame}, byte {span.first}".ljust(24))
    for at in range(first, end):
        text.append(f"{unit.data[at]:02x}", "reverse" if at == place else "yellow")
        text.append(" ")
    text.append("  ")
    for at in range(first, end):
        byte = unit.data[at]
        text.append(chr(byte) if 0x20 <= byte < 0x7F else ".", "reverse" if at == place else "dim")
    return text


def _read_rows(result: Result, cell: Cell, at: int, width: int) -> Iterator[tuple[str, str | Text]]:
    found = reading(cell, result.target)
    if found.kind is Kind.ENDED and found.at <= at:
        later = len(result.target.words) - at - 1
        yield "bob reads", Text(f"nothing of it, nor of the {later} messages after it", "green")
    else:
        heard = cell.read[at : at + 1] if found.kind in (Kind.SAME, Kind.CHANGED) else ()
        said = shorten(visible(heard[0].text), width) if heard else str(found)
        yield "bob reads", Text.assemble((said, "red"), (f"  {spans_text(_spans(heard))}", "dim"))
    if not refusal(cell):
        yield "who notices", "nobody"
        return
    yield "who notices", Text.assemble("the server: fatal alert ", (_refused_by(cell), "green"))
    sent, arrived, words = cell.sent[at].data, cell.arrived[at].data, cell.sent[at].words
    if words is not None:
        body = BODY[cell.transport]
        pairs = zip(sent[body:], arrived[body:], words, strict=False)
        unchecked = bytes(a ^ b ^ c for a, b, c in pairs).decode("utf-8", "backslashreplace")
        shown = shorten(visible(unchecked), width - 30)
        yield "unchecked", Text.assemble("without the tag it would say: ", (shown, "red"))


def _refused_by(cell: Cell) -> str:
    alert = next(alert for alert in cell.alerts if alert.level == FATAL)
    end = f"; {cell.end.flag} in frame {cell.end.span.frame}" if cell.end else ""
    return f"{alert.name}, {spans_text(alert.spans)}{end}"


def _order(result: Result) -> Iterator[tuple[str, str]]:
    for tampering in (Tampering.REPLAY, Tampering.DROP, Tampering.SWAP):
        cell = result.cell(Transport.TLS_1_3, tampering)
        at = refused(cell)
        if at is None or at == 0:
            yield tampering, "every record opened"
            continue
        unit, before = cell.arrived[at], cell.arrived[at - 1]
        original = next((sent for sent in cell.sent if sent.data == unit.data), None)
        if original is None or original.sequence is None or before.sequence is None:
            yield tampering, f"the record in {spans_text(unit.spans)} is none that was sent"
            continue
        yield (
            tampering,
            f"the record in frame {unit.spans[0].frame} was sealed as number {original.sequence}, and the server was "
            f"at number {before.sequence + 1}: {refusal(cell)}",
        )


def _cut(result: Result) -> str:
    cell = result.cell(Transport.TLS_1_3, Tampering.CUT)
    count = reading(cell, result.target).at
    alert = refusal(cell) or "no alert"
    goodbye = "alice's close_notify arrived." if goodbyes(cell.alerts) else "alice sent no close_notify."
    if (gone := goodbyes(cell.alerts_sent)) and not goodbyes(cell.alerts):
        goodbye = (
            f"alice's close_notify (frame {gone[0].spans[0].frame}) never arrived: by that alone a program can tell an "
            "end from a cut. This chat, as many programs, takes both for somebody who has left."
        )
    return (
        f"Where everything from message {result.target.at + 1} on is left out, no later record is there to fail. bob "
        f"got {count} of {len(result.target.words)} messages, and {alert}; {goodbye}"
    )


def _lines(result: Result) -> Iterator[tuple[str, str]]:
    plain, tls = (result.cell(transport, Tampering.FLIP) for transport in (Transport.PLAIN, Transport.TLS_1_3))
    at = result.target.at
    frames = [units[at].spans[0].frame for units in (plain.sent, plain.arrived) if len(units) > at]
    yield "the plaintext message before and after the attacker", payloads(result.folder, frames)
    alert = next((alert for alert in tls.alerts if alert.level == FATAL), None)
    if alert is not None:
        port = tls.arrived[0].stream.destination.port
        yield "the alert over TLS 1.3, with the key log: level, then description", alert_line(result.folder, port)


def payloads(folder: RunFolder, frames: list[int]) -> str:
    """Return the tshark line that prints the payload of some frames in hex, a line each."""
    wanted = " || ".join(f"frame.number=={frame}" for frame in frames)
    capture = shlex.quote(str(folder.capture))
    return f"tshark -r {capture} -Tfields -e frame.number -e tcp.payload -Y '{wanted}'"


def alert_line(folder: RunFolder, port: int) -> str:
    """Return the tshark line that prints the alerts of the TLS chat on `port`: frame, level, description."""
    capture, keylog = shlex.quote(str(folder.capture)), shlex.quote(str(folder.keylog))
    return (
        f"tshark -r {capture} -o tls.keylog_file:{keylog} -d tcp.port=={port},tls -Tfields -e frame.number "
        f"-e tls.alert_message.level -e tls.alert_message.desc -Y 'tcp.port=={port} && tls.alert_message.level==2'"
    )

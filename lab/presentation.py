"""Outcomes as text for the terminal. Reads values and prints; decides nothing.

Whatever was typed or captured passes through `visible` first and is never read as markup.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from capture.decode import colon_hex, hexdump, strip_colons
from capture.readers import ReaderName
from capture.rights import MEANING, Choice, Way
from capture.sources.source import Counters
from capture.streams import ByteStream, Span
from capture.tls import CONTENT_TYPES, TLS_1_3, VERSIONS, Record
from capture.tools import find
from certs.openssl_course import Step
from chat.escape import visible
from lab import shell
from lab.doctor import Check
from lab.folder import RunFolder
from lab.overhear import Heard, repeated
from lab.pipeline import ChatOutcome, Outcome
from lab.reading import Reading
from lab.record import Transport
from lab.verdict import ALPHA, Finding, Verdict
from lab.visible import Visible

_SHORT_ECHO = 100  # characters of hex that still fit a line to copy


def shorten(text: str, width: int) -> str:
    """Return `text`, its middle left out where it is longer than `width` characters."""
    if len(text) <= width:
        return text
    head = (width - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def spans_text(spans: Iterable[Span]) -> str:
    """Return where bytes stand, as it can be looked up in Wireshark: "frame 14, bytes 66-81"."""
    return "; ".join(str(span) for span in spans)


def show(console: Console, outcome: Outcome) -> None:
    """Print a finished run."""
    console.print(way_text(outcome.plan.choice))
    if len(outcome.chats) == 1:
        for chat in outcome.chats.values():
            (_show_plain if chat.transport is Transport.PLAIN else _show_tls)(console, outcome, chat)
    else:
        _show_both(console, outcome)
    _show_end(console, outcome)


def way_text(choice: Choice) -> Text:
    """Return how it was captured, and why not better."""
    text = f"Captured {MEANING[choice.way]}."
    if choice.why and choice.way is not Way.LOOPBACK:
        text += f" {choice.why} `make doctor` says how to get a better way."
    return Text(visible(text), "dim")


def rule(title: str) -> RenderableType:
    """Return the line that a part of the page begins with."""
    return Padding(Rule(Text(title, "bold"), align="left"), (1, 0, 0, 0))


def facts(rows: Iterable[tuple[str, str | Text]], indent: int = 4) -> RenderableType:
    """Lay out "label  value" rows; long values wrap below themselves."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(Text(label), Text(value) if isinstance(value, str) else value)
    return Padding(table, (0, 0, 0, indent))


def _message(number: int, who: str, text: str, width: int) -> Text:
    return Text.assemble((f"{number:>3}  ", "bold"), (visible(who), "bold cyan"), "  ", shorten(visible(text), width))


def _frame_payload(heard: Heard) -> bytes:
    """Return the payload of the first frame that the message stands in, as `tcp.payload` has it."""
    return _payload_at(heard.stream, heard.spans[0])


def _payload_at(stream: ByteStream, span: Span) -> bytes:
    return b"".join(
        stream.data[piece.start : piece.start + piece.length] for piece in stream.pieces if piece.frame == span.frame
    )


def _show_plain(console: Console, outcome: Outcome, chat: ChatOutcome) -> None:
    width = console.width - 20
    repeats = repeated(chat.streams)
    console.print(rule(f"The plaintext chat on port {chat.port}, read off the wire"))
    console.print(
        Text(
            "Bytes count from 0, the first and the last are included. tcp.payload is Wireshark's name for what a frame "
            "carries: here the words and the line feed (0a) that ends them, or as much as the first frame holds.",
            "dim",
        )
    )
    for finding in chat.verdict.findings:
        console.print(_message(finding.sent.number, finding.sent.who, finding.sent.text, width))
        heard = finding.heard
        if heard is None:
            console.print(Text("     not read", "bold red"))
            continue
        payload = _frame_payload(heard)
        colons = colon_hex(payload)
        passed_on = sorted({h.spans[0].frame for h in repeats if (h.who, h.text) == (heard.who, heard.text)})
        rows: list[tuple[str, str | Text]] = [
            ("where", spans_text(heard.spans)),
            *([("passed on", f"by the server in {_frames(passed_on)}")] if passed_on else []),
            ("tcp.payload", shorten(colons, width)),
            ("no colons", shorten(strip_colons(colons), width)),
            ("decoded", Text(shorten(visible(heard.text), width), "green")),
        ]
        console.print(facts(rows, indent=5))
    short = next((f.heard for f in chat.verdict.findings if f.heard and len(f.sent.text) < _SHORT_ECHO), None)
    if short is not None:
        frame, capture = short.spans[0].frame, outcome.folder.capture
        show_lines(
            console,
            "See it yourself",
            (
                ("every payload of the chat, in hex", shell.plain_fields(capture, chat.port)),
                (
                    "one of them as JSON, with colons",
                    shell.payload_json(capture, frame, ("tcp.payload",), chat.port, "data"),
                ),
                ("from hex back to words", shell.decode(_frame_payload(short))),
            ),
        )
    _show_verdict(console, "Verdict", chat.verdict, "read off the wire")


def _show_tls(console: Console, outcome: Outcome, chat: ChatOutcome) -> None:
    assert chat.with_keys is not None
    console.print(rule(f"The TLS chat on port {chat.port}, without keys"))
    console.print(_search_table(chat.verdict, console.width))
    _show_statistics(console, chat.verdict)
    carried = [(f, r) for f, r in zip(chat.with_keys.findings, chat.carriers, strict=True) if r and f.heard]
    if carried:
        finding, record = min(carried, key=lambda pair: len(pair[1].fragment))
        console.print(rule("One record taken apart"))
        _show_record(console, outcome, chat, finding, record)
    console.print(rule("What anybody can still see"))
    for connection in chat.visible:
        console.print(_visible(connection))
    _show_verdict(console, "Verdict without keys", chat.verdict, "read off the wire")
    console.print(rule("The same file, with the key log"))
    for finding in chat.with_keys.findings:
        console.print(_message(finding.sent.number, finding.sent.who, finding.sent.text, console.width - 20))
        where = f"encrypted in {spans_text(finding.heard.spans)}" if finding.heard else "not read"
        console.print(Text(f"     {where}", "dim" if finding.heard else "bold red"))
    line = shell.decrypted_fields(outcome.folder.capture, outcome.folder.keylog, chat.port)
    show_lines(console, "See it yourself", (("what the chat says, with the key log", line),))
    _show_verdict(console, "Verdict with the keys", chat.with_keys, "read with the key log")


def _show_both(console: Console, outcome: Outcome) -> None:
    plain, tls = outcome.chats[Transport.PLAIN], outcome.chats[Transport.TLS]
    assert tls.with_keys is not None
    table = Table(title="One conversation, twice, in one capture", title_style="bold", expand=True, show_lines=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(f"plaintext, port {plain.port}", ratio=1)
    table.add_column(f"TLS, port {tls.port}", ratio=1, overflow="fold")
    width = max(20, (console.width - 16) // 2)
    rows = zip(plain.verdict.findings, tls.with_keys.findings, tls.carriers, strict=True)
    for open_book, closed, record in rows:
        table.add_row(str(open_book.sent.number), _open_cell(open_book, width), _closed_cell(closed, record, width))
    console.print(table)
    _show_statistics(console, tls.verdict)
    _show_verdict(console, "Plaintext", plain.verdict, "read off the wire")
    _show_verdict(console, "TLS", tls.verdict, "read off the wire")
    _show_verdict(console, "TLS with the key log", tls.with_keys, "read")


def _open_cell(finding: Finding, width: int) -> RenderableType:
    heard = finding.heard
    if heard is None:
        return Text("not read", "bold red")
    return Group(
        Text.assemble((visible(heard.who), "bold cyan"), " ", (shorten(visible(heard.text), width * 2), "green")),
        Text(spans_text(heard.spans), "dim"),
    )


def _closed_cell(finding: Finding, record: Record | None, width: int) -> RenderableType:
    if record is None or finding.heard is None:
        return Text("not found, even with the keys", "bold red")
    colons = colon_hex(record.stream.data[record.start : record.end])
    return Group(
        Text(shorten(colons, width * 2), "yellow"),
        Text(spans_text(record.stream.locate(record.start, record.end)), "dim"),
    )


def _search_table(verdict: Verdict, width: int) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column(style="bold cyan")
    table.add_column()
    table.add_column(no_wrap=True)
    for finding in verdict.findings:
        if finding.found or finding.heard:
            outcome = Text("found", "bold red")
        elif finding.in_payload:
            # too short to tell: as often as chance may put it there, no more
            places = "1 place" if finding.in_payload == 1 else f"{finding.in_payload} places"
            outcome = Text(f"{places}; chance alone explains {finding.by_chance:.2g}", "yellow")
        elif finding.places:
            outcome = Text("in the handshake only", "yellow")
        else:
            outcome = Text("found nowhere", "green")
        words = shorten(visible(finding.sent.text), max(20, width - 35))
        table.add_row(str(finding.sent.number), visible(finding.sent.who), Text(words), outcome)
    return Padding(table, (0, 0, 0, 1))


def _show_statistics(console: Console, verdict: Verdict) -> None:
    rows: list[tuple[str, str]] = [
        ("searched", f"{verdict.searched:,} bytes of reassembled streams, for the bytes of every message sent"),
        ("as text", f"valid UTF-8 for the first {verdict.utf8} of {verdict.payload:,} encrypted bytes"),
    ]
    test = verdict.randomness
    if test is not None:
        rows.append(
            (
                "randomness",
                f"{test.test} on {test.sample:,} bytes: p = {test.p_value:.3g}; entropy {test.entropy:.2f} bits a byte",
            )
        )
        rows.append(
            (
                "",
                "p says how often truly random bytes look at least this uneven: below 0.05 one time in 20. Here only a "
                f"p below {ALPHA:g} counts as structure; plaintext has a p of 0. A larger p proves no secrecy: "
                "compressed or XORed text can look as random.",
            )
        )
    console.print(facts(rows, indent=1))


def _show_record(console: Console, outcome: Outcome, chat: ChatOutcome, finding: Finding, record: Record) -> None:
    data = record.stream.data[record.start : record.end]
    spans = record.stream.locate(record.start, record.end)
    length = len(record.fragment)
    header = colon_hex(record.header)
    seen = next(v for v in chat.visible if v.connection == record.stream.connection)
    clear = (
        f"the first {seen.explicit_nonce} a number in the clear (the nonce), the rest " if seen.explicit_nonce else ""
    )
    version = f"version: {VERSIONS[record.version]} (RFC 5246, section 6.2.1)"
    if seen.version == VERSIONS[TLS_1_3]:
        version = f"legacy version: {VERSIONS[record.version]}, although this is TLS 1.3 (RFC 8446, section 5.1)"
    rows: list[tuple[str, str | Text]] = [
        ("where", spans_text(spans)),
        ("tcp.payload", shorten(colon_hex(data), console.width - 18)),
        (header[:2], f"content type {record.content_type}: {CONTENT_TYPES[record.content_type]}"),
        (header[3:8], version),
        (header[9:], f"length: {length} bytes follow"),
        ("tls.app_data", shorten(colon_hex(record.fragment), console.width - 18)),
        ("", f"these {length} bytes: {clear}encrypted; the last 16 are the authentication tag, a seal against changes"),
    ]
    console.print(facts(rows, indent=1))
    # a narrow terminal cuts the text column off: wrapped, it would stand under the wrong bytes
    console.print(Padding(Text(hexdump(data[:96]), "yellow", no_wrap=True, overflow="crop"), (0, 0, 0, 3)))
    if len(data) > 96:
        console.print(Text(f"   … {len(data) - 96} more bytes", "dim"))
    capture = outcome.folder.capture
    show_lines(
        console,
        "See it yourself",
        (
            (
                "the same bytes as tshark shows them",
                shell.payload_json(capture, spans[0].frame, ("tcp.payload", "tls.app_data"), chat.port, "tls"),
            ),
            ("from hex back to bytes (noise, so shown as a hexdump)", shell.decode(data) + " | xxd"),
        ),
    )
    console.print(
        Text(f" With the keys it says what {visible(finding.sent.who)} wrote; the end of this page shows it.", "dim")
    )


def _visible(connection: Visible) -> RenderableType:
    records = connection.records
    first = records[0].time_ns if records else 0
    listed = ", ".join(
        f"{'→' if record.from_client else '←'}{record.length} at {(record.time_ns - first) / 1e6:.0f}"
        for record in records[:10]
    )
    more = f", and {len(records) - 10} more" if len(records) > 10 else ""
    total = sum(record.length for record in records)
    rows = [("who", f"{connection.client} to {connection.server}")]
    if connection.version is None:
        rows.append(("how", "TLS, but its handshake is not in the capture"))
    else:
        name = visible(connection.server_name) if connection.server_name else "nobody by name"
        rows.append(("asks for", f"{name} (SNI, the server name in the ClientHello)"))
        rows.append(("how", f"{connection.version}, {connection.cipher_suite}"))
        seen = "crossed in the clear" if connection.certificate else "encrypted, as TLS 1.3 does it"
        rows.append(("certificate", seen))
    rows.append(("records", f"{len(records)} encrypted, {total:,} bytes in all; → to the server, ← back, bytes at ms:"))
    rows.append(("", listed + more))
    if connection.overhead is not None:
        rows.append(
            ("so", f"a record of n bytes hides n - {connection.overhead}: the length of each line is no secret")
        )
    return facts(rows, indent=1)


def show_lines(console: Console, title: str, lines: Sequence[tuple[str, str]]) -> None:
    """Print shell lines to copy, each with what it does."""
    console.print(rule(title))
    for what, line in lines:
        missing = [program for program in ("tshark", "xxd") if f"{program} " in line and find(program) is None]
        console.print(
            Text(f" # {what}{f'  (needs {_list(missing)}, not installed here)' if missing else ''}", "dim"),
            soft_wrap=True,
        )
        # soft wrap: what the terminal breaks, copying puts together again
        console.print(Text(f" {line}"), soft_wrap=True)


def _show_verdict(console: Console, title: str, verdict: Verdict, done: str) -> None:
    total = len(verdict.findings)
    style = "bold green" if verdict.ok else "bold red"
    console.print()
    console.print(Text.assemble((f"{title}: ", "bold"), (f"{verdict.read} of {total} messages {done}.", style)))
    for problem in verdict.problems:
        console.print(Text(f"  Not as expected: {problem}", "bold red"))


def _show_end(console: Console, outcome: Outcome) -> None:
    folder = outcome.folder
    console.print()
    for problem in outcome.problems:
        console.print(Text(f"Not as expected: {problem}", "bold red"))
    seconds = f", in {outcome.seconds:.1f} s"
    console.print(Text(counted(outcome.plan.choice, outcome.counters, outcome.plan.reader) + seconds + "."))
    keylog = folder.keylog if Transport.TLS in outcome.chats else None
    files = [folder.capture, folder.transcript, folder.verdict] + ([folder.keylog] if keylog else [])
    show_files(console, folder, files, keylog)


def counted(choice: Choice, counters: Counters, reader: ReaderName) -> str:
    """Return what was captured and read, without a full stop."""
    unit = "frames written" if choice.way is Way.TAP else "packets captured"
    return f"{counters.received} {unit}, {counters.dropped} dropped, read with {reader}"


def show_files(console: Console, folder: RunFolder, files: Sequence[Path], keylog: Path | None) -> None:
    """Print which files a run has left, and how to open them."""
    console.print(Text(f"Files: {folder.path}/ ({', '.join(file.name for file in files)})"), soft_wrap=True)
    console.print(Text(f"Open:  {shell.wireshark(folder.capture, keylog)}"), soft_wrap=True)


def _frames(frames: Sequence[int]) -> str:
    """Return "frame 1", "frames 1 and 2", and of many the first few."""
    shown = f"{', '.join(map(str, frames[:5]))} and {len(frames) - 5} more" if len(frames) > 6 else _list(frames)
    return f"frame{'s' if len(frames) > 1 else ''} {shown}"


def _list(things: Sequence[object]) -> str:
    """Return "1", "1 and 2", "1, 2 and 3"."""
    words = [str(thing) for thing in things]
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def show_reading(console: Console, reading: Reading) -> None:
    """Print what was read of a capture file."""
    for number, heard in enumerate(reading.heard, start=1):
        console.print(
            _message(number, heard.who + (f" to {heard.to}" if heard.to else ""), heard.text, console.width - 20)
        )
        how = "opened with the key log" if heard.stream.connection in reading.opened else "plaintext"
        passed_on = "" if heard.stream.from_client else ", passed on by the server"
        console.print(Text(f"     {how}{passed_on}, {spans_text(heard.spans)}", "dim"))
    if not reading.heard:
        console.print(Text(f"No message of the chat stands readable in its {reading.segments} TCP segments."))
    for connection in reading.closed:
        console.print(_visible(connection))
    if reading.closed:
        stay = "connection stays" if len(reading.closed) == 1 else "connections stay"
        console.print(Text(f"{len(reading.closed)} TLS {stay} closed: no key was given that opens them (--keylog)."))


def show_checks(console: Console, checks: Iterable[Check]) -> None:
    """Print what the doctor found."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        mark = Text("ok", "green") if check.good else Text("!!", "bold yellow")
        found = Text(visible(check.found))
        if check.advice:
            found.append(f"\n{check.advice}", "yellow")
        table.add_row(mark, check.name, found)
    console.print(table)


def show_step(console: Console, step: Step) -> None:
    """Print a step of the openssl course: what is run, what it says, what it means."""
    console.print(rule(step.title))
    console.print(Text(f"$ {step.command}", "bold"), soft_wrap=True)
    if step.output:
        # the dots of openssl's search for primes would push the text off the screen
        told = [line for line in step.output.splitlines() if not set(line) <= set(".+*")]
        console.print(Text("\n".join(map(visible, told)), "dim"))
    console.print(Text(step.explanation))

"""The page of the key x session matrix. Reads values and prints; decides nothing."""

import shlex
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capture.decode import colon_hex
from capture.stolen import KeyExchange, Share
from chat.escape import visible
from lab import shell
from lab.presentation import facts, rule, shorten, show_lines, spans_text
from lab.scenarios.keys.matrix import Cell, Matrix, Means, Row
from lab.scenarios.keys.verdict import agrees, is_read, textbook

_HEADS = {
    Means.NOTHING: "with nothing",
    Means.STOLEN_KEY: "with the private key",
    Means.KEY_LOG: "with the key log",
}
_ENCRYPTED = "the secret itself, encrypted to the server's key"
_HALF = "a public key for this connection alone"


def show(console: Console, matrix: Matrix) -> None:
    """Print what was measured."""
    console.print(rule("How each session came to its secret, as anybody can see"))
    console.print(
        Text(
            "Before anything is encrypted, the two sides agree on a secret in the clear part of the handshake: the key "
            "exchange. Bytes count from 0; the first and the last are included. Of each session, its first connection:",
            "dim",
        )
    )
    for row in matrix.rows:
        console.print(_exchange(row))
    console.print(rule("The matrix"))
    console.print(
        Text(
            "How many messages were read, and what the textbook says. Below it, the first of them and where its words "
            "stand; or how many encrypted bytes were searched in vain, and where the key exchange begins that explains "
            "it. The private key is the server's, stolen after the conversation.",
            "dim",
        )
    )
    console.print(_table(matrix))
    for row in matrix.rows:
        if row.recorded:
            console.print(_recording(row))
    for row in matrix.rows:
        if row.recovered:
            console.print(rule(f"From the stolen key to the words: {row.kind.name}"))
            console.print(_steps(row, console.width - 26))
    console.print(rule("Why the private key opens the one and not the others"))
    console.print(
        Text(
            "With RSA key exchange the client draws the secret and sends it, encrypted to the server's key. It lies in "
            "the capture like a letter in a safe: whoever gets the key, even years later, opens it.\n"
            "With ECDHE, and in every full handshake of TLS 1.3, both sides make a new pair of keys for each "
            "connection, send the public one and delete the private one afterwards. The server's own key only signs: "
            "it proves who the server is, and hides nothing. The secret itself was never sent, so nothing in the "
            "capture can be decrypted to it. This is forward secrecy.\n"
            "The key log holds the secrets themselves, so it opens everything. The cipher (AES, ChaCha20) hides the "
            "words; who can get at its keys is decided before, by the key exchange."
        )
    )
    show_lines(console, "See it yourself", _lines(matrix))


def _exchange(row: Row) -> RenderableType:
    first = row.exchanges[0]
    origin = f"frames of {row.files.capture.name}, a recording; " if row.recorded else ""
    head = Text.assemble((row.kind.name, "bold"), f"  {origin}port {row.port}, {', '.join(row.suites)}")
    rows = [(share.message, f"{spans_text(share.spans)}: {_meaning(first, share)}") for share in first.shares]
    return Padding(Group(head, facts(rows, indent=2)), (1, 0, 0, 1))


def _meaning(exchange: KeyExchange, share: Share) -> str:
    if exchange.method == "RSA":
        return f"{len(share.data)} bytes, {_ENCRYPTED}"
    signed = ", signed by the server" if share.message == "ServerKeyExchange" else ""
    group = f" ({exchange.group})" if exchange.group else ""
    return f"{len(share.data)} bytes, {_HALF}{group}{signed}"


def _table(matrix: Matrix) -> RenderableType:
    table = Table(expand=True, show_lines=True)
    table.add_column("messages read")
    for means in Means:
        table.add_column(_HEADS[means], ratio=1)
    for row in matrix.rows:
        name = Text(row.kind.name, "bold")
        if row.recorded:
            name.append("\na recording", "yellow")
        table.add_row(name, *(_cell(row, means, row.cells[means]) for means in Means))
    return table


def _cell(row: Row, means: Means, cell: Cell) -> RenderableType:
    found, expected = cell.verdict, textbook(row.kind, means)
    as_expected = agrees(row, means)
    lines = [
        Text.assemble(
            (f"{found.read} of {len(found.findings)}", "bold " + ("green" if as_expected else "red")),
            (f"  textbook: {'all' if expected else 'none'}", "dim"),
        )
    ]
    first = next((finding.heard for finding in found.findings if finding.heard), None)
    if first is not None:
        lines.append(Text(visible(first.text), "green", no_wrap=True, overflow="ellipsis"))
    elif not found.found:
        lines.append(Text(f"nowhere in {found.payload:,} bytes", "dim"))
    lines.append(Text(spans_text(cell.spans[:1]), "dim"))
    return Group(*lines)


def _recording(row: Row) -> RenderableType:
    return Padding(
        Text(
            f"{row.kind.name} is a recording, made on another machine and shipped with the lab, with words, keys and "
            f"certificate of its own: {row.recorded}. Its frames are those of {row.files.capture.name}.",
            "yellow",
        ),
        (1, 0, 0, 1),
    )


def _steps(row: Row, width: int) -> RenderableType:
    first = row.recovered[0]
    share = first.exchange.shares[-1]
    seed = (
        "a hash of the handshake (RFC 7627)" if first.extended else "both randoms of the hellos (RFC 5246, section 8.1)"
    )
    cell = row.cells[Means.STOLEN_KEY]
    heard = next((finding.heard for finding in cell.verdict.findings if finding.heard), None)
    rows: list[tuple[str, str | Text]] = [
        ("in the capture", shorten(colon_hex(share.data), width)),
        ("", f"{spans_text(share.spans)}: the encrypted premaster secret, {len(share.data)} bytes"),
        ("decrypted", Text(shorten(colon_hex(first.premaster), width), "yellow")),
        ("", "the premaster secret: 03:03 for TLS 1.2, and 46 bytes that the client drew"),
        ("master secret", Text(shorten(colon_hex(first.master), width), "yellow")),
        ("", f"mixed from it and {seed}; the keys of both directions come from it"),
    ]
    if heard is not None:
        rows.append(("words", Text(shorten(visible(heard.text), width), "green")))
        rows.append(("", f"{spans_text(heard.spans)}: {visible(heard.who)}, the first of {cell.verdict.read} messages"))
    return facts(rows, indent=1)


def _lines(matrix: Matrix) -> list[tuple[str, str]]:
    opened = [row for row in matrix.rows if is_read(row.cells[Means.STOLEN_KEY])]
    closed = [row for row in matrix.rows if row not in opened]
    lines = [
        (
            f"the private key on {row.kind.name}: prints {'the words' if row in opened else 'nothing'}",
            with_private_key(row.files.capture, row.files.key, row.port),
        )
        for row in (*opened, *closed[:1])
    ]
    last = matrix.rows[-1]
    line = shell.decrypted_fields(last.files.capture, last.files.keylog, last.port)
    return [*lines, (f"the key log on {last.kind.name}: prints the words", line)]


def with_private_key(capture: Path, key: Path, port: int) -> str:
    """Return the tshark line that prints what the TLS chat on `port` says, with the server's RSA private key."""
    # a table of Wireshark's, written as a preference: quotes and backslashes in its strings are escaped as \xNN
    name = str(key).replace("\\", "\\x5c").replace('"', "\\x22")
    table = shlex.quote(f'uat:rsa_keys:"{name}",""')
    return (
        f"tshark -r {shlex.quote(str(capture))} -o {table} -d tcp.port=={port},tls "
        f"-d tls.port=={port},data -Tfields -e data.data -Y 'tcp.port=={port} && data' | tr -d ',' | xxd -ps -r"
    )

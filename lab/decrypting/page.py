"""Decrypted records as a list for the terminal. Reads values and prints.

Whatever was captured passes through `visible` first and is never read as markup.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from capture.schedule import KeyBlock, TrafficKeys
from chat.escape import visible
from lab.decrypting.reading import Connection, Decrypted, Row
from lab.presentation import rule, shorten

_LISTED = 200  # characters of a record's words in the list


def show_list(console: Console, found: Decrypted, connections: Sequence[Connection]) -> None:
    """Print the records of each connection, a row each."""
    for connection in connections:
        show_head(console, connection)
        table = Table(box=None, padding=(0, 1), header_style="bold")
        for head in ("record", "frame", "bytes", "length", "type", "keys", "no.", "pad"):
            table.add_column(head, justify="right" if head in ("length", "no.", "pad") else "left", no_wrap=True)
        table.add_column("what is inside", overflow="fold", ratio=1)
        for row in connection.rows:
            table.add_row(*_cells(row), inside(row))
        console.print(table)
    console.print()
    console.print(
        Text(
            "→ client to server, ← back; each side's records count from 0. length: bytes after the header. type: what "
            "the header says, then what it really is: 20 change_cipher_spec, 21 alert, 22 handshake, 23 "
            "application_data. keys: which ones open it; clear: none is needed. no.: its number under these keys, from "
            "0. pad: zero bytes added to hide its length.",
            "dim",
        )
    )
    say_whose(console, found)


def show_head(console: Console, connection: Connection) -> None:
    """Print what the part about a connection begins with."""
    console.print(rule(connection.title))
    if connection.how:
        console.print(Text(f" {connection.how}", "dim"))


def say_whose(console: Console, found: Decrypted) -> None:
    """Print whose keys have opened what is shown."""
    console.print(Text(f"The keys came from {visible(found.keys_from)}: without them none of this can be read.", "dim"))


def _cells(row: Row) -> Iterator[str]:
    spans, item = row.spans, row.opened
    yield f"{'→' if row.from_client else '←'} {row.record.index}"
    more = f"-{spans[-1].frame}" if spans[-1].frame != spans[0].frame else ""
    yield f"{spans[0].frame}{more}"
    yield f"{spans[0].first}-{spans[-1].last}"
    yield str(len(row.record.fragment))
    yield f"{row.record.content_type}" + (f" > {item.content_type}" if item else "")
    yield keys_name(item.keys) if item else "clear" if row.protection == "clear" else ""
    yield str(item.sequence) if item else ""
    yield str(item.padding) if item else ""


def inside(row: Row) -> Text:
    """Return what a record holds, or why that is not known."""
    if row.failed:
        return Text("does not open with these keys: nothing is given out", "bold red")
    if row.opened is None and row.protection != "clear":
        return Text("closed", "red")
    plaintext = row.opened.plaintext if row.opened else row.record.fragment
    said = "; ".join(map(str, row.inside)) if row.inside else shorten(words(plaintext), _LISTED)
    text = Text(visible(said), "green" if row.opened and not row.inside else "")
    if row.after_close:
        text.append("  after close_notify: its receiver must ignore it", "yellow")
    return text


def words(plaintext: bytes) -> str:
    """Return bytes as text in quotation marks, or in hex where they are not UTF-8."""
    if not plaintext:
        return "nothing"
    try:
        return f"“{visible(plaintext.decode())}”"
    except UnicodeDecodeError:
        return plaintext.hex()


def keys_name(keys: TrafficKeys) -> str:
    """Return what keys are called here, shortly."""
    secret = keys.secret
    if isinstance(secret, KeyBlock):
        return "key block"
    if "_HANDSHAKE_" in secret.label:
        return "handshake"
    return "early" if "_EARLY_" in secret.label else f"traffic {secret.generation}"

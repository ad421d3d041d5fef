"""The page of the fakes: one table, then each attack with its numbers. Reads values and prints; decides nothing."""

import shlex
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from capture.decode import colon_hex
from capture.randomness import Randomness
from lab.presentation import rule, show_lines
from lab.scenarios.codecs import LENGTH
from lab.scenarios.fakes.attacks import Sealed
from lab.scenarios.fakes.judge import looks_random
from lab.scenarios.fakes.result import BASE64, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes
from lab.scenarios.fakes.walk import walks, with_number
from lab.verdict import ALPHA

_NEEDS = {
    BASE64: "listens",
    XOR: "listens",
    ECB: "listens, and says things in the chat",
    CTR: "listens",
    RELAYED: "sits on the way, and swaps the key",
    LISTENED: "listens",
    TLS: "listens",
}
_SHOWN = 8  # bytes of a line in the table


def show(console: Console, fakes: Fakes) -> None:
    """Print what was measured."""
    console.print(rule("Looks like noise, and who reads it"))
    console.print(_table(fakes))
    console.print(
        Text(
            "p says how often truly random bytes look at least this uneven; here only a p below "
            f"{ALPHA:g} counts as structure. One line is the longest that a client sent, the same in each chat: too "
            "short for the test to find what many lines have in common. And where it finds nothing even in all of "
            "them, that says nothing about who has the key.",
            "dim",
        )
    )
    for part in walks(fakes, console.width - 24):
        console.print(part)
    show_lines(console, "See it yourself", _lines(fakes))


def _table(fakes: Fakes) -> RenderableType:
    table = Table(expand=True, show_lines=True)
    table.add_column("chat", no_wrap=True)
    table.add_column("one line begins", no_wrap=True)
    table.add_column("looks random?", no_wrap=True)
    table.add_column("the attacker", ratio=1)
    table.add_column("read", no_wrap=True)
    for row in fakes.rows:
        expected = row.read == 0 if row.closed is not None else row.whole
        table.add_row(
            Text.assemble((row.name.replace(", ", ",\n"), "bold"), (f"\nport {row.port}", "dim")),
            Text.assemble(
                (colon_hex(row.line.data[:_SHOWN]), "yellow"),
                (f"\nframe {row.line.spans[0].frame}, from byte {row.line.spans[0].first}", "dim"),
            ),
            Text.assemble("one line  ", _random(row.one), "\nall lines ", _random(row.all)),
            Text(_NEEDS[row.name]),
            Text(f"{row.read} of {len(row.sent)}", "bold " + ("green" if expected else "red")),
        )
    return table


def _random(test: Randomness | None) -> Text:
    if test is None:
        return Text("too short to say")
    yes = looks_random(test)
    return Text.assemble(("yes" if yes else "no ", "yellow" if yes else "bold"), (f" p = {test.p_value:.2g}", "dim"))


def _lines(fakes: Fakes) -> list[tuple[str, str]]:
    lines = []
    for message in with_number(fakes.row(BASE64)):
        payload = _payload(fakes.capture, message.sealed)
        lines.append(("base64 undone", f"{payload} | xxd -r -p | base64 -d"))
    xor, messages = fakes.xor, with_number(fakes.row(XOR))
    if xor.key is not None and messages:
        sealed = messages[0].sealed
        at = sealed.start % len(xor.key)
        key = (xor.key[at:] + xor.key[:at]).hex()
        undo = f"k = bytes.fromhex('{key}') * 400; print(bytes(map(int.__xor__, bytes.fromhex(input()), k)).decode())"
        payload = _payload(fakes.capture, sealed)
        lines.append(("the repeating key taken off, begun where it stood", f'{payload} | python3 -c "{undo}"'))
    answer = _payload(fakes.capture, fakes.exchange.answer)
    options = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"
    lines.append(
        (
            "the AES keys, opened with the attacker's RSA key",
            f"{answer} | cut -c{2 * LENGTH + 1}- | xxd -r -p | openssl pkeyutl -decrypt "
            f"-inkey {shlex.quote(str(fakes.key))} {options} | xxd",
        )
    )
    return lines


def _payload(capture: Path, sealed: Sealed) -> str:
    """Return the tshark line that prints the payload of the frame that a line begins in, in hex."""
    frame = sealed.spans[0].frame
    return f"tshark -r {shlex.quote(str(capture))} -Y frame.number=={frame} -Tfields -e tcp.payload"

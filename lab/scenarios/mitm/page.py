"""The page of the one in the middle: the table, what happened for each certificate, and lines to try. Prints values."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chat.escape import visible
from lab import shell
from lab.presentation import facts, rule, show_lines, spans_text
from lab.scenarios.mitm.cast import Shown, Who
from lab.scenarios.mitm.judge import refused_by, same_over_both
from lab.scenarios.mitm.openssl import Opinion, lines_to_copy
from lab.scenarios.mitm.read import Cell, Result
from lab.scenarios.mitm.run import TLS_1_3

_BAD, _GOOD = "bold red", "green"
_WIDTHS: Final = (17, 11, 27)
_LABELS: Final = {Shown.SELF_SIGNED: "self- signed"}  # where it may break
_SERVE: Final = (
    "show a certificate, until Ctrl-C; any other one of the folder goes in place of expired.pem, and with "
    "CA-bit-missing.pem also `-cert_chain wrong-name.pem`, which has signed it"
)
_STORIES: Final = {
    Shown.GENUINE: "The server's own. Anybody can show it, but only the server has its key, so all the relay can do "
    "is to pass on the bytes of both sides as they are.",
    Shown.SELF_SIGNED: "Made by the attacker in a moment; nobody vouches for it.",
    Shown.WRONG_NAME: "The lab's CA gave it to the attacker, for a name that is the attacker's own: mallory.example.",
    Shown.EXPIRED: "An old one of the server's, found in a backup with its key; it ended a month ago.",
    Shown.NOT_YET_VALID: "One that begins next month.",
    Shown.UNKNOWN_CA: "Made by a CA of the attacker's own, for localhost.",
    Shown.CA_BIT_MISSING: "For localhost, signed with the key of mallory.example: that one is from the lab's CA, but "
    "is no CA itself.",
    Shown.REVOKED: "The server's, until its key was stolen; the CA has put it on its list of revoked ones (CRL).",
}


def show(console: Console, result: Result) -> None:
    """Print what was measured."""
    cells = [cell for cell in result.cells if cell.visit.version == TLS_1_3]
    console.print(rule("Who accepts what: the client on the left, the certificate that the relay shows on top"))
    console.print(_table(cells))
    console.print(Padding(_legend(), (0, 1)))
    opinions = result.recording.opinions
    for shown in Shown:
        console.print(rule(shown))
        console.print(Padding(Text(_STORIES[shown], "dim"), (0, 1)))
        own = [cell for cell in cells if cell.visit.shown is shown]
        console.print(_details(own))
        if opinions is not None:
            console.print(Padding(_beside_openssl(own, opinions[shown]), (0, 1)))
    fooled = next((cell for cell in cells if cell.changed), None)
    if fooled is not None:
        _show_change(console, fooled)
    _show_both_versions(console, result.cells)
    _show_lines(console, result, fooled)


def _table(cells: Sequence[Cell]) -> Table:
    table = Table(box=box.HORIZONTALS, show_lines=True, padding=0)
    table.add_column("", style="bold", no_wrap=True)
    for shown in Shown:
        table.add_column(_LABELS.get(shown, shown), justify="center", width=9)
    for who in Who:
        table.add_row(who, *(_short(cell) for cell in cells if cell.visit.who is who))
    return table


def _short(cell: Cell) -> Text:
    if cell.accepted:
        return Text(f"accepts\nreads {len(cell.read)}", _BAD if cell.read else _GOOD)
    return Text(f"refuses\n{refused_by(cell)}", "yellow" if cell.read else _GOOD)


def _legend() -> Text:
    return Text(
        "reads: how many of the client's two messages the capture and the relay's own keys give away; it could change "
        "each of them, and does change one. What refused: issuer (no CA that the client trusts signed it), name (it "
        "is for somebody else), dates (not valid today), CA bit (who signed it may not sign), CRL (revoked), key (not "
        "the one that the client knows). Only the strict client was given the CRL: none looks for one by itself.",
        "dim",
    )


def _details(cells: Sequence[Cell]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for width in _WIDTHS:  # the same for every certificate
        table.add_column(width=width, no_wrap=True)
    table.add_column()
    for cell in cells:
        table.add_row(Text(cell.visit.who, "bold"), *_row(cell))
    return Padding(table, (0, 0, 0, 1))


def _row(cell: Cell) -> tuple[Text, Text, Text]:
    refusal, alert = cell.visit.refusal, cell.alert
    if not cell.accepted:
        number = f" ({refusal.code})" if refusal is not None and refusal.code is not None else ""
        check = Text(f"{refused_by(cell)}{number}", _GOOD)
        if alert is None:
            return check, Text("no alert"), Text()
        how = ", encrypted" if alert.encrypted else ""
        said = f"{alert.name} ({alert.description}){how}"
        side = "client" if alert.from_client else "relay"
        return check, Text(said), Text(f"{side}: {spans_text(alert.spans)}", "dim")
    changed = f", changes {len(cell.changed)}" if cell.changed else ""
    done = Text(f"reads {len(cell.read)}{changed}", _BAD if cell.read else _GOOD)
    if cell.changed:
        before, after = cell.changed[0]
        return Text("accepted", _BAD), done, _two_hops(spans_text(before.spans), spans_text(after.spans))
    arrived = spans_text(cell.got[-1].spans) if cell.got else ""
    return Text("accepted", _GOOD), done, Text(f"arrived: {arrived}", "dim")


def _two_hops(sent: str, arrived: str) -> Text:
    return Text(f"sent:    {sent}\narrived: {arrived}", "dim")


def _beside_openssl(cells: Sequence[Cell], opinion: Opinion | None) -> Text:
    refusal = next(cell.visit.refusal for cell in cells if cell.visit.who is Who.STRICT)
    ours = f"{refusal.code} ({refusal.words.rstrip('.')})" if refusal is not None else "0 (ok)"
    theirs = f"{opinion.code} ({opinion.words})" if opinion is not None else "no answer"
    return Text(visible(f"The strict client's verify code: {ours}. openssl s_client's: {theirs}."), "dim")


def _show_change(console: Console, cell: Cell) -> None:
    before, after = cell.changed[0]
    console.print(rule("What the relay does with a client that accepts"))
    console.print(
        facts(
            (
                (f"{visible(before.who)} sends", Text(visible(before.text), "bold")),
                ("", Text(f"{spans_text(before.spans)}: encrypted for the relay, whose keys open it", "dim")),
                ("the server gets", Text(visible(after.text), _BAD)),
                ("", Text(f"{spans_text(after.spans)}: encrypted anew; the server's own keys show it", "dim")),
                ("bob reads", Text(visible(cell.visit.delivered[-1]), _BAD)),
            ),
            indent=1,
        )
    )
    console.print(Padding(Text("Neither end can tell: both speak TLS, and both with the relay.", "dim"), (0, 1)))


def _show_both_versions(console: Console, cells: Sequence[Cell]) -> None:
    same, pairs = same_over_both(cells)
    spoken = [cell.alert for cell in cells if not cell.accepted and cell.alert is not None and cell.alert.level > 1]
    clear = sum(not alert.encrypted for alert in spoken)
    console.print(rule("TLS 1.2"))
    text = (
        f"All of this was done once more over TLS 1.2: {same} of {pairs} pairs came out the same. Of the {len(spoken)} "
        f"fatal alerts of both, {clear} crossed in the clear"
    )
    # OpenSSL's client turns its encryption on only with its last flight, in TLS 1.3 too
    text += ": a client refuses before it begins to encrypt, and anybody can read why." if clear else "."
    console.print(Padding(Text(text), (0, 1)))


def _show_lines(console: Console, result: Result, fooled: Cell | None) -> None:
    recording, lines = result.recording, []
    if fooled is not None:
        port = fooled.visit.port
        line = shell.decrypted_fields(result.capture, recording.attacker, port)
        lines.append(("what the relay reads of one connection, with its own keys", line))
    lines.append(
        (
            "the same in Wireshark: all opens but what came with the genuine certificate",
            shell.wireshark(result.capture, recording.attacker),
        )
    )
    serve, look = lines_to_copy(recording.cast, Shown.EXPIRED)
    lines.append((_SERVE, serve))
    lines.append(("meanwhile, in another terminal: what openssl says of it as the strict client", look))
    show_lines(console, "See it yourself", lines)

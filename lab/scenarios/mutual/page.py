"""The page of the chat that asks its clients for certificates. Reads values and prints."""

import shlex
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capture.decode import colon_hex
from capture.streams import Span
from chat.escape import visible
from lab.presentation import facts, rule, show_lines, spans_text
from lab.scenarios.mutual.cast import ALICE, GUEST, MALLORY, STRANGER, THIEF
from lab.scenarios.mutual.judge import Chat, Result
from lab.scenarios.mutual.seen import Seen, Shown, common_name

_WHY = {
    MALLORY: "Her certificate is from the lab's CA and she has its key, so TLS lets her in. But it is not alice's, and "
    "only the chat knows what name she gives.",
    STRANGER: "The server looks for the signature of the lab's CA. His CA has the same name, but another key.",
    GUEST: "The server asked for a certificate, and got none.",
    THIEF: "Alice's certificate is no secret. The thief's key file has alice's public key in it, and a secret number "
    "of her own: that fools her own program, but not the server, which checks the signature with alice's public key.",
}


def show(console: Console, result: Result) -> None:
    """Print who was let in, how the others were refused, and where the clients' certificates can be read."""
    chats = result.chats
    console.print(rule("Who was let in"))
    console.print(_table(chats))
    note = "Where the server's answer stands: a line of the chat, or an alert, which ends the handshake."
    console.print(Padding(Text(note, "dim"), (0, 1)))
    console.print(rule("What kept them out"))
    for who, why in _WHY.items():
        _show_refusal(console, chats, who, why)
    _show_too_early(console, chats)
    console.print(rule("What an eavesdropper sees of who logs in"))
    for chat in chats:
        _show_certificates(console, chat)
    console.print(rule("What alice and bob said, with the key log"))
    for chat in chats:
        for finding in chat.verdict.findings:
            where = spans_text(finding.heard.spans) if finding.heard else "not read"
            said = Text.assemble((visible(finding.sent.who), "bold cyan"), f"  {visible(finding.sent.text)}  ")
            console.print(Padding(Text.assemble(f"{chat.version}  ", said, (where, "dim")), (0, 1)))
    show_lines(console, "See it yourself", tuple(_shell(result)))


def _table(chats: Sequence[Chat]) -> Table:
    table = Table(expand=True, show_lines=True)
    table.add_column("who", no_wrap=True)
    table.add_column("shows a certificate", ratio=2)
    table.add_column("says", no_wrap=True)
    for chat in chats:
        table.add_column(chat.version, ratio=3)
    for person in [seen.person for seen in chats[0].seen]:
        cells = [_cell(chat.of(person.who)) for chat in chats]
        table.add_row(person.who, person.shows, person.says, *cells)
    return table


def _cell(seen: Seen) -> Text:
    """Return what became of somebody, shortly, and where it can be looked up."""
    spans: tuple[Span, ...] = seen.answer.spans if seen.answer else ()
    if seen.let_in:
        text = Text("let in", "bold green")
    elif seen.refused_by_chat is not None:
        text = Text("refused by the chat", "bold red")
    elif seen.alert is not None:
        text = Text(f"refused in the handshake: {seen.alert.name} ({seen.alert.description})", "bold red")
        spans = seen.alert.spans
    else:
        text = Text("nothing that can be read", "bold yellow")
    return Text.assemble(text, "\n", (spans_text(spans), "dim")) if spans else text


def _show_refusal(console: Console, chats: Sequence[Chat], who: str, why: str) -> None:
    console.print(Padding(Text.assemble((who, "bold"), f"  {why}"), (0, 1)))
    rows: list[tuple[str, str | Text]] = []
    for chat in chats:
        seen = chat.of(who)
        if seen.refused_by_chat is not None:
            rows.append((chat.version, f"the chat says: {visible(seen.refused_by_chat)}"))
        elif seen.alert is not None:
            how = "encrypted, opened with the key log" if seen.alert.encrypted else "in the clear"
            rows.append((chat.version, f"the server sends the alert {seen.alert.name}, {how}"))
            told = chat.told.get(who)
            if told is not None and told not in [after.told.get(who) for after in chats[chats.index(chat) + 1 :]]:
                rows.append(("", Text(f"their program says: {visible(told)}", "dim")))
    console.print(facts(rows, indent=3))


def _show_too_early(console: Console, chats: Sequence[Chat]) -> None:
    """Say that a client of TLS 1.3 is done before it is refused, where it was so."""
    for chat in chats:
        seen = chat.of(STRANGER)
        if seen.alert is None or not seen.refused_in_handshake or not seen.spoken:
            continue
        if seen.spoken[0].frame < seen.alert.spans[0].frame:
            text = (
                f"In {chat.version} a client has finished before the server looks at its certificate: the stranger had "
                f"sent his name already ({spans_text(seen.spoken)}) when the alert came "
                f"({spans_text(seen.alert.spans)}). The chat gave no answer to it."
            )
            console.print(Padding(Text(text), (1, 1, 0, 1)))


def _show_certificates(console: Console, chat: Chat) -> None:
    alice, found = chat.of(ALICE), sum(len(seen.found) for seen in chat.seen)
    searched = sum(seen.searched for seen in chat.seen)
    rows: list[tuple[str, str | Text]] = [
        ("without keys", Text(_holders([seen.in_clear for seen in chat.seen]), "bold")),
        (
            "searched",
            f"each certificate and the name in it, in all {searched:,} bytes of the {len(chat.seen)} connections: "
            f"found {f'{found} times' if found else 'nowhere'}",
        ),
    ]
    if alice.in_clear is not None:
        rows += _certificate_rows(alice.in_clear, "in the clear")
    else:
        rows.append(("with the key log", _holders([seen.with_keys for seen in chat.seen])))
        rows += _certificate_rows(alice.with_keys, "encrypted") if alice.with_keys is not None else []
    console.print(Padding(Text(chat.version, "bold"), (0, 1)))
    console.print(facts(rows, indent=3))


def _holders(shown: Sequence[Shown | None]) -> str:
    names = [visible(certificate.name or "?") for certificate in shown if certificate is not None]
    return f"certificates of {', '.join(names)}, in the order in which they came" if names else "no certificate"


def _certificate_rows(shown: Shown, how: str) -> list[tuple[str, str | Text]]:
    length = len(shown.certificate)
    rows: list[tuple[str, str | Text]] = [("alice's", f"{length} bytes, {how} in {spans_text(shown.spans)}")]
    if shown.name and shown.name_spans:
        value = Text.assemble(colon_hex(common_name(shown.name)), "\n")
        value.append(f"commonName (06:03:55:04:03), UTF-8 (0c), {len(shown.name.encode())} bytes: ")
        value.append(visible(shown.name), "bold")
        value.append(f"\n{how} in {spans_text(shown.name_spans)}", "dim")
        rows.append(("the name in it", value))
    return rows


def _shell(result: Result) -> Iterator[tuple[str, str]]:
    chats = result.chats
    read = f"tshark -r {shlex.quote(str(result.capture))}"
    keys = f"-o tls.keylog_file:{shlex.quote(str(result.keylog))}"

    def certificates(chat: Chat) -> str:
        to = f"-d tcp.port=={chat.port},tls -Y 'tls.handshake.certificate && tcp.dstport=={chat.port}'"
        return f"{to} -Tfields -e frame.number -e x509sat.uTF8String"

    for chat in chats:
        yield (
            f"issuer and holder of each certificate that clients show, {chat.version}",
            f"{read} {certificates(chat)}",
        )
    yield f"the same with the key log, {chats[-1].version}", f"{read} {keys} {certificates(chats[-1])}"
    ports = " ".join(f"-d tcp.port=={chat.port},tls" for chat in chats)
    alerts = "-Y 'tls.alert_message.level == 2' -Tfields -e frame.number -e tls.alert_message.desc"
    yield "the alerts that refuse somebody", f"{read} {keys} {ports} {alerts}"

"""The page of the leaks: messages as the attacker sees them, scores, prices, what handshakes say. Only prints."""

import shlex
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding as Around
from rich.table import Table
from rich.text import Text

from capture.streams import Span
from chat.escape import visible
from lab.presentation import facts, rule, show_lines, spans_text
from lab.scenarios.leaks.guess import Guess, threshold_ns
from lab.scenarios.leaks.open import Shown
from lab.scenarios.leaks.result import NONE, Attacked, Padding, Result
from lab.scenarios.leaks.score import KINDS, Score
from lab.scenarios.leaks.talk import PHRASES, Line
from lab.verdict import ALPHA

_SHOWN = 10  # messages: a screen has more to show
_HINT = 0.01  # a p below is worth a look


def show(console: Console, result: Result) -> None:
    """Print what was measured."""
    attacked = result.attacked
    console.print(rule("Without padding: the first messages, as the attacker hears them"))
    _show_messages(console, result, attacked[NONE])
    console.print(rule(f"All {len(result.truth)} messages, against guessing"))
    _show_scores(console, result, attacked)
    console.print(rule("What padding hides, and what it costs"))
    _show_prices(console, attacked)
    console.print(rule("What the handshakes tell anybody"))
    _show_handshakes(console, result)
    _show_more(console, result, attacked[NONE])


def _show_messages(console: Console, result: Result, chat: Attacked) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(justify="right", style="cyan", no_wrap=True)
    table.add_column()
    table.add_column(ratio=1, min_width=18)
    table.add_column(no_wrap=True)
    table.add_row("frame, bytes", "hides", "who", "what the attacker says", "", style="dim")
    shown = zip(chat.tapped.lines, chat.guesses, result.truth, strict=True)
    for number, (heard, said, truth) in enumerate(shown):
        if number == _SHOWN:
            break
        before = chat.guesses[number - 1] if said.answers else None
        table.add_row(
            ", ".join(f"{span.frame}, {span.first}-{span.last}" for span in heard.spans),
            str(heard.length - chat.tapped.overhead),
            _who(chat, said, before),
            _said(said),
            _outcome(said, truth),
        )
    console.print(Around(table, (0, 1)))
    threshold = threshold_ns([line.time_ns for line in chat.tapped.lines]) / 1e6
    _note(
        console,
        f"A fragment of n bytes hides n - {chat.tapped.overhead}, the line feed at the end of each line "
        f"included (an ñ or an emoji is more than one byte). The {len(PHRASES)} phrases came in "
        f"{len(chat.lengths)} lengths: (1 of 2) says that two phrases fit, and one of them was drawn. "
        "The names come from the length of each client's first line. "
        f"Who speaks less than {threshold:.0f} ms after the last message answers it: the attacker is not "
        "told this limit, but finds it, as the pauses fall into two groups.",
    )


def _note(console: Console, text: str) -> None:
    console.print(Around(Text(text, "dim"), (1, 1, 0, 1)))


def _who(chat: Attacked, said: Guess, before: Guess | None) -> Text:
    name = Text(visible(_name(chat, said)), "bold")
    return name if before is None else name.append(f" answers {visible(_name(chat, before))}", "not bold")


def _name(chat: Attacked, said: Guess) -> str:
    return chat.names[said.speaker] or f"person {said.speaker + 1}"


def _said(said: Guess) -> Text:
    choice = f"  (1 of {said.candidates})" if said.candidates > 1 else ""
    return Text.assemble(visible(said.phrase), (choice, "dim"))


def _outcome(said: Guess, truth: Line) -> Text:
    wrong = [
        word
        for word, same in (
            ("words", said.phrase == truth.phrase),
            ("speaker", said.speaker == truth.speaker),
            ("answer", said.answers == truth.answers),
        )
        if not same
    ]
    return Text(f"wrong {', '.join(wrong)}", "yellow") if wrong else Text("all right", "green")


def _show_scores(console: Console, result: Result, attacked: Mapping[Padding, Attacked]) -> None:
    drawn = result.blind
    width = max(4, min(20, (console.width - 22) // len(KINDS) - 8))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    for _ in KINDS:
        table.add_column(no_wrap=True)
    table.add_row("", *KINDS, style="bold")
    table.add_row(
        "guessing, average", *(_bar(pick(drawn).expected, pick(drawn), width, "dim") for pick in KINDS.values())
    )
    for words, scores in (("one blind guess", drawn), *((p.words, chat.scores) for p, chat in attacked.items())):
        table.add_row(words, *(_scored(pick(scores), width) for pick in KINDS.values()))
    console.print(Around(table, (0, 1)))
    _note(
        console,
        f"p says how often blind guessing finds at least as many. Red: below {ALPHA:g}, no luck explains it, "
        f"it leaks. Yellow: below {_HINT:g}, a hint. Green: luck does as well.",
    )


def _scored(score: Score, width: int) -> Text:
    style = "red" if score.above_chance else "yellow" if score.p_value < _HINT else "green"
    p_value = f"{score.p_value:.0e}" if score.p_value < _HINT else f"{score.p_value:.2f}"
    return _bar(score.right, score, width, style).append(f"\n    p = {p_value}", "dim")


def _bar(value: float, score: Score, width: int, style: str) -> Text:
    """Return a number and a bar of eighths of a character."""
    eighths = round(value / score.of * width * 8)
    bar = "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")
    return Text.assemble((f"{value:>3.0f} ", "bold"), (bar, style))


def _show_prices(console: Console, attacked: Mapping[Padding, Attacked]) -> None:
    first = attacked[NONE].tapped.octets
    most = max(chat.tapped.octets for chat in attacked.values())
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_row("", "bytes of TLS", "times", "", "lengths", "names found", style="bold")
    for padding, chat in attacked.items():
        octets = chat.tapped.octets
        found = sum(name is not None for name in chat.names)
        table.add_row(
            padding.words,
            f"{octets:,}",
            f"{octets / first:.2f}",
            "█" * max(1, round(octets / most * 20)),
            str(len(chat.lengths)),
            f"{found} of {len(chat.names)}",
        )
    console.print(Around(table, (0, 1)))
    _note(
        console,
        "Padding is zeros inside the encryption (RFC 8446, section 5.4), which the receiver takes off. "
        "Multiples leave a rough length to be seen, one size leaves none. "
        "Who speaks, and when, no padding hides.",
    )


def _show_handshakes(console: Console, result: Result) -> None:
    shakes = result.handshakes
    old, new, client = shakes.tls12[0], shakes.tls13[0], shakes.chat[0]
    programs = {"the lab's client": client, "openssl s_client": shakes.openssl}
    rows: list[tuple[str, str | Text]] = [
        ("server's name", _shown(client.server_name, visible, "SNI, in the ClientHello")),
        ("certificate, 1.2", _shown(old.certificate, str, "in the clear", octets=True)),
        (
            "certificate, 1.3",
            "in the clear" if new.held else f"nowhere in {new.searched:,} bytes: it crosses encrypted",
        ),
        *(
            (
                f"JA3, {program}",
                f"{seen.ja3}, {spans_text(seen.hello.spans)}"
                if seen
                else "not measured: openssl is not installed here",
            )
            for program, seen in programs.items()
        ),
        ("ticket, TLS 1.2", _pair(old.ticket_given, shakes.tls12[1].ticket_shown, "given", "brought back")),
        (
            "ticket, TLS 1.3",
            _pair(shakes.tls13[1].ticket_shown, shakes.tls13[2].ticket_shown, "brought", "brought again"),
        ),
    ]
    console.print(facts(rows, indent=1))
    own = {connection.ja3 for connection in shakes.chat}
    _note(
        console,
        "JA3 is a fingerprint of the program: the MD5 of what its ClientHello offers. The lab's client made "
        f"{len(shakes.chat)} connections, with {len(own)} fingerprint{'' if len(own) == 1 else 's'}. A ticket "
        "saves the next connection a part of the handshake. TLS 1.2 hands it out in the clear, so whoever "
        "brings it is known again, from whatever address. TLS 1.3 hands it out encrypted: only who brings one "
        "twice can be linked, which clients should not do (RFC 8446, appendix C.4).",
    )


def _shown(shown: Shown | None, read: Callable[[str], str], how: str, *, octets: bool = False) -> str:
    if shown is None:
        return "not there"
    what = f"{len(shown.value):,} bytes" if octets else read(shown.value.decode("ascii", "backslashreplace"))
    return f"{what}, {how}: {spans_text(shown.spans)}"


def _pair(one: Shown | None, other: Shown | None, first: str, then: str) -> str:
    if one is None or other is None:
        return "not there"
    same = "the same" if one.value == other.value else "not the same"
    places: tuple[tuple[str, Sequence[Span]], ...] = ((first, one.spans), (then, other.spans))
    where = ", ".join(f"{what} in {spans_text(spans)}" for what, spans in places)
    return f"{same} {len(one.value)} bytes, {one.value[:4].hex(':')}:…, {where}"


def _show_more(console: Console, result: Result, chat: Attacked) -> None:
    port, file = chat.tapped.port, shlex.quote(str(result.capture))
    fields = "-e frame.number -e frame.time_relative -e tcp.stream -e tls.record.length"
    show_lines(
        console,
        "See it yourself",
        (
            (
                "frame, second, connection and length of every encrypted record from a client",
                f"tshark -r {file} -d tcp.port=={port},tls -Tfields {fields} "
                f"-Y 'tcp.dstport=={port} && tls.record.opaque_type == 23'",
            ),
            (
                "who asks for which server with which program",
                f"tshark -r {file} -d tcp.port=={port},tls -Tfields -e frame.number -e tcp.stream -e "
                f"tls.handshake.extensions_server_name -e tls.handshake.ja3 -Y 'tcp.port=={port} && tls.handshake.ja3'",
            ),
        ),
    )
    pictures = result.pictures
    said = pictures.problem or f"Pictures to project: {', '.join(path.name for path in pictures.files)}"
    console.print(Around(Text(said), (1, 1, 0, 1)))

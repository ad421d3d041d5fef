"""The attacks on the fakes, one by one, with the numbers to do each again. Reads values and lays them out."""

from hashlib import sha256

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from capture.decode import colon_hex
from chat.escape import visible
from lab.presentation import facts, rule, shorten, spans_text
from lab.scenarios.fakes.attack_ecb import cut
from lab.scenarios.fakes.attacks import Message, Sealed
from lab.scenarios.fakes.result import BASE64, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes, Row
from lab.scenarios.fakes.talk import NAMES, PHRASES, PINS

_LENGTHS = 6  # guesses of the key's length that are shown
_FRAMES = 8  # places of the most frequent block that are shown
_BAR = 400  # characters for a rate of 1

Facts = list[tuple[str, str | Text]]


def walks(fakes: Fakes, width: int) -> tuple[RenderableType, ...]:
    """Return a part of the page for each attack; `width` is for long values."""
    parts = (_base64, _xor, _ecb, _ctr, _rsa, _closed)
    return tuple(part(fakes, width) for part in parts)


def with_number(row: Row) -> list[Message]:
    """Return the first message with a number, the secret, in a list; an empty one where it was not read."""
    return [message for message in row.messages if any(map(str.isdigit, message.text))][:1]


def _part(title: str, text: str, rows: Facts) -> RenderableType:
    return Group(rule(title), Padding(Text(text), (0, 0, 1, 0)), facts(rows, indent=1))


def _said(row: Row, width: int) -> Facts:
    """Return the message with the secret, as it stands in the capture and as it was read."""
    return [fact for message in with_number(row) for fact in (*_sealed(message.sealed, width), _read(message))]


def _sealed(sealed: Sealed, width: int) -> Facts:
    return [
        ("sealed", Text(shorten(colon_hex(sealed.data), width), "yellow")),
        ("where", spans_text(sealed.spans)),
    ]


def _read(message: Message) -> tuple[str, Text]:
    return "read", Text.assemble((visible(message.who), "bold cyan"), "  ", (visible(message.text), "green"))


def _base64(fakes: Fakes, width: int) -> RenderableType:
    return _part(
        "base64: no key at all",
        "base64 writes any bytes with 64 letters, digits and signs. Whoever knows that undoes it. The test is not "
        "deceived: of the 256 byte values it uses a quarter.",
        _said(fakes.row(BASE64), width),
    )


def _xor(fakes: Fakes, width: int) -> RenderableType:
    attack = fakes.xor
    rows: Facts = []
    for number, guess in enumerate(sorted(attack.guesses, key=lambda guess: -guess.rate)[:_LENGTHS]):
        found = f"{guess.length:>2} bytes apart: {guess.equal:>3} of {guess.pairs} equal, {guess.rate:5.1%}  "
        bar = ("#" * round(guess.rate * _BAR), "yellow")
        rows.append(("" if number else "length of the key", Text.assemble(found, bar)))
    for number, crib in enumerate(attack.cribs):
        text = (f'"{visible(crib.text)}"', "green")
        rows.append(
            (
                "" if number else "crib",
                Text.assemble(text, f"\nin {spans_text(crib.spans)}: {crib.reaches} bytes of the key"),
            )
        )
    if attack.key is not None:
        repeats = f"  {len(attack.key)} bytes, then again"
        rows.append(("the key", Text.assemble((colon_hex(attack.key), "bold"), repeats)))
    return _part(
        "Repeating XOR: the key betrays its length, and known words the key",
        "Each byte is combined with a byte of the key, and after the last one the key begins again. Two bytes that lie "
        "the key's length apart, or a multiple of it, had the same key byte: they are equal as often as two letters of "
        "a text are. At all other distances far fewer are. Then the crib, a piece of text that is known to stand "
        "somewhere: the server greets everybody in the same words. What is sealed, XOR what is known, is the key.",
        [*rows, *_said(fakes.row(XOR), width)],
    )


def _ecb(fakes: Fakes, _: int) -> RenderableType:
    attack = fakes.ecb
    rows: Facts = [("equal blocks", f"{attack.blocks} blocks crossed the wire, {attack.different} of them different")]
    if attack.repeat is not None:
        frames = sorted({place[0].frame for place in attack.repeat.places})
        more = f" and {len(frames) - _FRAMES} more" if len(frames) > _FRAMES else ""
        shown = f"\nin frames {', '.join(map(str, frames[:_FRAMES]))}{more}"
        rows.append(("most often", Text.assemble((colon_hex(attack.repeat.block), "yellow"), shown)))
    rows.append(
        (
            "the codebook",
            f"Mallory says {len(NAMES)} names, {len(PHRASES) + 1} sentences, and {PINS:,} numbers: {attack.said:,} "
            f"bytes, which gives {attack.book:,} blocks with their text beside them",
        )
    )
    for message in with_number(fakes.row(ECB)):
        rows.append(("where", spans_text(message.sealed.spans)))
        pairs = zip(cut(message.sealed.data), cut(message.text.encode()), strict=False)
        for number, (block, words) in enumerate(pairs):
            text = visible(words.decode(errors="replace"))
            looked_up = Text.assemble((colon_hex(block), "yellow"), "  ", (text, "green"))
            rows.append(("" if number else "looked up", looked_up))
        rows.append(_read(message))
    server = sum(not read.sealed.stream.from_client for read in attack.reads)
    rows.append(
        (
            "not read",
            f"{attack.repeated - server} of the {attack.repeated} lines that the server sent: with a name in front the "
            "same words fall into other blocks, which nobody has said. A codebook opens what is in it, and no more",
        )
    )
    return _part(
        "AES-ECB: equal in, equal out",
        "Each block of 16 bytes is sealed on its own, always in the same way. Nobody can compute it without the key; "
        "but the key is in the tunnel, and the tunnel seals what anybody says. So Mallory, the attacker, comes into "
        "the chat when the others have gone, says what they may have said, and looks their blocks up among her own. "
        "She has to guess whole blocks: sentences that these people use, and all numbers of four digits.",
        rows,
    )


def _ctr(fakes: Fakes, width: int) -> RenderableType:
    attack = fakes.ctr
    rows: Facts = []
    for number, crib in enumerate(attack.cribs[:3]):
        text = (f'"{shorten(visible(crib.text), width)}"', "green")
        place = "in" if number < 2 else "the words behind the name stand in"
        where = f"\n{place} {spans_text(crib.spans)}: {crib.reaches} bytes of the key stream"
        rows.append((("crib", "", "dragged on")[number], Text.assemble(text, where)))
    if len(attack.cribs) > 3:
        rows.append(("and so on", f"{', '.join(str(crib.reaches) for crib in attack.cribs[3:])} bytes"))
    rows.append(("key stream", Text(shorten(colon_hex(attack.stream), width), "bold")))
    return _part(
        "AES-CTR with a reused nonce: one key stream for every line",
        "CTR makes a stream of bytes from key and nonce, and XORs the line with it. That is sound once. Here each line "
        "begins with the same nonce, so all have the same key stream: who knows one line reads as many bytes of all "
        "others. The server's welcome is known. And the chat says everything twice: the server repeats each line with "
        'a name in front, as in "alice > ". So what is read of the line is known of its repetition, and that reaches '
        "further.",
        [*rows, *_said(fakes.row(CTR), width)],
    )


def _rsa(fakes: Fakes, width: int) -> RenderableType:
    exchange = fakes.exchange
    return _part(
        "RSA keys that nobody vouches for: sound encryption, with the wrong one",
        "The far end sends its RSA public key, the near end sends AES keys encrypted under it, and all that follows is "
        "sealed with AES-GCM, as in TLS. Who only listens reads nothing. But nothing says whose public key it is: the "
        "attacker on the way puts her own in its place, opens the AES keys, and passes them on under the right one. "
        "Both ends are content, and the test finds nothing, as there is nothing to find.",
        [
            ("the far end sends", f"its public key, {_print(exchange.genuine)}\n{spans_text(exchange.genuine.spans)}"),
            ("the near end gets", f"a public key, {_print(exchange.shown)}\n{spans_text(exchange.shown.spans)}"),
            ("it answers with", f"the AES keys, encrypted under that one\n{spans_text(exchange.answer.spans)}"),
            *_said(fakes.row(RELAYED), width),
            (
                "the cure",
                f"A near end that knows the far end's key gets {_print(exchange.refused)} "
                f"({spans_text(exchange.refused.spans)}), and sends {exchange.answered} bytes. To know it without "
                "having met is what certificates are for.",
            ),
        ],
    )


def _print(key: Sealed) -> str:
    """Return the start of the fingerprint of a public key."""
    return f"SHA-256 {sha256(key.data).hexdigest()[:16]}…"


def _closed(fakes: Fakes, width: int) -> RenderableType:
    rows: Facts = []
    for name in (LISTENED, TLS):
        row = fakes.row(name)
        assert row.closed is not None
        rows += [
            (name, Text(shorten(colon_hex(row.line.data), width), "yellow")),
            ("", spans_text(row.line.spans)),
            (
                "",
                f"{row.read} of {len(row.sent)} messages read; "
                f"the words of {row.closed.found} found in {row.closed.searched:,} bytes",
            ),
        ]
    return _part(
        "What stays closed to who only listens",
        "The listener's three attacks (undo base64, repeating key, reused key stream), on the two chats with sound "
        "encryption. TLS is closed to the attacker on the way, too, where the client verifies the certificate: "
        "make demo-mitm shows that.",
        rows,
    )

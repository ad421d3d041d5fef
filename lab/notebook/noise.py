"""What notebook 8 shows of the chats that only look encrypted: the attacks run on a capture, rows of it.

The attacks are in `lab.scenarios.fakes`; here is what hands them the files of a run, and lays out what came of it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from capture.sources.source import Counters
from capture.streams import ByteStream, on_port
from chat.lines import MAX_LINE
from lab.errors import LabError
from lab.folder import RunFolder
from lab.notebook.live import Run
from lab.presentation import spans_text
from lab.scenario import Sent
from lab.scenarios.fakes.attacks import Message, Sealed, framed_lines, text_lines
from lab.scenarios.fakes.judge import looks_random
from lab.scenarios.fakes.reading import Evidence, examine, packets, tls_lines
from lab.scenarios.fakes.result import ATTACKERS_KEY, BASE64, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes, Row
from lab.scenarios.fakes.scenario import typed
from lab.scenarios.fakes.talk import dictation

_SHOWN = 12  # bytes of a sealed line
# how the sealed lines of a chat are told apart
_CUTS: Final[Mapping[str, Callable[[ByteStream], Sequence[Sealed]]]] = {
    BASE64: text_lines,
    XOR: packets,
    ECB: framed_lines,
    CTR: framed_lines,
    RELAYED: lambda stream: framed_lines(stream)[1:],  # the first line has the keys
    LISTENED: lambda stream: framed_lines(stream)[1:],
    TLS: tls_lines,
}


def fakes(run: Run) -> Fakes:
    """Attack the chats of a run of `fakes` from its capture.

    What was really said is only for counting what was read.

    Raises:
        LabError: a chat is not in the capture.
    """
    streams = run.streams()
    ports = {chat["name"]: chat["port"] for chat in run.verdict["chats"]}
    far = {stream.destination.port for stream in streams if stream.from_client} - set(ports.values())
    if len(far) != 1:
        msg = "The capture does not hold both sides of the attacker on the way: run it again."
        raise LabError(msg)
    evidence = Evidence(streams, ports, far.pop(), typed(dictation(MAX_LINE)), _key(run.folder / ATTACKERS_KEY))
    sent = {name: tuple(Sent(**said) for said in told) for name, told in run.sent.items()}
    counted = run.verdict["capture"]
    return examine(evidence, sent, Counters(counted["packets"], counted["dropped"]), RunFolder(run.folder))


def _key(path: Path) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        msg = f"{path} is not the attacker's RSA key."
        raise LabError(msg)
    return key


def sealed_lines(run: Run, found: Fakes) -> dict[str, tuple[Sealed, ...]]:
    """Return the sealed lines of each chat, by its name.

    Of AES-ECB without the attacker's own, who came last and is no part of the chat, and of the chat with the swapped
    key without the client that refused it.
    """
    streams = run.streams()
    lines = {}
    for row in found.rows:
        own = on_port(streams, row.port)
        own = own[:-2] if row.name in (ECB, RELAYED) else own
        lines[row.name] = tuple(line for stream in own for line in _CUTS[row.name](stream))
    return lines


def beginnings(found: Fakes) -> list[tuple[str, bytes, str]]:
    """Return for each chat the first bytes of its longest line, the same words in each, and where they stand."""
    return [(row.name, row.line.data[:_SHOWN], spans_text(row.line.spans[:1])) for row in found.rows]


def looks(found: Fakes) -> list[tuple[str, str, str, str]]:
    """Return for each chat whether one line looks random, whether all lines do, and how many messages are read."""
    return [
        (row.name, _yes(looks_random(row.one)), _yes(looks_random(row.all)), f"{row.read} of {len(row.sent)}")
        for row in found.rows
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def the_secret(found: Fakes, name: str) -> Message | None:
    """Return the message with the PIN as it was read in a chat, None where it was not."""
    return next((message for message in found.row(name).messages if any(map(str.isdigit, message.text))), None)


def secrets(found: Fakes) -> list[tuple[str, str, bytes, str, str]]:
    """Return for each chat its attack, the message with the PIN as it stands sealed, where, and as it was read."""
    return [_secret(row, the_secret(found, row.name)) for row in found.rows]


def _secret(row: Row, message: Message | None) -> tuple[str, str, bytes, str, str]:
    if message is None:
        return row.name, row.attack, b"", "", "nothing"
    sealed = message.sealed
    return row.name, row.attack, sealed.data[:_SHOWN], spans_text(sealed.spans), f"{message.who}: {message.text}"

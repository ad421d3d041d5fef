"""What the capture of the fakes tells: each attack run on it, and what the randomness test says. Pure.

Knows streams, attacks, and what the attackers have: what Mallory said, and the private key of the one in the middle.
The keys of the two ends are not here. What was really said is compared with only after the attacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa

from capture.randomness import examine as test_randomness
from capture.sources.source import Counters
from capture.streams import ByteStream, on_port, select
from capture.tls import APPLICATION_DATA, HEADER, read_records
from lab.errors import LabError
from lab.folder import RunFolder
from lab.overhear import overhear
from lab.scenario import Sent
from lab.scenarios.fakes.attack_ctr import attack_ctr
from lab.scenarios.fakes.attack_ecb import attack_ecb
from lab.scenarios.fakes.attack_xor import attack_xor
from lab.scenarios.fakes.attacks import (
    Read,
    Sealed,
    framed_lines,
    in_pairs,
    messages,
    open_with,
    text_lines,
    undo_base64,
)
from lab.scenarios.fakes.result import (
    ATTACKERS_KEY,
    BASE64,
    CTR,
    ECB,
    LISTENED,
    RELAYED,
    TLS,
    XOR,
    Exchange,
    Fakes,
    Row,
    agreeing,
)
from lab.scenarios.fakes.rsa_exchange import codecs, decrypted
from lab.verdict import Expected, Verdict
from lab.verdict import judge as compare

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to read from.

    Attributes:
        streams: all streams of the capture.
        ports: of the wire of each chat; for the relayed one, of its near half.
        far: the port of its far half.
        said: the lines that Mallory sent, her name first.
        key: the private key of the one in the middle.
    """

    streams: Sequence[ByteStream]
    ports: Mapping[str, int]
    far: int
    said: Sequence[bytes]
    key: rsa.RSAPrivateKey

    def of(self, port: int, connections: int = 1) -> Sequence[ByteStream]:
        """Return the streams of a port, in pairs, the client's first.

        Raises:
            LabError: there are fewer connections than that.
        """
        return _held(on_port(self.streams, port), f"port {port}", 2 * connections)


def _held(found: Sequence[T], what: str, least: int = 1) -> Sequence[T]:
    """Return what was found, where it is enough."""
    if len(found) < least:
        msg = f"The capture does not hold all of {what}: run it again."
        raise LabError(msg)
    return found


def _first(stream: ByteStream) -> Sealed:
    return _held(framed_lines(stream), "the keys that were sent")[0]


def examine(evidence: Evidence, sent: Mapping[str, tuple[Sent, ...]], counters: Counters, folder: RunFolder) -> Fakes:
    """Attack each chat.

    Raises:
        LabError: a chat is not in the capture, or not whole.
    """
    # in all come more than two, who talk
    streams = {name: evidence.of(port, connections=2) for name, port in evidence.ports.items()}
    xor = attack_xor(streams[XOR])
    *others, own, _ = streams[ECB]  # Mallory came last
    ecb = attack_ecb(others, own, evidence.said)
    ctr = attack_ctr(in_pairs(list(map(framed_lines, streams[CTR]))))
    *swapped, refusing, refused = streams[RELAYED]  # the last one to come knows the far end's key
    exchange = Exchange(
        genuine=_first(evidence.of(evidence.far)[1]),
        shown=_first(swapped[1]),
        answer=_first(swapped[0]),
        refused=_first(refused),
        answered=len(refusing.data),
    )
    lines = {
        BASE64: list(map(text_lines, streams[BASE64])),
        XOR: list(map(packets, streams[XOR])),
        ECB: list(map(framed_lines, others)),
        CTR: list(map(framed_lines, streams[CTR])),
        RELAYED: [framed_lines(stream)[1:] for stream in swapped],  # the first line has the keys
        LISTENED: [framed_lines(stream)[1:] for stream in streams[LISTENED]],
        TLS: list(map(tls_lines, streams[TLS])),
    }
    reads = {
        BASE64: undo_base64(streams[BASE64]),
        XOR: xor.reads,
        ECB: ecb.reads,
        CTR: ctr.reads,
        RELAYED: with_the_key(swapped, evidence.key),
        **{name: in_vain(streams[name], lines[name]) for name in (LISTENED, TLS)},
    }
    closed = {name: search(sent[name], streams[name], lines[name]) for name in (LISTENED, TLS)}
    rows = tuple(
        _row(name, evidence.ports[name], sent[name], reads[name], lines[name], closed.get(name)) for name in lines
    )
    listening = agreeing(sent[ECB], messages(in_vain(others, lines[ECB])))
    return Fakes(rows, xor, ecb, listening, ctr, exchange, counters, folder.capture, folder.path / ATTACKERS_KEY)


def _row(
    name: str,
    port: int,
    sent: tuple[Sent, ...],
    reads: Sequence[Read],
    lines: Sequence[Sequence[Sealed]],
    closed: Verdict | None,
) -> Row:
    ours = _held([line for client in lines[::2] for line in client], name)
    longest = max(ours, key=lambda line: line.end - line.start)
    everything = b"".join(line.data for side in lines for line in side)
    return Row(
        name=name,
        port=port,
        sent=sent,
        messages=messages(reads),
        line=longest,
        one=test_randomness(longest.data),
        all=test_randomness(everything),
        closed=closed,
    )


def packets(stream: ByteStream) -> tuple[Sealed, ...]:
    """Return what each packet of a stream carries, for where no line can be told from the next."""
    return tuple(Sealed(stream, n, p.start, p.start + p.length) for n, p in enumerate(stream.pieces))


def tls_lines(stream: ByteStream) -> tuple[Sealed, ...]:
    """Return what the encrypted records of a TLS stream carry."""
    records = [r for r in read_records(stream).records if r.content_type == APPLICATION_DATA]
    return tuple(Sealed(stream, n, record.start + HEADER, record.end) for n, record in enumerate(records))


def with_the_key(streams: Sequence[ByteStream], key: rsa.RSAPrivateKey) -> tuple[Read, ...]:
    """Read what the keys seal that were encrypted under the public half of `key`."""
    reads: list[Read] = []
    for client, server in in_pairs(list(map(framed_lines, streams))):
        try:
            up, down = codecs(decrypted(key, client[0].data))
        except (IndexError, LabError):  # they are not in the capture, or under another key
            continue
        # the line with the keys is no line of the chat
        for codec, lines in ((up, client[1:]), (down, server[1:])):
            reads += [Read(replace(r.sealed, number=r.sealed.number - 1), r.plaintext) for r in open_with(codec, lines)]
    return tuple(reads)


def in_vain(streams: Sequence[ByteStream], lines: Sequence[Sequence[Sealed]]) -> tuple[Read, ...]:
    """Try the attacks of somebody who only listens: base64, the repeating key, the reused key stream."""
    payload = _payload(streams, lines)
    return (*undo_base64(payload), *attack_xor(payload).reads, *attack_ctr(in_pairs(lines)).reads)


def search(sent: Sequence[Sent], streams: Sequence[ByteStream], lines: Sequence[Sequence[Sealed]]) -> Verdict:
    """Search the bytes of what was sent in everything that was captured."""
    return compare(sent, overhear(streams), streams, _payload(streams, lines), Expected.UNREADABLE)


def _payload(streams: Sequence[ByteStream], lines: Sequence[Sequence[Sealed]]) -> tuple[ByteStream, ...]:
    return tuple(
        select(stream, [(line.start, line.end) for line in side]) for stream, side in zip(streams, lines, strict=True)
    )

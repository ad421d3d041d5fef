"""The attack on AES-CTR with a reused nonce: cribs, dragged along by the chat itself. Pure.

Each line is XORed with the same key stream, so who knows what one line says reads as many bytes of all others. The
server's welcome gives the start. Then the chat does the rest: the server repeats each line with "alice > " in front.
The same words lie under the key stream twice, 8 bytes apart; so where n bytes of the key stream are known, the line
says what its repetition says as far as byte n + 8, and 8 bytes more become known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat import protocol
from lab.scenarios.fakes.attacks import Connection, Crib, Read, Sealed, combined, name_of, says_something, welcome_cribs


@dataclass(frozen=True, slots=True)
class CtrAttack:
    """What the attack found.

    Attributes:
        cribs: the known plaintext, in the order in which it became known.
        stream: the bytes of the key stream that are known.
        reads: the lines that were read to their end.
    """

    cribs: tuple[Crib, ...]
    stream: bytes
    reads: tuple[Read, ...]


def attack_ctr(connections: Sequence[Connection]) -> CtrAttack:
    """Read the sealed lines of a chat, of the client and of the server of each connection."""
    cribs: tuple[Crib, ...] = ()
    known = b""
    if connections and all(connections[0]):
        known, cribs = welcome_cribs(connections[0][0][0], connections[0][1][0])
    pairs = list(_pairs(connections, known))
    grown = True
    while grown:
        grown = False
        for prefix, said, repeated in pairs:
            text = prefix + combined(said.data, known)
            longer = combined(repeated.data, text)
            if len(longer) > len(known):
                known, grown = longer, True
                crib = Crib(text.decode(errors="replace"), said.spans, len(known))
                cribs = (*cribs, crib)
    reads = [
        Read(line, combined(line.data, known))
        for connection in connections
        for lines in connection
        for line in lines
        if len(line.data) <= len(known)
    ]
    return CtrAttack(cribs, known, tuple(read for read in reads if says_something(read.plaintext)))


def _pairs(connections: Sequence[Connection], known: bytes) -> Iterator[tuple[bytes, Sealed, Sealed]]:
    """Yield what the server puts in front, a client's line and its repetition, as far as the known bytes agree."""
    for number, (ours, _) in enumerate(connections):
        name = name_of(combined(ours[0].data, known)) if ours and len(ours[0].data) <= len(known) else None
        if name is None:
            continue
        prefix = protocol.said(name, "").encode()
        for other, (_, theirs) in enumerate(connections):
            if other == number:
                continue
            waiting = iter(ours[1:])
            for repeated in theirs:
                opened = combined(repeated.data, known)
                if not opened.startswith(prefix):
                    continue
                # a line is repeated after it was said, in the order in which it was
                for said in waiting:
                    text = prefix + combined(said.data, known)
                    if len(repeated.data) == len(prefix + said.data) and _agree(opened, text):
                        yield prefix, said, repeated
                        break


def _agree(first: bytes, second: bytes) -> bool:
    return not any(combined(first, second))

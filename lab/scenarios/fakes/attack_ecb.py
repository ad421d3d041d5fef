"""The attack on AES-ECB: a codebook. Pure.

Equal blocks in, equal blocks out. The attacker cannot compute a block, but she is let into the chat, and whatever she
says is sealed with the key that seals what the others say. She says what they may have said, notes each block of 16
bytes beside its text, and looks theirs up. What she did not think of she does not read.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.padding import PKCS7

from capture.streams import ByteStream, Span
from lab.scenarios.codecs import BLOCK
from lab.scenarios.fakes.attacks import Read, Sealed, framed_lines


@dataclass(frozen=True, slots=True)
class Repeat:
    """A block that stands in several places: its bytes, and where."""

    block: bytes
    places: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class EcbAttack:
    """What the attack found.

    Attributes:
        blocks: how many blocks the others' lines have.
        different: how many different ones.
        repeat: the one that stands in the most places; None where every block stands once.
        repeated: how many lines the server sent them.
        book: how many blocks the codebook has.
        said: how many bytes the attacker said for it.
        reads: the lines that were read.
    """

    blocks: int
    different: int
    repeat: Repeat | None
    repeated: int
    book: int
    said: int
    reads: tuple[Read, ...]


def attack_ecb(streams: Sequence[ByteStream], own: ByteStream, said: Sequence[bytes]) -> EcbAttack:
    """Read the streams of the others with what the attacker said.

    Args:
        streams: theirs, those of clients and of the server.
        own: the attacker's own stream to the server.
        said: the lines that the attacker sent, in order.
    """
    book = codebook(framed_lines(own), said)
    lines = [line for stream in streams for line in framed_lines(stream)]
    places: dict[bytes, list[tuple[Span, ...]]] = defaultdict(list)
    for line in lines:
        for at, block in enumerate(cut(line.data)):
            start = line.start + at * BLOCK
            places[block].append(line.stream.locate(start, start + len(block)))
    most = max(places.items(), key=lambda item: len(item[1]), default=(b"", []))
    return EcbAttack(
        blocks=sum(map(len, places.values())),
        different=len(places),
        repeat=Repeat(most[0], tuple(most[1])) if len(most[1]) > 1 else None,
        repeated=sum(not line.stream.from_client for line in lines),
        book=len(book),
        said=sum(map(len, said)),
        reads=tuple(read for line in lines if (read := looked_up(line, book)) is not None),
    )


def codebook(sealed: Sequence[Sealed], said: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the text of each sealed block that the attacker has said; empty where the two are not the same lines."""
    book: dict[bytes, bytes] = {}
    if len(sealed) != len(said):
        return book
    for line, text in zip(sealed, said, strict=True):
        padder = PKCS7(8 * BLOCK).padder()
        book.update(zip(cut(line.data), cut(padder.update(text) + padder.finalize()), strict=False))
    return book


def looked_up(line: Sealed, book: dict[bytes, bytes]) -> Read | None:
    """Return the line with the text of each of its blocks, None where one is not in the codebook."""
    blocks = [book.get(block) for block in cut(line.data)]
    if None in blocks:
        return None
    unpadder = PKCS7(8 * BLOCK).unpadder()
    try:
        text = unpadder.update(b"".join(block for block in blocks if block is not None)) + unpadder.finalize()
    except ValueError:  # blocks of several lines that make no end of one
        return None
    return Read(line, text)


def cut(data: bytes) -> list[bytes]:
    """Return the blocks of 16 bytes."""
    return [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]

"""Key logs into capture files and out of them again: one file that opens by itself, and one that gives no key away.

Knows where decryption secrets stand in a pcapng file (draft-ietf-opsawg-pcapng, section 4.7) and which connection a key
belongs to; opens nothing. What is not about secrets passes byte by byte. What a classic pcap file holds, pcapng can
hold too; the other way round it is not so, and secrets have no place in classic pcap at all.
"""

import base64
import binascii
import bisect
import hashlib
import itertools
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from capture.errors import CaptureError, KeyLogError, MalformedError, TornCaptureError
from capture.files import whole_file
from capture.keylog import KeyLog, parse_keylog
from capture.output import new_file
from capture.packets import is_frame
from capture.pcapng import (
    CUSTOM,
    CUSTOM_NO_COPY,
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    INTERFACE_DESCRIPTION,
    INTERFACE_STATISTICS,
    NAME_RESOLUTION,
    OLD_PACKET,
    PACKETS,
    SECTION_HEADER,
    SIMPLE_PACKET,
    TLS_KEY_LOG,
    Block,
    blocks,
    comments,
    decryption_secrets,
    is_pcap,
    pcap_blocks,
    resized_section,
    secrets_of,
)
from capture.readers import ReaderName, read_segments
from capture.segment import SYN, Endpoint, Segment
from capture.streams import ByteStream, reassemble, select
from capture.tls import CLIENT_HELLO, CLIENT_KEY_EXCHANGE, HANDSHAKE, handshake_messages, read_records

# A record that a ClientHello starts in, and its random: mail and proxies begin in plaintext and change to TLS later.
_HELLO = re.compile(rb"\x16\x03(?=...\x01...\x03.(.{32}))", re.DOTALL)
_BEGINNING = 1 << 20  # bytes of each side of a connection that ClientHellos are looked for in; no more is kept
_TRIES = 4  # places where a hello with a known random may begin and does not; a random can be copied without end
_HANDSHAKE_BYTES = 1 << 18  # of a stream from its ClientHello on: as far as its ClientKeyExchange is looked for
_SECRETS_BLOCK = 1 << 20  # bytes of key log in one block; Wireshark refuses blocks of more than 16 MiB

_ZIGBEE = frozenset({0x5A4E574B, 0x5A415053})  # secrets types whose secret is 16 bytes and no text, section 4.7
_SHORTEST, _LONGEST = 16, 32  # bytes of a secret that are looked for; no shorter one can be told from chance
_GRAM = 8
_CHUNK = 1 << 22
_PLACES, _MANY = 3, 1000  # so many are named where a secret is left, and so many are looked for

_KINDS: Final = {
    SECTION_HEADER: "section header",
    INTERFACE_DESCRIPTION: "interface description",
    OLD_PACKET: "packet",
    SIMPLE_PACKET: "packet",
    ENHANCED_PACKET: "packet",
    NAME_RESOLUTION: "name resolution",
    INTERFACE_STATISTICS: "interface statistics",
    CUSTOM: "custom",
    CUSTOM_NO_COPY: "custom",
}


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved.

    Attributes:
        packets: how many packets.
        secrets: how many secrets of the key log went in.
        connections: how many TLS connections those belong to.
        torn: what is to be said of a capture that was torn or damaged and saved up to there; None where it was whole.
    """

    packets: int
    secrets: int
    connections: int
    torn: TornCaptureError | None


@dataclass(frozen=True, slots=True)
class Stripped:
    """What was taken out, and what the file that was written holds: counted in it after it was written.

    Attributes:
        blocks: how many decryption secrets blocks were taken out.
        searched: how many different secrets those held and were looked for: those of 16 bytes and more.
        packets: how many packets are in the file, each the same bytes as before.
        sha256: SHA-256 of all packet blocks, one after the other, in hex; the same before and after.
        kept: how many blocks of each kind are in the file, by block type.
        comments: how many comments of sections, interfaces and packets are in it.
        torn: what is to be said of a capture that was torn or damaged and kept up to there; None where it was whole.
    """

    blocks: int
    searched: int
    packets: int
    sha256: str
    kept: Counter[int]
    comments: int
    torn: TornCaptureError | None


def block_name(kind: int) -> str:
    """Return what blocks of a type are called, with the number where the type says little."""
    name = _KINDS.get(kind, "unknown")
    return f"{name} (0x{kind:08x})" if name in ("unknown", "custom") else name


def carried_keys(source: Path) -> KeyLog | None:
    """Return the TLS key logs that a capture file carries in blocks of its own, None where it carries none.

    Raises:
        CaptureError: the file cannot be read.
        KeyLogError: what it carries is no key log.
    """
    with whole_file(source) as whole, whole.path.open("rb") as file:
        if is_pcap(file):
            return None
        found = [secrets_of(block) for block in _blocks(file) if block.kind == DECRYPTION_SECRETS]
    text = "\n".join(data.decode("ascii", "replace") for kind, data in found if kind == TLS_KEY_LOG)
    return parse_keylog(text, f"The key log within {source}") if text.strip() else None


def save(source: Path, target: Path, keys: KeyLog | None, reader: ReaderName) -> Saved:
    """Write a capture file as pcapng that holds the keys of its own TLS connections, and so opens by itself.

    Every packet stays as it is, with its time; of a pcapng file every block, but for section lengths that it gives. The
    keys stand before the packets of the section that their connection begins in. Only those go in that belong to a
    connection in the capture: those that name the random of its ClientHello, and lines with the label RSA that name its
    encrypted premaster secret (RFC 9850; RFC 5246, section 7.4.7.1). That is TLS over TCP, begun not later than 1 MiB
    after its TCP connection. Without a key log the file is converted and nothing else.

    Args:
        source: pcap or pcapng, zipped or not.
        target: the file to write, readable by its owner only, since it holds keys.
        keys: the key log.
        reader: what reads the TCP segments of the capture.

    Raises:
        KeyLogError: no key belongs to a connection in the capture; nothing was written.
        CaptureError: the capture cannot be read, or the file not be written: it is there already, or there is no room.
    """
    with whole_file(source) as whole, whole.path.open("rb") as file:
        if target.suffix in (".pcap", ".cap"):
            msg = f"{target} would be pcapng, which {target.suffix} is not: give it a name that ends in .pcapng."
            raise CaptureError(msg)
        chosen: list[KeyLog] = []
        connections = 0
        if keys is not None:
            chosen, connections = _belonging(file, whole.path, keys, reader)
            if not any(chosen):
                msg = (
                    f"No key of the key log, which has {len(keys)}, belongs to a TLS connection that begins in "
                    f"{source}: give the key log of the same session, and a capture that has its first packets."
                )
                raise KeyLogError(msg)
        packets = 0
        with new_file(target, 0o600) as out:
            for block in _with_keys(_blocks(file), chosen):
                packets += block.kind in PACKETS
                out.write(block.raw)
    return Saved(packets, len({key for section in chosen for key in section}), connections, whole.torn)


def _blocks(file: IO[bytes]) -> Iterator[Block]:
    file.seek(0)
    return pcap_blocks(file) if is_pcap(file) else blocks(file)


def _belonging(file: IO[bytes], path: Path, keys: KeyLog, reader: ReaderName) -> tuple[list[KeyLog], int]:
    """Return for each section of the file the keys of the connections that begin in it, and how many those are."""
    ends: list[int] = []  # the last frame of each section
    frames = 0
    for block in _blocks(file):
        if block.kind == SECTION_HEADER:
            ends.append(frames)
        elif is_frame(block.kind, block.body, block.order):
            frames += 1
            ends[-1] = frames
    known = frozenset(name for _, name in keys)
    names: list[set[bytes]] = [set() for _ in ends]
    connections = 0
    for stream in reassemble(_beginnings(read_segments(path, reader))):
        for frame, named in _connections(stream, known):
            names[min(bisect.bisect_left(ends, frame), len(ends) - 1)] |= named
            connections += bool(named)
    chosen: list[KeyLog] = [
        {key: secret for key, secret in keys.items() if key[1] in own} if own else {} for own in names
    ]
    return chosen, connections


def _beginnings(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield of each side of a connection the segments that it begins with."""
    sent: dict[tuple[Endpoint, Endpoint], int] = {}
    opened: dict[tuple[Endpoint, Endpoint], int] = {}  # the sequence number of its SYN
    for segment in segments:
        side = segment.source, segment.destination
        if segment.flags & SYN and opened.get(side) != segment.seq:
            opened[side], sent[side] = segment.seq, 0
        before = sent.get(side, 0)
        sent[side] = before + segment.length
        # an acknowledgment without payload adds nothing to a stream
        if before < _BEGINNING and (segment.length or segment.flags & SYN):
            yield segment


def _connections(stream: ByteStream, known: frozenset[bytes]) -> Iterator[tuple[int, frozenset[bytes]]]:
    """Yield the TLS connections in a client's stream: the frame each begins in, and what the key log calls it.

    Args:
        stream: one side of a TCP connection.
        known: the names of connections in the key log.
    """
    later = [(found.start(), found[1]) for found in _HELLO.finditer(stream.data) if found[1] in known]
    seen: set[bytes] = set()
    tries: Counter[bytes] = Counter()
    for start, random in [(0, b""), *later] if stream.data else ():
        tries[random] += 1
        if random in seen or tries[random] > _TRIES:
            continue  # after a HelloRetryRequest the client says hello again
        end = min(len(stream.data), start + _HANDSHAKE_BYTES)
        layer = read_records(select(stream, [(start, end)]))
        names = set()
        for message in handshake_messages(r.fragment for r in layer.records if r.content_type == HANDSHAKE):
            if message.msg_type == CLIENT_HELLO:
                names.add(message.body[2:34])  # its random, after the version
            elif message.msg_type == CLIENT_KEY_EXCHANGE:
                names.add(message.body[2:10])  # of the encrypted premaster secret, after its length
                break
        seen |= names
        yield stream.locate(start, start + 1)[0].frame, known & names


def _with_keys(source: Iterable[Block], chosen: Sequence[KeyLog]) -> Iterator[Block]:
    """Yield the blocks of a file with those of the chosen keys before the first packet of each section."""
    sections = itertools.chain(chosen, itertools.repeat({}))
    waiting: list[Block] = []
    for block in source:
        if block.kind == SECTION_HEADER:
            yield from waiting
            waiting = [_secrets_block(block, text) for text in _lines(next(sections))]
            raw = resized_section(block, sum(len(secrets.raw) for secrets in waiting))
            yield block._replace(raw=raw)
            continue
        if block.kind in PACKETS:
            yield from waiting
            waiting = []
        yield block
    yield from waiting


def _secrets_block(header: Block, text: bytes) -> Block:
    return Block(DECRYPTION_SECRETS, header.order, header.offset, decryption_secrets(text, order=header.order))


def _lines(keys: KeyLog) -> Iterator[bytes]:
    """Yield the lines of a key log, as many together as go into a block."""
    text = bytearray()
    for (label, name), secret in keys.items():
        text += f"{label} {name.hex()} {secret.hex()}\n".encode("ascii")
        if len(text) >= _SECRETS_BLOCK:
            yield bytes(text)
            text.clear()
    if text:
        yield bytes(text)


def strip(source: Path, target: Path) -> Stripped:
    """Write a capture file without its decryption secrets, whatever they are for, and check what was written.

    Every other block stays as it is, but for section lengths that the file gives. Nothing else is taken out: see
    `Stripped.kept`. What was written is read again before it gets its name: there is no secrets block in it, every
    other block is as before, and no secret that was taken out stands anywhere in it, as bytes or as hex.

    Raises:
        CaptureError: a secret that was taken out also stands elsewhere in the capture, and nothing was written; the
            capture cannot be read, or the file not be written: it is there already, or there is no room.
    """
    with whole_file(source) as whole, whole.path.open("rb") as file, new_file(target) as out:
        removed: list[Block] = []
        if is_pcap(file):
            shutil.copyfileobj(file, out)
        else:
            less: list[int] = []  # bytes that each section loses
            for block in blocks(file):
                if block.kind == SECTION_HEADER:
                    less.append(0)
                elif block.kind == DECRYPTION_SECRETS:
                    removed.append(block)
                    less[-1] += len(block.raw)
            for raw in _without_secrets(_blocks(file), iter(less)):
                out.write(raw)
        needles = _needles(removed)
        _check_secrets(out, needles, removed, source)
        packets, sha256, kept, said = _check_blocks(file, out, source)
    return Stripped(len(removed), len(needles), packets, sha256, kept, said, whole.torn)


def _without_secrets(source: Iterable[Block], less: Iterator[int]) -> Iterator[bytes]:
    for block in source:
        if block.kind == SECTION_HEADER:
            yield resized_section(block, -next(less))
        elif block.kind != DECRYPTION_SECRETS:
            yield block.raw


def _needles(removed: Iterable[Block]) -> set[bytes]:
    """Return the secrets in these blocks that are long enough to be looked for."""
    found: set[bytes] = set()
    for block in removed:
        try:
            kind, data = secrets_of(block)
        except MalformedError:
            continue  # seven bytes at the most: it goes, and there is nothing in it to look for
        if kind in _ZIGBEE:
            found.add(data[:16])
            continue
        for line in data.splitlines():
            words = line.split()
            if not words or line.startswith(b"#"):
                continue
            # of a TLS or SSH key log the last word is the secret, in hex; of WireGuard's it is, in base 64
            word = words[-1]
            try:
                found.add(bytes.fromhex(word.decode("ascii")))
            except ValueError:
                if kind != TLS_KEY_LOG:
                    found.add(word)
                    found.update(_from_base64(word))
    return {secret for secret in found if len(secret) >= _SHORTEST}


def _from_base64(word: bytes) -> list[bytes]:
    try:
        return [base64.b64decode(word, validate=True)]
    except binascii.Error:
        return []


def _check_secrets(out: IO[bytes], needles: set[bytes], removed: Sequence[Block], source: Path) -> None:
    """Raise if a secret that was taken out still stands somewhere."""
    # of each as much as the shortest has, so that all are the same length
    length = min([_LONGEST, *(len(secret) for secret in needles)])
    short = {secret[:length] for secret in needles}
    hexes = {secret.hex().encode() for secret in short}
    everywhere = itertools.chain(occurrences(out, short), occurrences(out, hexes, lower=True))
    places = sorted(set(itertools.islice(everywhere, _MANY)))
    if not places:
        return
    named = ", ".join(_place(out, at, removed) for at in places[:_PLACES])
    more = f" and {len(places) - _PLACES} more" if _PLACES < len(places) < _MANY else ""
    if len(places) == _MANY:
        more = " and many more"
    msg = (
        f"Secrets that {source} carries also stand elsewhere in it, where they are not taken out: "
        f"{named}{more}; nothing was written."
    )
    raise CaptureError(msg)


def _place(out: IO[bytes], at: int, removed: Sequence[Block]) -> str:
    """Say where in the capture a byte of the stripped file stands."""
    frame = 0
    for block in _blocks(out):
        frame += is_frame(block.kind, block.body, block.order)
        if at < block.offset + len(block.raw):
            break
    before = at
    for secrets in removed:  # in the order of the file: each moves what came after it
        before += len(secrets.raw) if secrets.offset <= before else 0
    where = f"frame {frame}" if block.kind in PACKETS else f"a block of kind {block_name(block.kind)}"
    return f"byte {before} (in {where})"


def occurrences(file: IO[bytes], needles: set[bytes], *, lower: bool = False) -> Iterator[int]:
    """Yield where in a file any of many byte strings stands, in time that hardly depends on how many they are.

    Args:
        file: any file; read in pieces.
        needles: all of one length, of 16 bytes or more.
        lower: take capital letters in the file for small ones.
    """
    if not needles:
        return
    length = len(next(iter(needles)))
    # Of whatever stands in the file, one of the positions 0, step, 2 * step ... is the first of 8 bytes in it. Only
    # there is it looked whether some needle has those 8 bytes, and where in it.
    step = length - _GRAM + 1
    grams: dict[bytes, set[int]] = {}
    for needle in needles:
        for at in range(step):
            grams.setdefault(needle[at : at + _GRAM], set()).add(at)
    file.seek(0)
    base, window = 0, b""
    while chunk := file.read(_CHUNK):
        window += chunk.lower() if lower else chunk
        for hit in [i for i in range(0, len(window), step) if window[i : i + _GRAM] in grams]:
            for at in grams[window[hit : hit + _GRAM]]:
                if hit >= at and window[hit - at : hit - at + length] in needles:
                    yield base + hit - at
        done = max(0, len(window) - length + 1)
        base, window = base + done, window[done:]


def _check_blocks(file: IO[bytes], out: IO[bytes], source: Path) -> tuple[int, str, Counter[int], int]:
    """Compare what was written with the capture, block by block; return what `Stripped` says of it."""
    digest = hashlib.sha256()
    kept = Counter[int]()
    said = 0
    wanted = (block for block in _blocks(file) if block.kind != DECRYPTION_SECRETS)
    for before, after in itertools.zip_longest(wanted, _blocks(out)):
        if before is None or after is None or not _same(before, after):
            at = before.offset if before is not None else after.offset
            msg = f"What was written is not what {source} holds at byte {at}: nothing is left of it; try another disk."
            raise CaptureError(msg)
        kept[after.kind] += 1
        said += comments(after)
        if after.kind in PACKETS:
            digest.update(after.raw)
    return sum(kept[kind] for kind in PACKETS), digest.hexdigest(), kept, said


def _same(before: Block, after: Block) -> bool:
    if before.kind == after.kind == SECTION_HEADER:  # the section length, bytes 16 to 23, says how long it is now
        return before.raw[:16] + before.raw[24:] == after.raw[:16] + after.raw[24:]
    return before.raw == after.raw

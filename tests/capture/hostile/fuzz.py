"""Throws hostile input at all that reads TLS, and holds what comes back against a second reader: `--inputs 100000`.

Every input must end in what the reference reads, in an error of our own where the reference finds a rule broken, or in
"need more" where it runs out of bytes; whole, in pieces and with bytes behind it alike. Whatever opens with keys must
be a record that was on the wire when the capture was made. An input is made of its kind, the seed and its number alone:
what is printed where one fails makes it again.
"""

import argparse
import resource
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from capture.alert import alerts
from capture.decrypt import open_connection, sealed_stream
from capture.errors import CaptureError, KeyLogError, MalformedError
from capture.export import record_rows
from capture.fields import Field
from capture.handshake import parse_certificate, parse_new_session_ticket, parse_server_key_exchange, read_handshake
from capture.hello import ServerHello, parse_client_hello, parse_server_hello, server_hello
from capture.keylog import KeyLog, parse_keylog, read_keylog
from capture.pcapng import blocks, decryption_secrets
from capture.protection import Protection, protection
from capture.readers import read_segments
from capture.registry import CIPHER_SUITES
from capture.segment import ACK, PSH, SYN, Endpoint, Segment
from capture.streams import ByteStream, reassemble
from capture.tls import HandshakeMessage, HandshakeReader, RecordLayer, read_records
from lab.reading import read_capture
from lab.sessions import Session, sessions
from lab.visible import look
from tests.capture.hostile import inputs, reference
from tests.capture.hostile.compare import compare
from tests.capture.hostile.reference import BadError

DATA = Path(__file__).parent.parent.parent / "data"
SLOW = 2.0  # seconds of processor time that no input may take, most of them a thousandth of it
ENDS = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 12346)
Turn = tuple[bool, bytes]  # whether the client speaks, and what

_ENCRYPTS = {number for number, name in CIPHER_SUITES.items() if "_WITH_NULL_" not in name}
_ECDHE = ("TLS_ECDHE_ECDSA_WITH_", "TLS_ECDHE_RSA_WITH_", "TLS_ECDH_anon_WITH_")


class WrongError(AssertionError):
    """An input was read as something it is not, or not as what it is."""


def source(kind: str, seed: int, number: int) -> Random:
    """All that is random in an input."""
    return Random(f"{kind} {seed} {number}")  # noqa: S311  (it is to come out the same again)


def agree(ours: object, theirs: object, what: str) -> None:
    if ours != theirs:
        msg = f"{what}: read {ours!r:.600}, should be {theirs!r:.600}"
        raise WrongError(msg)


def outcome(read: Callable[[], Any], bounds: range | None = None) -> Any:
    """Return what reading gives, or `BadError` for an error of our own, with an offset within `bounds`."""
    try:
        return read()
    except MalformedError as error:
        if bounds is not None and error.offset not in bounds:
            msg = f"the error is said to be at {error.offset}, outside of {bounds}"
            raise WrongError(msg) from error
        return BadError


def second(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except BadError:
        return BadError


# --- the captures that are changed -----------------------------------------------------------------------------------


class Sample(NamedTuple):
    """A connection of a shipped capture.

    Attributes:
        turns: what its segments carry, in their order.
        keys: its key log, where there is one.
        opened: what its encrypted records hold, by their bytes: type and plaintext.
        records: its records.
    """

    turns: tuple[Turn, ...]
    keys: KeyLog | None
    opened: dict[bytes, tuple[int, bytes]]
    records: tuple[bytes, ...]


@cache
def captures() -> tuple[Path, ...]:
    return tuple(sorted([*DATA.glob("tls*.pcapng"), *DATA.glob("foreign-*.pcapng")]))


@cache
def samples() -> tuple[Sample, ...]:
    found = []
    for path in captures():
        segments = list(read_segments(path, "native"))
        keylog = path.with_name(path.name.replace(".pcapng", ".keys.txt"))
        keys = read_keylog(keylog) if keylog.exists() else None
        for session in sessions(reassemble(segments), keys):
            ends = session.client.stream.source
            turns = [(s.source == ends, s.payload) for s in segments if s.length and ends in (s.source, s.destination)]
            opened = {
                item.record.header + item.record.fragment: (item.content_type, item.plaintext)
                for items in session.opened or ()
                for item in items
            }
            raw = [r.header + r.fragment for layer in (session.client, session.server) for r in layer.records]
            found.append(Sample(tuple(turns), keys, opened, tuple(raw)))
    return tuple(found)


@cache
def bodies(kind: int) -> tuple[bytes, ...]:
    """The handshake messages of a type in the captures."""
    found = []
    for sample in samples():
        for from_client in (True, False):
            data = b"".join(payload for side, payload in sample.turns if side == from_client)
            found += [body for other, body in reference.handshake(reference.records(data)[0]) if other == kind]
    return tuple(found)


def stream(data: bytes) -> ByteStream:
    segment = Segment(1, 0, *ENDS, 1, 0, ACK, len(data), data, 54)
    return reassemble([segment])[0]


# --- each kind of input: make it, read it twice, compare, say what came out -------------------------------------------


def noise(random: Random) -> bytes:
    """Random bytes, as a rule behind a beginning that looks right."""
    begins = (b"", b"\x16\3\1", b"\x17\3\3\0", b"\x16\3\3\0\x40\1\0\0\x3c\3\3", b"\x15\3\3\0\2")
    return random.choice(begins) + random.randbytes(random.choice((0, 1, 5, random.randint(0, 300))))


def of_records(random: Random) -> bytes:
    flight = inputs.flight(random) if random.random() < 0.6 else b"".join(random.choice(samples()).records[:6])
    return random.choice(
        (
            lambda: flight,
            lambda: inputs.mutate(random, flight, random.choice(samples()).records),
            lambda: inputs.mutate(random, flight),
            lambda: noise(random),
        )
    )()


def same_layer(layer: RecordLayer, data: bytes, what: str) -> None:
    records, end, at = reference.records(data)
    ours = [(r.content_type, r.version, r.fragment) for r in layer.records]
    agree(ours, [tuple(record) for record in records], what)
    agree((layer.end, layer.at - layer.start), (end, at), what)
    agree(bool(layer.reason), end != "complete", what)
    whole = b"".join(record.header + record.fragment for record in layer.records)
    agree(whole, data[:at], "the records put together again")


def records(random: Random) -> str:
    """Records, whole, up to any byte, and with bytes behind."""
    data = of_records(random)
    layer = read_records(stream(data))
    same_layer(layer, data, "records")
    cuts = range(len(data)) if len(data) < 40 else sorted(random.sample(range(len(data)), 6))
    for size in cuts:
        same_layer(read_records(stream(data[:size])), data[:size], f"the first {size} bytes")
    more = data + noise(random)
    behind = read_records(stream(more))
    same_layer(behind, more, "bytes behind")
    agree(
        [record.fragment for record in behind.records[: len(layer.records)]],
        [record.fragment for record in layer.records],
        "what stands before bytes behind",
    )
    return layer.end


def messages(random: Random) -> str:
    """Handshake messages, however they are cut."""
    data = b"".join(inputs.message(random) for _ in range(random.randint(0, 4)))
    data = random.choice((data, inputs.mutate(random, data), noise(random)))
    wanted = reference.messages([data])
    for pieces in ([data], inputs.cut(random, data, 9), [data[at : at + 1] for at in range(len(data))]):
        reader = HandshakeReader()
        found = [message for piece in pieces for message in reader.feed(piece)]
        agree([(message.msg_type, message.body) for message in found], wanted, "handshake messages")
        ends = [message.start for message in found[1:]] + ([found[-1].end] if found else [])
        agree(ends, [message.end for message in found], "where messages stand")
    return "complete" if sum(4 + len(body) for _, body in wanted) == len(data) else "need more"


def body_of(random: Random, kind: int) -> bytes:
    real = bodies(kind)
    right = random.choice(real) if real and random.random() < 0.5 else inputs.BODIES[kind](random)
    changed = inputs.mutate(random, right, real)
    return random.choice((right, changed, changed, changed, inputs.mutate(random, changed), noise(random)))


def check_fields(fields: Iterable[Field], data: bytes, base: int) -> None:
    """Every field is what the bytes say at its place, one after the other."""
    before = base
    for item in fields:
        taken = data[item.start - base : item.end - base]
        if item.start < before or not taken or len(taken) != item.end - item.start:
            msg = f"{item.name} is said to stand at {item.start} to {item.end}"
            raise WrongError(msg)
        before = item.end
        value: object = taken
        if isinstance(item.value, int):
            value = int.from_bytes(taken, "big")
        elif isinstance(item.value, str):
            value = taken.decode("ascii", "backslashreplace")
        agree(item.value, value, item.name)


def same_message(read: Callable[[], Any], wanted: Any, data: bytes, base: int, what: str) -> str:
    ours = outcome(read, range(base, base + len(data) + 1))
    if ours is BadError or wanted is BadError:
        agree(ours, wanted, what)
        return "malformed"
    agree({name: getattr(ours, name) for name in wanted}, wanted, what)
    check_fields(ours.fields, data, base)
    return "read"


def client_hellos(random: Random) -> str:
    data, base = body_of(random, 1), random.choice((0, 9, 70000))
    wanted = second(lambda: reference.client_hello(data))
    return same_message(lambda: parse_client_hello(data, base), wanted, data, base, "ClientHello")


def server_hellos(random: Random) -> str:
    data, base = body_of(random, 2), random.choice((0, 9, 70000))
    wanted = second(lambda: reference.server_hello(data))
    return same_message(lambda: parse_server_hello(data, base), wanted, data, base, "ServerHello")


def certificates(random: Random) -> str:
    data, start = body_of(random, 11), random.choice((0, 90))
    wanted = second(lambda: reference.certificate(data))
    message = HandshakeMessage(11, data, start)
    return same_message(lambda: parse_certificate(message), wanted, data, start + 4, "Certificate")


def answer_of(random: Random) -> ServerHello:
    version, suite = random.choice((0x0303, 0x0302, 0x0301)), random.choice((0xC02F, 0xC018, 0xC013))
    return parse_server_hello(version.to_bytes(2, "big") + bytes(33) + suite.to_bytes(2, "big") + b"\0")


def key_exchanges(random: Random) -> str:
    data, start, answer = body_of(random, 12), random.choice((0, 90)), answer_of(random)
    signed, named = answer.cipher_suite != 0xC018, answer.version == 0x0303
    wanted = second(lambda: reference.server_key_exchange(data, signed=signed, named=named))
    message = HandshakeMessage(12, data, start)
    return same_message(
        lambda: parse_server_key_exchange(message, answer), wanted, data, start + 4, "ServerKeyExchange"
    )


def tickets(random: Random) -> str:
    data, start = body_of(random, 4), random.choice((0, 90))
    wanted = second(lambda: reference.new_session_ticket(data))
    message = HandshakeMessage(4, data, start)
    return same_message(lambda: parse_new_session_ticket(message), wanted, data, start + 4, "NewSessionTicket")


def key_logs(random: Random) -> str:
    """Key logs, held against a reading without regular expressions."""
    text = "".join(_key_line(random) for _ in range(random.randint(0, 4)))
    if random.random() < 0.6:
        text = inputs.mutate(random, text.encode("utf-8", "replace")).decode("ascii", "replace")
    wanted: Any = second(lambda: _key_log(text))
    try:
        ours: Any = dict(parse_keylog(text))
    except KeyLogError:
        ours = BadError
    agree(ours, wanted, "key log")
    return "malformed" if ours is BadError else "read"


def _key_line(random: Random) -> str:
    label = random.choice(("CLIENT_RANDOM", "RSA", "SERVER_TRAFFIC_SECRET_0", "# CLIENT_RANDOM"))
    wrong = random.random() < 0.1
    name, secret = random.randbytes(31 if wrong else random.choice((32, 8))), random.randbytes(random.choice((48, 32)))
    hexes = [random.choice((data.hex(), data.hex().upper())) for data in (name, secret)]
    return " ".join((label, *hexes)) + random.choice(("\n", "\r\n", "\n\n", " \n", "\x0b"))


def _key_log(text: str) -> dict[tuple[str, bytes], bytes]:
    found = {}
    for line in text.splitlines():
        words = line.strip().split(" ")
        if words == [""] or line.startswith("#"):
            continue
        if len(words) != 3 or not words[0] or set(words[0]) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"):
            raise BadError
        if len(words[1]) not in (16, 64) or not words[2] or len(words[2]) % 2:
            raise BadError
        if set(words[1] + words[2]) - set("0123456789abcdefABCDEF"):
            raise BadError
        found[words[0], bytes.fromhex(words[1])] = bytes.fromhex(words[2])
    if not found:
        raise BadError
    return found


# --- connections -----------------------------------------------------------------------------------------------------


def segments_of(turns: Sequence[Turn], *, port: int = ENDS[0].port) -> list[Segment]:
    """The segments of one connection, opened by a SYN."""
    ends = {True: Endpoint(ENDS[0].host, port), False: ENDS[1]}
    at = {True: 1000, False: 5000}
    found: list[Segment] = []

    def put(side: bool, flags: int, payload: bytes) -> None:
        frame = len(found) + 1
        data = at[side], at[not side] if flags & ACK else 0, flags, len(payload), payload, 54
        found.append(Segment(frame, frame * 1000, ends[side], ends[not side], *data))
        at[side] += len(payload) + bool(flags & SYN)

    put(True, SYN, b"")
    put(False, SYN | ACK, b"")
    for side, payload in turns:
        put(side, PSH | ACK, payload)
    return found


WORDS = (
    (True, b"EHLO anna\r\n"),
    (False, b"250-hello\r\n250 STARTTLS\r\n"),
    (True, b"STARTTLS\r\n"),
    (False, b"220 go ahead\r\n"),
)


def turns_of(random: Random, sample: Sample, *, words: bool = True) -> tuple[list[Turn], bool]:
    """What is said on a connection that was changed, and whether words in the clear were all that was put to it.

    Args:
        random: the source of all changes.
        sample: the connection.
        words: whether there may be words in the clear before it.
    """
    turns = list(sample.turns)
    intact = random.random() < 0.15
    for _ in range(0 if intact else random.choice((1, 1, 2, 3))):
        at = random.randrange(len(turns))
        side, payload = turns[at]
        other = random.choice(random.choice(samples()).turns)
        kind = random.randrange(8)
        if kind < 3:
            turns[at] = side, inputs.mutate(random, payload, random.choice(samples()).records)
        elif kind == 3:
            del turns[at]
        elif kind == 4:
            turns.insert(at, random.choice((other, turns[at])))
        elif kind == 5:
            end = random.randrange(len(turns))
            turns[at], turns[end] = turns[end], turns[at]
        elif kind == 6:
            turns.insert(at, (random.random() < 0.5, inputs.flight(random)))
        else:
            turns[at:] = []
        turns = turns or [(True, b"")]
    if words and random.random() < 0.3:
        turns = [*WORDS[random.choice((0, 2)) :], *turns]
    if random.random() < 0.2:
        turns.append((random.random() < 0.5, b"and now in the clear again\r\n"))
    return turns, intact


def connections(random: Random) -> str:
    """Both sides of a connection, through everything that reads one."""
    sample = random.choice(samples())
    turns, intact = turns_of(random, sample)
    (session,) = sessions(reassemble(segments_of(turns)), sample.keys)
    ours, theirs = session.client, session.server
    for layer in (ours, theirs):
        start = layer.records[0].start if layer.records else layer.start
        records, end, at = reference.records(layer.stream.data[start:])
        agree([(r.content_type, r.version, r.fragment) for r in layer.records], [tuple(r) for r in records], "records")
        agree((layer.end, layer.at), (end, start + at), "how the records end")
        list(record_rows(layer))
    if intact:
        raw = [record.header + record.fragment for layer in (ours, theirs) for record in layer.records]
        agree(raw, list(sample.records), "the records of a connection that nobody changed")
    elif ours.start:
        hello = reference.first_hello(reference.records(ours.stream.data[ours.start :])[0], 1, reference.client_hello)
        agree(hello is None, False, "a ClientHello where TLS begins late")
    check_states(session)
    check_opened(session, sample)
    return _named(session)


def _named(session: Session) -> str:
    if not session.is_tls:
        return "no TLS"
    if session.opened is not None:
        return "opened"
    return "closed" if not session.problems else "closed, with problems"


def plain_of(layer: RecordLayer) -> list[reference.Record]:
    return [reference.Record(r.content_type, r.version, r.fragment) for r in layer.records]


def check_states(session: Session) -> None:
    client, server = plain_of(session.client), plain_of(session.server)
    wanted = [reference.states(mine, client, server, _ENCRYPTS.__contains__) for mine in (client, server)]
    found = protection(session.client, session.server)
    agree([list(states) for states in found], wanted, "what is encrypted")
    said = []
    for layer, states in zip((client, server), wanted, strict=True):
        clear = [r.fragment if r.kind == 22 and s == "clear" else None for r, s in zip(layer, states, strict=True)]
        said.append(reference.unbroken(clear))
    same_handshake(session, *said)
    same_alerts(session.client, found[0], client)
    same_alerts(session.server, found[1], server)
    seen = look(session.client, session.server)
    hello = reference.first_hello(client, 1, reference.client_hello)
    agree(seen.server_name, hello["server_name"] if hello else None, "the name asked for")
    outcome(lambda: sealed_stream(session.server, server_hello(session.server)))


def same_alerts(layer: RecordLayer, states: tuple[Protection, ...], plain: list[reference.Record]) -> None:
    pairs = [(record, state) for record, state in zip(plain, states, strict=True) if record.kind == 21]
    clear = [record.fragment for record, state in pairs if state == "clear"]
    wanted = second(lambda: [alert for fragment in clear for alert in reference.alerts(fragment)])
    ours = outcome(lambda: alerts(layer, states))
    if ours is not BadError:
        agree(sum(not alert.fields for alert in ours), len(pairs) - len(clear), "alerts that are not in the clear")
        ours = [(alert.level, alert.description) for alert in ours if alert.fields]
    agree(ours, wanted, "alerts")


def same_handshake(session: Session, asked: list[tuple[int, bytes]], answered: list[tuple[int, bytes]]) -> None:
    """Hold the whole handshake against the messages that are in the clear."""

    def right() -> dict[str, Any]:
        hellos = [reference.client_hello(body) for kind, body in asked if kind == 1]
        answers = [reference.server_hello(body) for kind, body in answered if kind == 2]
        ecdhe = [a for a in answers if CIPHER_SUITES.get(a["cipher_suite"], "").startswith(_ECDHE)]

        def first(of: list[tuple[int, bytes]], wanted: int, read: Callable[[bytes], Any]) -> Any:
            return next((read(body) for kind, body in of if kind == wanted), None)

        def exchange(body: bytes) -> Any:
            signed = "_anon_" not in CIPHER_SUITES[ecdhe[-1]["cipher_suite"]]
            return reference.server_key_exchange(body, signed=signed, named=ecdhe[-1]["version"] == 0x0303)

        return {
            "client_hellos": hellos,
            "server_hellos": answers,
            "server_certificate": first(answered, 11, reference.certificate),
            "client_certificate": first(asked, 11, reference.certificate),
            "server_key_exchange": first(answered, 12, exchange) if ecdhe else None,
            "new_session_ticket": first(answered, 4, reference.new_session_ticket),
        }

    wanted = second(right)
    ours = outcome(lambda: read_handshake(session.client, session.server))
    if ours is BadError or wanted is BadError:
        agree(ours, wanted, "the handshake")
        return
    for name, value in wanted.items():
        parts = value if isinstance(value, list) else [value]
        mine = getattr(ours, name)
        agree([_as_said(part, like) for part, like in zip(_listed(mine), parts, strict=True)], parts, name)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)


def _as_said(ours: Any, like: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if ours is None or like is None else {name: getattr(ours, name) for name in like}


def check_opened(session: Session, sample: Sample) -> None:
    """Only a record that was sent can open, and to what was sent in it."""
    if sample.keys is not None and session.is_tls:
        try:
            open_connection(session.client, session.server, sample.keys)
        except CaptureError as error:
            agree(session.opened, None, f"what opened in spite of: {error}")
    for items in session.opened or ():
        for item in items:
            sent = sample.opened.get(item.record.header + item.record.fragment)
            agree((item.content_type, item.plaintext), sent, "an opened record")
    for part in session.readable:
        agree(sum(piece.length for piece in part.pieces), len(part.data), "what is readable stands somewhere")


def files(random: Random) -> str:
    """A capture file with its keys in it, as `lab read` reads it."""
    path = random.choice(captures())
    data, keylog = path.read_bytes(), path.with_name(path.name.replace(".pcapng", ".keys.txt"))
    if keylog.exists():
        with path.open("rb") as file:
            head = len(next(iter(blocks(file))).raw)
        data = data[:head] + decryption_secrets(keylog.read_bytes()) + data[head:]
    if random.random() < 0.95:
        data = inputs.mutate(random, data)
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as target:
        target.write(data)
        target.flush()
        try:
            found = read_capture(Path(target.name), "native")
        except CaptureError:
            return "no capture"
    return "with problems" if found.problems else "read"


# --- what tshark makes of them ---------------------------------------------------------------------------------------


def mutated_capture(seed: int, count: int) -> bytes:
    """A pcap file (link type 101, bare IP) of so many connections, each a shipped one that was changed."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)]
    for number in range(count):
        random = source("tshark", seed, number)
        # words in the clear make it wait for the rest of what it takes for a record of SSL 2.0
        spoken = [sample for sample in samples() if sample.turns[0][1].startswith(b"\x16\3")]
        turns, _ = turns_of(random, random.choice(spoken), words=False)
        for segment in segments_of(turns, port=1024 + number % 60000):
            tcp = struct.pack("!HHIIBBHHH", segment.source.port, segment.destination.port, segment.seq, segment.ack, 80,
                              segment.flags, 65535, 0, 0) + segment.payload  # fmt: skip
            hosts = [bytes(map(int, end.host.split("."))) for end in (segment.source, segment.destination)]
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + hosts[0] + hosts[1]
            out += [struct.pack("<IIII", 1_700_000_000 + number, segment.frame, len(ip + tcp), len(ip + tcp)), ip, tcp]
    return b"".join(out)


# What tshark may make of hostile records and the lab does not, and the other way round; compare.py says why.
EXPLAINED = {
    "after bytes that are no record",
    "tshark guesses",
    "tshark leaves the rest of a malformed frame",
    "tshark sees no TLS",
    "tshark wants no version 0304 in a record",
}


def against_tshark(seed: int, count: int) -> int:
    """Write connections into a capture and compare; 1 where something is not explained."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.pcap"
        path.write_bytes(mutated_capture(seed, count))
        result = compare("tshark", path, "native", [ENDS[1].port])
    reasons = Counter(difference.reason for difference in result.differences)
    for reason, number in reasons.most_common():
        sys.stdout.write(f"{number:8} streams: {reason}\n")
    wrong = [difference for difference in result.differences if difference.reason not in EXPLAINED]
    for difference in wrong:
        sys.stdout.write(f"FAILED {difference}\n")
    sys.stdout.write(
        f"{count} connections, {result.streams} streams the same to both, {result.records} records agree, "
        f"{len(wrong)} streams differ without a reason; {time.monotonic() - begun:.0f} s, seed {seed}.\n"
    )
    return int(bool(wrong))


KINDS: dict[str, tuple[Callable[[Random], str], int]] = {
    "records": (records, 20),
    "handshake messages": (messages, 15),
    "ClientHello": (client_hellos, 15),
    "ServerHello": (server_hellos, 12),
    "Certificate": (certificates, 8),
    "ServerKeyExchange": (key_exchanges, 6),
    "NewSessionTicket": (tickets, 4),
    "key log": (key_logs, 6),
    "connection": (connections, 12),
    "file": (files, 2),
}


@dataclass(slots=True)
class Result:
    """What a run gave.

    Attributes:
        outcomes: how often each kind ended in what.
        slowest: the most processor time that one input took, in seconds, and which.
        failed: the inputs that failed, with the reason.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    failed: list[str] = field(default_factory=list)


def one(kind: str, seed: int, number: int) -> str:
    """Make and check one input."""
    return KINDS[kind][0](source(kind, seed, number))


def numbered(kinds: Sequence[str], inputs_wanted: int) -> Iterator[tuple[str, int]]:
    """Yield kinds by their weights, with a number each."""
    weights = [kind for kind in kinds for _ in range(KINDS[kind][1])]
    for number in range(inputs_wanted):
        yield weights[number % len(weights)], number


def fuzz(seed: int, inputs_wanted: int, kinds: Sequence[str] = tuple(KINDS), first: int = 0) -> Result:
    result = Result()
    samples()
    for kind, number in numbered(kinds, first + inputs_wanted):
        if number < first:
            continue
        begun = time.process_time()
        try:
            result.outcomes[kind, one(kind, seed, number)] += 1
        except Exception:
            result.failed.append(f"--only '{kind}' --seed {seed} --number {number}\n{traceback.format_exc(limit=-4)}")
        took = time.process_time() - begun
        if took > SLOW:
            result.failed.append(f"--only '{kind}' --seed {seed} --number {number}\ntook {took:.1f} s")
        result.slowest = max(result.slowest, (took, f"{kind} {number}"))
    return result


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Throws hostile input at the parsers of TLS.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--only", choices=KINDS, action="append", help="this kind; may be repeated")
    parser.add_argument("--number", type=int, help="one input again, of one kind, and what it raises")
    parser.add_argument("--tshark", type=int, metavar="COUNT", help="hold so many changed connections against tshark")
    arguments = parser.parse_args(argv)
    if arguments.tshark:
        return against_tshark(arguments.seed, arguments.tshark)
    if arguments.number is not None:
        sys.stdout.write(one(arguments.only[0], arguments.seed, arguments.number) + "\n")
        return 0
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    result = fuzz(arguments.seed, arguments.inputs, arguments.only or tuple(KINDS))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for (kind, what), count in sorted(result.outcomes.items()):
        sys.stdout.write(f"{count:8} {kind}: {what}\n")
    for failure in result.failed[:10]:
        sys.stdout.write(f"FAILED {failure}\n")
    sys.stdout.write(
        f"{sum(result.outcomes.values())} inputs as they should be, {len(result.failed)} not; "
        f"{time.monotonic() - begun:.0f} s, seed {arguments.seed}; the slowest took {result.slowest[0] * 1000:.0f} ms "
        f"({result.slowest[1]}); the process grew by {grown:.0f} MB.\n"
    )
    return int(bool(result.failed))


if __name__ == "__main__":
    raise SystemExit(main())

"""Hostile input for each parser alone: records, handshake messages and what is in them, key logs."""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from capture.errors import KeyLogError
from capture.fields import Field
from capture.handshake import parse_certificate, parse_new_session_ticket, parse_server_key_exchange
from capture.hello import ServerHello, parse_client_hello, parse_server_hello
from capture.keylog import parse_keylog
from capture.segment import ACK, Segment
from capture.streams import ByteStream, reassemble
from capture.tls import HandshakeMessage, HandshakeReader, RecordLayer, read_records
from tests.capture.hostile import inputs, reference
from tests.capture.hostile.holding import WrongError, agree, outcome, second
from tests.capture.hostile.reference import BadError
from tests.capture.hostile.samples import ENDS, bodies, samples


def stream(data: bytes) -> ByteStream:
    segment = Segment(1, 0, *ENDS, 1, 0, ACK, len(data), data, 54)
    return reassemble([segment])[0]


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

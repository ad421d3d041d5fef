"""Makes hostile input: TLS that is right, TLS that was right until it was changed, and noise; all from one `Random`."""

from collections.abc import Callable, Sequence
from random import Random

# Numbers that lengths and types are changed to: the ends of their ranges, and what stands next to them.
_EDGES = (0, 1, 2, 3, 4, 5, 20, 22, 23, 24, 31, 32, 33, 47, 127, 128, 254, 255)


def _opaque(random: Random, longest: int) -> bytes:
    return random.randbytes(random.choice((0, 1, 2, random.randint(0, longest))))


def _vector(size: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return len(data).to_bytes(size, "big") + data


def _numbers(random: Random, size: int, most: int, least: int = 0) -> bytes:
    return random.randbytes(size * random.randint(least, most))


def _host(random: Random) -> bytes:
    names = [b"\0" + _vector(2, _opaque(random, 40)) for _ in range(random.choice((1, 1, 1, 0, 2)))]
    other = [b"\7" + _vector(2, _opaque(random, 9))] if random.random() < 0.1 else []
    return _vector(2, *names, *other) if random.random() < 0.9 else b""


def _share(random: Random) -> bytes:
    return random.randbytes(2) + _vector(2, _opaque(random, 70))


def _protocols(random: Random) -> bytes:
    return _vector(2, *(_vector(1, _opaque(random, 20)) for _ in range(random.randint(0, 3))))


def _identities(random: Random) -> bytes:
    offered = [_vector(2, _opaque(random, 60)) + random.randbytes(4) for _ in range(random.randint(0, 2))]
    return _vector(2, *offered) + _vector(2, _opaque(random, 40))


# What a body is made of, by extension type; of all other types it is opaque.
_BOTH: dict[int, Callable[[Random], bytes]] = {
    11: lambda random: _vector(1, _numbers(random, 1, 4)),
    16: _protocols,
    23: lambda _: b"",
    44: lambda random: _vector(2, _opaque(random, 50)),
}
_ASKED: dict[int, Callable[[Random], bytes]] = _BOTH | {
    0: _host,
    10: lambda random: _vector(2, _numbers(random, 2, 8)),
    13: lambda random: _vector(2, _numbers(random, 2, 12)),
    35: lambda random: _opaque(random, 80),
    41: _identities,
    42: lambda _: b"",
    43: lambda random: _vector(1, *(random.choice((b"\3\4", b"\3\3", b"\x0a\x0a")) for _ in range(3))),
    45: lambda random: _vector(1, _numbers(random, 1, 2)),
    51: lambda random: _vector(2, *(_share(random) for _ in range(random.randint(0, 3)))),
}
_ANSWERED: dict[int, Callable[[Random], bytes]] = _BOTH | {
    35: lambda _: b"",
    41: lambda random: random.randbytes(2),
    43: lambda random: random.choice((b"\3\4", b"\3\4", b"\3\3", b"\x7f\x1c", b"\3\5")),
    51: _share,
}


def _extensions(random: Random, known: dict[int, Callable[[Random], bytes]]) -> bytes:
    kinds = random.sample([*known, 21, 28, 0x1A1A, 65281, random.randrange(1 << 16)], random.randint(0, len(known)))
    kinds = list(dict.fromkeys(kinds))
    made = [
        kind.to_bytes(2, "big") + _vector(2, known[kind](random) if kind in known else _opaque(random, 30))
        for kind in kinds
    ]
    return _vector(2, *made) if made or random.random() < 0.5 else b""


def client_hello(random: Random) -> bytes:
    """The body of a ClientHello whose lengths fit; now and then one of them is not allowed."""
    return b"".join(
        (
            random.choice((b"\3\3", b"\3\3", b"\3\1", b"\3\0")),
            random.randbytes(32),
            _vector(1, random.randbytes(random.choice((0, 32, 32, random.randint(1, 40))))),
            _vector(2, _numbers(random, 2, 20, random.choice((1, 1, 0)))),
            _vector(1, random.choice((b"\0", b"\0", b"\0\1", b""))),
            _extensions(random, _ASKED),
        )
    )


_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
SUITES = (0x1301, 0x1302, 0x1303, 0xC02F, 0xC030, 0xCCA8, 0xC02B, 0xC018, 0x009C, 0x002F, 0x0002, 0xC010, 0, 0xC0B4, 9)


def server_hello(random: Random) -> bytes:
    """The body of a ServerHello or HelloRetryRequest, likewise."""
    retry = random.random() < 0.2
    known = _ANSWERED | {51: lambda random: random.randbytes(2)} if retry else _ANSWERED
    return b"".join(
        (
            random.choice((b"\3\3", b"\3\3", b"\3\2", b"\3\1", b"\3\0")),
            _RETRY if retry else random.randbytes(32),
            _vector(1, random.randbytes(random.choice((0, 32, 32, random.randint(1, 40))))),
            random.choice(SUITES).to_bytes(2, "big"),
            b"\0",
            _extensions(random, known),
        )
    )


def certificate(random: Random) -> bytes:
    return _vector(3, *(_vector(3, _opaque(random, 900)) for _ in range(random.randint(0, 4))))


def server_key_exchange(random: Random) -> bytes:
    """Of an ECDHE suite; signed as TLS 1.2 does it, as before, or not at all."""
    if random.random() < 0.1:
        return random.choice((b"\1", b"\2")) + _opaque(random, 60)
    algorithm = random.choice((b"", random.randbytes(2)))
    signature = random.choice((b"", algorithm + _vector(2, _opaque(random, 256))))
    return b"\3" + random.randbytes(2) + _vector(1, _opaque(random, 130)) + signature


def new_session_ticket(random: Random) -> bytes:
    return random.randbytes(4) + _vector(2, _opaque(random, 200))


def alert(random: Random) -> bytes:
    levels = random.choices((1, 2), k=random.randint(1, 3))
    return b"".join(bytes((level, random.choice((0, 10, 40, 70)))) for level in levels)


BODIES: dict[int, Callable[[Random], bytes]] = {
    1: client_hello,
    2: server_hello,
    4: new_session_ticket,
    11: certificate,
    12: server_key_exchange,
}


def message(random: Random) -> bytes:
    kind = random.choice((*BODIES, 14, 20, random.randrange(256)))
    return bytes([kind]) + _vector(3, BODIES[kind](random) if kind in BODIES else _opaque(random, 60))


def record(kind: int, fragment: bytes, version: int = 0x0303) -> bytes:
    return bytes([kind]) + version.to_bytes(2, "big") + _vector(2, fragment)


def cut(random: Random, data: bytes, most: int = 6) -> list[bytes]:
    """The same bytes in pieces, empty ones among them."""
    at = sorted(random.randint(0, len(data)) for _ in range(random.randint(0, most)))
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


def flight(random: Random) -> bytes:
    """Records of all types that are right; handshake messages share them and span them."""
    found = []
    for _ in range(random.randint(1, 5)):
        version = random.choice((0x0303, 0x0303, 0x0301, 0x0302, 0x0300))
        kind = random.choice((20, 21, 22, 22, 22, 23, 24))
        if kind == 22:
            whole = b"".join(message(random) for _ in range(random.randint(1, 3)))
            found += [record(22, part, version) for part in cut(random, whole, random.choice((0, 0, 4)))]
        else:
            body = {20: b"\1", 21: alert(random)}.get(kind) or _opaque(random, 300)
            found.append(record(kind, body, version))
    return b"".join(found)


def mutate(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Bytes that were right, with one to three changes: bits, bytes, lengths, parts lost, doubled, moved or foreign."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = _change(random, data, others)
    return data


def _change(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    if not data:
        return random.randbytes(random.randint(1, 9))
    at = random.randrange(len(data))
    end = min(len(data), at + random.choice((1, 2, 5, random.randint(1, 200))))
    other = random.choice(others) if others else data
    kind = random.randrange(11)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at] + bytes([random.choice(_EDGES)]) + data[at + 1 :]
    if kind == 2:  # a number one more or less: as a rule no length fits any longer
        return data[:at] + bytes([(data[at] + random.choice((-1, 1))) % 256]) + data[at + 1 :]
    if kind == 3:
        return data[:at]
    if kind == 4:
        return data[:at] + data[end:]
    if kind == 5:
        return data[:end] + data[at:end] + data[end:]
    if kind == 6:
        return data[:at] + random.randbytes(random.randint(1, 9)) + data[at:]
    if kind == 7:
        start = random.randrange(len(other)) if other else 0
        return data[:at] + other[start : start + random.randint(1, 400)] + data[end:]
    if kind == 8:
        return data[at:end] + data[:at] + data[end:]
    if kind == 9:
        return data[:at] + bytes(end - at) + data[end:]
    return data + random.choice((random.randbytes(random.randint(1, 30)), data[at:end], b"\0"))

"""A second reader of TLS, as naive as can be: what the lab's parsers are held against when the input is hostile.

Written from the RFCs alone and in another way than the lab's: each function takes what it wants off the front of the
bytes and returns the rest, keeps no offsets, and knows only right or wrong (`BadError`). It imports nothing of the lab.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Extensions = list[tuple[int, bytes]]


class BadError(Exception):
    """The bytes break a rule."""


class Record(NamedTuple):
    kind: int
    version: int
    fragment: bytes


def _possible(start: bytes) -> bool:
    """Whether a record can begin with these bytes, five at most (RFC 8446, section 5.1; RFC 5246, section 6.2.3)."""
    return (
        (not start[0:1] or start[0] in (20, 21, 22, 23, 24))
        and (not start[1:2] or start[1] == 3)
        and (not start[2:3] or start[2] <= 4)
        and (not start[3:4] or start[3] <= 0x48)
        and (not start[4:5] or start[3] * 256 + start[4] <= 16384 + 2048)
    )


def records(data: bytes) -> tuple[list[Record], str, int]:
    """Return the records, how they end ("complete", "need more", "malformed") and after how many bytes."""
    found: list[Record] = []
    rest = data
    while True:
        at = len(data) - len(rest)
        if not rest:
            return found, "complete", at
        if not _possible(rest[:5]):
            return found, "malformed", at
        size = 5 + int.from_bytes(rest[3:5], "big")
        if len(rest) < 5 or len(rest) < size:
            return found, "need more", at
        found.append(Record(rest[0], rest[1] * 256 + rest[2], rest[5:size]))
        rest = rest[size:]


def messages(fragments: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """Return type and body of the handshake messages that are whole (RFC 8446, section 4)."""
    rest = b"".join(fragments)
    found = []
    while len(rest) >= 4 and len(rest) >= 4 + int.from_bytes(rest[1:4], "big"):
        size = 4 + int.from_bytes(rest[1:4], "big")
        found.append((rest[0], rest[4:size]))
        rest = rest[size:]
    return found


def unbroken(fragments: Iterable[bytes | None]) -> list[tuple[int, bytes]]:
    """Return the messages of fragments, None among them standing for what breaks a message off."""
    runs: list[list[bytes]] = [[]]
    for fragment in fragments:
        if fragment is None:
            runs.append([])
        else:
            runs[-1].append(fragment)
    return [message for run in runs for message in messages(run)]


def handshake(of: Iterable[Record]) -> list[tuple[int, bytes]]:
    """Return the messages in records, all of them taken to be in the clear."""
    return unbroken(record.fragment if record.kind == 22 else None for record in of)


def _take(data: bytes, size: int) -> tuple[bytes, bytes]:
    if len(data) < size:
        raise BadError
    return data[:size], data[size:]


def _number(data: bytes, size: int) -> tuple[int, bytes]:
    taken, rest = _take(data, size)
    return int.from_bytes(taken, "big"), rest


def _vector(data: bytes, size: int) -> tuple[bytes, bytes]:
    length, rest = _number(data, size)
    return _take(rest, length)


def _whole(pair: tuple[Any, bytes]) -> Any:
    if pair[1]:
        raise BadError
    return pair[0]


def _list(data: bytes, item: Callable[[bytes], tuple[Any, bytes]]) -> tuple[Any, ...]:
    found = []
    while data:
        taken, data = item(data)
        found.append(taken)
    return tuple(found)


def _numbers(data: bytes, size: int) -> tuple[int, ...]:
    return _list(data, lambda rest: _number(rest, size))


def _ascii(data: bytes) -> str:
    return "".join(chr(byte) if byte < 128 else f"\\x{byte:02x}" for byte in data)


def _extensions(data: bytes) -> Extensions:
    if not data:
        return []
    block = _whole(_vector(data, 2))

    def extension(rest: bytes) -> tuple[tuple[int, bytes], bytes]:
        kind, rest = _number(rest, 2)
        body, rest = _vector(rest, 2)
        return (kind, body), rest

    found = list(_list(block, extension))
    if len({kind for kind, _ in found}) < len(found):
        raise BadError
    return found


def _of(extensions: Extensions, kind: int, read: Callable[[bytes], Any], missing: Any = None) -> Any:
    for other, body in extensions:
        if other == kind:
            return read(body)
    return missing


def _nothing(body: bytes) -> bool:
    if body:
        raise BadError
    return True


def _host(body: bytes) -> str | None:
    if not body:
        return None

    def name(rest: bytes) -> tuple[tuple[int, bytes], bytes]:
        kind, rest = _number(rest, 1)
        host, rest = _vector(rest, 2)
        return (kind, host), rest

    found: list[tuple[int, bytes]] = list(_list(_whole(_vector(body, 2)), name))
    hosts = [_ascii(host) for kind, host in found if kind == 0]
    return hosts[-1] if hosts else None


def _protocols(body: bytes) -> tuple[str, ...]:
    found = _list(_whole(_vector(body, 2)), lambda rest: _vector(rest, 1))
    return tuple(_ascii(name) for name in found)


def _share(rest: bytes) -> tuple[int, bytes]:
    group, rest = _number(rest, 2)
    return group, _vector(rest, 2)[1]


def _identities(body: bytes) -> tuple[bytes, ...]:
    def identity(rest: bytes) -> tuple[bytes, bytes]:
        name, rest = _vector(rest, 2)
        return name, _take(rest, 4)[1]

    offered, binders = _vector(body, 2)
    _whole(_vector(binders, 2))
    return _list(offered, identity)


def _session_id(data: bytes) -> tuple[bytes, bytes]:
    found, rest = _vector(data, 1)
    if len(found) > 32:
        raise BadError
    return found, rest


def _some(data: bytes) -> bytes:
    if not data:
        raise BadError
    return data


def client_hello(data: bytes) -> dict[str, Any]:
    """Return what a ClientHello says, by the names of the lab's attributes (RFC 8446, section 4.1.2)."""
    said: dict[str, Any] = {}
    said["legacy_version"], data = _number(data, 2)
    said["random"], data = _take(data, 32)
    said["session_id"], data = _session_id(data)
    suites, data = _vector(data, 2)
    methods, data = _vector(data, 1)
    said["cipher_suites"] = _numbers(_some(suites), 2)
    said["compression_methods"] = _numbers(_some(methods), 1)
    found = _extensions(data)
    said["extension_types"] = tuple(kind for kind, _ in found)
    said["server_name"] = _of(found, 0, _host)
    said["alpn"] = _of(found, 16, _protocols, ())
    said["supported_groups"] = _of(found, 10, lambda body: _numbers(_whole(_vector(body, 2)), 2), ())
    said["key_share_groups"] = _of(found, 51, lambda body: _list(_whole(_vector(body, 2)), _share), ())
    said["supported_versions"] = _of(found, 43, lambda body: _numbers(_whole(_vector(body, 1)), 2), ())
    said["signature_algorithms"] = _of(found, 13, lambda body: _numbers(_whole(_vector(body, 2)), 2), ())
    said["ec_point_formats"] = _of(found, 11, lambda body: tuple(_whole(_vector(body, 1))), ())
    said["psk_key_exchange_modes"] = _of(found, 45, lambda body: tuple(_whole(_vector(body, 1))), ())
    said["psk_identities"] = _of(found, 41, _identities, ())
    said["session_ticket"] = _of(found, 35, lambda body: body)
    said["extended_master_secret"] = _of(found, 23, _nothing, False)
    said["early_data"] = _of(found, 42, _nothing, False)
    said["cookie"] = _of(found, 44, lambda body: _whole(_vector(body, 2)))
    return said


def server_hello(data: bytes) -> dict[str, Any]:
    """Return what a ServerHello says, or a HelloRetryRequest (RFC 8446, sections 4.1.3 and 4.1.4)."""
    said: dict[str, Any] = {}
    said["legacy_version"], data = _number(data, 2)
    said["random"], data = _take(data, 32)
    said["session_id"], data = _session_id(data)
    said["cipher_suite"], data = _number(data, 2)
    said["compression_method"], data = _number(data, 1)
    found = _extensions(data)
    retry = said["random"].hex() == "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
    said["extension_types"] = tuple(kind for kind, _ in found)
    said["version"] = _of(found, 43, lambda body: _whole(_number(body, 2)), said["legacy_version"])
    said["alpn"] = _of(found, 16, lambda body: next(iter(_protocols(body)), None))
    said["key_share_group"] = _of(found, 51, lambda body: _whole(_number(body, 2) if retry else _share(body)))
    said["selected_identity"] = _of(found, 41, lambda body: _whole(_number(body, 2)))
    said["ec_point_formats"] = _of(found, 11, lambda body: tuple(_whole(_vector(body, 1))), ())
    said["session_ticket"] = _of(found, 35, _nothing, False)
    said["extended_master_secret"] = _of(found, 23, _nothing, False)
    said["cookie"] = _of(found, 44, lambda body: _whole(_vector(body, 2)))
    return said


def certificate(data: bytes) -> dict[str, Any]:
    """Return the chain of a Certificate up to TLS 1.2 (RFC 5246, section 7.4.2)."""
    return {"certificates": _list(_whole(_vector(data, 3)), lambda rest: _vector(rest, 3))}


def server_key_exchange(data: bytes, *, signed: bool, named: bool) -> dict[str, Any]:
    """Return the ServerKeyExchange of an ECDHE suite (RFC 8422, section 5.4); `named`: TLS 1.2 names the algorithm."""
    kind, data = _number(data, 1)
    if kind != 3:
        return {"group": None, "signature_algorithm": None}
    group, data = _number(data, 2)
    _, data = _vector(data, 1)
    algorithm = None
    if signed and named:
        algorithm, data = _number(data, 2)
    if signed:
        _, data = _vector(data, 2)
    if data:
        raise BadError
    return {"group": group, "signature_algorithm": algorithm}


def new_session_ticket(data: bytes) -> dict[str, Any]:
    """Return a NewSessionTicket of TLS 1.2 (RFC 5077, section 3.3)."""
    hint, data = _number(data, 4)
    return {"lifetime_hint": hint, "ticket": _whole(_vector(data, 2))}


def alerts(data: bytes) -> list[tuple[int, int]]:
    """Return the alerts of a record in the clear (RFC 8446, section 6)."""
    if not data or len(data) % 2 or set(data[::2]) - {1, 2}:
        raise BadError
    return list(zip(data[::2], data[1::2], strict=True))


def first_hello(of: Iterable[Record], kind: int, read: Callable[[bytes], dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the first handshake message says if it is of this kind; None where it is not, or breaks a rule."""
    found = handshake(of)
    if not found or found[0][0] != kind:
        return None
    try:
        return read(found[0][1])
    except BadError:
        return None


def states(
    mine: list[Record], client: list[Record], server: list[Record], encrypts: Callable[[int], bool]
) -> list[str]:
    """Return for each of `mine` whether it is encrypted (RFC 5246, section 7.1; RFC 8446, section 5)."""
    answer = first_hello(server, 2, server_hello)
    version = answer["version"] if answer and encrypts(answer["cipher_suite"]) else None
    begun = bool(client) and client[0].kind == 22 and client[0].fragment[:1] == b"\1"
    changes = [at for at, record in enumerate(mine) if record.kind == 20]
    found = []
    for at, record in enumerate(mine):
        known = version is not None and len(record.fragment) > 8
        if version == 0x0304 or (version is not None and 0x7F16 <= version <= 0x7F1C):
            found.append("clear" if record.kind != 23 else "encrypted" if known else "unknown")
        elif changes and at > changes[0]:
            found.append("encrypted" if known and version in (0x0300, 0x0301, 0x0302, 0x0303) else "unknown")
        else:
            found.append("clear" if begun and record.kind != 23 else "unknown")
    return found

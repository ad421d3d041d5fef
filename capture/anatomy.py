"""Every byte of TLS records and handshake messages as a tree of fields, named and nested as Wireshark does.

Pure. Knows which fields stand within which others, by their names alone: what a message says is read by
`capture.anatomy_messages`. Bytes that no parser took are fields of their own without a name, and where a message breaks
a rule its label says so; so every byte is in a leaf, whatever was captured. Knows no frame and no stream.
"""

from collections.abc import Sequence
from typing import NamedTuple

from capture import registry
from capture.anatomy_labels import label, number_name
from capture.anatomy_messages import Fields, is_retry, message_fields
from capture.anatomy_tree import Tree, plural, printable
from capture.errors import MalformedError
from capture.fields import Cursor, Field
from capture.hello import ServerHello
from capture.tls import APPLICATION_DATA, HANDSHAKE_HEADER, HEADER, TLS_1_3, VERSIONS, Record

_EXTENSION = "tls.handshake.extension"

# What the vector behind a length is called, and its label, of as many bytes as `unit` for each thing in it.
_VECTORS = {
    "tls.handshake.cipher_suites_length": ("tls.handshake.ciphersuites", "Cipher Suites ({})", 2, "suite"),
    "tls.handshake.comp_methods_length": ("tls.handshake.comp_methods", "Compression Methods ({})", 1, "method"),
    f"{_EXTENSION}s_supported_groups_length": (f"{_EXTENSION}s_supported_groups", "Supported Groups ({})", 2, "group"),
    f"{_EXTENSION}s_ec_point_formats_length": (
        f"{_EXTENSION}s_ec_point_formats",
        "Elliptic curves point formats ({})",
        1,
        "",
    ),
    "tls.handshake.sig_hash_alg_len": (
        "tls.handshake.sig_hash_algs",
        "Signature Hash Algorithms ({})",
        2,
        "algorithm",
    ),
    f"{_EXTENSION}s_alpn_len": (f"{_EXTENSION}s_alpn_list", "ALPN Protocol", 1, ""),
    "tls.handshake.certificates_length": ("tls.handshake.certificates", "Certificates ({})", 1, "byte"),
    "tls.handshake.cert_types_count": ("tls.handshake.cert_types", "Certificate types ({})", 1, "type"),
    "tls.handshake.dnames_len": ("tls.handshake.dnames", "Distinguished Names ({})", 1, "byte"),
}
# Bodies of extensions that Wireshark puts one level deeper, under a title.
_TITLED = {
    0: "Server Name Indication extension",
    41: "Pre-Shared Key extension",
    51: "Key Share extension",
    0xFF01: "Renegotiation Info extension",
}
# What a field begins that ends with another one.
_ENTRIES = {
    f"{_EXTENSION}s_key_share_group": (f"{_EXTENSION}s_key_share_key_exchange", "Key Share Entry: {}"),
    f"{_EXTENSION}s.psk.identity.identity_length": (f"{_EXTENSION}s.psk.identity.obfuscated_ticket_age", "PSK {}"),
}
# Fields that consist of others: names and sizes.
_PARTS = {
    "tls.handshake.random": (("tls.handshake.random_time", 4), ("tls.handshake.random_bytes", 28)),
    "tls.handshake.sig_hash_alg": (("tls.handshake.sig_hash_hash", 1), ("tls.handshake.sig_hash_sig", 1)),
}
_BESIDE = frozenset({"tls.handshake.key_update.request_update"})  # not within its message, but beside it


class Group(NamedTuple):
    """Bytes that stand together under a name or a title of their own."""

    start: int
    end: int
    name: str
    label: str


def version_name(version: int | None) -> str:
    """Return a version as Wireshark writes it before "Record Layer"."""
    said = VERSIONS.get(version or 0, "TLS")
    return said.replace("TLS ", "TLSv").replace("SSL ", "SSLv").removesuffix(".0")


def record_header(tree: Tree, record: Record, start: int, version: int | None) -> None:
    """Add the five bytes of a record's header, which begin at `start`; `version` is that of the connection."""
    opaque = version == TLS_1_3 and record.content_type == APPLICATION_DATA  # RFC 8446, section 5.2
    kind = "tls.record.opaque_type" if opaque else "tls.record.content_type"
    for name, value, at, end in (
        (kind, record.content_type, 0, 1),
        ("tls.record.version", record.version, 1, 3),
        ("tls.record.length", len(record.fragment), 3, HEADER),
    ):
        _leaf(tree, Field(name, value, start + at, start + end))


def handshake(tree: Tree, message: bytes, start: int, answer: ServerHello | None, *, tls13: bool) -> None:
    """Add a whole handshake message.

    Args:
        tree: where it goes.
        message: its header and its body.
        start: offset of the header.
        answer: the ServerHello of its handshake, None where none came before.
        tls13: whether the connection is TLS 1.3: there a random has no time in it.
    """
    body = message[HANDSHAKE_HEADER:]
    found = message_fields(message[0], body, start + HANDSHAKE_HEADER, answer)
    said = message_name(message)
    if found.problem:
        said += f" (malformed: {found.problem})"
    tree.add("tls.handshake", f"Handshake Protocol: {said}", start, len(message))
    tree.depth += 1
    at = start + HANDSHAKE_HEADER
    _leaf(tree, Field("tls.handshake.type", message[0], start, start + 1))
    _leaf(tree, Field("tls.handshake.length", len(body), start + 1, at))
    _nest(tree, _whole(found, body, at), _groups(found, at, len(body)), tls13=tls13)
    tree.depth -= 1


def message_name(message: bytes) -> str:
    """Return what a handshake message is called, by its first bytes."""
    if is_retry(message[0], message[HANDSHAKE_HEADER:]):
        return "Hello Retry Request"
    return registry.HANDSHAKE_TYPES.get(message[0], f"Unknown type {message[0]}")


def alert(tree: Tree, content: bytes, start: int) -> None:
    """Add an alert in the clear, or several."""
    for at in range(0, len(content) - 1, 2):
        tree.add("tls.alert_message", "Alert Message", start + at, 2)
        for name, offset in (("tls.alert_message.level", 0), ("tls.alert_message.desc", 1)):
            place = start + at + offset
            _leaf(tree, Field(name, content[at + offset], place, place + 1), below=1)
    if len(content) % 2:
        tree.rest("Malformed alert", start + len(content) - 1, start + len(content))


def heartbeat(tree: Tree, content: bytes, start: int) -> None:
    """Add a heartbeat in the clear (RFC 6520, section 4)."""
    cursor = Cursor(content, start)
    problem = ""
    try:
        cursor.number(1, "tls.heartbeat_message.type")
        payload = cursor.vector(2, "tls.heartbeat_message.payload_length")
        payload.opaque(payload.left, "tls.heartbeat_message.payload")
        cursor.opaque(cursor.left, "tls.heartbeat_message.padding")
    except MalformedError as error:
        problem = f" (malformed: {error})"
    tree.add("tls.heartbeat_message", f"Heartbeat Message{problem}", start, len(content))
    for field in _whole(Fields(tuple(cursor.fields)), content, start):
        _leaf(tree, field, below=1)


def _leaf(tree: Tree, field: Field, *, below: int = 0) -> None:
    if not field.name:
        tree.rest("Not taken apart", field.start, field.end, below=below)
        return
    number = field.value if isinstance(field.value, int) and field.name != "tls.handshake.random_time" else None
    tree.add(field.name, label(field), field.start, field.end - field.start, number, below=below)


def _whole(found: Fields, body: bytes, at: int) -> list[Field]:
    """Return the fields with one for each run of bytes between them that none of them stands on."""
    fields: list[Field] = []
    reached = at
    for field in found.fields:
        if field.start > reached:
            fields.append(Field("", b"", reached, field.start))
        fields.append(field)
        reached = max(reached, field.end)
    if reached < at + len(body):
        fields.append(Field("", b"", reached, at + len(body)))
    return fields


def _groups(found: Fields, at: int, size: int) -> list[Group]:
    """Return what fields of a message stand in, outer groups before those within them."""
    groups = [Group(at, at + size, "", found.title)] if found.title else []
    fields = found.fields
    for index, field in enumerate(fields):
        value = field.value if isinstance(field.value, int) else 0
        following = fields[index + 1] if index + 1 < len(fields) else None
        if field.name == f"{_EXTENSION}.type" and following is not None:
            groups += _extension(field, following)
        elif field.name in _VECTORS:
            name, said, unit, thing = _VECTORS[field.name]
            number = value // unit
            said = said.format(plural(number, thing) if thing else number)
            groups.append(Group(field.end, field.end + value, name, said))
        elif field.name in _ENTRIES:
            last, said = _ENTRIES[field.name]
            end = next((other.end for other in fields[index : index + 3] if other.name == last), 0)
            groups.append(Group(field.start, end, "", said.format(_entry(fields[index : index + 2]))))
    return groups


def _extension(kind: Field, length: Field) -> list[Group]:
    assert isinstance(kind.value, int)
    assert isinstance(length.value, int)
    name = number_name(kind.name, kind.value)
    end = length.end + length.value
    said = f"Extension: {name} (len={length.value})"
    body = [Group(length.end, end, "", _TITLED[kind.value])] if kind.value in _TITLED else []
    return [Group(kind.start, end, "", said), *body]


def _entry(fields: Sequence[Field]) -> str:
    """Return what an entry says of itself in its label."""
    first = fields[0]
    assert isinstance(first.value, int)
    if first.name.endswith("identity_length"):
        return f"Identity (length: {first.value})"
    size = fields[1].value if len(fields) > 1 and isinstance(fields[1].value, int) else 0
    return f"Group: {number_name(first.name, first.value)}, Key Exchange length: {size}"


def _nest(tree: Tree, fields: list[Field], groups: list[Group], *, tls13: bool) -> None:
    """Add fields in their order, each under the groups that it stands in."""
    waiting = sorted(groups, key=lambda group: (group.start, -group.end))
    waiting.reverse()
    open_ends: list[int] = []
    beside = 0
    for field in fields:
        while open_ends and open_ends[-1] <= field.start:
            open_ends.pop()
        while waiting and waiting[-1].start <= field.start:
            group = waiting.pop()
            end = min([group.end, *open_ends[-1:], fields[-1].end])  # a length may say more than there is
            if group.start == field.start and end > group.start:
                tree.add(group.name, printable(group.label), group.start, end - group.start, below=len(open_ends))
                open_ends.append(end)
        beside |= field.name in _BESIDE  # and what follows it
        below = len(open_ends) - beside
        _leaf(tree, field, below=below)
        if field.name != "tls.handshake.random" or not tls13:
            _parts(tree, field, below + 1)


def _parts(tree: Tree, field: Field, below: int) -> None:
    at = field.start
    parts = _PARTS.get(field.name, ())
    data = field.value if isinstance(field.value, bytes) else b""
    if isinstance(field.value, int) and parts:
        data = field.value.to_bytes(field.end - field.start, "big")
    for name, size in parts:
        part = data[at - field.start : at - field.start + size]
        _leaf(tree, Field(name, part if size > 4 else int.from_bytes(part, "big"), at, at + size), below=below)
        at += size

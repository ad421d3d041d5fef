import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import MalformedError
from capture.hello import (
    RETRY_RANDOM,
    ClientHello,
    ServerHello,
    client_hello,
    parse_client_hello,
    parse_server_hello,
    server_hello,
)
from capture.tls import RecordLayer, handshake_messages

Layers = Callable[[Path], list[RecordLayer]]
Tshark = Callable[..., list[str]]
DATA = Path(__file__).parent.parent / "data"
CAPTURES = sorted(path.name for path in DATA.glob("tls*.pcapng"))
NO_RETRY = f"tls.handshake.random != {RETRY_RANDOM.hex(':')}"


# The smallest hellos that there can be (RFC 5246, section 7.4.1): version, random, no session id, suites, compression.
CLIENT = b"\3\3" + bytes(32) + b"\0" + b"\0\4\x13\1\xc0\x2f" + b"\1\0"
SERVER = b"\3\3" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0"

# What a hello says, by Wireshark's name of the field.
BOTH = {
    "legacy_version": "tls.handshake.version",
    "random": "tls.handshake.random",
    "session_id": "tls.handshake.session_id",
    "extension_types": "tls.handshake.extension.type",
    "alpn": "tls.handshake.extensions_alpn_str",
    "ec_point_formats": "tls.handshake.extensions_ec_point_format",
    "cookie": "tls.handshake.extensions.cookie",
}
OF_CLIENT = BOTH | {
    "cipher_suites": "tls.handshake.ciphersuite",
    "compression_methods": "tls.handshake.comp_method",
    "server_name": "tls.handshake.extensions_server_name",
    "supported_groups": "tls.handshake.extensions_supported_group",
    "key_share_groups": "tls.handshake.extensions_key_share_group",
    "supported_versions": "tls.handshake.extensions.supported_version",
    "signature_algorithms": "tls.handshake.sig_hash_alg",
    "psk_key_exchange_modes": "tls.extension.psk_ke_mode",
    "psk_identities": "tls.handshake.extensions.psk.identity.identity",
}
OF_SERVER = BOTH | {
    "cipher_suite": "tls.handshake.ciphersuite",
    "compression_method": "tls.handshake.comp_method",
    "key_share_group": "tls.handshake.extensions_key_share_group",
    "selected_identity": "tls.handshake.extensions.psk.identity.selected",
}


def theirs(tshark: Tshark, capture: Path, show: str, names: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The number of the connection and, as tshark prints them, the fields of every hello."""
    fields = list(dict.fromkeys(("tcp.stream", *names.values())))  # tshark prints a field once
    wanted = [word for field in fields for word in ("-e", field)]
    rows = [dict(zip(fields, row.split("\t"), strict=True)) for row in tshark(capture, "-Y", show, "-Tfields", *wanted)]
    return [(row["tcp.stream"], {name: row[field] for name, field in names.items()}) for row in rows]


def same(ours: object, printed: str) -> bool:
    """Whether a value is what tshark printed: several have commas between, numbers may be hexadecimal."""
    several = ours if isinstance(ours, tuple) else () if ours is None else (ours,)
    parts = printed.split(",") if printed else []
    if several == (b"",):
        several = ()
    return len(several) == len(parts) and all(
        (value == int(part, 0))
        if isinstance(value, int)
        else (value.hex() if isinstance(value, bytes) else value) == part
        for value, part in zip(several, parts, strict=True)
    )


@pytest.mark.parametrize("name", CAPTURES)
def test_hellos_as_tshark_reads_them(name: str, data: Path, layers_of: Layers, tshark: Tshark) -> None:
    layers = layers_of(data / name)
    clients, servers = layers[::2], layers[1::2]
    first: dict[str, dict[str, str]] = {}
    last: dict[str, dict[str, str]] = {}
    both = f"tls.handshake.type == 1 || (tls.handshake.type == 2 && {NO_RETRY})"
    for number, printed_fields in theirs(
        tshark, data / name, both, OF_CLIENT | OF_SERVER | {"type": "tls.handshake.type"}
    ):
        # a frame with a ServerHello may have more messages, one with a ClientHello has no other
        if printed_fields.pop("type") == "1":
            first.setdefault(number, {field: printed_fields[field] for field in OF_CLIENT})
        else:
            last[number] = {field: printed_fields[field] for field in OF_SERVER}
    hellos: list[tuple[ClientHello | ServerHello | None, dict[str, str] | None]] = []
    hellos += [(client_hello(layer), first[str(layer.stream.connection)]) for layer in clients]
    hellos += [(server_hello(layer), last.get(str(layer.stream.connection))) for layer in servers]
    for hello, fields in hellos:
        assert (hello is None) == (fields is None)
        for attribute, printed in (fields or {}).items():
            value = getattr(hello, attribute)
            assert same(value, printed), f"{attribute}: {value} is not {printed}"
        if hello is not None:
            assert hello.extended_master_secret == (23 in hello.extension_types)
            assert (hello.session_ticket not in {None, False}) == (35 in hello.extension_types)


@pytest.mark.parametrize(
    ("name", "version", "suite", "server_name"),
    [
        ("tls12", 0x0303, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "localhost"),
        ("tls12-cbc", 0x0303, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "localhost"),
        ("tls12-psk", 0x0303, "TLS_PSK_WITH_AES_128_GCM_SHA256", None),
        ("tls13-retry", 0x0304, "TLS_AES_256_GCM_SHA384", "localhost"),
    ],
)
def test_what_the_two_agree_on(
    name: str, version: int, suite: str, server_name: str | None, data: Path, layers_of: Layers
) -> None:
    client, server = layers_of(data / f"{name}.pcapng")
    asked, answer = client_hello(client), server_hello(server)
    assert asked is not None
    assert answer is not None
    assert (answer.version, answer.suite_name, asked.server_name) == (version, suite, server_name)
    assert answer.cipher_suite in asked.cipher_suites


def test_application_protocols(data: Path, layers_of: Layers) -> None:
    found = {}
    for name in ("tls12-alpn", "tls13-groups"):
        client, server = layers_of(data / f"{name}.pcapng")
        asked, answer = client_hello(client), server_hello(server)
        found[name] = (asked and asked.alpn, answer and answer.alpn)
    # in TLS 1.3 the choice is encrypted
    assert found == {"tls12-alpn": (("h2", "http/1.1"), "http/1.1"), "tls13-groups": (("h2", "http/1.1"), None)}


def test_a_retry_is_not_the_servers_last_word(data: Path, layers_of: Layers) -> None:
    server = layers_of(data / "tls13-retry.pcapng")[1]
    bodies = [
        message.body for message in handshake_messages(r.fragment for r in server.records if r.content_type == 22)
    ]
    assert [parse_server_hello(body).random == RETRY_RANDOM for body in bodies] == [True, False]
    hello = server_hello(server)
    assert hello is not None
    assert hello == parse_server_hello(bodies[1])


def test_a_suite_that_is_not_known_is_named_by_number() -> None:
    assert parse_server_hello(SERVER).suite_name == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert parse_server_hello(SERVER.replace(b"\xc0\x2f", b"\xfe\xfe")).suite_name == "0xfefe"


def test_none_where_there_is_none(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    assert client_hello(server) is None
    assert server_hello(client) is None
    plain = layers_of(data / "plain.pcapng")
    assert [client_hello(plain[0]), server_hello(plain[1])] == [None, None]


def test_hellos_without_extensions() -> None:
    client = parse_client_hello(CLIENT)
    assert (client.random, client.server_name, client.cipher_suites) == (bytes(32), None, (0x1301, 0xC02F))
    assert parse_server_hello(SERVER).version == 0x0303


@pytest.mark.parametrize(("parse", "whole"), [(parse_client_hello, CLIENT), (parse_server_hello, SERVER)])
def test_every_part_of_a_hello_is_malformed(parse: Callable[[bytes], object], whole: bytes) -> None:
    for size in range(len(whole)):
        with pytest.raises(MalformedError) as raised:
            parse(whole[:size])
        assert raised.value.offset <= size


def extended(hello: bytes, *extensions: tuple[int, str]) -> bytes:
    """A hello with extensions: their numbers, and what they hold in hexadecimal."""
    block = b"".join(
        kind.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
        for kind, data in ((kind, bytes.fromhex(digits)) for kind, digits in extensions)
    )
    return hello + len(block).to_bytes(2, "big") + block


def test_a_hostile_name_stays_data() -> None:
    name = b"\x1b[2Jevil\xff"
    entry = b"\0" + len(name).to_bytes(2, "big") + name
    names = len(entry).to_bytes(2, "big") + entry
    assert parse_client_hello(extended(CLIENT, (0, names.hex()))).server_name == "\x1b[2Jevil\\xff"


def test_extensions_in_their_order_with_grease() -> None:
    hello = parse_client_hello(extended(CLIENT, (0x3A3A, ""), (23, ""), (0xFE0D, "00112233"), (42, ""), (0x0A0A, "00")))
    assert hello.extension_types == (0x3A3A, 23, 0xFE0D, 42, 0x0A0A)
    assert hello.extended_master_secret
    assert hello.early_data
    kinds = [str(field) for field in hello.fields if field.name == "tls.handshake.extension.type"]
    grease = "Reserved (GREASE)"
    assert kinds == [grease, "extended_master_secret", "encrypted_client_hello", "early_data", grease]


# An extension of a client, then of a server, each with all that it can hold.
EXTENSIONS = [
    (CLIENT, 0, "0009 00 0001 61 00 0002 6263"),
    (CLIENT, 10, "0004 0017 001d"),
    (CLIENT, 11, "02 00 01"),
    (CLIENT, 13, "0004 0401 0804"),
    (CLIENT, 16, "0006 02 6832 02 6833"),
    (CLIENT, 41, "0008 0002 6162 00000001 0004 03 616263"),
    (CLIENT, 43, "04 0304 0303"),
    (CLIENT, 44, "0002 6162"),
    (CLIENT, 45, "02 01 00"),
    (CLIENT, 51, "000b 0017 0002 6162 001d 0001 63"),
    (SERVER, 16, "0003 02 6832"),
    (SERVER, 41, "0001"),
    (SERVER, 43, "0304"),
    (SERVER, 51, "001d 0002 6162"),
    (SERVER.replace(bytes(32), RETRY_RANDOM), 51, "001d"),
    (SERVER.replace(bytes(32), RETRY_RANDOM), 44, "0002 6162"),
]


@pytest.mark.parametrize(("hello", "kind", "content"), EXTENSIONS)
def test_every_part_of_an_extension_is_malformed(hello: bytes, kind: int, content: str) -> None:
    parse: Callable[[bytes], ClientHello | ServerHello] = parse_client_hello if hello is CLIENT else parse_server_hello
    whole = bytes.fromhex(content)
    assert parse(extended(hello, (kind, content))).extension_types == (kind,)
    start = len(hello) + 6
    for size in range(len(whole)):
        if kind == 0 and not size:
            continue  # an empty server_name is what a server sends, and is let pass
        with pytest.raises(MalformedError) as raised:
            parse(extended(hello, (kind, whole[:size].hex())))
        assert start <= raised.value.offset <= start + size
    with pytest.raises(MalformedError, match="1 bytes stand after the end") as raised:
        parse(extended(hello, (kind, content + "00")))
    assert raised.value.offset == start + len(whole)


@pytest.mark.parametrize(
    ("parse", "body", "offset"),
    [
        (parse_client_hello, CLIENT[:34] + b"\x21" + bytes(33) + CLIENT[35:], 35),  # a session id of 33 bytes
        (parse_server_hello, SERVER[:34] + b"\x21" + bytes(33) + SERVER[35:], 35),
        (parse_client_hello, CLIENT[:35] + b"\0\0" + b"\1\0", 37),  # no suite
        (parse_client_hello, CLIENT[:-2] + b"\0", 42),  # no compression method, not even none
    ],
)
def test_lengths_that_are_not_allowed(parse: Callable[[bytes], object], body: bytes, offset: int) -> None:
    """RFC 8446, section 4.1.2: they fit, and are malformed all the same."""
    with pytest.raises(MalformedError) as raised:
        parse(body)
    assert raised.value.offset == offset
    longest = parse_client_hello(CLIENT[:34] + b"\x20" + bytes(32) + CLIENT[35:])
    assert longest.session_id == bytes(32)


def test_an_extension_twice_is_malformed() -> None:
    with pytest.raises(MalformedError, match="extension 23 comes twice") as raised:
        parse_client_hello(extended(CLIENT, (23, ""), (42, ""), (23, "")))
    assert raised.value.offset == len(CLIENT) + 2 + 8


def test_bytes_after_a_hello_are_malformed() -> None:
    for parse, whole in ((parse_client_hello, CLIENT), (parse_server_hello, SERVER)):
        with pytest.raises(MalformedError, match="1 bytes stand after the end"):
            parse(extended(whole, (0xFE0D, "")) + b"x")


@pytest.mark.parametrize("name", CAPTURES)
def test_every_part_of_a_real_hello_is_malformed(name: str, data: Path, layers_of: Layers) -> None:
    bodies = []
    for layer in layers_of(data / name):
        first = next(handshake_messages(r.fragment for r in layer.records if r.content_type == 22), None)
        bodies += [(layer.stream.from_client, first.body)] if first is not None else []
    assert bodies
    for from_client, body in bodies:
        parse: Callable[[bytes, int], ClientHello | ServerHello] = (
            parse_client_hello if from_client else parse_server_hello
        )
        fields = parse(body, 1000).fields
        assert fields[0].start == 1000
        assert fields[-1].end <= 1000 + len(body)
        assert all(one.end <= two.start for one, two in itertools.pairwise(fields))
        for size in range(len(body)):
            try:
                parse(body[:size], 1000)
            except MalformedError as error:
                assert 1000 <= error.offset <= 1000 + size  # noqa: PT017  (one length is right)
            else:
                # a hello may end before its extensions (RFC 5246, section 7.4.1.2), and nowhere else
                (length,) = (f for f in fields if f.name == "tls.handshake.extensions_length")
                assert 1000 + size == length.start


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_break_the_parsers(noise: bytes, cut: int) -> None:
    for parse, whole in ((parse_client_hello, CLIENT), (parse_server_hello, SERVER)):
        for body in (noise, whole[:cut] + noise, whole + noise):
            try:
                parse(body)
            except MalformedError as error:
                assert 0 <= error.offset <= len(body)  # noqa: PT017  (both ends are right)


@given(st.data())
def test_no_changed_byte_breaks_the_parsers(data: st.DataObject) -> None:
    hello = bytearray(data.draw(st.sampled_from(REAL)))
    for at in data.draw(st.lists(st.integers(0, len(hello) - 1), max_size=4)):
        hello[at] = data.draw(st.integers(0, 255))
    for parse in (parse_client_hello, parse_server_hello):
        try:
            parse(bytes(hello))
        except MalformedError as error:
            assert 0 <= error.offset <= len(hello)  # noqa: PT017  (both ends are right)


def real_hellos() -> list[bytes]:
    """Bodies of hellos, cut out of a recording by their record and handshake headers."""
    content = (DATA / "tls13.pcapng").read_bytes()
    found = []
    for marker in (b"\x16\x03\x01", b"\x16\x03\x03"):
        at = content.index(marker) + 5
        assert content[at] in {1, 2}
        found.append(content[at + 4 : at + 4 + int.from_bytes(content[at + 1 : at + 4], "big")])
    return found


REAL = real_hellos()

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import MalformedError
from capture.fields import Field
from capture.handshake import (
    Handshake,
    ServerKeyExchange,
    parse_certificate,
    parse_new_session_ticket,
    parse_server_key_exchange,
    read_handshake,
)
from capture.hello import parse_server_hello
from capture.readers import read_segments
from capture.streams import reassemble
from capture.tls import HandshakeMessage, RecordLayer, read_records
from tests.capture.dissected import CAPTURES, DATA, Dissected, dissect, placed

Layers = Callable[[Path], list[RecordLayer]]
Tshark = Callable[..., list[str]]

# Everything that hellos, certificates, key exchange and tickets give away, by Wireshark's names.
READ = {
    *(f"tls.handshake.{name}" for name in ("version", "random", "session_id_length", "session_id")),
    *(f"tls.handshake.{name}" for name in ("cipher_suites_length", "ciphersuite", "comp_methods_length")),
    *(f"tls.handshake.{name}" for name in ("comp_method", "extensions_length", "extension.type", "extension.len")),
    *(f"tls.handshake.extensions_server_name{name}" for name in ("_list_len", "_type", "_len", "")),
    *(f"tls.handshake.extensions_alpn_{name}" for name in ("len", "str_len", "str")),
    *(f"tls.handshake.extensions_supported_group{name}" for name in ("s_length", "")),
    *(f"tls.handshake.extensions_key_share_{name}" for name in ("client_length", "group", "selected_group")),
    *(f"tls.handshake.extensions_key_share_key_exchange{name}" for name in ("", "_length")),
    *(f"tls.handshake.extensions.supported_version{name}" for name in ("s_len", "")),
    *(f"tls.handshake.extensions_ec_point_format{name}" for name in ("s_length", "")),
    *(f"tls.handshake.extensions.psk.{name}" for name in ("identities.length", "binders_len", "binders")),
    *(f"tls.handshake.extensions.psk.identity.{name}" for name in ("identity_length", "identity", "selected")),
    "tls.handshake.extensions.psk.identity.obfuscated_ticket_age",
    *(f"tls.handshake.extensions.cookie{name}" for name in ("_len", "")),
    *("tls.handshake.sig_hash_alg_len", "tls.handshake.sig_hash_alg"),
    *("tls.extension.psk_ke_modes_length", "tls.extension.psk_ke_mode"),
    *(f"tls.handshake.certificate{name}" for name in ("s_length", "_length", "")),
    *("tls.handshake.sig_len", "tls.handshake.sig"),
    *(f"tls.handshake.server_{name}" for name in ("curve_type", "named_curve", "point_len", "point")),
    *(f"tls.handshake.session_ticket{name}" for name in ("_lifetime_hint", "_length", "")),
}


def handshakes(path: Path) -> list[Handshake]:
    layers = [read_records(stream) for stream in reassemble(read_segments(path, "scapy"))]
    return [read_handshake(*pair) for pair in zip(layers[::2], layers[1::2], strict=True)]


def fields_of(handshake: Handshake) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """All fields of the client and of the server."""
    ours = (*handshake.client_hellos, handshake.client_certificate)
    theirs = (*handshake.server_hellos, handshake.server_certificate)
    more = (handshake.server_key_exchange, handshake.new_session_ticket)
    return (
        tuple(field for part in ours if part for field in part.fields),
        tuple(field for part in (*theirs, *more) if part for field in part.fields),
    )


def hold_against_tshark(capture: Path, tshark: Tshark) -> dict[tuple[int, str, int, int], Dissected]:
    """Every field must stand where tshark reads it, with the same bytes and name; return ours by place."""
    everything = [found for found in dissect(tshark, capture) if found.size]
    theirs = {found for found in everything if found.name in READ}
    ours: dict[tuple[int, str, int, int], Dissected] = {}
    for one in handshakes(capture):
        client, server = fields_of(one)
        for stream, fields in ((one.client, client), (one.server, server)):
            ours.update({found[:4]: found for found in placed(stream, fields)})
    tickets = {place for place in ours if place[1] == "tls.handshake.extension.data"}
    assert tickets <= {found[:4] for found in everything}, "where tshark shows also what is not read here"
    assert set(ours) - tickets == {found[:4] for found in theirs}
    for found in theirs:
        same = ours[found[:4]]
        if found.name != "tls.handshake.extensions.psk.binders":  # of which tshark prints no bytes
            assert same.value == found.value
            assert same.text
            assert same.text == found.value or found.text.partition(": ")[2].startswith(same.text), found
    return ours


@pytest.mark.parametrize("name", CAPTURES)
def test_every_field_stands_where_tshark_reads_it(name: str, tshark: Tshark) -> None:
    assert hold_against_tshark(DATA / name, tshark)


def test_grease_as_tshark_reads_it(tmp_path: Path, tshark: Tshark) -> None:
    """What browsers put into their hellos (RFC 8701), put into one of OpenSSL's."""
    content = (DATA / "tls13-groups.pcapng").read_bytes()
    for old, new in (
        ("c024 c028", "0a0a c028"),  # suites
        ("001e 001d 0019", "1a1a 001d 0019"),  # groups
        ("0016 0000 0017 0000", "2a2a 0000 0017 0000"),  # an extension
        ("002b 0009 08 0304", "002b 0009 08 3a3a"),  # a version
    ):
        assert content.count(bytes.fromhex(old)) == 1
        content = content.replace(bytes.fromhex(old), bytes.fromhex(new))
    capture = tmp_path / "grease.pcapng"
    capture.write_bytes(content)
    found = hold_against_tshark(capture, tshark).values()
    assert {(field.name.rpartition(".")[2], field.value) for field in found if "GREASE" in field.text} == {
        ("ciphersuite", "0a0a"),
        ("extensions_supported_group", "1a1a"),
        ("type", "2a2a"),
        ("supported_version", "3a3a"),
    }


def test_what_is_in_the_captures() -> None:
    """Every field above is in at least one: an oracle that is not asked proves nothing."""
    seen = {field.name for name in CAPTURES for one in handshakes(DATA / name) for x in fields_of(one) for field in x}
    assert seen - {"tls.handshake.extension.data"} == READ


def test_certificates_are_certificates() -> None:
    (one,) = handshakes(DATA / "tls12-alert-ca.pcapng")
    assert one.server_certificate is not None
    assert one.client_certificate is None
    first, second = one.server_certificate.certificates
    assert first != second
    for der in (first, second):
        certificate = x509.load_der_x509_certificate(der)
        assert isinstance(certificate.public_key(), rsa.RSAPublicKey)
        assert certificate.subject.rfc4514_string() == "CN=localhost"
    (one,) = handshakes(DATA / "tls13.pcapng")
    assert one.server_certificate is None, "in TLS 1.3 it is encrypted"


def test_the_group_wherever_it_is_said() -> None:
    groups = {name.removesuffix(".pcapng"): [one.group for one in handshakes(DATA / name)] for name in CAPTURES}
    assert groups["tls12"] == groups["tls13"] == [29]  # x25519
    assert groups["tls13-groups"] == [30]  # x448, the client's first
    assert groups["tls13-retry"] == [23]  # secp256r1, which the server insists on
    # RSA and PSK need none, a resumed session of TLS 1.2 has none, and where the server only asks none is chosen
    assert groups["tls12-rsa"] == groups["tls12-psk"] == groups["tls-alert-version"] == [None]
    assert groups["tls13-retry-cookie"] == [None]
    assert groups["tls12-resumed"] == groups["tls12-session-id"] == [29, None]


def test_how_sessions_are_resumed() -> None:
    first, second = handshakes(DATA / "tls12-session-id.pcapng")
    assert first.new_session_ticket is None
    assert second.client_hellos[0].session_id == second.server_hellos[0].session_id == first.server_hellos[0].session_id
    assert len(second.client_hellos[0].session_id) == 32
    assert first.client_hellos[0].session_ticket is None

    first, second = handshakes(DATA / "tls12-resumed.pcapng")
    assert first.new_session_ticket is not None
    assert first.new_session_ticket.ticket == second.client_hellos[0].session_ticket
    assert first.client_hellos[0].session_ticket == b""
    assert first.server_hellos[0].session_ticket
    assert first.new_session_ticket.lifetime_hint == 7200

    first, second = handshakes(DATA / "tls13-resumed.pcapng")
    assert first.client_hellos[0].psk_identities == ()
    assert len(second.client_hellos[0].psk_identities) == 1
    assert [one.server_hellos[0].selected_identity for one in (first, second)] == [None, 0]
    assert first.new_session_ticket is second.new_session_ticket is None, "in TLS 1.3 it is encrypted"


def test_both_hellos_of_a_retry() -> None:
    (one,) = handshakes(DATA / "tls13-retry.pcapng")
    assert [hello.key_share_groups for hello in one.client_hellos] == [(29,), (23,)]
    assert [(hello.is_retry, hello.key_share_group) for hello in one.server_hellos] == [(True, 23), (False, 23)]
    (one,) = handshakes(DATA / "tls13-retry-cookie.pcapng")
    cookies = [hello.cookie for hello in one.client_hellos]
    assert cookies == [None, one.server_hellos[0].cookie]
    assert cookies[1]


def rebuilt(layer: RecordLayer, data: bytes) -> RecordLayer:
    piece = dataclasses.replace(layer.stream.pieces[0], length=len(data))
    return read_records(dataclasses.replace(layer.stream, data=data, pieces=(piece,)))


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_messages_that_span_records(size: int, data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls12.pcapng")
    whole = read_handshake(client, server)
    plain = whole.server.data
    change = next(record for record in server.records if record.content_type == 20)
    pieces = [plain[at : at + size] for at in range(0, len(plain), size)]
    cut = b"".join(b"\x16\3\3" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
    apart = rebuilt(server, cut + server.stream.data[change.start :])
    found = read_handshake(client, apart)
    assert fields_of(found) == fields_of(whole)
    first = found.server_hellos[0].fields[1]
    spans = found.server.locate(first.start, first.end)
    base = apart.stream.pieces[0].offset
    data_at = [apart.stream.data[span.first - base : span.last + 1 - base] for span in spans]
    assert b"".join(data_at) == first.value
    assert len(spans) >= 32 // size


@pytest.mark.parametrize("name", ["tls12-resumed.pcapng", "tls12.pcapng", "tls13-retry.pcapng"])
def test_every_part_of_the_streams(name: str, data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / name)[:2]
    before = 0
    for size in range(0, 1600, 3):
        ours = rebuilt(client, client.stream.data[:size])
        theirs = rebuilt(server, server.stream.data[:size])
        found = read_handshake(ours, theirs)
        now = sum(len(fields) for fields in fields_of(found))
        assert now >= before, "more bytes never say less"
        before = now
    assert fields_of(read_handshake(client, server)) == fields_of(found)


CHAIN = bytes.fromhex("00000d 000003 616263 000004 64656667".replace(" ", ""))
EXCHANGE = b"\3\0\x1d\4abcd" + b"\4\1\0\3sig"
TICKET = b"\0\0\x1c\x20\0\3abc"


ANSWER = parse_server_hello(b"\3\3" + bytes(33) + b"\xc0\x2f\0")


def exchange(message: HandshakeMessage) -> ServerKeyExchange:
    return parse_server_key_exchange(message, ANSWER)


def test_messages_of_tls_1_2() -> None:
    assert parse_certificate(HandshakeMessage(11, CHAIN, 7)).certificates == (b"abc", b"defg")
    ticket = parse_new_session_ticket(HandshakeMessage(4, TICKET))
    assert (ticket.lifetime_hint, ticket.ticket) == (7200, b"abc")
    found = exchange(HandshakeMessage(12, EXCHANGE))
    assert (found.group, found.signature_algorithm) == (29, 0x0401)
    found = exchange(HandshakeMessage(12, b"\1anything"))  # explicit_prime, RFC 8422, section 5.4
    assert (found.group, found.signature_algorithm) == (None, None)


def test_key_exchanges_that_are_signed_otherwise_or_not() -> None:
    old = dataclasses.replace(ANSWER, version=0x0302)
    assert parse_server_key_exchange(HandshakeMessage(12, EXCHANGE[:8] + EXCHANGE[10:]), old).group == 29
    anonymous = dataclasses.replace(ANSWER, cipher_suite=0xC018)  # TLS_ECDH_anon_WITH_AES_128_CBC_SHA
    assert parse_server_key_exchange(HandshakeMessage(12, EXCHANGE[:8]), anonymous).group == 29


PARSERS: list[tuple[Callable[[HandshakeMessage], object], bytes]] = [
    (parse_certificate, CHAIN),
    (exchange, EXCHANGE),
    (parse_new_session_ticket, TICKET),
]


@pytest.mark.parametrize(("parse", "body"), PARSERS)
def test_every_part_of_a_message_is_malformed(parse: Callable[[HandshakeMessage], object], body: bytes) -> None:
    for size in range(len(body)):
        with pytest.raises(MalformedError) as raised:
            parse(HandshakeMessage(0, body[:size], 100))
        assert 104 <= raised.value.offset <= 104 + size
    with pytest.raises(MalformedError, match="1 bytes stand after the end"):
        parse(HandshakeMessage(0, body + b"x"))


def test_a_certificate_longer_than_its_list() -> None:
    with pytest.raises(MalformedError, match="5 bytes were announced and 4 are left"):
        parse_certificate(HandshakeMessage(11, CHAIN[:11] + b"\5" + CHAIN[12:]))


@given(st.sampled_from([parse for parse, _ in PARSERS]), st.binary(max_size=60))
def test_no_bytes_break_the_parsers(parse: Callable[[HandshakeMessage], object], body: bytes) -> None:
    try:
        parse(HandshakeMessage(0, body))
    except MalformedError as error:
        assert 4 <= error.offset <= 4 + len(body)  # noqa: PT017  (both ends are right)


LAYERS = [read_records(stream) for stream in reassemble(read_segments(DATA / "tls12-resumed.pcapng", "scapy"))][:2]


@given(st.sampled_from([0, 1]), st.lists(st.tuples(st.integers(0, 1800), st.integers(0, 255)), max_size=5))
def test_no_changed_byte_breaks_a_handshake(side: int, changes: list[tuple[int, int]]) -> None:
    content = bytearray(LAYERS[side].stream.data)
    for at, byte in changes:
        content[at % len(content)] = byte
    layers = list(LAYERS)
    layers[side] = rebuilt(LAYERS[side], bytes(content))
    try:
        found = read_handshake(*layers)
    except MalformedError as error:
        assert 0 <= error.offset <= len(content)  # noqa: PT017  (both ends are right)
    else:
        for stream, fields in zip((found.client, found.server), fields_of(found), strict=True):
            assert all(stream.locate(field.start, field.end) for field in fields)

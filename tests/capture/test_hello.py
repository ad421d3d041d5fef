import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import MalformedError
from capture.hello import (
    CIPHER_SUITES,
    RETRY_RANDOM,
    client_hello,
    parse_client_hello,
    parse_server_hello,
    server_hello,
)
from capture.tls import RecordLayer, handshake_messages

Layers = Callable[[Path], list[RecordLayer]]
DATA = Path(__file__).parent.parent / "data"
CAPTURES = sorted(path.name for path in DATA.glob("tls1*.pcapng"))


FIELDS = ("tcp.stream", "tls.handshake.random", "tls.handshake.ciphersuite", "tls.handshake.extensions_server_name")


def their_hellos(tshark: Callable[..., list[str]], capture: Path) -> tuple[list[list[str]], list[list[str]]]:
    """FIELDS of the last ClientHello and the last ServerHello of each connection, as tshark has them."""
    clients: dict[str, list[str]] = {}
    servers: dict[str, list[str]] = {}
    rows = tshark(
        *(capture, "-Y", "tls.handshake.type in {1, 2}", "-Tfields", "-Eoccurrence=a", "-e", "tls.handshake.type"),
        *(f"-e{name}" for name in FIELDS),
    )
    for row in rows:
        kinds, number, *values = row.split("\t")
        (clients if kinds.split(",")[0] == "1" else servers)[number] = values
    return list(clients.values()), list(servers.values())


@pytest.mark.parametrize("name", CAPTURES)
def test_hellos_as_tshark_reads_them(
    name: str, data: Path, layers_of: Layers, tshark: Callable[..., list[str]]
) -> None:
    layers = layers_of(data / name)
    clients = [client_hello(layer) for layer in layers if layer.stream.from_client]
    servers = [server_hello(layer) for layer in layers if not layer.stream.from_client]
    their_clients, their_servers = their_hellos(tshark, data / name)
    for ours, (random, suites, server_name) in zip(clients, their_clients, strict=True):
        assert ours is not None
        assert (ours.random.hex(), ours.server_name) == (random, server_name)
        assert ours.server_name == "localhost"
        assert list(ours.cipher_suites) == [int(suite, 0) for suite in suites.split(",")]
    for answer, (random, suite, _) in zip(servers, their_servers, strict=True):
        assert answer is not None
        assert (answer.random.hex(), answer.cipher_suite) == (random, int(suite, 0))
    version = 0x0304 if name.startswith("tls13") else 0x0303
    assert {hello and hello.version for hello in servers} == {version}


def test_suites_are_named_as_openssl_numbers_them(tool: Callable[[str], str]) -> None:
    command = [tool("openssl"), "ciphers", "-stdname", "-V", "ALL:@SECLEVEL=0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    theirs = {}
    for line in done.stdout.splitlines():
        number, _, name, *_ = line.split()
        high, low = number.split(",")
        theirs[int(high, 16) << 8 | int(low, 16)] = name
    assert theirs.items() >= CIPHER_SUITES.items()


def test_a_retry_is_not_the_servers_last_word(data: Path, layers_of: Layers) -> None:
    server = layers_of(data / "tls13-retry.pcapng")[1]
    bodies = [
        message.body for message in handshake_messages(r.fragment for r in server.records if r.content_type == 22)
    ]
    assert [parse_server_hello(body).random == RETRY_RANDOM for body in bodies] == [True, False]
    hello = server_hello(server)
    assert hello is not None
    assert hello == parse_server_hello(bodies[1])


def test_a_suite_that_is_not_known_is_named_by_number(data: Path, layers_of: Layers) -> None:
    hello = server_hello(layers_of(data / "tls12-cbc.pcapng")[1])
    assert hello is not None
    assert hello.suite_name == "0xc013"  # TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
    known = server_hello(layers_of(data / "tls12.pcapng")[1])
    assert known is not None
    assert known.suite_name == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"


def test_none_where_there_is_none(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    assert client_hello(server) is None
    assert server_hello(client) is None
    plain = layers_of(data / "plain.pcapng")
    assert [client_hello(plain[0]), server_hello(plain[1])] == [None, None]


# The smallest hellos that there can be (RFC 5246, section 7.4.1): version, random, no session id, suites, compression.
CLIENT = b"\3\3" + bytes(32) + b"\0" + b"\0\4\x13\1\xc0\x2f" + b"\1\0"
SERVER = b"\3\3" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0"


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


def test_a_hostile_name_stays_data() -> None:
    name = b"\x1b[2Jevil\xff"
    entry = b"\0" + len(name).to_bytes(2, "big") + name
    names = len(entry).to_bytes(2, "big") + entry
    extension = b"\0\0" + len(names).to_bytes(2, "big") + names
    hello = parse_client_hello(CLIENT + len(extension).to_bytes(2, "big") + extension)
    assert hello.server_name == "\x1b[2Jevil\\xff"


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

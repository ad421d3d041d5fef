import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.readers import read_segments
from capture.streams import ByteStream, reassemble
from capture.tls import read_records
from lab.visible import Visible, look

Streams = Callable[..., tuple[ByteStream, ...]]
DATA = Path(__file__).parent.parent / "data"


def look_at(path: Path) -> list[Visible]:
    streams = reassemble(read_segments(path, "scapy"))
    return [
        look(read_records(client), read_records(server))
        for client, server in zip(streams[::2], streams[1::2], strict=True)
    ]


def ask_tshark(tshark: str, path: Path, show: str, *fields: str) -> list[list[str]]:
    wanted = [word for field in fields for word in ("-e", field)]
    command = [tshark, "-r", str(path), "-Y", show, "-Tfields", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "name",
    ["tls13", "tls13-aes128", "tls13-chacha", "tls13-retry", "tls12", "tls12-aes256", "tls12-chacha", "tls12-cbc"],
)
def test_as_tshark_sees_it(name: str, tool: Callable[[str], str]) -> None:
    tshark = tool("tshark")
    path = DATA / f"{name}.pcapng"
    (seen,) = look_at(path)

    hello = ask_tshark(
        tshark,
        path,
        "tls.handshake.type == 1",
        "ip.src",
        "tcp.srcport",
        "ip.dst",
        "tcp.dstport",
        "tls.handshake.extensions_server_name",
    )[0]
    assert f"{hello[0]}:{hello[1]}" == str(seen.client)
    assert f"{hello[2]}:{hello[3]}" == str(seen.server)
    assert hello[4] == (seen.server_name or "")

    (suite, chosen) = ask_tshark(
        tshark,
        path,
        "tls.handshake.type == 2",
        "tls.handshake.ciphersuite",
        "tls.handshake.extensions.supported_version",
    )[-1]
    assert seen.version == ("TLS 1.3" if chosen == "0x0304" else "TLS 1.2")
    assert seen.cipher_suite is not None
    if seen.cipher_suite.startswith("0x"):
        assert int(seen.cipher_suite, 16) == int(suite, 16)

    lengths = []
    for port, opaque, clear, sizes in ask_tshark(
        tshark,
        path,
        "tls.record.length",
        "tcp.dstport",
        "tls.record.opaque_type",
        "tls.record.content_type",
        "tls.record.length",
    ):
        if chosen == "0x0304":
            # in TLS 1.3 encrypted records have an opaque type and stand after the clear ones of their frame
            count = len(opaque.split(",")) if opaque else 0
            wanted = sizes.split(",")[len(sizes.split(",")) - count :]
        else:
            wanted = [size for kind, size in zip(clear.split(","), sizes.split(","), strict=True) if kind == "23"]
        lengths += [(port == str(seen.server.port), int(size)) for size in wanted]
    assert sorted((record.from_client, record.length) for record in seen.records) == sorted(lengths)


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls12-rsa", "tls13", "tls13-retry"])
def test_whether_the_certificate_can_be_seen(name: str, tool: Callable[[str], str]) -> None:
    path = DATA / f"{name}.pcapng"
    certificates = ask_tshark(tool("tshark"), path, "tls.handshake.type == 11", "frame.number")
    assert look_at(path)[0].certificate == bool(certificates)


def test_how_much_longer_a_record_is_than_what_it_hides() -> None:
    # as measured: the tag, with GCM in TLS 1.2 the nonce, in TLS 1.3 the inner type
    assert {name: look_at(DATA / f"{name}.pcapng")[0].overhead for name in ("tls12", "tls12-chacha", "tls13")} == {
        "tls12": 24,
        "tls12-chacha": 16,
        "tls13": 17,
    }


def test_the_nonce_in_the_clear() -> None:
    assert {
        name: look_at(DATA / f"{name}.pcapng")[0].explicit_nonce for name in ("tls12", "tls12-chacha", "tls13")
    } == {
        "tls12": 8,
        "tls12-chacha": 0,
        "tls13": 0,
    }


def test_each_connection_has_its_number() -> None:
    seen = look_at(DATA / "tls13-resumed.pcapng")
    assert [connection.connection for connection in seen] == list(range(len(seen)))
    assert len(seen) > 1


def client_hello_record() -> bytes:
    stream = reassemble(read_segments(DATA / "tls13.pcapng", "scapy"))[0]
    record = read_records(stream).records[0]
    return stream.data[record.start : record.end]


def test_half_a_handshake(streams_of: Streams) -> None:
    hello = client_hello_record()
    broken = bytes.fromhex("1603030008") + bytes.fromhex("0200000403030000")  # a ServerHello of four bytes
    data = bytes.fromhex("1703030003") + b"abc"
    for answer in (b"", broken + data):
        client, server = streams_of((">", hello), ("<", answer)) if answer else streams_of((">", hello))
        seen = look(read_records(client), read_records(server))
        (name,) = {connection.server_name for connection in look_at(DATA / "tls13.pcapng")}
        assert seen.server_name == name, "what the client said is visible, whatever the server answered"
        assert (seen.version, seen.cipher_suite, seen.explicit_nonce) == (None, None, 0)
        assert [(record.from_client, record.length) for record in seen.records] == ([(False, 3)] if answer else [])


def test_records_without_any_handshake(streams_of: Streams) -> None:
    one, two = (bytes.fromhex("170303") + len(data).to_bytes(2, "big") + data for data in (b"abc", b"defgh"))
    client, server = streams_of((">", one), ("<", two), (">", two + one))
    seen = look(read_records(client), read_records(server))
    assert (seen.server_name, seen.version) == (None, None)
    assert [(r.time_ns // 1_000_000, r.from_client, r.length) for r in seen.records] == [
        (3, True, 3),
        (4, False, 5),
        (5, True, 5),
        (5, True, 3),
    ]

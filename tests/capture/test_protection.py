import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.handshake import read_handshake
from capture.protection import protection
from capture.tls import RecordLayer, read_records
from tests.capture.dissected import CAPTURES, dissect

Layers = Callable[[Path], list[RecordLayer]]


@pytest.mark.parametrize("name", CAPTURES)
def test_what_tshark_calls_encrypted(
    name: str, data: Path, layers_of: Layers, tshark: Callable[..., list[str]]
) -> None:
    theirs = {
        (found.frame, found.at): any(word in found.text for word in ("Encrypted", "Application Data"))
        for found in dissect(tshark, data / name)
        if found.name == "tls.record"
    }
    layers = layers_of(data / name)
    ours = {}
    for pair in zip(layers[::2], layers[1::2], strict=True):
        for layer, states in zip(pair, protection(*pair), strict=True):
            assert "unknown" not in states
            for record, state in zip(layer.records, states, strict=True):
                span = layer.stream.locate(record.start, record.end)[0]
                ours[span.frame, span.first] = state == "encrypted"
    assert ours == theirs


def part(layer: RecordLayer, first: int, last: int | None = None) -> RecordLayer:
    """Some of the records, as if no others had been captured."""
    return dataclasses.replace(layer, records=layer.records[first:last])


def test_a_hello_after_change_cipher_spec(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-retry-cookie.pcapng")
    assert [record.content_type for record in client.records] == [22, 20, 22, 21]
    assert protection(client, server)[0] == ("clear",) * 4
    # it is the server's answer that says which TLS this is: without, nothing is known after change_cipher_spec
    assert protection(client, part(server, 0, 0))[0] == ("clear", "clear", "unknown", "unknown")
    assert protection(client, part(server, 0, 1))[0] == ("clear",) * 4


@pytest.mark.parametrize("name", ["tls12.pcapng", "tls13.pcapng"])
def test_where_the_beginning_is_missing(name: str, data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / name)
    nothing = part(client, 0, 0), part(server, 0, 0)
    assert protection(*nothing) == ((), ())
    late = part(client, 3), part(server, 6)
    assert {state for states in protection(*late) for state in states} == {"unknown"}
    asked = protection(client, nothing[1])[0]
    assert asked[0] == "clear"
    assert set(asked) == {"clear", "unknown"}
    answered = protection(nothing[0], server)[1]
    assert answered[-1] == "encrypted", "the answer says what TLS it is"


SESSION_ID, SUITE = 5 + 4 + 34, 5 + 4 + 34 + 1 + 32  # offsets in an OpenSSL server's stream of TLS 1.3


def changed(layer: RecordLayer, at: int, data: bytes) -> RecordLayer:
    content = layer.stream.data
    return read_records(dataclasses.replace(layer.stream, data=content[:at] + data + content[at + len(data) :]))


@pytest.mark.parametrize("suite", ["0000", "0002", "0009", "c0b4", "ffff"])
def test_a_suite_that_does_not_encrypt_or_that_nobody_knows(suite: str, data: Path, layers_of: Layers) -> None:
    """NULL suites of TLS 1.2 and of TLS 1.3 (RFC 9150), and numbers without a name here."""
    client, server = layers_of(data / "tls13.pcapng")
    assert server.stream.data[SUITE : SUITE + 2] == b"\x13\x02"
    states = protection(client, changed(server, SUITE, bytes.fromhex(suite)))
    assert "encrypted" not in {*states[0], *states[1]}


def test_a_version_that_is_none(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    at = server.stream.data.index(bytes.fromhex("002b00020304")) + 4
    for version, word in ((b"\3\5", "unknown"), (b"\3\4", "encrypted"), (b"\x7f\x1c", "encrypted")):
        assert protection(client, changed(server, at, version))[1][-1] == word
    # draft 21 had another ServerHello
    assert protection(client, changed(server, at, b"\x7f\x15"))[1][-1] == "unknown"


@pytest.mark.parametrize("name", ["tls12.pcapng", "tls13.pcapng"])
def test_what_is_too_short_to_be_encrypted(name: str, data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / name)
    kind = b"\x15" if name == "tls12.pcapng" else b"\x17"
    alert = kind + b"\3\3\0\2\2\x32"
    more = read_records(dataclasses.replace(server.stream, data=server.stream.data + alert))
    assert protection(client, more)[1][-2:] == ("encrypted", "unknown")


def test_a_hello_that_is_broken_off_is_not_read_on_in_what_is_encrypted(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-retry.pcapng")
    longer = changed(server, 5 + 1, (200).to_bytes(3, "big"))
    assert {record.content_type for record in longer.records} == {20, 22, 23}
    assert protection(client, longer)[1][0] == "clear"
    assert read_handshake(client, longer).server_hellos == read_handshake(client, server).server_hellos[1:]


def test_an_answer_that_cannot_be_read_tells_nothing(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls12.pcapng")
    broken = bytearray(server.stream.data)
    broken[5 + 4 + 34] = 0xFF  # a session id of 255 bytes
    states = protection(client, read_records(dataclasses.replace(server.stream, data=bytes(broken))))
    assert states[0][-1] == states[1][-1] == "unknown"
    assert "encrypted" not in {*states[0], *states[1]}

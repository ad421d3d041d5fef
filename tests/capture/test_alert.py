import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.alert import Alert, alerts
from capture.errors import MalformedError
from capture.protection import Protection, protection
from capture.segment import Endpoint
from capture.streams import ByteStream, Piece
from capture.tls import RecordLayer, read_records
from tests.capture.dissected import CAPTURES, Dissected, dissect, placed

Layers = Callable[[Path], list[RecordLayer]]


def alerts_of(layers: list[RecordLayer]) -> list[Alert]:
    found: list[Alert] = []
    for pair in zip(layers[::2], layers[1::2], strict=True):
        for layer, states in zip(pair, protection(*pair), strict=True):
            found += alerts(layer, states)
    return found


@pytest.mark.parametrize("name", CAPTURES)
def test_alerts_as_tshark_reads_them(
    name: str, data: Path, layers_of: Layers, tshark: Callable[..., list[str]]
) -> None:
    theirs = dissect(tshark, data / name)
    ours = alerts_of(layers_of(data / name))
    clear: list[Dissected] = []
    closed = []
    for alert in ours:
        clear += placed(alert.record.stream, alert.fields)
        span = alert.record.stream.locate(alert.record.start, alert.record.end)[0]
        if alert.protection == "encrypted":
            assert (alert.level, alert.description) == (None, None)
            closed.append((span.frame, span.first))
    names = {"tls.alert_message.level", "tls.alert_message.desc"}
    read = {found[:5]: found.text for found in theirs if found.name in names}
    assert {found[:5] for found in clear} == set(read)
    for found in clear:
        assert f": {found.text} (" in read[found[:5]]
    assert sorted(closed) == sorted(
        (found.frame, found.at)
        for found in theirs
        if found.name == "tls.record" and found.text.endswith("Encrypted Alert")
    )


def test_what_the_captures_hold(data: Path, layers_of: Layers) -> None:
    found = {
        name.removesuffix(".pcapng"): [(alert.protection, alert.level, alert.description) for alert in listed]
        for name in CAPTURES
        if (listed := alerts_of(layers_of(data / name)))
    }
    assert found.pop("tls-alert-version") == [("clear", 2, 70)]  # protocol_version, RFC 8446, section 6
    assert found.pop("tls12-alert-ca") == [("clear", 2, 48)]  # unknown_ca
    assert found.pop("tls13-retry-cookie") == [("clear", 2, 50)]  # decode_error, after a change_cipher_spec
    assert found.pop("tls12-session-id") == [("encrypted", None, None)] * 4  # a close_notify of each side, twice
    assert {alert for listed in found.values() for alert in listed} == {("encrypted", None, None)}
    assert not any(name.startswith("tls13") for name in found), "in TLS 1.3 they look like application data"


def layer_of(data: bytes) -> RecordLayer:
    pieces = (Piece(0, len(data), 1, 54, 0),)
    return read_records(ByteStream(0, Endpoint("a", 1), Endpoint("b", 2), False, data, pieces, ()))


def record(fragment: bytes) -> bytes:
    return b"\x15\3\3" + len(fragment).to_bytes(2, "big") + fragment


def test_two_in_a_record() -> None:
    (first, second) = alerts(layer_of(record(b"\1\x5a\2\0")), ("clear",))
    assert [(alert.level, alert.description) for alert in (first, second)] == [(1, 90), (2, 0)]
    assert [(field.start, field.end) for field in second.fields] == [(7, 8), (8, 9)]
    assert [str(field) for field in second.fields] == ["Fatal", "Close Notify"]


@pytest.mark.parametrize(
    ("fragment", "offset"), [(b"", 5), (b"\2", 6), (b"\2\0\2", 8), (b"\1" * 25, 30), (b"\1\0\3\0", 7)]
)
def test_no_alert_is_never_taken_for_an_encrypted_one(fragment: bytes, offset: int) -> None:
    layer = layer_of(record(fragment))
    with pytest.raises(MalformedError) as raised:
        alerts(layer, ("clear",))
    assert raised.value.offset == offset
    states: tuple[Protection, ...] = ("encrypted", "unknown")
    for state in states:
        (alert,) = alerts(layer, (state,))
        assert (alert.protection, alert.level, alert.description) == (state, None, None)


def test_an_alert_in_the_middle_of_what_was_missed(data: Path, layers_of: Layers) -> None:
    """Two bytes may be an alert in the clear; where the state is not known, that is not said."""
    client, server = layers_of(data / "tls12-alert-ca.pcapng")
    late = dataclasses.replace(client, records=client.records[1:])
    assert [alert.protection for alert in alerts(late, protection(late, server)[0])] == ["unknown"]


@given(st.lists(st.one_of(st.binary(max_size=6), st.lists(st.integers(0, 2), max_size=6).map(bytes)), max_size=4))
def test_every_byte_is_in_an_alert_or_the_record_is_malformed(fragments: list[bytes]) -> None:
    layer = layer_of(b"".join(record(fragment) for fragment in fragments))
    states: list[Protection] = ["clear"] * len(fragments)
    try:
        found = alerts(layer, tuple(states))
    except MalformedError:
        assert any(not fragment or len(fragment) % 2 or set(fragment[::2]) - {1, 2} for fragment in fragments)
    else:
        spoken = b"".join(bytes([alert.level or 0, alert.description or 0]) for alert in found)
        assert spoken == b"".join(fragments)

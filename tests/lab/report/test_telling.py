import pytest

from capture.hello import ServerHello
from capture.tls import HandshakeMessage
from lab.report.kinds import Kind
from lab.report.telling import Told, refuses_early_data, retry, tell, tell_alert
from tests.lab.report.conftest import WireOf


def answer(wire_of: WireOf, name: str) -> ServerHello:
    connection = wire_of(name).talks[0].tls
    assert connection is not None
    assert connection.answer is not None
    return connection.answer


def kind(message: HandshakeMessage, told: Told, *, from_client: bool = False) -> Kind:
    return tell(message, told, from_client=from_client, again=False)[0]


def test_what_breaks_a_rule_is_told_by_its_name(wire_of: WireOf) -> None:
    for told in (Told(answer(wire_of, "tls13"), False, False), Told(answer(wire_of, "tls12"), False, False)):
        for number in (1, 2, 4, 11):
            found, values = tell(HandshakeMessage(number, b"\0\1"), told, from_client=False, again=False)
            assert found == "handshake_other"
            assert values["bytes"] == "2"
        assert tell(HandshakeMessage(99, b""), told, from_client=True, again=False)[1]["name"].startswith("0x")


@pytest.mark.parametrize("chain", [b"\0" * 40, b"\x30\x82\xff\xff<b>", b""])
def test_a_certificate_may_be_any_bytes(wire_of: WireOf, chain: bytes) -> None:
    told = Told(answer(wire_of, "tls13"), False, False)
    entry = len(chain).to_bytes(3) + chain + b"\0\0"
    found, values = tell(
        HandshakeMessage(11, b"\0" + len(entry).to_bytes(3) + entry), told, from_client=False, again=False
    )
    assert found == "certificate"
    assert (values["subject"], values["number"]) == ("-", "1")


def test_no_certificate_is_shown(wire_of: WireOf) -> None:
    assert kind(HandshakeMessage(11, bytes(4)), Told(answer(wire_of, "tls13"), False, False)) == "certificate_none"
    assert kind(HandshakeMessage(11, bytes(3)), Told(answer(wire_of, "tls12"), False, False)) == "certificate_none_12"


def test_the_client_has_messages_of_its_own(wire_of: WireOf) -> None:
    told = Told(answer(wire_of, "tls13"), False, False)
    assert kind(HandshakeMessage(20, bytes(32)), told, from_client=True) == "finished_client"
    assert kind(HandshakeMessage(20, bytes(32)), told) == "finished_server"
    assert kind(HandshakeMessage(15, bytes(8)), told, from_client=True) == "certificate_verify_client"


@pytest.mark.parametrize(
    ("plaintext", "wanted", "description"),
    [
        (b"\x01\x00", "alert_close", "Close Notify"),
        (b"\x02\x28", "alert", "Handshake Failure"),
        (b"\x02", "alert", "-"),
        (b"", "alert", "-"),
    ],
)
def test_alerts(plaintext: bytes, wanted: Kind, description: str) -> None:
    found, values = tell_alert(plaintext)
    assert (found, values["description"].replace("_", " ").title()) == (wanted, description)


def test_who_takes_no_early_data() -> None:
    taken = HandshakeMessage(8, b"\0\x04\0\x2a\0\0")
    assert refuses_early_data([taken]) is False
    assert refuses_early_data([HandshakeMessage(8, b"\0\0")]) is True
    assert refuses_early_data([]) is False, "nobody knows"
    assert refuses_early_data([HandshakeMessage(8, b"\0\x09\0")]) is False, "nor where it cannot be read"
    assert retry([HandshakeMessage(2, b"\0")]) is None

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.pipeline import Outcome
from lab.record import Transport
from lab.report.glance import connections, glances
from lab.report.wire import read_wire
from tests.lab.report.conftest import Captured, WireOf


def infos(wire_of: WireOf, name: str) -> list[str]:
    return [glance.info for _, glance in sorted(glances(wire_of(name)).items())]


def test_what_tcp_does_and_what_is_said(captured: Captured) -> None:
    capture = captured((">", b"one\r\ntwo\n"), ("<", b"<b>\x1b[31m" + b"x" * 200))
    found = glances(read_wire(capture, None))
    assert [(frame, one.info, one.from_client, one.payload) for frame, one in found.items()] == [
        (1, "SYN", True, 0),
        (2, "SYN, ACK", False, 0),
        (3, "“one ⏎ two”", True, 9),
        (4, f"“<b>\\x1b[31m{'x' * 72}…”", False, 208),
    ]


def test_the_keys_change_nothing_of_what_is_seen(wire_of: WireOf) -> None:
    closed = [glance.info for glance in glances(wire_of("tls13", keys=False)).values()]
    assert infos(wire_of, "tls13") == closed
    assert closed[3] == "Client Hello"
    assert "Server Hello, Change Cipher Spec, 4 Application Data" in closed
    assert not any("Finished" in info or "Certificate" in info for info in closed)


def test_up_to_tls_12(wire_of: WireOf) -> None:
    found = infos(wire_of, "tls12")
    assert "Server Hello, Certificate, Server Key Exchange, Server Hello Done" in found
    assert "Client Key Exchange, Change Cipher Spec, Encrypted Handshake" in found


def test_words_before_tls_are_readable(wire_of: WireOf) -> None:
    found = infos(wire_of, "foreign-starttls")
    assert any(info.startswith("“") for info in found)
    assert found.index("Client Hello") > next(n for n, info in enumerate(found) if info.startswith("“"))


def test_a_record_in_several_frames(both: Outcome, data: dict[str, Any], frames_of: Callable[[Path], Any]) -> None:
    index = data["frames"]["index"]
    rest = [n for n, info in enumerate(index["info"]) if info == "… Application Data"]
    assert rest
    port = both.chats[Transport.TLS].port
    for n in rest:
        assert str(port) in data["connections"][index["conn"][n]]["server"]
        assert index["payload"][n] > 0
    assert len(index["frame"]) == len(frames_of(both.folder.capture))


def test_who_and_how(both: Outcome, data: dict[str, Any]) -> None:
    found = data["connections"]
    assert [one["conn"] for one in found] == list(range(6))
    ports = {chat.port: transport for transport, chat in both.chats.items()}
    for one in found:
        transport = ports[int(one["server"].rpartition(":")[2])]
        assert one["tls"] is (transport == "tls")
    plain = [one for one in found if not one["tls"]]
    assert [one["who"] for one in plain] == ["alice", "bob", "carol"]
    assert all(one["version"] is one["suite"] is one["server_name"] is None for one in plain)
    for one in found:
        if one["tls"]:
            assert one["who"] is None, "the name crossed encrypted, and the keys do not change who could see it"
            assert (one["version"], one["server_name"]) == ("TLS 1.3", "localhost")
            assert one["suite"].startswith("TLS_")


def test_those_that_said_nothing(wire_of: WireOf) -> None:
    (one,) = connections(wire_of("tls-alert-version"))
    assert (one["tls"], one["version"], one["who"]) == (True, None, None)
    (other,) = connections(wire_of("keep-alive"))
    assert (other["tls"], other["client"], other["server"]) == (False, "10.0.0.1:40000", "10.0.0.2:12345")

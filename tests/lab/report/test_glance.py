from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.pipeline import Outcome
from lab.record import Transport
from lab.report.glance import glances
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

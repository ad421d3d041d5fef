import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from capture.errors import MalformedError
from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.streams import ByteStream, reassemble
from lab.scenarios.alerts import SeenAlert, alerts
from lab.sessions import sessions

DATA = Path(__file__).parents[2] / "data"
CAPTURES = sorted(path.stem for path in DATA.glob("tls*.pcapng"))
Streams = Callable[..., tuple[ByteStream, ...]]


def seen(name: str, *, with_keys: bool = True) -> list[SeenAlert]:
    keys = DATA / f"{name}.keys.txt"
    streams = reassemble(read_segments(DATA / f"{name}.pcapng", "native"))
    found = sessions(streams, read_keylog(keys) if with_keys and keys.exists() else None)
    return [alert for session in found for alert in alerts(session)]


# alerts in the clear, in both versions, and behind keys; padded ones; and captures that have none
WITH_AND_WITHOUT = (
    *("tls-alert-version", "tls12-alert-ca", "tls13-retry-cookie", "tls12-session-id", "tls12-psk"),
    *("tls13-aes128", "tls13-padded", "tls13-early", "tls12", "tls13"),
)


@pytest.mark.parametrize("name", WITH_AND_WITHOUT)
def test_alerts_as_tshark_reads_them(name: str, tool: Callable[[str], str]) -> None:
    keys = DATA / f"{name}.keys.txt"
    opened = ["-o", f"tls.keylog_file:{keys}"] if keys.exists() else []
    fields = ("frame.number", "tls.alert_message.level", "tls.alert_message.desc")
    shown = [argument for field in fields for argument in ("-e", field)]
    command = [tool("tshark"), "-n", "-r", str(DATA / f"{name}.pcapng"), *opened, "-Y", fields[1], "-Tfields", *shown]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    theirs = [tuple(map(int, line.split("\t"))) for line in done.stdout.splitlines()]
    ours = [(alert.spans[-1].frame, alert.level, alert.description) for alert in seen(name)]
    assert sorted(ours) == theirs


def test_what_the_captures_hold() -> None:
    # the names are those of RFC 8446, section 6; whether a key was needed is how the handshake went
    found = {name: [(a.from_client, a.name, a.encrypted) for a in seen(name)] for name in CAPTURES}
    assert found["tls-alert-version"] == [(False, "protocol_version", False)]
    assert found["tls12-alert-ca"] == [(True, "unknown_ca", False)]
    closed = [(True, "close_notify", True), (False, "close_notify", True)]
    assert found["tls12-session-id"] == closed * 2
    assert found["tls13-aes128"] == closed


def test_what_no_key_opens_is_not_found() -> None:
    assert seen("tls12-session-id", with_keys=False) == []
    assert seen("tls13-aes128", with_keys=False) == []


def test_plaintext_has_no_alerts(streams_of: Streams) -> None:
    (session,) = sessions(streams_of((">", b"anna\n"), ("<", b"* welcome\n")), None)
    assert alerts(session) == ()


def test_half_an_alert_is_malformed(streams_of: Streams) -> None:
    hello = next(iter(reassemble(read_segments(DATA / "tls-alert-version.pcapng", "native")))).data
    (session,) = sessions(streams_of((">", hello), ("<", b"\x15\x03\x03\x00\x01\x02")), None)
    with pytest.raises(MalformedError):
        alerts(session)


def test_alerts_come_in_the_order_of_their_frames() -> None:
    (session,) = sessions(
        reassemble(read_segments(DATA / "tls13-aes128.pcapng", "native")), read_keylog(DATA / "tls13-aes128.keys.txt")
    )
    ours, theirs = alerts(session)
    assert ours.spans[0].frame < theirs.spans[0].frame
    swapped = replace(session, client=session.server, server=session.client)
    assert session.opened is not None
    swapped = replace(swapped, opened=session.opened[::-1])
    assert [alert.spans for alert in alerts(swapped)] == [ours.spans, theirs.spans]

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.errors import NotACaptureError
from lab.pipeline import Outcome
from lab.report.wire import ports, read_wire
from tests.lab.report.conftest import DATA, WireOf


def test_frames_as_tshark_counts_them(both: Outcome, tool: Callable[[str], str]) -> None:
    wire = read_wire(both.folder.capture, None)
    columns = [f"-e{field}" for field in ("frame.number", "frame.time_epoch", "frame.cap_len", "tcp.stream")]
    command = [tool("tshark"), "-n", "-r", str(both.folder.capture), "-Tfields", *columns]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(str(frame.number), str(len(frame.data))) for frame in wire.frames] == [(row[0], row[2]) for row in said]
    for frame, row in zip(wire.frames, said, strict=True):
        assert wire.since_start(frame.time_ns) == pytest.approx((float(row[1]) - float(said[0][1])) * 1e3, abs=0.01)
    streams = {segment.frame: str(talk.number) for talk in wire.talks for segment in talk.segments}
    assert streams == {int(row[0]): row[3] for row in said if row[3]}


def test_connections_are_opened_as_far_as_the_keys_go(wire_of: WireOf) -> None:
    opened, closed, clear = wire_of("tls13"), wire_of("tls13", keys=False), wire_of("plain")
    assert (opened.has_keys, closed.has_keys) == (True, False)
    assert (opened.problems, closed.problems, clear.problems) == ((), (), ()), "no key is no problem"
    (talk,) = opened.talks
    assert talk.tls is not None
    assert b"".join(stream.data for stream in talk.session.readable).startswith(clear.talks[0].streams[0].data)
    assert closed.talks[0].session.readable == ()
    assert clear.talks[0].tls is None


def test_keys_of_another_session_are_named(wire_of: WireOf) -> None:
    keys = wire_of("tls13")
    other = read_wire(DATA / "tls13.pcapng", {("CLIENT_RANDOM", bytes(32)): bytes(48)})
    assert keys.problems == ()
    assert "no keys for a connection" in other.problems[0]
    assert other.talks[0].session.opened is None


def test_a_torn_capture_up_to_its_tear(tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcapng"
    torn.write_bytes((DATA / "tls13.pcapng").read_bytes()[:4001])
    wire = read_wire(torn, None)
    assert 5 < len(wire.frames) < len(read_wire(DATA / "tls13.pcapng", None).frames)
    assert str(torn) in wire.torn[0]


def test_no_capture(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("nothing that was captured")
    with pytest.raises(NotACaptureError):
        read_wire(tmp_path / "words", None)


def test_nothing_was_captured(wire_of: WireOf) -> None:
    wire = wire_of("no-packets")
    assert (wire.frames, wire.talks, wire.start_ns) == ((), (), 0)


def test_what_ports_carry(wire_of: WireOf, both: Outcome) -> None:
    assert ports(read_wire(both.folder.capture, None)) == {
        chat.port: bool(chat.visible) for chat in both.chats.values()
    }
    starttls = wire_of("foreign-starttls")
    assert starttls.talks[0].tls is not None
    assert ports(starttls) == {}, "words first, then TLS: no single protocol is on that port"

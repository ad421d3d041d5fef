"""That PDML gives what sharkd gives is tested in test_init.py; here is what tshark alone can do wrong."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.dissectors import pdml
from capture.errors import CaptureError
from tests.capture.dissectors.hostile import PAYLOADS, program, written
from tests.capture.readers.test_tshark import child

pytestmark = pytest.mark.usefixtures("nothing_left", "no_profile_left")


@pytest.fixture(autouse=True)
def needs_tshark(tool: Callable[[str], str]) -> None:
    tool("tshark")


def test_hostile_text_is_data(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pcap", PAYLOADS, 12345)
    frames = list(pdml.dissect(path, {12345: "data"}, None))
    found = [[frame.bytes_of(node) for node in frame.nodes if node.name == "data.data"] for frame in frames]
    assert found == [[payload] for payload in PAYLOADS]
    assert all(node.number is None for frame in frames for node in frame.nodes if node.name == "data.data")


def test_text_that_is_no_utf8(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pcap", [b"GET / HTTP/1.1\r\nHost: \x1b\xff<&\r\n\r\n"], 80)
    (frame,) = pdml.dissect(path, {}, None)
    (host,) = [node for node in frame.nodes if node.name == "http.host"]
    assert "<&" in host.label


def test_closed_early(data: Path) -> None:
    frames = pdml.dissect(data / "tls13.pcapng", {}, None)
    assert next(frames).frame == 1
    frames.close()  # type: ignore[attr-defined]


def test_killed_while_it_reads(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pcap", [b"x"] * 2000, 12345)
    frames = pdml.dissect(path, {}, None)
    assert next(frames).frame == 1
    os.kill(child("tshark"), signal.SIGKILL)
    with pytest.raises(CaptureError, match=r"^tshark could not read .*x\.pcap: .*status -9\.$"):
        list(frames)


FRAME = '<packet><proto name="frame" showname="Frame 1: x" size="1" pos="0"/></packet>'


@pytest.mark.parametrize(
    ("xml", "text", "said"),
    [
        ("echo no such option >&2; exit 3", "", "no such option"),
        ("echo '<pdml>'", "", "what the lab cannot read"),
        ("echo rubbish", "", "what the lab cannot read"),
        ("echo '<pdml><packet><field/></packet></pdml>'", "", "what the lab cannot read"),
        (f"echo '<pdml>{FRAME}</pdml>'", "echo something else", "what the lab cannot read"),
        (f"echo '<pdml>{FRAME}</pdml>'", "exit 4", "it ended with status 4"),
    ],
)
def test_a_tshark_that_does_not_do_as_it_should(
    xml: str, text: str, said: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "tshark", f'case "$*" in *pdml*) {xml};; *) {text or ":"};; esac')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(CaptureError, match=rf"^tshark .*{said}.*\.$"):
        list(pdml.dissect(data / "plain.pcapng", {}, None))

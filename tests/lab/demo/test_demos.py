"""Every demo with every reader, for real."""

import json
import re
import stat
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from capture.readers import READERS
from tests.lab.demo.conftest import Lab

VERDICTS = {
    "plain": ["12 of 12"],
    "tls": ["0 of 12", "12 of 12"],
    "both": ["12 of 12", "0 of 12", "12 of 12"],
}


def verdicts(out: str) -> list[str]:
    return re.findall(r"(\d+ of \d+) messages", out)


def frames(capture: Path) -> list[bytes]:
    """Return the packets of a pcapng file: its enhanced packet blocks, and nothing cleverer than that."""
    data, at, found = capture.read_bytes(), 0, []
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            (captured,) = struct.unpack_from("<I", data, at + 20)
            found.append(data[at + 28 : at + 28 + captured])
        at += length
    return found


def cut_out(packets: list[bytes], spans: list[dict[str, int]]) -> bytes:
    return b"".join(packets[span["frame"] - 1][span["first"] : span["last"] + 1] for span in spans)


def messages(verdict: dict[str, Any]) -> Iterator[dict[str, Any]]:
    assert len(verdict["messages"]) == 12
    yield from verdict["messages"]


@pytest.mark.parametrize(
    ("what", "reader"), [("plain", "tshark"), ("tls", "tshark"), *(("both", name) for name in READERS)]
)
def test_demo(live: Lab, what: str, reader: str) -> None:
    done = live.run(*live.demo(what, "--reader", reader))
    assert (done.status, done.err) == (0, "")
    assert verdicts(done.out) == VERDICTS[what]
    assert ", 0 dropped" in done.out
    folder = live.run_folder()
    files = {"capture.pcapng", "transcript.json", "verdict.json"} | ({"tls.keylog"} if what != "plain" else set())
    assert {file.name for file in folder.iterdir()} == files
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    if what != "plain":
        assert stat.S_IMODE((folder / "tls.keylog").stat().st_mode) == 0o600


def test_tls_1_2(live: Lab) -> None:
    done = live.run(*live.demo("tls", "--tls", "1.2"))
    assert (done.status, done.err) == (0, "")
    assert verdicts(done.out) == VERDICTS["tls"]
    assert "TLS 1.2" in done.out


def test_tap(lab: Lab, tool: Callable[[str], str]) -> None:
    tool("tshark")
    done = lab.run(*lab.demo("--way", "tap", "--reader", "pyshark"))
    assert (done.status, done.err) == (0, "")
    assert verdicts(done.out) == VERDICTS["both"]
    assert "by the tap" in done.out


def test_json_is_all_there_is_and_its_frames_hold_the_words(live: Lab) -> None:
    done = live.run(*live.demo("both", "--json", "--report"))
    assert (done.status, done.err) == (0, "")
    printed = json.loads(done.out)
    folder = live.run_folder()
    assert printed == json.loads((folder / "verdict.json").read_text())
    assert (folder / "report.html").exists()
    packets = frames(folder / "capture.pcapng")
    assert printed["as_expected"] is True
    assert printed["capture"]["dropped"] == 0
    sent = json.loads((folder / "transcript.json").read_text())
    plain, tls = printed["chats"]["plain"], printed["chats"]["tls"]
    for said, message in zip(sent["plain"], messages(plain["without_keys"]), strict=True):
        assert (message["who"], message["text"]) == (said["who"], said["text"])
        assert cut_out(packets, message["spans"]) == said["text"].encode()
    for message in messages(tls["without_keys"]):
        assert (message["read"], message["spans"], message["places"]) == (False, [], [])
    for message in messages(tls["with_keys"]):
        # the record that carries it: application data, and the words nowhere in it
        carried = cut_out(packets, message["spans"])
        assert message["read"]
        assert message["text"].encode() not in carried


def test_the_shell_lines_it_prints_do_run(live: Lab, tool: Callable[[str], str]) -> None:
    for name in ("tshark", "xxd", "tr"):
        tool(name)
    done = live.run(*live.demo("plain"))
    lines = [line.strip() for line in done.out.splitlines() if line.startswith((" tshark ", " echo "))]
    assert len(lines) == 3
    fields, as_json, decode = (
        subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=30).stdout for line in lines
    )
    payloads = b"".join(bytes.fromhex(line) for line in fields.decode().split())
    assert "¿Y si alguien nos está escuchando?".encode() in payloads
    assert decode == b"Hello Bob, are we alone here?\n"
    assert as_json.decode().rstrip(",\n").split() == ['"tcp.payload":', f'"{decode.hex(":")}"']

"""What is handed in is data: read with limits, and an error is one sentence."""

import gzip
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.errors import CaptureError, KeyLogError
from lab.errors import LabError
from lab.exercises.draw import Draw
from lab.exercises.work import Work, sealed

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path, Draw(bytes(32)))


def test_answers_are_toml(work: Work) -> None:
    (work.folder / "answers.toml").write_bytes('\ufeffframe = 14\nwords = "¿qué?"\n'.encode())
    assert work.answers == {"frame": 14, "words": "¿qué?"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"frame = 14\nframe = 15\n", "cannot be understood"),
        (b"a = " + b"[" * 5000, "cannot be understood"),
        (b"a = " + b"9" * 5000, "cannot be understood"),
        (b"a = '\xff'", "is not UTF-8"),
        (b"#" * 17000, "larger than the 16,384 bytes"),
    ],
)
def test_answers_that_cannot_be_read(work: Work, data: bytes, said: str) -> None:
    (work.folder / "answers.toml").write_bytes(data)
    with pytest.raises(LabError, match=said):
        _ = work.answers


def test_no_answers(work: Work) -> None:
    with pytest.raises(LabError, match=r"There is no answers\.toml\."):
        _ = work.answers


def test_a_capture_is_read_as_tshark_reads_it(work: Work, tool: object) -> None:
    (work.folder / "capture.pcapng").write_bytes((DATA / "tls13.pcapng").read_bytes())
    assert callable(tool)
    command = [
        tool("tshark"),
        "-r",
        str(work.folder / "capture.pcapng"),
        "-T",
        "fields",
        "-e",
        "tcp.stream",
        "-Y",
        "tcp",
    ]
    shown = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout.split()
    assert len(work.traffic.segments) == len(shown)
    assert len(work.traffic.sessions) == len(set(shown))
    assert work.traffic.torn == ""
    assert all(session.is_closed for session in work.traffic.sessions)


def test_with_keys_it_opens(work: Work) -> None:
    (work.folder / "capture.pcapng").write_bytes((DATA / "tls13.pcapng").read_bytes())
    (work.folder / "tls.keylog").write_bytes((DATA / "tls13.keys.txt").read_bytes())
    assert not any(session.is_closed for session in work.opened(work.keylog()).sessions)


def test_a_torn_capture_is_read_up_to_the_tear(work: Work) -> None:
    whole = (DATA / "tls13.pcapng").read_bytes()
    (work.folder / "capture.pcapng").write_bytes(whole[: len(whole) // 2 + 1])
    assert work.traffic.segments
    assert work.traffic.torn


@pytest.mark.parametrize("data", [b"", b"no capture"])
def test_no_capture_at_all(work: Work, data: bytes) -> None:
    (work.folder / "capture.pcapng").write_bytes(data)
    with pytest.raises(CaptureError):
        _ = work.traffic


def test_a_compressed_capture_is_not_unpacked(work: Work) -> None:
    (work.folder / "capture.pcapng").write_bytes(gzip.compress((DATA / "tls13.pcapng").read_bytes()))
    with pytest.raises(LabError, match="is compressed"):
        _ = work.traffic


def test_one_that_is_too_large_is_not_read(work: Work) -> None:
    with (work.folder / "capture.pcapng").open("wb") as file:
        file.truncate(1 << 30)  # a hole, which takes no room
    with pytest.raises(LabError, match="larger than the 4,194,304 bytes"):
        _ = work.traffic


def test_links_and_pipes_are_no_files(work: Work) -> None:
    (work.folder / "a").symlink_to("/etc/passwd")
    os.mkfifo(work.folder / "b")
    (work.folder / "c").mkdir()
    for name in ("a", "b", "c"):
        assert not work.has(name)
        with pytest.raises(LabError, match="There is no"):
            work.read(name)


def test_a_key_log_that_is_none(work: Work) -> None:
    (work.folder / "tls.keylog").write_bytes(b"\xff\xfe hello")
    with pytest.raises(KeyLogError, match="is not a key log"):
        work.keylog()


def test_as_many_connections_as_were_made(work: Work) -> None:
    (work.folder / "capture.pcapng").write_bytes((DATA / "tls13.pcapng").read_bytes())
    found = len(work.traffic.sessions)
    work.traffic.expect(found)
    with pytest.raises(LabError, match=f"has {found} connections, and the run has made {found + 1}"):
        work.traffic.expect(found + 1)


def test_sealed_records_are_those_that_tshark_calls_opaque(work: Work, tool: Callable[[str], str]) -> None:
    path = work.folder / "capture.pcapng"
    path.write_bytes((DATA / "tls13.pcapng").read_bytes())
    command = [tool("tshark"), "-r", str(path), "-T", "fields", "-e", "tls.record.opaque_type", "-Y", "tls"]
    shown = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout
    layers = [layer for session in work.traffic.sessions for layer in (session.client, session.server)]
    assert sum(len(sealed(layer)) for layer in layers) == shown.replace(",", "\n").split().count("23")

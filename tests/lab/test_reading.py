import gzip
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from capture.errors import CaptureError, KeyLogError, NotACaptureError
from capture.keylog import read_keylog
from capture.pcapng import decryption_secrets
from capture.readers import READERS, ReaderName, read_segments
from capture.secrets import save
from capture.segment import Endpoint, Segment
from lab.pipeline import Outcome
from lab.reading import Reading, read_capture
from lab.record import Transport
from lab.scenario import CONVERSATION, messages

SAID = [(say.who, say.text) for say in messages(CONVERSATION)]
DATA = Path(__file__).parent.parent / "data"


def said(reading: Reading) -> list[tuple[str, str]]:
    return [(heard.who, heard.text) for heard in reading.heard]


@pytest.mark.parametrize("reader", READERS)
def test_without_keys_and_with_them(both: Outcome, reader: ReaderName, tool: Callable[[str], str]) -> None:
    if reader in ("tshark", "pyshark"):
        tool("tshark")
    closed = read_capture(both.folder.capture, reader)
    assert said(closed) == SAID
    assert closed.problems == ()
    assert [seen.server_name for seen in closed.closed] == ["localhost"] * 3
    opened = read_capture(both.folder.capture, reader, both.folder.keylog)
    assert sorted(said(opened)) == sorted(SAID * 2)
    assert opened.closed == ()
    assert opened.problems == ()
    assert opened.segments == closed.segments > 0


def test_tls_1_2(tls12: Outcome) -> None:
    reading = read_capture(tls12.folder.capture, "scapy")
    assert reading.heard == ()
    assert [seen.version for seen in reading.closed] == ["TLS 1.2"] * 3
    assert said(read_capture(tls12.folder.capture, "scapy", tls12.folder.keylog)) == SAID


def test_the_keys_of_another_session(both: Outcome, tls12: Outcome) -> None:
    reading = read_capture(both.folder.capture, "scapy", tls12.folder.keylog)
    assert said(reading) == SAID, "the plaintext chat needs no keys"
    assert len(reading.closed) == len(reading.problems) == 3
    assert all("belongs to another session" in problem for problem in reading.problems)


def test_a_torn_file_is_read_up_to_its_tear(plain: Outcome, tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcapng"
    data = plain.folder.capture.read_bytes()
    torn.write_bytes(data[: len(data) * 2 // 3])
    reading = read_capture(torn, "scapy")
    assert reading.problems[0].startswith(f"{torn} is torn: it ends within a packet at byte ")
    assert 0 < len(reading.heard) < 12
    assert said(reading) == SAID[: len(reading.heard)]


def test_a_zipped_file(plain: Outcome, tmp_path: Path) -> None:
    zipped = tmp_path / "capture.pcapng.gz"
    zipped.write_bytes(gzip.compress(plain.folder.capture.read_bytes()))
    assert read_capture(zipped, "scapy") == read_capture(plain.folder.capture, "scapy")


def test_keys_that_the_file_carries_open_it(tls12: Outcome, tmp_path: Path) -> None:
    keyed = tmp_path / "keyed.pcapng"
    save(tls12.folder.capture, keyed, read_keylog(tls12.folder.keylog), "native")
    assert said(read_capture(keyed, "scapy")) == SAID


def test_a_file_that_carries_rubbish_for_keys_is_read_all_the_same(tls12: Outcome, tmp_path: Path) -> None:
    keyed = tmp_path / "keyed.pcapng"
    keyed.write_bytes(tls12.folder.capture.read_bytes() + decryption_secrets(b"no keys\n"))
    reading = read_capture(keyed, "scapy")
    assert "is not a key log: line 1" in reading.problems[0]
    assert len(reading.closed) == 3


def test_missing_bytes_are_said() -> None:
    reading = read_capture(DATA / "lost-segment.pcap", "scapy")
    (problem,) = reading.problems
    assert problem.endswith("between 10.0.0.1:40000 and 10.0.0.2:12345 are not in the capture.")


@pytest.mark.parametrize("path", sorted([*DATA.glob("*.pcap"), *DATA.glob("*.pcapng")]), ids=lambda path: path.name)
def test_any_capture_can_be_read(path: Path) -> None:
    """Whatever was captured, the answer is a Reading: with keys or without, and with keys nothing gets lost."""
    without = read_capture(path, "scapy")
    keylog = path.with_suffix(".keys.txt")
    if keylog.exists() and b"\nRSA " not in keylog.read_bytes():  # a label that has no client random
        with_keys = read_capture(path, "scapy", keylog)
        assert with_keys.segments == without.segments
        assert without.closed
        assert len(with_keys.closed) <= len(without.closed)
        assert len(with_keys.heard) >= len(without.heard)


def test_what_is_no_capture_and_no_key_log(plain: Outcome, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a capture")
    with pytest.raises(NotACaptureError, match="is not a capture file"):
        read_capture(text, "scapy")
    with pytest.raises(CaptureError, match="No such file or directory"):
        read_capture(tmp_path / "nowhere", "scapy")
    with pytest.raises(KeyLogError, match=r"notes\.txt is not a key log"):
        read_capture(plain.folder.capture, "scapy", text)
    with pytest.raises(KeyLogError, match="cannot be read"):
        read_capture(plain.folder.capture, "scapy", tmp_path / "nowhere")


def test_the_capture_is_left_as_it_was(plain: Outcome, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcapng"
    shutil.copy(plain.folder.capture, copy)
    before = copy.read_bytes()
    read_capture(copy, "scapy")
    assert copy.read_bytes() == before
    assert list(tmp_path.iterdir()) == [copy]


def cut_off(segments: Sequence[Segment], first: int, port: int) -> list[Segment]:
    """What a capture holds that began at frame `first`, the server on its usual port, which is below any client's."""

    def moved(end: Endpoint) -> Endpoint:
        return end._replace(port=12345) if end.port == port else end

    return [
        segment._replace(source=moved(segment.source), destination=moved(segment.destination))
        for segment in segments
        if segment.frame >= first
    ]


def test_a_capture_that_began_late_names_who_spoke(plain: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    segments, port = list(read_segments(plain.folder.capture, "scapy")), plain.chats[Transport.PLAIN].port
    third = read_capture(plain.folder.capture, "scapy").heard[2].spans[0].frame
    # nothing but what the reader yields is changed: the file's frames keep their numbers
    monkeypatch.setattr("lab.reading.read_segments", lambda *_: iter(cut_off(segments, third, port)))
    reading = read_capture(plain.folder.capture, "scapy")
    assert said(reading) == SAID[2:], "alice and bob said their names before, the server's repeats still have them"
    assert any(not heard.stream.from_client for heard in reading.heard)
    for heard in reading.heard:
        assert heard.stream.data[heard.start : heard.end].decode() == heard.text


def test_tls_that_began_before_the_capture_is_said(both: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    segments, port = list(read_segments(both.folder.capture, "scapy")), both.chats[Transport.TLS].port
    last = read_capture(both.folder.capture, "scapy", both.folder.keylog).heard[-1].spans[0].frame
    monkeypatch.setattr("lab.reading.read_segments", lambda *_: iter(cut_off(segments, last - 20, port)))
    closed = read_capture(both.folder.capture, "scapy")
    assert len(closed.closed) >= 2
    assert all(seen.version is None for seen in closed.closed)
    keyed = read_capture(both.folder.capture, "scapy", both.folder.keylog)
    assert any("is not in the capture" in problem for problem in keyed.problems)

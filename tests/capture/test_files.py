import gzip
import os
import tempfile
from pathlib import Path

import pytest

from capture import files
from capture.errors import CaptureError, NotACaptureError
from capture.files import whole_file


def test_a_whole_file_is_itself(data: Path) -> None:
    with whole_file(data / "plain.pcapng") as whole:
        assert whole.path == data / "plain.pcapng"
        assert whole.torn_at is None


def test_a_torn_file_is_cut_in_a_copy_that_goes_away(data: Path, tmp_path: Path) -> None:
    content = (data / "plain.pcapng").read_bytes()
    # every block ends with its own length (draft-ietf-opsawg-pcapng, section 3.1)
    end = len(content) - int.from_bytes(content[-4:], "little")
    torn = tmp_path / "torn.pcapng"
    torn.write_bytes(content[: end + 5])
    with whole_file(torn) as whole:
        assert whole.torn_at == end
        assert str(whole.torn).startswith(f"{torn} is torn: it ends within a packet at byte {end}")
        assert whole.path != torn
        assert whole.path.read_bytes() == content[:end]
    assert not whole.path.exists()
    assert torn.read_bytes() == content[: end + 5]


def test_a_torn_zip_file(data: Path, tmp_path: Path) -> None:
    content = (data / "plain.pcapng").read_bytes()
    path = tmp_path / "torn.gz"
    path.write_bytes(gzip.compress(content, compresslevel=0)[:-100])
    with whole_file(path) as whole:
        assert whole.torn_at is not None
        assert whole.path.read_bytes() == content[: whole.torn_at]


def test_zipped(data: Path, tmp_path: Path) -> None:
    content = (data / "plain.pcapng").read_bytes()
    path = tmp_path / "plain.pcapng.gz"
    path.write_bytes(gzip.compress(content))
    with whole_file(path) as whole:
        assert whole.torn_at is None
        assert whole.path.read_bytes() == content
    damaged = bytearray(gzip.compress(content))
    damaged[-5] ^= 1  # the checksum: all is there, and something of it is wrong
    path.write_bytes(damaged)
    with whole_file(path) as whole:
        assert whole.torn_at == len(content)


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setattr(files, "_MAX_UNZIPPED", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress((data / "plain.pcapng").read_bytes() + bytes(9 << 20)))
    own = tmp_path / "temporary"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    with pytest.raises(CaptureError, match="unpacks to more than 2 GiB"), whole_file(path):
        pass
    assert list(own.iterdir()) == []


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="nowhere cannot be read: No such file"), whole_file(tmp_path / "nowhere"):
        pass
    with pytest.raises(CaptureError, match="cannot be read: Is a directory"), whole_file(tmp_path):
        pass


def test_other_kinds_of_file(tmp_path: Path) -> None:
    for content, says in (
        (b"PK\x03\x04", "starts with 50 4b 03 04, which is neither pcap nor pcapng"),
        (b"\x1f\x8b", "is empty"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(b"text, zipped"), "neither pcap nor pcapng"),
        (os.urandom(0), "is empty"),
    ):
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(NotACaptureError, match=says), whole_file(path):
            pass

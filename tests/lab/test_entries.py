"""What a hand-in lists; what is done with it is tried in test_unpacking.py."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from lab.entries import Guarded, in_folder, in_zip, open_plain


def test_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.mkdir("b")
        archive.writestr("b/file", "hello")
        archive.writestr("a", "")
    with Guarded(open_plain(tmp_path / "x.zip")) as raw, zipfile.ZipFile(raw) as archive:
        entries = list(in_zip(archive))
        assert [(entry.name, entry.refused, entry.size) for entry in entries] == [("b/file", "", 5), ("a", "", 0)]
        with entries[0].open() as data:
            assert data.read() == b"hello"


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("b/file", "a", "b/c/deep"):
        (tmp_path / name).write_text(name)
    entries = list(in_folder(tmp_path, 2))
    assert [(entry.name, entry.size) for entry in entries] == [("a", 1), ("b/c/…", 0), ("b/file", 6)]
    with entries[2].open() as data:
        assert data.read() == b"b/file"


def test_a_read_of_everything_is_bounded() -> None:
    with Guarded(io.BytesIO(bytes(3 << 20))) as large:
        assert len(large.read(1 << 20)) == 1 << 20
        for size in (-1, None, 2 << 20):
            large.seek(0)
            with pytest.raises(zipfile.BadZipFile):
                large.read(size)
    with Guarded(io.BytesIO(b"small")) as small:
        assert small.read() == b"small"


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # nobody is at the other end: an open that waits would wait forever
    (tmp_path / "link").symlink_to("/etc/hostname")
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path, Path("/dev/null")):
        with pytest.raises(OSError, match=r"plain file|symbolic link|directory"):
            open_plain(path)

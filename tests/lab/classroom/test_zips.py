"""A zip of the same files is the same bytes, and holds them with the modes that were given."""

import io
import time
import zipfile

import pytest

from lab.classroom.zips import zipped

FILES = [("a/one.txt", b"one" * 1000, 0o644), ("a/run", b"#!/bin/sh\n", 0o755), ("secret", b"x", 0o600)]


def test_the_same_bytes_whenever_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    first = zipped(FILES)
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert zipped(iter(FILES)) == first
    assert len(first) < 1000, "it is compressed"


def test_names_contents_and_modes() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(FILES))) as archive:
        assert archive.testzip() is None
        found = [(i.filename, archive.read(i), i.external_attr >> 16) for i in archive.infolist()]
    assert found == FILES

"""A folder that somebody else fills: real trees, of which some would break a naive walk."""

import os
import stat
import threading
from pathlib import Path

from lab.growth import empty, is_full, tree, unlock


def deep(folder: Path, levels: int) -> None:
    top = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 8, dir_fd=top)
        below = os.open("d" * 8, os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = below
    os.close(top)


def test_links_are_seen_and_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside / "a" / "b", outside):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    (inside / "link").symlink_to(outside)
    assert sorted(os.path.relpath(entry.path, inside) for entry in tree(inside)) == ["a", "a/b", "a/b/file", "link"]


def test_bytes_entries_and_depth_are_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(100_000))
    assert not is_full(tmp_path, 200_000)
    assert is_full(tmp_path, 50_000)
    with (tmp_path / "sparse").open("wb") as hole:
        hole.truncate(1 << 30)
    assert not is_full(tmp_path, 200_000)  # a hole takes no room
    deep(tmp_path, 200)
    assert is_full(tmp_path, 200_000_000)


def test_a_tree_that_changes_meanwhile_is_no_error(tmp_path: Path) -> None:
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            (tmp_path / "a" / "b").mkdir(parents=True, exist_ok=True)
            (tmp_path / "a" / "b").rmdir()
            (tmp_path / "a").rmdir()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            assert not is_full(tmp_path, 1 << 20)
    finally:
        stop.set()
        thread.join()


def test_everything_is_removed_and_nothing_beyond(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir(mode=0o755)
    (outside / "kept").write_text("x")
    (outside / "kept").chmod(0o400)
    (inside / "link").symlink_to(outside)
    (inside / "-rf").write_text("x")
    (inside / "locked").mkdir()
    (inside / "locked" / "file").write_text("x")
    (inside / "locked" / "link").symlink_to(outside / "kept")
    (inside / "locked").chmod(0)
    os.mkfifo(inside / "pipe")
    deep(inside, 3000)
    inside.chmod(0)
    unlock(inside)
    assert (inside / "locked").stat().st_mode & 0o777 == 0o700
    empty(inside)
    assert list(inside.iterdir()) == []
    assert [stat.S_IMODE(path.stat().st_mode) for path in (outside, outside / "kept")] == [0o755, 0o400]
    assert (outside / "kept").read_text() == "x"
    empty(inside)  # nothing to do

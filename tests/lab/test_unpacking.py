"""Hand-ins that mean harm. The oracle is the file system: what lies in the target afterwards, and beside it."""

import io
import os
import random
import resource
import shutil
import socket
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lab import unpacking
from lab.errors import LabError
from lab.problems import Problem
from lab.unpacking import Unpacked, unpack

CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def packed(files: Mapping[str, bytes], **attributes: int) -> bytes:
    """Return a zip; `attributes` are those of every file: `mode`, as stat(2) has it, and `method`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", attributes.get("method", zipfile.ZIP_DEFLATED)) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = archive.compression
            info.external_attr = attributes.get("mode", stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    return out.getvalue()


def patched(data: bytes, *changes: tuple[bytes, int, str, int]) -> bytes:
    """Return `data` with numbers changed: in every header with that signature, at an offset, in a format."""
    out = bytearray(data)
    for signature, offset, form, number in changes:
        at = out.find(signature)
        while at >= 0:
            struct.pack_into(form, out, at + offset, number)
            at = out.find(signature, at + 1)
    return bytes(out)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in which an ordinary user may work, too."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def took(place: Path, source: bytes | Path) -> Unpacked:
    """Unpack, and look at what is there: plain files, all in the target, the same as are named."""
    path = place / "hand-in.zip"
    if isinstance(source, bytes):
        path.write_bytes(source)
    else:
        path = source
    target = place / "target"
    before = {entry for entry in place.rglob("*") if target not in (entry, *entry.parents)}
    got = unpack(path, target)
    there = [entry for entry in target.rglob("*") if not stat.S_ISDIR(entry.lstat().st_mode)]
    assert all(stat.S_ISREG(entry.lstat().st_mode) and not entry.lstat().st_mode & 0o111 for entry in there)
    assert sorted(got.files) == sorted(str(entry.relative_to(target)) for entry in there)
    assert {entry for entry in place.rglob("*") if target not in (entry, *entry.parents)} == before
    return got


def test_a_zip_as_it_should_be(place: Path) -> None:
    words = {
        "student.toml": b"id = 1",
        "01-message/answers.toml": "ñ".encode(),
        "01-message/capture.pcapng": b"\n\r\r\n",
    }
    got = took(place, packed(words))
    assert got == Unpacked(tuple(words), ())
    assert {name: (place / "target" / name).read_bytes() for name in words} == words


def test_a_folder_as_it_should_be(place: Path) -> None:
    for name in ("b/deep/file", "a/file", "z"):
        (place / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "in" / name).write_text(name)
    (place / "in" / "z").chmod(0o777)
    got = took(place, place / "in")
    assert got == Unpacked(("z", "a/file", "b/deep/file"), ())
    assert (place / "target" / "b/deep/file").read_text() == "b/deep/file"


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["alice/student.toml", "alice/01-a/answers.toml"], ["student.toml", "01-a/answers.toml"]),
        (["a/b/student.toml", "a/b/x", "__MACOSX/a/._x", "a/.DS_Store", "a/b/._x"], ["student.toml", "x"]),
        (["04-header/answers.toml"], ["04-header/answers.toml"]),  # all that was handed in: no wrapping
        (["alice/04-header/answers.toml"], ["04-header/answers.toml"]),
        (["Capstone/server.py"], ["Capstone/server.py"]),
        (["a/x", "b/y"], ["a/x", "b/y"]),
        (["a/x", "b"], ["a/x", "b"]),
        ([".//a/./x", "./a//y"], ["x", "y"]),
        (["alice\\01-a\\x", "alice\\student.toml"], ["01-a/x", "student.toml"]),  # as old Windows programs pack
        (["nin\u0303o", "\u00e1"], ["ni\u00f1o", "\u00e1"]),  # as macOS writes an accent
    ],
)
def test_what_systems_add_is_taken_off(place: Path, names: list[str], files: list[str]) -> None:
    assert took(place, packed(dict.fromkeys(names, b"x"))) == Unpacked(tuple(files), ())


@pytest.mark.parametrize(
    ("name", "shown", "reason"),
    [
        ("/etc/passwd", "/etc/passwd", "absolute"),
        ("\\\\server\\share", "//server/share", "absolute"),
        ("C:\\evil", "C:/evil", "absolute"),
        ("c:evil", "c:evil", "absolute"),
        ("../evil", "../evil", "outside"),
        ("a\\..\\..\\evil", "a/../../evil", "outside"),
        (".", ".", "outside"),
        ("a\x1b[31mb", "a\\x1b[31mb", "characters"),
        ("a\nb", "a\\nb".replace("\\n", "\\x0a"), "characters"),
        ("a\tb", "a\\tb", "characters"),
        ("a\u202egnp.exe", "a\\u202egnp.exe", "characters"),
        ("1/2/3/4/5/6/7/8/9", "1/2/3/4/5/6/7/8/9", "deep"),
        ("n" * 121, "n" * 60 + "…" + "n" * 30, "long"),
        ("ñ" * 61, "ñ" * 61, "long"),
        ("a/" * 5000, "a/" * 30 + "…" + "a/" * 15, "deep"),
    ],
)
def test_names_that_mean_harm(place: Path, name: str, shown: str, reason: str) -> None:
    name = name + "x" if name.endswith("/") else name
    got = took(place, packed({name: b"evil", "fine": b"fine"}))
    assert got.files == ("fine",)
    (problem,) = got.problems
    assert problem == Problem(reason, shown)


def test_a_name_cut_short_by_a_nul(place: Path) -> None:
    got = took(place, packed({"answers.toml_.exe": b"x"}).replace(b"toml_", b"toml\0"))
    assert got.files == ()
    assert got.problems == (Problem("characters", "answers.toml\\x00.exe"),)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (stat.S_IFLNK, "link"),
        (stat.S_IFIFO, "pipe"),
        (stat.S_IFSOCK, "socket"),
        (stat.S_IFCHR, "no_file"),
        (stat.S_IFBLK, "no_file"),
    ],
)
def test_a_zip_with_what_is_no_file(place: Path, kind: int, said: str) -> None:
    got = took(place, packed({"x": b"/etc/passwd", "x/y": b"written through it"}, mode=kind | 0o777))
    assert got.files == ()
    assert got.problems[0] == Problem(said, "x")


def test_a_folder_with_what_is_no_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place / "in"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (place / "secret").write_text("of the teacher")
    Path("fine").write_text("x")
    Path("link").symlink_to(place / "secret")
    Path("up").symlink_to(place)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    Path("back\\slash").write_text("x")
    Path(os.fsdecode(b"byte\xff")).write_text("x")
    expected = [
        Problem("characters", "back\\slash"),
        Problem("characters", "byte\\udcff"),
        Problem("link", "link"),
        Problem("pipe", "pipe"),
        Problem("socket", "socket"),
        Problem("link", "up"),
    ]
    if os.geteuid() == 0:
        os.mknod("device", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # zeros without end
        expected.append(Problem("device", "device"))
    got = took(place, folder)
    assert got.files == ("fine",)
    assert set(got.problems) == set(expected)
    assert len(got.problems) == len(expected)


def test_a_folder_that_is_too_deep(place: Path) -> None:
    (place / "in" / "1/2/3/4/5/6/7/8/9").mkdir(parents=True)
    (place / "in" / "1/2/3/4/5/6/7/file").write_text("x")
    (place / "in" / "other").write_text("x")
    got = took(place, place / "in")
    assert got.files == ("other", "1/2/3/4/5/6/7/file")
    assert got.problems == (Problem("deep", "1/2/3/4/5/6/7/8/…"),)


def test_what_cannot_be_read(place: Path) -> None:
    (place / "in" / "locked").mkdir(parents=True)
    for name in ("fine", "hidden", "locked/x"):
        (place / "in" / name).write_text("x")
    (place / "in" / "hidden").chmod(0)
    (place / "in" / "locked").chmod(0)
    root = os.geteuid() == 0
    if root:  # root reads everything
        os.chown(place, 54321, 54321)
        os.seteuid(54321)
    try:
        got = unpack(place / "in", place / "target")
        refused = unpack(place / "in" / "locked", place / "target2")
    finally:
        if root:
            os.seteuid(0)
    (place / "in" / "locked").chmod(0o755)
    assert got.files == ("fine",)
    assert got.problems == (
        Problem("unreadable", "hidden"),
        Problem("unreadable", "locked/"),
    )
    assert refused == Unpacked((), (Problem("unreadable", "locked"),))


def test_more_than_may_be(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = bytes(33 << 20)  # 33 kB when packed
    got = took(place, packed({"a": zeros, "b": zeros[: 32 << 20], "c": b"fine", "d": zeros[: 32 << 20], "e": b"fine"}))
    assert got.files == ("b", "c", "e")
    assert got.problems == (
        Problem("large", "a"),
        Problem("total", "d"),
    )
    shutil.rmtree(place / "target")
    got = took(place, packed({f"{number}": b"" for number in range(600)}))
    assert len(got.files) == 500
    assert got.problems == (Problem("files"),)
    shutil.rmtree(place / "target")
    monkeypatch.setattr(unpacking, "ENTRIES", 700)
    got = took(place, packed({f"../{number}": b"" for number in range(800)}))
    assert got.files == ()
    assert len(got.problems) == 51
    assert got.problems[-1] == Problem("more", "651")


def test_sizes_that_lie(place: Path) -> None:
    zeros = packed({"a": bytes(5 << 20), "b": b"fine"})
    huge = patched(packed({"a": bytes(5 << 20)}), (CENTRAL, 24, "<I", 10), (LOCAL, 22, "<I", 10))
    got = took(place, huge)  # says 10 bytes: no more than those are unpacked, and the checksum is another's
    assert got == Unpacked((), (Problem("unreadable", "a"),))
    shutil.rmtree(place / "target")
    got = took(place, patched(zeros, (CENTRAL, 24, "<I", 0xFFFFFFF0)))
    assert got.problems[0] == Problem("large", "a")


def test_a_file_that_is_longer_than_it_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's own files say 0 bytes."""
    folder = Path("/proc/sys/kernel/random")
    assert (folder / "boot_id").stat().st_size == 0
    monkeypatch.setattr(unpacking, "FILE", 10)
    got = unpack(folder, place / "target")
    assert Problem("large", "boot_id") in got.problems
    assert not (place / "target" / "boot_id").exists()


def test_two_of_one_name(place: Path) -> None:
    names = ["a/x", "a/!", "A/y", "a/X", "a", "a/x/z", "stra\u00dfe", "STRASSE", "b"]
    got = took(place, packed({name: str(number).encode() for number, name in enumerate(names)}).replace(b"a/!", b"a/x"))
    assert got.files == ("a/x", "stra\u00dfe", "b")
    assert (place / "target" / "a" / "x").read_text() == "0"
    assert [problem.about for problem in got.problems] == ["a/x", "A/y", "a/X", "a", "a/x/z", "STRASSE"]
    assert {problem.code for problem in got.problems} == {"same"}


def test_a_zip_with_a_password(place: Path) -> None:
    got = took(place, patched(packed({"a": b"x"}), (CENTRAL, 8, "<H", 1), (LOCAL, 6, "<H", 1)))
    assert got == Unpacked((), (Problem("locked", "a"),))


def test_unusual_packing(place: Path) -> None:
    got = took(place, packed({"a": b"x"}, method=zipfile.ZIP_LZMA))
    assert got.problems == (Problem("packing", "a"),)


def test_files_that_lie_on_each_other(place: Path) -> None:
    """One block of zeros, listed often: how 40 kB become gigabytes."""
    whole = packed({"a": bytes(1 << 20)})
    start = whole.index(CENTRAL)
    end = whole.index(b"PK\x05\x06")
    listed = whole[start:end] * 3
    got = took(place, whole[:start] + listed + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 3, 3, len(listed), start, 0))
    assert got == Unpacked((), (Problem("shared", "a"),) * 3)


def test_a_list_of_contents_without_end(place: Path) -> None:
    got = took(place, packed({f"{number:080}": b"" for number in range(10_000)}))
    assert got == Unpacked((), (Problem("no_zip", "hand-in.zip"),))


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x05\x06", packed({"a": b"x" * 100})[:-30]])
def test_no_zip(place: Path, data: bytes) -> None:
    got = took(place, data)
    assert got == Unpacked((), (Problem("no_zip", "hand-in.zip"),))


def test_no_hand_in(place: Path) -> None:
    os.mkfifo(place / "pipe\x1b")
    (place / "link").symlink_to("/etc")
    assert took(place, place / "pipe\x1b").problems == (Problem("neither", "pipe\\x1b"),)
    assert took(place, place / "link").problems == (Problem("neither", "link"),)
    assert took(place, place / "none").problems == (Problem("no_zip", "none"),)


def test_nothing_in_it(place: Path) -> None:
    assert took(place, packed({"__MACOSX/._x": b"x"})) == Unpacked((), (Problem("empty", "hand-in.zip"),))


def test_any_bytes_changed(place: Path) -> None:
    """Whatever stands in a zip: nothing is raised, and nothing lies outside."""
    fine = packed({"wrap/a": b"hello" * 50, "wrap/01-b/c": os.urandom(50), "wrap/d": b""})
    chance = random.Random(20261126)  # noqa: S311
    opened = 0
    for _ in range(200):
        data = bytearray(fine)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice((0, 1, 255, chance.randrange(256)))
        opened += bool(took(place, bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])).files)
        shutil.rmtree(place / "target")
    assert 25 < opened < 175


def test_no_room_is_our_error(place: Path) -> None:
    (place / "in").mkdir()
    (place / "in" / "a").write_bytes(bytes(100_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(LabError, match=r"could not be unpacked to .*/target/a: File too large\.$"):
            unpack(place / "in", place / "target")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(LabError, match="something is in there already"):
        unpack(place / "in", place / "in")
    with pytest.raises(LabError, match="could not be unpacked to"):
        unpack(place / "in", place / "in" / "a")


def test_an_exercise_is_found_beside_things_that_lie_around(tmp_path: Path) -> None:
    """A stray file beside the folder that a student zipped is no reason to lose the work in it."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("alice/01-a/answers.toml", "x")
        archive.writestr("alice/02-b/more/y", "y")
        archive.writestr("notes.txt", "z")
    assert unpack(path, tmp_path / "to").files == ("01-a/answers.toml", "02-b/more/y", "notes.txt")

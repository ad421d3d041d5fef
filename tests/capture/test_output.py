import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from capture.errors import CaptureError
from capture.output import new_file, whole_file

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_it_is_there_at_the_end_and_not_before(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "it"
    with new_file(path, mode) as file:
        file.write(b"one")
        assert not path.exists()
        (beside,) = tmp_path.iterdir()
        assert stat.S_IMODE(beside.stat().st_mode) == mode
        file.seek(0)
        assert file.read() == b"one"
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"old")
    dangling = tmp_path / "link"
    dangling.symlink_to(tmp_path / "nowhere")
    for taken in (path, dangling, Path("/"), Path()):
        with pytest.raises(CaptureError, match="is there already and is not overwritten"), new_file(taken):
            pytest.fail("it was given")
    late = tmp_path / "late"
    with pytest.raises(CaptureError, match="late is there already"), new_file(late):
        late.write_bytes(b"somebody was faster")
    assert late.read_bytes() == b"somebody was faster"
    assert sorted(tmp_path.iterdir()) == [path, late, dangling]


def test_a_full_disk_leaves_nothing(tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]) -> None:
    path = tmp_path / "it"
    for written in (b"x" * 5000, b"x" * 3_000_000):  # written at the end, and while it is given
        with (
            small_files(4096),
            pytest.raises(CaptureError, match=r"it cannot be written: File too large; nothing is left of it\.$"),
            new_file(path) as file,
        ):
            file.write(written)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, CaptureError])
def test_what_stops_the_writer_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def write_half() -> None:
        with new_file(tmp_path / "it") as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be written: No such file or directory"), new_file(tmp_path / "a/b"):
        pytest.fail("it was given")


def test_a_long_name(tmp_path: Path) -> None:
    with new_file(tmp_path / ("𝄞" * 63)) as file:
        file.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["𝄞" * 63]


def test_whole_it_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"the earlier one")
    path.chmod(0o644)
    with whole_file(path, 0o600) as file:
        file.write(b"one")
        assert path.read_bytes() == b"the earlier one"
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_stops_the_writer_leaves_the_earlier_one(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"the earlier one")

    def stopped() -> None:
        with whole_file(path) as file:
            file.write(b"one")
            raise error

    with pytest.raises(error):
        stopped()
    assert path.read_bytes() == b"the earlier one"
    assert list(tmp_path.iterdir()) == [path]

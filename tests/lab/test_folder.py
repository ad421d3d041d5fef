import json
import stat
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.folder import RunFolder, make_folder


def test_only_its_owner_can_enter(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "new" / "parent", "both")
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert folder.path.parent == tmp_path / "new" / "parent"
    assert folder.path.name.endswith("-both")
    assert {folder.capture, folder.keylog, folder.transcript, folder.verdict, folder.report} == {
        folder.path / name
        for name in ("capture.pcapng", "tls.keylog", "transcript.json", "verdict.json", "report.html")
    }
    assert list(folder.path.iterdir()) == []


def test_runs_of_one_second_get_a_folder_each(tmp_path: Path) -> None:
    folders = {make_folder(tmp_path, "plain").path for _ in range(20)}
    assert len(folders) == 20
    assert folders == set(tmp_path.iterdir())


def test_a_thousand_runs_of_one_second_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.folder.time.strftime", lambda _: "20260101-000000")
    for suffix in ("", *(f"-{n}" for n in range(2, 999))):
        (tmp_path / f"20260101-000000-tls{suffix}").mkdir()
    assert make_folder(tmp_path, "tls").path.name == "20260101-000000-tls-999"
    with pytest.raises(LabError, match="already holds a thousand runs"):
        make_folder(tmp_path, "tls")


def test_where_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="choose a folder with --keep") as caught:
        make_folder(tmp_path / "file", "both")
    assert str(tmp_path / "file") in str(caught.value)


def test_what_is_written_is_json_that_no_terminal_obeys(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    content = {"text": "¿qué? 🙂 \x1b[31mred\u202e", "n": [1, 2.5, None, True]}
    folder.write(folder.verdict, content)
    data = folder.verdict.read_bytes()
    assert json.loads(data) == content
    assert set(data) <= {0x0A, *range(0x20, 0x7F)}
    assert data.endswith(b"}\n")


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "gone")
    with pytest.raises(LabError, match=r"transcript\.json cannot be written: No such file or directory"):
        folder.write(folder.transcript, {})


def test_a_private_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    path = folder.write_private("stolen-key.pem", b"secret")
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(LabError, match=r"stolen-key\.pem cannot be written: File exists"):
        folder.write_private("stolen-key.pem", b"other")
    assert path.read_bytes() == b"secret"

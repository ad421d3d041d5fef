"""What is put around a student's code; that it holds is tried in test_sandbox.py."""

import os
import sys
from pathlib import Path

import pytest

from lab import walls as module
from lab.errors import LabError
from lab.walls import environment, is_root_of_all, walls

ROOT = Path(__file__).parent.parent.parent


def binds(words: list[str], option: str) -> set[str]:
    return {words[at + 1] for at, word in enumerate(words) if word == option}


def test_only_the_folder_is_bound_to_be_written(tmp_path: Path) -> None:
    words = walls(tmp_path, 3, root=False)
    assert binds(words, "--bind") == {str(tmp_path)}
    assert {word for word in words if "bind" in word} == {"--bind", "--ro-bind-try"}
    read = {Path(path) for path in binds(words, "--ro-bind-try")}
    assert {Path("/usr"), Path(sys.prefix), ROOT / "lab", ROOT / "chat"} <= read
    hidden = (ROOT / "out", Path.home(), Path("/etc"), Path("/etc/ssl"), ROOT / ".git")
    assert not any(secret.is_relative_to(path) for secret in hidden for path in read)


def test_keys_made_here_are_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MADE_HERE", tmp_path / "local")
    assert str(tmp_path / "local") not in walls(tmp_path / "hand-in", 3, root=False)
    (tmp_path / "local").mkdir()
    words = walls(tmp_path / "hand-in", 3, root=False)
    assert words[words.index(str(tmp_path / "local")) - 1] == "--tmpfs"
    assert words.index(str(tmp_path / "local")) > words.index(str(ROOT / "certs"))


@pytest.mark.parametrize("place", ["/", sys.prefix, str(ROOT), str(ROOT / "lab"), "/usr"])
def test_no_folder_of_ours(place: str) -> None:
    with pytest.raises(LabError, match="may not write in"):
        walls(Path(place), 3, root=False)


def test_only_root_keeps_a_right_and_only_to_become_somebody(tmp_path: Path) -> None:
    assert "--unshare-user" in walls(tmp_path, 3, root=False)
    assert binds(walls(tmp_path, 3, root=False), "--cap-add") == set()
    assert binds(walls(tmp_path, 3, root=True), "--cap-add") == {"CAP_SETUID", "CAP_SETGID"}


def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/own")
    own = str(Path(sys.executable).parent)
    for isolated, path in ((True, "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"), (False, "/own")):
        assert environment(tmp_path, isolated=isolated) == {
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PATH": f"{own}:{path}",
            "PYTHONPATH": str(ROOT),
        }


def test_root(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_root_of_all() == (os.geteuid() == 0 and Path("/proc/self/uid_map").read_text().split()[2] == "4294967295")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not is_root_of_all()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "read_text", lambda _: "         0       1000          1\n")
    assert not is_root_of_all()  # as `unshare --map-root-user` shows it

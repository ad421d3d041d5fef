"""`lab class new`: a bundle for everybody, the same again, and one sentence for what cannot be."""

from pathlib import Path

import pytest

from lab.cli import main

ROSTER = "id,name,language\nana,Ana,es\nbob,Bob,\n"


def test_a_bundle_for_everybody_and_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER)
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(["class", "new", "--roster", str(roster), "-o", str(first)]) == 0
    said = capsys.readouterr().out
    assert "2 bundles" in said
    assert "course.secret" in said
    assert (tmp_path / "course.secret").stat().st_mode & 0o077 == 0
    assert main(["class", "new", "--roster", str(roster), "-o", str(second)]) == 0
    assert "course.secret" not in capsys.readouterr().out
    assert sorted(path.name for path in first.iterdir()) == ["ana.zip", "bob.zip"]
    assert all((second / path.name).read_bytes() == path.read_bytes() for path in first.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--roster", "none.csv"], "cannot be read"),
        (["--roster", "roster.csv", "-o", "roster.csv"], "cannot hold the bundles"),
        (["--roster", "roster.csv", "--secret", "roster.csv"], "course's secret"),
    ],
)
def test_what_cannot_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("roster.csv").write_text(ROSTER)
    assert main(["class", "new", *arguments]) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from lab.bench import __main__ as bench
from lab.bench.figures import FULL, QUICK, Row, Side, Size, Target
from lab.bench.programs import python

GOOD = Row("a", Side("we", (1.0,)), (), Target("value", "≤", 2))
BAD = Row("b", Side("we", (3.0,)), (), Target("value", "≤", 2))
NONE = Row("c", Side("we", (), "No rights."), (), Target("value", "≤", 2))


@pytest.mark.parametrize(("rows", "status"), [([GOOD], 0), ([GOOD, BAD], 1), ([GOOD, NONE], 0), ([NONE], 1), ([], 1)])
def test_the_status_says_whether_a_target_was_missed(rows: list[Row], status: int) -> None:
    assert bench.status(rows) == status


def test_parts_options_and_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes: list[Size] = []

    def measured(size: Size) -> list[Row]:
        sizes.append(size)
        return [GOOD]

    monkeypatch.setattr(bench, "_PARTS", {"one": measured, "other": lambda _: [BAD]})
    out = tmp_path / "new" / "bench.json"
    assert bench.main(["--only", "one", "--seconds", "3", "--quick", "--out", str(out)]) == 0
    assert bench.main(["--out", str(out)]) == 1
    assert [size.seconds for size in sizes] == [3, FULL.seconds]
    assert sizes[0].rounds == QUICK.rounds
    content = json.loads(out.read_text("utf-8"))
    assert content["quick"] is False
    assert [row["name"] for row in content["rows"]] == ["a", "b"]
    assert content["machine"]["cores"] == os.cpu_count()
    assert "MISSED" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("nothing_left", "may_capture")
def test_stopped_in_the_middle_it_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    command = python("-m", "lab.bench", "--only", "live", "--out", str(tmp_path / "bench.json"))
    temporary = tmp_path / "temporary"
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)}
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "measuring: live …\n"
        while len(list(temporary.glob("lab-bench-*"))) < 2:  # both programs run
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(60) == 130
        assert process.stderr.read() == "Stopped; nothing is left running.\n"
    assert not (tmp_path / "bench.json").exists()

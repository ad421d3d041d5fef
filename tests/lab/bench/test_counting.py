import json
import subprocess

import pytest

from lab.bench.counting import count, peak
from lab.bench.programs import python


def test_it_counts_what_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    count(iter(range(1234)))
    found = json.loads(capsys.readouterr().out)
    assert found["packets"] == 1234
    assert 0 < found["seconds"] < 60
    assert found["peak"] > 1 << 20


def test_the_peak_is_of_this_program_alone_and_does_not_go_down() -> None:
    ballast = bytearray(200 << 20)  # in this process; the one that is started must not count it
    source = (
        "from lab.bench.counting import peak; one = peak(); more = bytearray(50 << 20); del more; print(one, peak())"
    )
    done = subprocess.run(python("-c", source), capture_output=True, text=True, check=True, timeout=60)
    before, after = map(int, done.stdout.split())
    assert before < 100 << 20
    assert 49 << 20 < after - before < 60 << 20
    assert peak() > len(ballast)

"""What the harness says of code that does what code should not do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.exercises.e15_open_record import harness

_RECORD = {"suite": "TLS_AES_128_GCM_SHA256", "secret": "00", "header": "1703030001", "fragment": "ff", "sequence": 5}


def _examine(tmp_path: Path, code: str) -> dict[str, Any]:
    path = tmp_path / "solution.py"
    path.write_text(code)
    order = json.dumps({"path": str(path), "records": [_RECORD, _RECORD]})
    command = [sys.executable, harness.__file__]
    done = subprocess.run(command, input=order, capture_output=True, text=True, timeout=30, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("body", "ended", "value"),
    [
        ("return header + fragment", "bytes", "1703030001ff"),
        ("return bytearray(fragment)", "bytes", "ff"),
        ("pass", "nothing", ""),
        ("return 'text'", "not_bytes", "str"),
        ("return bytes(1 << 20)", "not_bytes", "bytes"),
        ("raise ValueError(suite)", "raised", "ValueError"),
        ("raise SystemExit", "raised", "SystemExit"),
        ("return open_record(suite, secret, header, fragment, sequence)", "raised", "RecursionError"),
    ],
)
def test_how_a_call_ended(tmp_path: Path, body: str, ended: str, value: str) -> None:
    told = _examine(tmp_path, f"def open_record(suite, secret, header, fragment, sequence):\n    {body}\n")
    assert told == {"problem": "", "printed": False, "results": [{"ended": ended, "value": value}] * 2}


@pytest.mark.parametrize("code", ["def", "raise SystemExit", "import nowhere", "1 / 0"])
def test_a_file_that_does_not_run(tmp_path: Path, code: str) -> None:
    assert _examine(tmp_path, code)["problem"] == "broken"


def test_a_file_without_the_function(tmp_path: Path) -> None:
    assert _examine(tmp_path, "open_record = 5")["problem"] == "no_function"


def test_what_is_printed_does_not_get_between_the_results(tmp_path: Path) -> None:
    code = "import os\ndef open_record(*given):\n    print(given)\n    os.write(1, b'no JSON')\n    return b''\n"
    told = _examine(tmp_path, code)
    assert told["printed"]
    assert [result["ended"] for result in told["results"]] == ["bytes", "bytes"]

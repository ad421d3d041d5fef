"""What a student begins exercise 10 with: it says what is missing, and goes nowhere but to loopback."""

import ast
import subprocess
import sys
from pathlib import Path

from lab.exercises.e10_middle.checks import EXERCISE
from lab.exercises.texts import given


def _text() -> str:
    ((name, data),) = given(EXERCISE.name)
    assert name == "middle.py"
    return data.decode()


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "middle.py").write_text(_text(), "utf-8")
    command = [sys.executable, "middle.py", "1", "2", "a.test"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("NotImplementedError: towards_the_client is still missing")


def test_it_takes_no_address() -> None:
    calls = [node for node in ast.walk(ast.parse(_text())) if isinstance(node, ast.Call)]
    named = {ast.unparse(call.func): call for call in calls}
    assert ast.unparse(named["asyncio.open_connection"].args[0]) == "LOOPBACK"
    assert ast.unparse(named["asyncio.start_server"].args[1]) == "LOOPBACK"
    assert 'LOOPBACK = "127.0.0.1"' in _text()

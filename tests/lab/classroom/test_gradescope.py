"""The zip for Gradescope: what must be in it, what must not, and who may read it."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from lab.classroom.gradescope import autograder
from lab.classroom.secret import read_secret
from lab.exercises.e04_record_header.checks import EXERCISE
from tests.lab.classroom.conftest import SECRET

ROSTER = b"id,email\nana,ana@example.org\n"


@pytest.fixture(scope="module")
def packed() -> bytes:
    return autograder((EXERCISE,), ROSTER, SECRET, "es", isolated=True)


def test_the_same_again(packed: bytes) -> None:
    assert autograder((EXERCISE,), ROSTER, SECRET, "es", isolated=True) == packed


def test_what_is_in_it(packed: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        archive.extractall(tmp_path)
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert modes["course.secret"] == modes["roster.csv"] == 0o600
    assert {"lab/classroom/gradescope_run.py", "chat/escape.py", "requirements.lock"} <= set(modes)
    assert not [name for name in modes if "__pycache__" in name or name.startswith("certs/local")]
    (tmp_path / "course.secret").chmod(0o600)
    assert read_secret(tmp_path / "course.secret") == SECRET
    assert (tmp_path / "roster.csv").read_bytes() == ROSTER
    assert json.loads((tmp_path / "course.json").read_text()) == {"exercises": [4], "language": "es", "isolated": True}
    for script in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(tmp_path / script)], check=True, timeout=30)

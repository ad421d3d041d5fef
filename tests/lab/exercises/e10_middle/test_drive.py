"""The child that lets clients come to middle.py, with programs that are none."""

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import create_authority, issue_server
from lab.exercises.e10_middle.drive import Job, drive
from lab.exercises.e10_middle.run import _free

_ROOT = Path(__file__).parents[4]


@pytest.fixture
def job() -> Job:
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    authority = create_authority(not_before=begin, not_after=begin + timedelta(days=9))
    server = issue_server(authority, names=["a.test"], not_before=begin, not_after=begin + timedelta(days=9))
    pems = [pem.decode() for pem in (server.certificate_pem, server.key_pem, authority.certificate_pem)]
    ports = _free()
    return Job(*ports, *ports, "a.test", "ana7", "bea8", ("one", "two"), *pems)


@pytest.mark.parametrize("program", ["", "print('set')", "import sys; sys.exit('cannot')", "print('x' * 100_000)"])
def test_a_program_that_is_not_ready_is_told(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    (tmp_path / "middle.py").write_text(program)
    (tmp_path / "private").mkdir()
    monkeypatch.chdir(tmp_path)
    told = asyncio.run(drive(job, tmp_path / "private"))
    assert not told.ready
    assert told.ended
    assert told.complaint == ("cannot\n" if "exit" in program else "")


def test_clients_that_reach_nobody_say_so(job: Job, tmp_path: Path) -> None:
    (tmp_path / "middle.py").write_text("print('ready', flush=True); input()")
    done = subprocess.run(
        [sys.executable, "-m", "lab.exercises.e10_middle.drive"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(_ROOT)},
        input=json.dumps(asdict(job)).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert told["ready"]
    assert told["careless"].startswith("Nothing listens")
    assert told["careful"].startswith("Nothing listens")
    assert "CLIENT_RANDOM" not in told["keys"]
    assert [path.name for path in tmp_path.iterdir()] == ["middle.py"]

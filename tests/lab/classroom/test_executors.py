"""Processes of this machine, and a real Dask cluster of two workers on loopback over TLS: the same results."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from lab.classroom import executors
from lab.classroom.executors import cluster, processes
from lab.classroom.grading import Kept, grade
from lab.classroom.handins import HandIn, find
from lab.errors import LabError
from tests.lab.classroom.conftest import SECRET, STUDENTS, handed_in

ROOT = Path(__file__).parents[3]


@pytest.fixture
def hand_ins(tmp_path: Path) -> tuple[HandIn, ...]:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, student in enumerate(STUDENTS):
        (folder / f"{student.id}.zip").write_bytes(handed_in(number))
    return find(folder, STUDENTS)[0]


def kept(tmp_path: Path, name: str) -> Kept:
    (tmp_path / name).mkdir()
    return Kept(tmp_path / name)


@pytest.fixture
def tls(tmp_path: Path, tool: Callable[[str], str]) -> tuple[Path, Path, Path]:
    """A certificate that signs itself, and that scheduler, workers and client share."""
    certificate, key = tmp_path / "dask.pem", tmp_path / "dask.key"
    command = [tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += [
        "-subj",
        "/CN=dask",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-out",
        str(certificate),
        "-keyout",
        str(key),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return certificate, certificate, key


@contextmanager
def dask(tmp_path: Path, module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of Dask's programs until the block ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "60s"}
    with subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + module, *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def two_workers(tmp_path: Path, tls: tuple[Path, Path, Path]) -> Iterator[str]:
    """A scheduler and two workers, each a process; yields the scheduler's address when both have come."""
    ca, certificate, key = map(str, tls)
    secure = ("--tls-ca-file", ca, "--tls-cert", certificate, "--tls-key", key)
    told = tmp_path / "scheduler.json"
    with ExitStack() as stack:
        arguments = (
            *secure,
            "--host",
            "tls://127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(told),
        )
        stack.enter_context(dask(tmp_path, "dask_scheduler", *arguments))
        worker = (*secure, "--scheduler-file", str(told), "--nthreads", "1", "--no-dashboard", "--no-nanny")
        for name in ("one", "two"):
            stack.enter_context(dask(tmp_path, "dask_worker", *worker, "--name", name, "--host", "127.0.0.1"))
        # a client waits for both, and so needs no sleep here; the file comes when the scheduler listens
        code = (
            "import sys, time; from distributed import Client, Security; from pathlib import Path\n"
            "path, ca, cert, key = sys.argv[1:]\n"
            "while not Path(path).exists(): time.sleep(0.05)\n"
            "security = Security(tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True)\n"
            "with Client(scheduler_file=path, security=security, timeout=60) as client:\n"
            "    client.wait_for_workers(2, 60)\n"
        )
        subprocess.run([sys.executable, "-c", code, str(told), ca, certificate, key], check=True, timeout=120)
        yield str(json.loads(told.read_text())["address"])


def test_processes_and_a_cluster_over_tls_give_the_same(
    tmp_path: Path, hand_ins: tuple[HandIn, ...], tls: tuple[Path, Path, Path]
) -> None:
    here = {r.student: r for r in grade(hand_ins, SECRET, partial(processes, 2), kept(tmp_path, "here"))}
    assert {student: result.points for student, result in here.items()} == {"ana": 5, "bob": 5, "eve": 5}
    with two_workers(tmp_path, tls) as address:
        assert address.startswith("tls://127.0.0.1:")
        there = {r.student: r for r in grade(hand_ins, SECRET, partial(cluster, address, tls), kept(tmp_path, "there"))}
    assert there == here


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_PATIENCE", 1)
    with pytest.raises(LabError, match="No Dask scheduler answers at tcp://127"), cluster("tcp://127.0.0.1:1", None):
        pass


def test_a_worker_that_wants_too_much_memory_gets_an_error() -> None:
    with processes(1) as executor, pytest.raises(MemoryError):
        executor.submit(bytearray, 8 << 30).result(60)

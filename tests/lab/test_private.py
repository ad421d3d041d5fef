import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from capture.rights import private_refusal
from lab import private

ROOT = Path(__file__).parent.parent.parent

FAKE_UNSHARE = f"""#!{sys.executable}
import json, os, signal, sys
blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
print(json.dumps([sys.argv[1:], dict(os.environ), blocked]))
sys.exit(7)
"""


def start(*arguments: str, environment: dict[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run `enter` in a process of its own, which it becomes another one of."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from lab import private; private.enter(sys.argv[1:])"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=cwd, timeout=60)


def test_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_OUTER_NETWORK", raising=False)
    assert not private.inside()


@pytest.mark.parametrize("python_path", [None, "/somewhere/else"])
def test_the_command(tmp_path: Path, python_path: str | None) -> None:
    unshare = tmp_path / "unshare"
    unshare.write_text(FAKE_UNSHARE)
    unshare.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    if python_path:
        environment["PYTHONPATH"] = python_path
    words = ["demo", "plain", "--keep", "it's a folder; $HOME"]
    done = start(*words, environment=environment, cwd=tmp_path)
    assert done.stderr == ""
    assert done.returncode == 7, "the exit status is that of the new process"
    arguments, seen, blocked = json.loads(done.stdout)
    assert arguments == [
        *("--user", "--map-root-user", "--net", "--"),
        *(sys.executable, str(ROOT / "capture" / "private.py")),
        *(sys.executable, "-m", "lab", *words),
    ]
    assert seen["LAB_OUTER_NETWORK"] == str(Path("/proc/self/ns/net").readlink())
    assert seen["PYTHONPATH"] == os.pathsep.join([str(ROOT), *([python_path] if python_path else [])])
    assert blocked, "Ctrl-C waits for the new lab"


def test_inside_it_knows(tmp_path: Path) -> None:
    """For real: the lab that is started is inside, and its loopback is its own."""
    if private_refusal() is not None:
        pytest.skip("there is no private loopback here")
    # a lab of one file, found first, that says where it is
    package = tmp_path / "lab"
    package.mkdir()
    (package / "__init__.py").write_text(f"__path__.append({str(ROOT / 'lab')!r})\n")
    (package / "__main__.py").write_text(
        "import os, pathlib, socket\n"
        "from lab import private\n"
        "with socket.create_server(('127.0.0.1', 0)) as server, socket.create_connection(server.getsockname()):\n"
        "    print(private.inside(), os.readlink('/proc/self/ns/net'), [name for _, name in socket.if_nameindex()])\n"
    )
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from lab import private; private.enter([])"
    # the working directory comes before PYTHONPATH
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
    )
    assert done.stderr == ""
    inside, namespace, interfaces = done.stdout.split(maxsplit=2)
    assert inside == "True"
    assert namespace != str(Path("/proc/self/ns/net").readlink())
    assert interfaces.strip() == "['lo']"

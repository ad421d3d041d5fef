"""What can go wrong around a demo, each caused for real: one sentence, a status, and nothing left running or lost."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from capture.rights import Way, choose
from capture.tools import _EXTRA_FOLDERS
from certs.store import open_store
from tests.lab.demo.conftest import Done, Lab

WORDS_READ = re.compile(r"(\d+ of \d+) messages")
LIVE_OR_TAP = pytest.mark.parametrize("way", ["auto", "tap"])


def readable(capture: Path) -> str:
    """Return what the lab reads of a capture that was left behind."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", "read", str(capture)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def only_capture(lab: Lab, done: Done) -> Path:
    """Return the capture file that the sentence names."""
    capture = lab.run_folder() / "capture.pcapng"
    assert str(capture) in done.sentence
    return capture


@pytest.mark.parametrize("way", ["loopback", "tap"])
@pytest.mark.parametrize("what", ["plain", "tls"])
def test_port_in_use(lab: Lab, what: str, way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = lab.run(*lab.demo("both", "--way", way, f"--{what}-port={port}"))
    assert done.status == 1
    assert f"Port {port}" in done.sentence
    assert "use" in done.sentence
    assert list(lab.keep.iterdir()) == []  # nothing was captured, so nothing is kept


def test_keep_in_a_file(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    done = lab.run(*lab.demo("plain", "--way", "tap", f"--keep={file}"))
    assert (done.status, done.out) == (1, "")
    assert str(file) in done.sentence
    assert file.read_text() == "in the way"


def test_keep_where_nothing_may_be_written(as_ordinary_user: Lab) -> None:
    done = as_ordinary_user.run(*as_ordinary_user.demo("plain", "--way", "tap", "--keep=/proc/nowhere"))
    assert (done.status, done.out) == (1, "")
    assert "--keep" in done.sentence


@LIVE_OR_TAP
def test_the_file_grows_too_large(lab: Lab, conversation: Path, way: str) -> None:
    limited = ("sh", "-c", 'ulimit -f 64; exec "$@"', "sh")
    done = lab.run(*lab.demo("plain", "--way", way, "--messages", str(conversation)), wrap=limited)
    assert done.status == 1
    capture = only_capture(lab, done)
    assert "cannot be written" in done.sentence
    size = capture.stat().st_size
    # POSIX's unit, and bash's; the file ends with a whole packet
    assert any(limit - 2000 < size <= limit for limit in (64 << 9, 64 << 10))
    assert "line 10 of a long talk" in readable(capture)


@pytest.mark.parametrize(("way", "size"), [("auto", 16), ("tap", 16), ("tap", 64)])
def test_the_disk_is_full(lab: Lab, mount_namespace: tuple[str, ...], tmp_path: Path, way: str, size: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size={size}k tmpfs "{disk}" && "$@"; status=$?; cp -R "{disk}/." "{lab.keep}"'
    mounted = (*mount_namespace, "sh", "-c", f"{mount}; exit $status", "sh")
    lab.keep.mkdir()
    done = lab.run(*lab.demo("both", "--way", way, f"--keep={disk}"), wrap=mounted)
    assert done.status == 1
    assert "cannot be written" in done.sentence
    assert "No space left on device" in done.sentence
    capture = lab.run_folder() / "capture.pcapng"
    assert f"{lab.run_folder().name}/{capture.name}" in done.sentence
    assert "Hello Bob" in readable(capture)


@pytest.mark.parametrize(("source", "reader"), [("tcpdump", "tshark"), ("dumpcap", "pyshark")])
def test_the_source_is_killed(
    on_loopback: Lab, conversation: Path, tool: Callable[[str], str], source: str, reader: str
) -> None:
    tool(source)
    process = on_loopback.start(
        *on_loopback.demo("plain", "--messages", str(conversation), "--reader", reader, "--source", source)
    )
    on_loopback.captured(process, 20_000)
    (pid,) = (pid for pid, name in on_loopback.running(process).items() if name == source)
    os.kill(pid, signal.SIGKILL)
    done = on_loopback.end(process)
    assert done.status == 1
    capture = only_capture(on_loopback, done)
    assert "SIGKILL" in done.sentence
    assert "line 10 of a long talk" in readable(capture)


def test_without_any_program(lab: Lab, tmp_path: Path) -> None:
    for folder in _EXTRA_FOLDERS:
        for name in ("tshark", "dumpcap", "tcpdump"):
            if (Path(folder) / name).exists():
                pytest.skip(f"{name} is in {folder}, where the lab finds it without PATH")
    done = lab.run(*lab.demo("both"), env={"PATH": str(tmp_path)})
    assert (done.status, done.err) == (0, "")
    assert WORDS_READ.findall(done.out) == ["12 of 12", "0 of 12", "12 of 12"]
    # root needs no program to capture; others would need unshare for a private loopback
    assert ("live, on the loopback interface" if os.geteuid() == 0 else "by the tap, a relay") in done.out
    assert "read with native" in done.out


def test_a_reader_that_is_not_installed(lab: Lab, tmp_path: Path) -> None:
    if any((Path(folder) / "tshark").exists() for folder in _EXTRA_FOLDERS):
        pytest.skip("tshark is where the lab finds it without PATH")
    done = lab.run(*lab.demo("plain", "--reader", "tshark"), env={"PATH": str(tmp_path)})
    assert done.status == 1
    assert "tshark is not installed" in done.sentence
    only_capture(lab, done)


def test_no_rights_and_no_namespaces(as_ordinary_user: Lab, tool: Callable[[str], str]) -> None:
    if os.geteuid() != 0 and choose().way is Way.LOOPBACK:
        pytest.skip("this user may capture on the loopback interface")
    programs = as_ordinary_user.home / "programs"
    programs.mkdir()
    programs.chmod(0o755)
    for name in ("tshark", "dumpcap"):
        (programs / name).symlink_to(tool(name))
    done = as_ordinary_user.run(*as_ordinary_user.demo("both"), env={"PATH": str(programs)})
    assert (done.status, done.err) == (0, "")
    assert WORDS_READ.findall(done.out) == ["12 of 12", "0 of 12", "12 of 12"]
    assert "by the tap, a relay" in done.out
    assert "read with tshark" in done.out


def test_no_unshare_for_the_private_loopback(lab: Lab, tool: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "dumpcap").symlink_to(tool("dumpcap"))
    done = lab.run(*lab.demo("plain", "--way", "private"), env={"PATH": str(tmp_path)})
    assert (done.status, done.out) == (1, "")
    assert "unshare" in done.sentence


def test_an_expired_certificate_is_renewed(lab: Lab) -> None:
    store = open_store(lab.certs, now=datetime.now(UTC) - timedelta(days=100))
    expired = x509.load_pem_x509_certificate(store.server_certificate.read_bytes())
    assert expired.not_valid_after_utc < datetime.now(UTC)
    done = lab.run(*lab.demo("tls", "--way", "tap"))
    assert (done.status, done.err) == (0, "")
    renewed = x509.load_pem_x509_certificate(store.server_certificate.read_bytes())
    assert renewed.not_valid_after_utc > datetime.now(UTC)


def test_a_damaged_certificate(lab: Lab) -> None:
    lab.certs.mkdir()
    (lab.certs / "ca.pem").write_text("no certificate")
    done = lab.run(*lab.demo("both"))
    assert done.status == 1
    assert "ca.pem is not a certificate" in done.sentence
    assert list(lab.keep.iterdir()) == []


def test_the_output_goes_nowhere(lab: Lab) -> None:
    into = ("sh", "-c", 'exec "$@" > /dev/full', "sh")
    done = lab.run(*lab.demo("plain", "--way", "tap"), wrap=into)
    assert done.status == 1
    assert "The output cannot be written" in done.sentence
    assert "Hello Bob" in readable(lab.run_folder() / "capture.pcapng")


@pytest.mark.parametrize("arguments", [("plain", "--way=tap"), ("--way=tap", "--json")])
def test_nobody_reads_the_output(lab: Lab, arguments: tuple[str, ...]) -> None:
    process = lab.start(*lab.demo(*arguments))
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    process.wait(60)
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert lab.running(process) == {}

"""Captures for code that does not await: in a script, in a running loop, in a real Jupyter kernel."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from capture.blocking import blocking
from capture.errors import CaptureError
from capture.live import Capture, open_capture
from capture.readers import read_segments
from tests.capture.talking import run

ROOT = Path(__file__).parents[2]

natively = pytest.mark.usefixtures("may_capture_natively", "nothing_left")


@pytest.fixture
def server() -> Iterator[int]:
    """A server that says everything back to one client, in a thread; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def say(port: int, *words: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for word in words:
            connection.sendall(word)
            assert connection.recv(1 << 16) == word


def refused_after(port: int) -> None:
    say(port, b"before")
    raise ConnectionRefusedError


@natively
def test_from_plain_code(tmp_path: Path, server: int) -> None:
    path = tmp_path / "capture.pcapng"
    with blocking(open_capture(path, [server])) as running:
        say(server, b"one", b"two")
        heard: list[bytes] = []
        for dissection in running:
            heard += [dissection.data] if dissection.data else []
            if len(heard) == 4:
                break
        assert heard == [b"one", b"one", b"two", b"two"]
        running.stop()
        rest = list(running)
    assert running.capture.counters is not None
    assert running.capture.counters.dropped == 0
    assert rest, "the farewell"
    assert {b"one", b"two"} < {segment.payload for segment in read_segments(path, "native")}


@natively
def test_from_a_thread_that_looks_while_another_talks(tmp_path: Path, server: int) -> None:
    heard: list[bytes] = []
    with blocking(open_capture(tmp_path / "capture.pcapng", [server])) as running:
        looking = threading.Thread(target=lambda: heard.extend(one.data for one in running))
        looking.start()
        say(server, b"one", b"two")
    looking.join()
    assert [data for data in heard if data] == [b"one", b"one", b"two", b"two"]


@natively
def test_in_a_running_loop(tmp_path: Path, server: int) -> None:
    """As a notebook's cell is: the loop cannot run while this does."""

    async def cell() -> list[bytes]:
        assert asyncio.get_running_loop().is_running()
        with blocking(open_capture(tmp_path / "capture.pcapng", [server])) as running:
            say(server, b"words")
        return [one.data for one in running if one.data]

    assert run(cell()) == [b"words", b"words"]


@natively
def test_an_exception_inside(tmp_path: Path, server: int) -> None:
    path = tmp_path / "capture.pcapng"
    with pytest.raises(ConnectionRefusedError), blocking(open_capture(path, [server])):
        refused_after(server)
    assert b"before" in [segment.payload for segment in read_segments(path, "native")]


@natively
def test_errors_come_through(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    path.write_bytes(b"precious")
    with pytest.raises(CaptureError, match="File exists"), blocking(open_capture(path, [9])):
        raise AssertionError


@natively
@pytest.mark.parametrize("where", ["start", "looking"])
def test_ctrl_c(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "capture.pcapng"
    method = {"start": "_see_probe", "looking": "batch"}[where]
    original = getattr(Capture, method)

    async def interrupted(capture: Capture, *arguments: str) -> object:
        if arguments in ((), ("ready",)):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        return await original(capture, *arguments)

    monkeypatch.setattr(Capture, method, interrupted)
    with pytest.raises(KeyboardInterrupt), blocking(open_capture(path, [9])) as running:
        list(running)


CELLS = (
    """
import asyncio, tempfile
from pathlib import Path
from capture.blocking import blocking
from capture.live import open_capture
from tests.capture.talking import echo, talk
folder = Path(tempfile.mkdtemp())
""",
    # a cell may await: the capture runs in the kernel's own loop
    """
async with echo() as port, open_capture(folder / "first.pcapng", [port]) as capture:
    await talk(port, [b"awaited"])
print(capture.counters.dropped, [one.data for one in await capture.batch() if one.data])
""",
    # one that does not await keeps that loop busy
    """
import socket
server = socket.create_server(("127.0.0.1", 0))
with server, blocking(open_capture(folder / "second.pcapng", [server.getsockname()[1]])) as running:
    with socket.create_connection(server.getsockname()) as client:
        client.sendall(b"blocking"); client.shutdown(socket.SHUT_WR)
        peer, _ = server.accept()
        with peer:
            assert peer.recv(99) == b"blocking"
            assert peer.recv(99) == b""
    running.stop()
    print(running.capture.counters.dropped, [one.data for one in running if one.data])
""",
    """
import os, shutil, threading
from pathlib import Path
shutil.rmtree(folder)
children = [(task / "children").read_text() for task in Path("/proc/self/task").iterdir()]
print(set("".join(children).split()), [thread.name for thread in threading.enumerate() if thread.name == "capture"])
""",
)


@pytest.mark.usefixtures("may_capture_natively")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning:zmq")
def test_in_a_jupyter_kernel() -> None:
    manager, client = start_new_kernel(startup_timeout=60, cwd=str(ROOT))
    said = []
    try:
        for cell in CELLS:
            text = ""

            def hear(message: dict[str, Any]) -> None:
                nonlocal text
                text += str(message["content"].get("text", ""))
                assert message["msg_type"] != "error", message["content"]

            reply = client.execute_interactive(cell, timeout=30, output_hook=hear)
            assert reply["content"]["status"] == "ok", reply["content"]
            said.append(text)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
        manager.cleanup_resources()
    assert said == ["", "0 [b'awaited', b'awaited']\n", "0 [b'blocking']\n", "set() []\n"]
    assert not manager.has_kernel

"""Live captures on the loopback interface: real sources, real programs, real handshakes; faults are caused for real."""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from capture import live, recorder, sources
from capture.engines import EngineName
from capture.engines import keys as engine_keys
from capture.engines import tshark as tshark_engine
from capture.engines.engine import Dissection
from capture.errors import CaptureError, ToolMissingError
from capture.live import Capture, open_capture
from capture.readers import READERS, read_segments
from capture.recorder import Limit
from capture.sources import SourceName, programs
from capture.streams import reassemble
from tests.capture.talking import echo, run, talk

pytestmark = [pytest.mark.usefixtures("nothing_left")]

ROOT = Path(__file__).parents[2]
PRIVATE = ROOT / "capture" / "private.py"

Tshark = Callable[..., list[str]]
Contexts = Callable[..., tuple[ssl.SSLContext, ssl.SSLContext]]

natively = pytest.mark.usefixtures("may_capture_natively")


def children(name: str) -> list[int]:
    """The process ids of the children of this process that run `name`."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    found.append(int(pid))
    return found


async def look(capture: Capture) -> list[Dissection]:
    return [dissection async for dissection in capture]


async def listen(
    path: Path, messages: list[bytes], host: str = "127.0.0.1", **options: Any
) -> tuple[Capture, list[Dissection]]:
    """Capture while these messages go to a server and come back; return what was seen meanwhile."""
    async with echo(host) as port:
        async with open_capture(path, [port], **options) as capture:
            looking = asyncio.create_task(look(capture))
            await talk(port, messages, host)
        return capture, await looking


def payloads(path: Path) -> list[bytes]:
    return [segment.payload for segment in read_segments(path, "native")]


# --- what is captured ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "engine"),
    [
        *(("packet-socket", engine) for engine in READERS),
        ("tcpdump", "tshark"),
        ("dumpcap", "native"),
    ],
    indirect=["source"],
)
def test_nothing_is_lost_between_ready_and_end(
    source: SourceName, engine: EngineName, tmp_path: Path, tshark: Tshark, tool: Callable[[str], str]
) -> None:
    path = tmp_path / "capture.pcapng"
    messages = [f"message {at}\n".encode() * (at % 40 + 1) for at in range(200)]
    capture, seen = run(listen(path, messages, source=source, engine=engine))

    assert capture.counters is not None
    assert capture.counters.dropped == 0
    assert len(tshark(path)) == capture.counters.received
    up, down = reassemble(read_segments(path))
    assert up.data == down.data == b"".join(messages)
    assert up.gaps == down.gaps == ()

    assert [dissection.segment for dissection in seen] == list(read_segments(path))
    assert b"".join(one.data for one in seen if one.segment.source == up.source) == up.data
    assert (capture.unseen, capture.full, capture.files) == (0, False, (path,))

    said = subprocess.run([tool("capinfos"), str(path)], capture_output=True, text=True, check=True, timeout=30).stdout
    assert "Captured by the traffic lab" in said
    assert "Number of stat entries = 1" in said
    assert f"Number of packets = {capture.counters.received}" in said


def test_rounds_under_load(source: SourceName, tmp_path: Path) -> None:
    """Others talk all the time; of what was said between ready and end nothing is missing."""

    async def main() -> None:
        async with echo() as port, echo() as other:
            enough = asyncio.Event()

            async def noise() -> None:
                while not enough.is_set():
                    await talk(other, [b"noise" * 100] * 20)

            busy = asyncio.create_task(noise())
            for number in range(3 if source == "dumpcap" else 10):
                path = tmp_path / str(number)
                async with open_capture(path, [port, other], source=source) as capture:
                    await talk(port, [b"first", b"last"])
                assert capture.counters is not None
                up, down = (
                    stream
                    for stream in reassemble(read_segments(path, "native"))
                    if port in (stream.source.port, stream.destination.port)
                )
                assert up.data == down.data == b"firstlast"
                assert up.gaps == down.gaps == ()
            enough.set()
            await busy

    run(main())


def test_over_ipv6(source: SourceName, tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    _, seen = run(listen(path, [b"six"], "::1", source=source))
    assert {str(one.segment.source.host) for one in seen} == {"::1"}
    assert [one.segment for one in seen] == list(read_segments(path))
    assert [one.data for one in seen if one.data] == [b"six", b"six"]


def test_only_the_ports_asked_for_and_its_own_probes(source: SourceName, tmp_path: Path, tshark: Tshark) -> None:
    """A flood from another port: nothing of it is captured, and nothing is missing because of it."""
    path = tmp_path / "capture.pcapng"

    async def main() -> tuple[int, int, Capture]:
        async with echo() as wanted, echo() as also, echo() as other:
            async with open_capture(path, [wanted], tls_ports=[also], source=source) as capture:
                flood = asyncio.gather(*(talk(other, [b"not for the lab" * 2000] * 300) for _ in range(3)))
                await talk(wanted, [b"for the lab"] * 50)
                await talk(also, [b"this too"] * 50)
                await flood
            return wanted, also, capture

    wanted, also, capture = run(main())
    assert set(payloads(path)) == {b"", b"for the lab", b"this too"}
    assert (payloads(path).count(b"for the lab"), payloads(path).count(b"this too")) == (100, 100)
    assert capture.counters is not None
    assert capture.counters.dropped == 0
    others = tshark(path, "-Y", f"not tcp.port in {{{wanted}, {also}}}", "-Tfields", "-e", "udp.payload")
    assert others
    assert all(bytes.fromhex(payload).startswith(b"traffic lab probe: ") for payload in others)


@natively
def test_two_captures_at_once(tmp_path: Path) -> None:
    async def main() -> tuple[Capture, Capture]:
        async with echo() as port:
            first, second = (open_capture(tmp_path / name, [port]) for name in ("first", "second"))
            async with first as one, second as two:
                await talk(port, [b"heard twice"])
            return one, two

    for capture in run(main()):
        assert capture.counters is not None
        assert capture.counters.dropped == 0
    assert payloads(tmp_path / "first") == payloads(tmp_path / "second")
    assert payloads(tmp_path / "first").count(b"heard twice") == 2


@natively
def test_without_an_engine(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    _, seen = run(listen(path, [b"only saved"], engine=None))
    assert seen == []
    assert b"only saved" in payloads(path)


@natively
@pytest.mark.usefixtures("no_tools")
def test_without_any_program(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    _, seen = run(listen(path, [b"all by itself"]))
    assert b"all by itself" in [one.data for one in seen]


@natively
def test_what_comes_is_seen_while_it_comes(tmp_path: Path) -> None:
    """Each answer is heard in the capture before the next is sent."""

    async def main() -> None:
        async with echo() as port, open_capture(tmp_path / "capture.pcapng", [port]) as capture:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for number in range(50):
                word = b"word %d" % number
                writer.write(word)
                heard: list[bytes] = []
                while heard.count(word) < 2:
                    heard += [one.data for one in await capture.batch()]
                assert await reader.readexactly(len(word)) == word
            writer.close()
            await writer.wait_closed()

    run(main())


@natively
def test_who_leaves_the_loop_may_come_back(tmp_path: Path) -> None:
    """What came in the same batch as the last one seen is not lost."""

    async def main() -> tuple[list[Dissection], list[Dissection]]:
        async with echo() as port, open_capture(tmp_path / "capture.pcapng", [port]) as capture:
            await talk(port, [b"one", b"two"])
            await capture.stop()
            first = []
            async for dissection in capture:
                first.append(dissection)
                if dissection.data:
                    break
            return first, await look(capture)

    first, rest = run(main())
    assert [one.segment for one in first + rest] == list(read_segments(tmp_path / "capture.pcapng", "native"))
    assert rest


@natively
def test_stopped_inside_the_block(tmp_path: Path) -> None:
    async def main() -> None:
        async with echo() as port, open_capture(tmp_path / "capture.pcapng", [port]) as capture:
            await talk(port, [b"before"])
            await asyncio.gather(capture.stop(), capture.stop())
            await talk(port, [b"after"])
            assert b"before" in [one.data for one in await look(capture)]

    run(main())
    assert b"after" not in payloads(tmp_path / "capture.pcapng")


@natively
def test_on_the_port_of_x11(tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")

    async def main() -> list[Dissection]:
        async with contextlib.AsyncExitStack() as stack:
            for port in range(6000, 6064):
                with contextlib.suppress(OSError):  # an X server may have it
                    await stack.enter_async_context(echo(port=port))
                    break
            async with open_capture(tmp_path / "capture.pcapng", [port], engine="tshark") as capture:
                looking = asyncio.create_task(look(capture))
                await talk(port, [b"lots of words\n", b"B\0\0\0hello\n"])
            return await looking

    seen = [one for one in run(main()) if one.segment.payload]
    assert [one.data for one in seen] == [one.segment.payload for one in seen]
    assert {one.protocol for one in seen} == {"TCP"}
    assert not any("X11" in one.info for one in seen)


# --- TLS, opened while it passes --------------------------------------------------------------------------------------


def say(
    port: int, context: ssl.SSLContext, messages: list[bytes], session: ssl.SSLSession | None
) -> ssl.SSLSession | None:
    """Say something over TLS and hear it back; asyncio could not resume a session."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as connection,
    ):
        for message in messages:
            connection.sendall(message)
            heard = b""
            while len(heard) < len(message):
                heard += connection.recv(1 << 16)
            assert heard == message
        assert connection.session_reused is (session is not None)
        return connection.session


@natively
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("who", ["server", "client"])
def test_opened_while_it_passes(
    version: ssl.TLSVersion, who: str, tmp_path: Path, contexts: Contexts, tool: Callable[[str], str]
) -> None:
    """The key log is not there yet when the capture begins; connections one after the other, at once, and resumed."""
    tool("tshark")
    keylog, path = tmp_path / "keys.log", tmp_path / "capture.pcapng"
    messages = [b"one\n", b"a longer one, " * 2000, b"three\n"]
    pair: list[ssl.SSLContext] = []

    async def main() -> list[Dissection]:
        server, client = contexts(version=version)
        pair.extend((server, client))
        async with echo(tls=server) as port:
            async with open_capture(path, [], tls_ports=[port], engine="tshark", keylog=keylog) as capture:
                assert not keylog.exists()
                (server if who == "server" else client).keylog_filename = str(keylog)
                looking = asyncio.create_task(look(capture))
                session = await asyncio.to_thread(say, port, client, messages, None)
                await asyncio.to_thread(say, port, client, messages, session)
                await asyncio.gather(*(asyncio.to_thread(say, port, client, messages, None) for _ in range(4)))
            return await looking

    seen = run(main())
    opened: dict[tuple[Any, Any], bytes] = {}
    for one in seen:
        ends = one.segment.source, one.segment.destination
        opened[ends] = opened.get(ends, b"") + one.data
    assert list(opened.values()) == [b"".join(messages)] * 12
    assert [one.segment for one in seen] == list(read_segments(path))
    # tshark 4.0 shows a resumed TLS 1.2 connection by its version as well
    assert version.name.replace("v1_", "v1.") in {one.protocol for one in seen}


@natively
def test_keys_that_never_come(
    tmp_path: Path, contexts: Contexts, tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool("tshark")
    monkeypatch.setattr(engine_keys, "_WAIT", 0.1)
    path = tmp_path / "capture.pcapng"

    async def main() -> list[Dissection]:
        server, client = contexts()
        async with echo(tls=server) as port:
            async with open_capture(path, [], tls_ports=[port], engine="tshark", keylog=tmp_path / "no.log") as capture:
                looking = asyncio.create_task(look(capture))
                await talk(port, [b"secret"], tls=client)
            return await looking

    seen = run(main())
    assert {one.data for one in seen} == {b""}
    assert "TLSv1.3" in {one.protocol for one in seen}
    assert [one.segment for one in seen] == list(read_segments(path))


# --- limits ----------------------------------------------------------------------------------------------------------


def test_the_limit_ends_the_capture_and_the_view(source: SourceName, tmp_path: Path, tshark: Tshark) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> tuple[Capture, list[Dissection]]:
        async with echo() as port, open_capture(path, [port], source=source, limit=Limit(50_000)) as capture:
            looking = asyncio.create_task(look(capture))
            await talk(port, [b"x" * 1000] * 100)
            seen = await looking  # ends by itself, inside the block
            assert capture.full
            assert path.stat().st_size <= 50_000 + 200, "the counters come on top"
            return capture, seen

    capture, seen = run(main())
    assert capture.counters is not None
    assert len(tshark(path)) > 20
    assert [one.segment for one in seen] == list(read_segments(path))


@natively
def test_the_ring_keeps_the_latest(tmp_path: Path, tshark: Tshark) -> None:
    async def main() -> Capture:
        capture, seen = await listen(
            tmp_path / "night.pcapng", [b"%05d" % at * 20 for at in range(300)], limit=Limit(20_000, files=3)
        )
        assert len({one.data for one in seen}) == 301, "all of them were seen"
        return capture

    capture = run(main())
    assert sorted(tmp_path.iterdir()) == sorted(capture.files)
    assert len(capture.files) == 3
    kept = [row for file in capture.files for row in tshark(file, "-Tfields", "-e", "tcp.payload", "-Y", "tcp.len > 0")]
    words = [int(bytes.fromhex(row)[:5]) for row in kept]
    assert words == sorted(words)
    assert words[-1] == 299
    assert words[0] > 100


def test_no_room_for_more(
    source: SourceName, tmp_path: Path, tshark: Tshark, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "capture.pcapng"
    said = r"cannot be written \(File too large\)\. What was captured before that is in .*capture\.pcapng\.$"

    async def main() -> None:
        async with echo() as port, open_capture(path, [port], source=source) as capture:
            looking = asyncio.create_task(look(capture))
            await talk(port, [b"x" * 10_000] * 20)
            with pytest.raises(CaptureError, match=said):
                await looking

    with small_files(40_000), pytest.raises(CaptureError, match=said):
        run(main())
    assert path.stat().st_size <= 40_000
    assert len(tshark(path)) >= 3, "tshark would say if the last packet were cut"


@natively
@pytest.mark.parametrize("engine", ["native", "tshark"])
def test_a_consumer_that_never_looks(
    engine: EngineName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Callable[[str], str]
) -> None:
    tool("tshark")
    monkeypatch.setattr(recorder, "_UNSEEN", 10)

    async def main() -> Capture:
        async with echo() as port, open_capture(tmp_path / "capture.pcapng", [port], engine=engine) as capture:
            await talk(port, [b"nobody looks"] * 100)
        assert len(await look(capture)) == 10
        return capture

    capture = run(main())
    assert capture.unseen == len(payloads(tmp_path / "capture.pcapng")) - 10 > 100


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["tcpdump", "dumpcap"])
def program(request: pytest.FixtureRequest) -> SourceName:
    name: SourceName = request.param
    refusal = sources.refusal(name)
    if refusal is not None:
        pytest.skip(f"{name}: {refusal}")
    return name


def test_program_killed(program: SourceName, tmp_path: Path, tshark: Tshark) -> None:
    path = tmp_path / "capture.pcapng"
    said = rf"^The capture ended too early: {program} was stopped by SIGKILL\. What .* is in .*capture\.pcapng\.$"

    async def main() -> None:
        async with echo() as port, open_capture(path, [port], source=program) as capture:
            await talk(port, [b"before"])
            heard: list[bytes] = []
            while b"before" not in heard:
                heard += [one.data for one in await capture.batch()]
            (pid,) = children(program)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(CaptureError, match=said):
                await look(capture)

    with pytest.raises(CaptureError, match=said):
        run(main())
    assert b"before" in payloads(path)
    assert tshark(path)


def test_program_stopped_for_good(program: SourceName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_STOP_TIMEOUT", 0.2)
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        async with echo() as port, open_capture(path, [port], source=program) as capture:
            await talk(port, [b"before"])
            heard: list[bytes] = []
            while b"before" not in heard:
                heard += [one.data for one in await capture.batch()]
            (pid,) = children(program)
            os.kill(pid, signal.SIGSTOP)
            monkeypatch.setattr(live, "_PROBE_TIMEOUT", 0.5)

    with pytest.raises(CaptureError, match=f"{program} runs but saw none of its own probes within"):
        run(main())
    assert children(program) == []
    assert b"before" in payloads(path)


def test_programs_pipe_closed(
    program: SourceName, tmp_path: Path, tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands between it and us goes away, in the middle of a packet."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / program).write_text(f'#!/bin/sh\n{tool(program)} "$@" | dd bs=1 count=20000 status=none\n')
    (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        async with echo() as port, open_capture(path, [port], source=program) as capture:
            looking = asyncio.create_task(look(capture))
            while not looking.done():
                await talk(port, [b"x" * 1000] * 20)
            await looking

    with pytest.raises(
        CaptureError, match=rf"^{program} cannot capture: (it ended|Unable|Error|The file).*is in .*capture\.pcapng\.$"
    ):
        run(main())
    assert b"x" * 1000 in payloads(path)


@natively
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_the_engine_fails_and_the_capture_goes_on(
    number: signal.Signals, tmp_path: Path, tshark: Tshark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tshark_engine, "_PATIENCE", 0.3)
    path = tmp_path / "capture.pcapng"

    async def main() -> Capture:
        async with echo() as port, open_capture(path, [port], engine="tshark") as capture:
            await talk(port, [b"before"])
            heard: list[bytes] = []
            while b"before" not in heard:
                heard += [one.data for one in await capture.batch()]
            (pid,) = children("tshark")
            os.kill(pid, number)
            looking = asyncio.create_task(look(capture))
            await talk(port, [b"after"])
        with pytest.raises(CaptureError, match=r"^tshark no longer shows the capture: it (was stopped|stood still)"):
            await looking
        return capture

    capture = run(main())
    assert capture.counters is not None
    assert capture.counters.received == len(tshark(path))
    assert payloads(path).count(b"after") == 2


@natively
def test_an_exception_inside_the_block(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        async with echo() as port, open_capture(path, [port]):
            await talk(port, [b"before"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main())
    assert payloads(path).count(b"before") == 2, "what the source still had is saved"


def test_an_exception_ends_the_program(program: SourceName, tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        async with echo() as port, open_capture(path, [port], source=program):
            await talk(port, [b"before"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main())
    assert children(program) == []
    assert payloads(path).count(b"before") == 2


@pytest.mark.parametrize("where", ["start", "inside", "end"])
def test_cancelled(source: SourceName, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "capture.pcapng"
    see_probe = Capture._see_probe

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None

        async def cancelling(capture: Capture, purpose: str) -> None:
            if where == "start" and purpose == "ready":
                task.cancel()
            await see_probe(capture, purpose)
            if where == "end" and purpose == "end":
                task.cancel()  # it waits for the source to end now

        monkeypatch.setattr(Capture, "_see_probe", cancelling)
        async with echo() as port, open_capture(path, [port], source=source):
            assert where != "start"
            await talk(port, [b"before"])
            if where == "inside":
                task.cancel()
                await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert children(source) == []
    if where != "start":
        assert payloads(path).count(b"before") == 2


INTERRUPTED = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from capture.live import open_capture
from tests.capture.talking import echo, talk

async def main():
    async with echo() as port, open_capture(Path(sys.argv[1]), [port], source=sys.argv[2], engine=sys.argv[3]):
        await talk(port, [b"before"])
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("engine", ["native", "tshark"])
def test_ctrl_c(source: SourceName, engine: str, tmp_path: Path, tool: Callable[[str], str]) -> None:
    """For the whole group of processes, as a terminal sends it; the program goes on until everything is in the file."""
    tool("tshark")
    path = tmp_path / "capture.pcapng"
    command = [sys.executable, "-c", INTERRUPTED, str(path), source, engine]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        # ends, so nobody else holds its stderr either: the programs are gone
        _, said = process.communicate(timeout=30)
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert process.returncode == -signal.SIGINT
    assert payloads(path).count(b"before") == 2


def test_a_file_that_exists_is_not_overwritten(source: SourceName, tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    path.write_bytes(b"precious")

    async def main(where: Path) -> None:
        async with open_capture(where, [9], source=source):
            raise AssertionError

    with pytest.raises(CaptureError, match="cannot be written: File exists"):
        run(main(path))
    assert path.read_bytes() == b"precious"
    with pytest.raises(CaptureError, match="cannot be written: No such file"):
        run(main(tmp_path / "nowhere" / "capture.pcapng"))
    assert children(source) == []


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize(
    "options", [{"source": "dumpcap"}, {"source": "tcpdump"}, {"engine": "tshark"}, {"engine": "pyshark"}]
)
def test_without_the_program_it_needs(options: dict[str, Any], tmp_path: Path) -> None:
    async def main() -> None:
        async with open_capture(tmp_path / "capture.pcapng", [9], **options) as capture:
            await look(capture)

    (name,) = options.values()
    with pytest.raises(
        ToolMissingError, match=f"^{name.replace('pyshark', 'tshark')} is not installed: run `make doctor`"
    ):
        run(main())


def test_the_sources_reason_is_given(source: SourceName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if source == "packet-socket":
        monkeypatch.setattr("capture.sources.packet_socket.LOOPBACK", "nowhere")
    else:
        known = programs.TCPDUMP if source == "tcpdump" else programs.DUMPCAP
        options = tuple("nowhere" if option == "lo" else option for option in known.options)
        monkeypatch.setattr(f"capture.sources.{source.upper()}", replace(known, options=options))

    async def main() -> None:
        async with open_capture(tmp_path / "capture.pcapng", [9], source=source):
            raise AssertionError

    with pytest.raises(CaptureError, match=r"nowhere|No such device"):
        run(main())
    assert list(tmp_path.iterdir()) == [], "nothing is in the way of another try"


# --- in a private loopback, and without rights -----------------------------------------------------------------------


def in_namespace(script: str, *arguments: str, tool: Callable[[str], str], network: bool = True) -> list[str]:
    """Run a script as root of a user namespace, with a loopback interface of its own or without; what it prints."""
    command = [tool("unshare"), "--user", "--map-root-user"]
    if network:
        command += ["--net", sys.executable, str(PRIVATE)]
    command += [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if done.stderr.startswith("unshare"):
        pytest.skip(done.stderr)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines()


IN_PRIVATE = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from capture.live import open_capture
from tests.capture.talking import echo, run, talk

async def main():
    async with echo() as port, open_capture(Path(sys.argv[1]), [port], source=sys.argv[2]) as capture:
        await talk(port, [b"in private"] * 200)
    print(capture.counters.received, capture.counters.dropped)

run(main())
"""


# Debian's tcpdump cannot become its own user there
@pytest.mark.parametrize("name", ["packet-socket", "dumpcap"])
def test_on_a_private_loopback(name: str, tmp_path: Path, tshark: Tshark, tool: Callable[[str], str]) -> None:
    tool("dumpcap")
    path = tmp_path / "capture.pcapng"
    (said,) = in_namespace(IN_PRIVATE, str(path), name, tool=tool)
    assert said == f"{len(tshark(path))} 0"
    assert payloads(path).count(b"in private") == 400


GOING_DOWN = """
import asyncio, fcntl, socket, struct, sys
from dataclasses import replace
from pathlib import Path
from capture import live
from capture.errors import CaptureError
from capture.live import open_capture
from tests.capture.talking import echo, run, talk

live._PROBE_TIMEOUT = 1

def down():  # netdevice(7): SIOCSIFFLAGS without IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH22x", b"lo", 0))

async def main(where):
    try:
        async with echo() as port, open_capture(Path(sys.argv[1]), [port], source=sys.argv[2]) as capture:
            await talk(port, [b"before"])
            heard = []
            while heard.count(b"before") < 2:
                heard += [one.data for one in await capture.batch()]
            down()
            if where == "inside":
                try:
                    async for one in capture:
                        pass
                except CaptureError as error:
                    print(error)
    except CaptureError as error:
        print(error)

run(main(sys.argv[3]))
"""


# dumpcap goes on and waits; its user hears of it at the end
@pytest.mark.parametrize(
    ("name", "where"), [("packet-socket", "inside"), ("packet-socket", "at the end"), ("dumpcap", "at the end")]
)
def test_the_interface_goes_down(name: str, where: str, tmp_path: Path, tool: Callable[[str], str]) -> None:
    """Who waits for more is told, and who leaves as well."""
    tool("dumpcap")
    path = tmp_path / "capture.pcapng"
    said = in_namespace(GOING_DOWN, str(path), name, where, tool=tool)
    assert len(said) == (2 if where == "inside" else 1)
    assert len(set(said)) == 1
    if name == "dumpcap":
        assert "saw none of its own probes within 1 seconds: see that the interface lo is up" in said[0]
    else:
        assert said[0].startswith("The capture stopped: the interface lo failed (Network is down). What was")
        assert said[0].endswith(f"is in {path}.")
    assert payloads(path).count(b"before") == 2


NO_RIGHTS = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from capture.errors import CaptureError
from capture.live import open_capture

async def main(source):
    try:
        async with open_capture(Path(sys.argv[1], str(source)), [9], source=source):
            print("it may")
    except CaptureError as error:
        print(error)

for source in (None, "packet-socket", "tcpdump", "dumpcap"):
    asyncio.run(main(source))
"""


def test_without_rights(tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tcpdump"), tool("dumpcap")
    said = in_namespace(NO_RIGHTS, str(tmp_path), tool=tool, network=False)
    assert said[0].startswith("Your user may not capture on lo: `make doctor ARGS=--fix`")
    assert said[1].startswith("There is no capture without the right to open a packet socket (Operation not permitted)")
    assert said[2].startswith("tcpdump cannot capture: ")
    assert said[3].startswith("dumpcap cannot capture: ")
    assert all("permi" in line or "tcpdump" in line for line in said[1:])
    assert len(said) == 4, "one sentence each"


# --- many of them ----------------------------------------------------------------------------------------------------


@pytest.fixture
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail if a temporary file is left behind."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@natively
@pytest.mark.usefixtures("temporary_files")
def test_a_thousand_captures(tmp_path: Path) -> None:
    """Ten at a time: the kernel takes some ten milliseconds to close a packet socket."""

    async def main(thread: int) -> int:
        done = 0
        for number in range(100):
            async with open_capture(tmp_path / f"{thread}-{number}", [9]) as capture:
                pass
            done += capture.counters is not None and capture.counters.dropped == 0
        return done

    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(lambda thread: run(main(thread)), range(10))) == 1000


@natively
@pytest.mark.usefixtures("temporary_files")
@pytest.mark.parametrize(("options", "rounds"), [({"source": "tcpdump"}, 20), ({"engine": "tshark"}, 6)])
def test_some_tens_with_programs(
    options: dict[str, Any], rounds: int, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    """Two at a time."""
    for name in options.values():
        tool(name)

    async def main() -> None:
        for number in range(rounds):
            both = (open_capture(tmp_path / f"{number}-{which}", [9], **options) for which in range(2))
            async with contextlib.AsyncExitStack() as stack:
                await asyncio.gather(*(stack.enter_async_context(one) for one in both))

    run(main())

"""A whole demo beside the bare tools, which do the same work: capture the same words and print them.

dumpcap starts, the same words pass between the same clients, dumpcap is stopped once it has handed on the last of them,
`tshark -r` prints the payloads. The lab's time includes the start of Python.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from capture.errors import CaptureError
from capture.tools import LOOPBACK, require
from chat.client import Client
from chat.server import Server
from lab.bench.figures import Row, Size, Target, in_turn
from lab.errors import LabError
from lab.play import play
from lab.record import LIMITS
from lab.scenario import CONVERSATION, messages

_OURS, _PEER = "make demo-plain", "dumpcap, the messages, tshark -r"


def timed(work: Callable[[], None]) -> float:
    """Return the seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ours() -> None:
    """Run the lab's demo.

    Raises:
        LabError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lab", "demo", "plain", "--plain-port", "0", "--keep", folder]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        msg = f"make demo-plain failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
        raise LabError(msg)


async def _talk() -> tuple[bytes, int]:
    """Capture the conversation with dumpcap, as one would by hand; return the capture file's bytes and the port."""
    words = [message.text.encode() for message in messages(CONVERSATION)]
    async with Server(port=0, limits=LIMITS) as server:
        port = server.address[1]
        dumpcap = await asyncio.create_subprocess_exec(
            *(require("dumpcap"), "-q", "-i", LOOPBACK, "-f", f"tcp port {port}", "-w", "-"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert dumpcap.stdout is not None
            data = await dumpcap.stdout.read(1 << 16)  # the file header: dumpcap captures from about now on

            async def connect(name: str) -> Client:
                return await Client.connect("127.0.0.1", port, name)

            await play(CONVERSATION, connect)
            # stopped any earlier, dumpcap would lose what it has not handed on yet: that would not be the same work
            while words[-1] not in data:
                chunk = await dumpcap.stdout.read(1 << 16)
                if not chunk:
                    msg = "dumpcap cannot capture here: `make doctor` says why."
                    raise CaptureError(msg)
                data += chunk
            dumpcap.terminate()
            data += await dumpcap.stdout.read()
        finally:
            with contextlib.suppress(ProcessLookupError):
                dumpcap.kill()
            await dumpcap.wait()
    if lost := sum(word not in data for word in words):
        msg = f"The bare tools lost {lost} of {len(words)} messages."
        raise LabError(msg)
    return data, port


def bare() -> None:
    """Do the same with the bare tools.

    Raises:
        CaptureError: they cannot capture here.
        LabError: they lost what they should have shown.
    """
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "bare.pcapng"
        data, port = asyncio.run(_talk())
        capture.write_bytes(data)
        command = [require("tshark"), "-r", str(capture), "-d", f"tcp.port=={port},data", "-T", "fields"]
        subprocess.run([*command, "-e", "data.data"], capture_output=True, check=True)


def demo(size: Size) -> list[Row]:
    """Return the row of the demo."""
    results = in_turn({_OURS: lambda: timed(ours), _PEER: lambda: timed(bare)}, size.rounds)
    sides = [results.side(name, lambda seconds: seconds) for name in (_OURS, _PEER)]
    return [Row("a whole demo, s", sides[0], (sides[1],), Target("ratio", "≤", 3))]

"""How fast the lab is beside the bare tools: `make bench`. Ratios of medians from one run; never part of the tests.

The bare tools do the same work: dumpcap starts, the same words pass between the same clients, dumpcap is stopped once
it has handed on the last of them, `tshark -r` prints the payloads. The lab's time includes the start of Python.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from capture.errors import CaptureError
from capture.tools import LOOPBACK, require
from chat.client import Client
from chat.server import Server
from lab.play import play
from lab.scenario import CONVERSATION, messages

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A comparison; times in seconds, one for each round.

    Attributes:
        name: what is compared.
        ours: the lab's times.
        peer: the times of what it is compared with.
        wanted: the ratio of the medians that ours should not exceed.
    """

    name: str
    ours: tuple[float, ...]
    peer: tuple[float, ...]
    wanted: float

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's, medians."""
        return statistics.median(self.ours) / statistics.median(self.peer)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _demo() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lab", "demo", "plain", "--plain-port", "0", "--keep", folder]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


async def _talk_bare() -> tuple[bytes, int]:
    """Capture the conversation with dumpcap, as one would by hand; return the capture file's bytes and the port."""
    words = [message.text.encode() for message in messages(CONVERSATION)]
    async with Server(port=0) as server:
        port = server.address[1]
        dumpcap = await asyncio.create_subprocess_exec(
            *(require("dumpcap"), "-q", "-i", LOOPBACK, "-f", f"tcp port {port}", "-w", "-"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert dumpcap.stdout is not None
        data = await dumpcap.stdout.read(1 << 16)  # the file header: dumpcap captures from about now on

        async def connect(name: str) -> Client:
            return await Client.connect("127.0.0.1", port, name)

        await play(CONVERSATION, connect)
        # stopped any earlier, dumpcap would lose what it has not handed on yet: that would not be the same work
        while words[-1] not in data:
            chunk = await dumpcap.stdout.read(1 << 16)
            if not chunk:
                msg = "dumpcap cannot capture here, so there is nothing to compare with: `make doctor` says why."
                raise CaptureError(msg)
            data += chunk
        dumpcap.terminate()
        data += await dumpcap.stdout.read()
        await dumpcap.wait()
    if lost := sum(word not in data for word in words):
        sys.stderr.write(f"The bare tools lost {lost} of {len(words)} messages in this round.\n")
    return data, port


def _bare() -> None:
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "bare.pcapng"
        data, port = asyncio.run(_talk_bare())
        capture.write_bytes(data)
        command = [require("tshark"), "-r", str(capture), "-d", f"tcp.port=={port},data", "-T", "fields"]
        subprocess.run([*command, "-e", "data.data"], capture_output=True, check=True)


def compare(name: str, ours: Callable[[], None], peer: Callable[[], None], wanted: float) -> Row:
    """Time both, in turn, after a round that warms the caches and does not count."""
    ours()
    peer()
    times = [(_timed(ours), _timed(peer)) for _ in range(_ROUNDS)]
    return Row(name, tuple(t for t, _ in times), tuple(t for _, t in times), wanted)


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the comparisons, the ratio first."""
    table = Table("ratio", "wanted", "ours, s (spread)", "peer, s (spread)", "what")
    for row in rows:
        cells = [f"{statistics.median(t):.2f} ({min(t):.2f}-{max(t):.2f})" for t in (row.ours, row.peer)]
        table.add_row(f"{row.ratio:.2f}", f"≤ {row.wanted:g}", *cells, row.name)
    console.print(table)


def main() -> int:
    """Run every comparison; write out/bench.json; 1 where a ratio is not the wanted one or nothing can be measured."""
    try:
        rows = [compare("make demo-plain / dumpcap, the messages, tshark -r", _demo, _bare, 3.0)]
    except CaptureError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    show(rows, Console())
    folder = Path("out")
    folder.mkdir(exist_ok=True)
    content = [{**asdict(row), "ratio": row.ratio} for row in rows]
    (folder / "bench.json").write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")
    return int(any(row.ratio > row.wanted for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())

"""`lab capture live`: captures the lab's ports on loopback, and shows what passes while it does."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from capture.engines import EngineName
from capture.keylog import check_keylog
from capture.live import open_capture
from capture.readers import best_reader
from capture.recorder import Limit
from capture.sources import SourceName
from chat.escape import visible
from lab.errors import LabError
from lab.folder import make_folder
from lab.watch import PipedConsole, watch

_MEGABYTE = 1_000_000


def live(
    port: Annotated[list[int], typer.Option(min=1, max=65535, help="A port of plaintext; may be repeated.")] = [12345],  # noqa: B006  (typer copies it)
    tls_port: Annotated[list[int], typer.Option(min=1, max=65535, help="A port of TLS; may be repeated.")] = [12346],  # noqa: B006
    engine: Annotated[
        EngineName | None, typer.Option(help="What looks at the packets as they come. [default: tshark, else native]")
    ] = None,
    keylog: Annotated[
        Path | None, typer.Option(help="The key log, which may grow: TLS is shown opened. Needs the engine tshark.")
    ] = None,
    source: Annotated[
        SourceName | None, typer.Option(help="Who captures. [default: the first of these that may]")
    ] = None,
    size: Annotated[int, typer.Option(min=1, help="Megabytes of a capture file.")] = 1000,
    files: Annotated[
        int, typer.Option(min=1, help="1: the capture ends when its file is full; more: the latest so many are kept.")
    ] = 1,
    keep: Annotated[Path, typer.Option(help="The folder in which this capture gets its own.")] = Path("out"),
) -> None:
    """Capture on loopback until Ctrl-C, and show each message as it passes."""
    looking = engine or best_reader()
    if keylog is not None and looking != "tshark":
        msg = (
            f"A key log opens TLS live with tshark only: save the capture, then `python -m lab read --keylog {keylog}`."
        )
        raise LabError(msg)
    console = PipedConsole(highlight=False)
    if keylog is not None:
        check_keylog(keylog)
        if not keylog.exists():
            console.print(Text(visible(f"{keylog} is not there yet: TLS stays closed until it is.")), soft_wrap=True)
    folder = make_folder(keep, "live")
    opened = open_capture(
        folder.capture,
        port,
        tls_ports=tls_port,
        engine=looking,
        source=source,
        keylog=keylog,
        limit=Limit(size * _MEGABYTE, files),
    )
    try:
        capture = asyncio.run(watch(opened, console))
    finally:
        # a folder in which nothing was captured is not left behind
        if folder.capture.exists() and not folder.capture.stat().st_size:
            folder.capture.unlink()
        if not any(folder.path.iterdir()):
            folder.path.rmdir()
    counters = capture.counters
    assert counters is not None
    end = f"The file is full ({size} MB): the capture ended. " if capture.full else ""
    names = ", ".join(str(path) for path in capture.files)
    unseen = f" {capture.unseen} were not shown." if capture.unseen else ""
    said = f"{end}{counters.received} packets captured, {counters.dropped} dropped, in {names}.{unseen}"
    try:
        console.print(Text(visible(said)), soft_wrap=True)
    except BrokenPipeError:  # Ctrl-C has ended the program that our output went through
        Console(stderr=True).print(Text(visible(said)), soft_wrap=True)

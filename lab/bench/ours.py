"""The lab's side, as programs: `python -m lab.bench.ours watch ENGINE PORT`, `read READER FILE`, `dissect HOW FILE`."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from capture.engines import EngineName
from capture.live import open_capture
from capture.readers import native, tshark
from lab.bench.counting import count
from lab.bench.files import PORT
from lab.bench.messages import Tally

if TYPE_CHECKING:
    from capture.dissectors import DissectorName


async def _watch(engine: EngineName, port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tally = Tally()
        async with open_capture(Path(folder) / "watched.pcapng", [port], engine=engine) as capture:
            ended = False
            while not ended and (batch := await capture.batch()):
                for dissection in batch:
                    if dissection.data and tally.take(dissection.data):
                        ended = True
                        break
        tally.report()


def main(arguments: Sequence[str]) -> None:
    """Run the program that is named first."""
    task, how, what = arguments
    if task == "watch":
        asyncio.run(_watch(cast("EngineName", how), int(what)))
    elif task == "dissect":
        from capture.dissectors import dissect  # noqa: PLC0415  (not in the memory of what only reads)

        count(dissect(Path(what), ports={PORT: "data"}, dissector=cast("DissectorName", how)))
    else:
        # of the reader itself: what opens a file for it is measured with the file's own rows
        count((native if how == "native" else tshark).read(Path(what)))


if __name__ == "__main__":
    main(sys.argv[1:])

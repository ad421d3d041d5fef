"""The lab's side, as programs: `python -m lab.bench.ours watch ENGINE PORT` and `… read READER FILE`."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from capture.engines import EngineName
from capture.live import open_capture
from capture.readers import native, tshark
from lab.bench.counting import count
from lab.bench.messages import Tally


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
    else:
        # of the reader itself: what opens a file for it is measured with the file's own rows
        count((native if how == "native" else tshark).read(Path(what)))


if __name__ == "__main__":
    main(sys.argv[1:])

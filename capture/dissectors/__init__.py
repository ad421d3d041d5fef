"""A capture file, frame by frame, as trees of fields: through sharkd, through tshark's PDML, or without any program.

Three ways to the same value, `capture.dissection.Dissection`. sharkd and tshark dissect every protocol there is; our
own code those that a session of the lab is made of. This file knows the names of the dissectors.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from capture.dissection import Dissection
from capture.dissectors.native import dissect as natively
from capture.dissectors.pdml import dissect as through_pdml
from capture.dissectors.profile import Understood
from capture.dissectors.sharkd import dissect as through_sharkd
from capture.files import whole_file
from capture.tools import find

__all__ = ["DissectorName", "Understood", "best_dissector", "dissect"]

DissectorName = Literal["sharkd", "pdml", "native"]


def best_dissector() -> DissectorName:
    """Return the dissector that is taken where none was asked for: the fastest that knows every protocol."""
    if find("sharkd"):
        return "sharkd"
    return "pdml" if find("tshark") else "native"


def dissect(
    path: Path,
    *,
    ports: Mapping[int, Understood],
    keylog: Path | None = None,
    dissector: DissectorName | None = None,
) -> Iterator[Dissection]:
    """Yield each frame of the capture file at `path`, zipped or not, taken apart; in order, and none left out.

    Args:
        path: the capture file.
        ports: what a TCP port carries, whichever side has it: TLS, or bytes of no protocol ("data"). Ports that are not
            named carry what the dissector makes of them.
        keylog: the key log that opens TLS.
        dissector: which one; the best there is unless it is named.

    Raises:
        NotACaptureError: the file is empty or of another kind.
        ToolMissingError: the dissector needs a program that is not installed.
        KeyLogError: the key log cannot be read.
        TornCaptureError: the file ends within a packet or is damaged; raised after everything before it has been
            yielded.
        CaptureError: the file cannot be read, or the program failed.
    """
    name = dissector or best_dissector()
    if name == "native":
        yield from natively(path, ports=ports, keylog=keylog)
        return
    through = through_sharkd if name == "sharkd" else through_pdml
    with whole_file(path) as whole:
        yield from through(whole.path, ports, keylog)
    if whole.torn is not None:
        raise whole.torn

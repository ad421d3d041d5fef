"""The byte explorer in a cell of a notebook: the page's module as an anywidget, and a form without script beside it.

Knows anywidget, which is an optional dependency (`notebook`) and is imported here only. The module is sent along with
the widget: nothing is fetched, and it sets nothing outside its cell.
"""

import contextlib
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from capture.dissectors import best_dissector
from capture.explanations import LANGUAGES, Language
from lab.errors import LabError
from lab.report.frames import frames as packed
from lab.report.glance import connections
from lab.report.making import dissections
from lab.report.page import module, style
from lab.report.source import read_run
from lab.report.static import static
from lab.report.wire import read_wire
from lab.report.words import all_words, words

try:
    from anywidget import AnyWidget
    from traitlets import Dict
except ModuleNotFoundError as error:
    msg = "The explorer in a notebook needs anywidget and JupyterLab: `make notebook` installs both"
    raise LabError(msg) from error


class Explorer(AnyWidget):
    """A widget that shows frames byte for byte; `explore` makes one.

    Attributes:
        data: what the page's module draws.
        html: the same frames as plain HTML.
    """

    _esm = module()
    _css = style()
    data = Dict().tag(sync=True)

    def __init__(self, data: dict[str, Any], html: str) -> None:
        super().__init__(data=data)
        self.html = html

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, about = super()._repr_mimebundle_(**options) or ({}, {})
        return {**bundle, "text/html": self.html}, about


def explore(
    path: Path | str,
    keylog: Path | str | None = None,
    frames: Iterable[int] | None = None,
    language: Language = "en",
) -> Explorer:
    """Return the byte explorer of a capture, to be the last line of a notebook's cell.

    JupyterLab shows it again in a notebook that is opened without its kernel only if it may save the state of widgets
    (Settings, Save Widget State Automatically); others show the form without script there.

    Args:
        path: the capture file, or the folder of a run.
        keylog: the key log that opens TLS; a folder's own where there is one.
        frames: the numbers of the frames to show; all where none are named. A notebook keeps what it shows.
        language: of the form without script; the explorer itself can be switched.

    Raises:
        LabError: there is no capture.
        CaptureError: the capture or the key log cannot be read.
    """
    run = read_run(Path(path), Path(keylog) if keylog is not None else None)
    wire = read_wire(run.capture, run.keys)
    wanted = None if frames is None else frozenset(frames)
    last = max(wanted, default=0) if wanted is not None else None
    with contextlib.closing(dissections(run, wire, best_dissector())) as every:
        needed = every if last is None else itertools.takewhile(lambda one: one.frame <= last, every)
        found = [one for one in needed if wanted is None or one.frame in wanted]
    shown = packed(wire, found)
    data = {
        "languages": list(LANGUAGES),
        "words": all_words(),
        "fields": shown.fields,
        "connections": connections(wire),
        "frames": shown.value,
    }
    return Explorer(data, static(found, words(language, "explorer"), language))

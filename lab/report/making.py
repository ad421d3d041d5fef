"""Makes report.html: a session's files in, the page out, whole or not at all. No other part of the report writes."""

import os
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.dissection import Dissection
from capture.dissectors import DissectorName, Understood, best_dissector, dissect
from capture.errors import TornCaptureError
from capture.explanations import LANGUAGES
from capture.keylog import KeyLog
from capture.output import whole_file
from capture.rights import MEANING, Way
from chat.escape import visible
from lab.errors import LabError
from lab.report.frames import frames
from lab.report.glance import connections
from lab.report.messages import messages
from lab.report.numbers import claims, numbers
from lab.report.page import START, page
from lab.report.source import Run, read_run
from lab.report.story import story
from lab.report.wire import Wire, ports, read_wire
from lab.report.words import all_words


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was written.

    Attributes:
        path: the file.
        problems: what of the session could not be read, a sentence each.
    """

    path: Path
    problems: tuple[str, ...]


def make_report(
    source: Path, target: Path, keylog: Path | None = None, dissector: DissectorName | None = None
) -> Report:
    """Write the report of a session; only its owner may read it, as it holds what the keys have opened.

    Args:
        source: the folder of a run, or a capture file.
        target: where the report is to be; a page that stands there is replaced, and nothing else.
        keylog: the key log, where it is not in the folder.
        dissector: what takes the frames apart; the best there is unless it is named.

    Raises:
        LabError: there is no capture, or the report cannot be written.
        CaptureError: the capture or the key log cannot be read.
    """
    if os.path.lexists(target) and not _is_page(target):
        msg = f"{target} is there already and is no report: choose another name."
        raise LabError(msg)
    run = read_run(source, keylog)
    wire = read_wire(run.capture, run.keys)
    _write(target, page(page_data(run, wire, dissector or best_dissector())))
    return Report(target, _problems(run, wire))


def page_data(run: Run, wire: Wire, dissector: DissectorName) -> dict[str, Any]:
    """Return everything that the page shows.

    Raises:
        CaptureError: the capture cannot be taken apart.
    """
    packed = frames(wire, dissections(run, wire, dissector))
    way = _way(run)
    return {
        "title": visible(run.title),
        "made": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wire.start_ns / 1e9 or None)),
        "file": visible(run.capture.name),
        "way": MEANING[way] if way is not None else None,
        "way_id": way,
        "dissector": dissector,
        "languages": list(LANGUAGES),
        "words": all_words(),
        "fields": packed.fields,
        "messages": messages(wire, run.sent),
        "connections": connections(wire),
        "story": [one for talk in wire.talks if (one := story(wire, talk))["steps"]],
        "numbers": numbers(wire, run.verdict),
        "claims": claims(run.verdict),
        "problems": [visible(problem) for problem in _problems(run, wire)],
        "frames": packed.value,
    }


def _problems(run: Run, wire: Wire) -> tuple[str, ...]:
    # some connections of a scenario are meant to stay closed, and its verdict has said which
    return (*run.problems, *wire.torn, *(() if run.verdict else wire.problems))


def dissections(run: Run, wire: Wire, dissector: DissectorName) -> Generator[Dissection, None, None]:
    """Yield the frames of a capture taken apart, TLS opened as far as the keys go; a torn one up to its tear.

    Raises:
        CaptureError: the capture cannot be taken apart.
    """
    carried: dict[int, Understood] = {port: "tls" if tls else "data" for port, tls in ports(wire).items()}
    # what is torn was said when the capture was read
    with _key_file(run.keys) as keylog, suppress(TornCaptureError):
        yield from dissect(run.capture, ports=carried, keylog=keylog, dissector=dissector)


def _way(run: Run) -> Way | None:
    capture = run.verdict.get("capture")
    way = capture.get("way") if isinstance(capture, dict) else None
    return Way(way) if way in list(Way) else None


@contextmanager
def _key_file(keys: KeyLog | None) -> Iterator[Path | None]:
    """Give all keys in one file, which goes away again: there may be several key logs, or the capture carries them."""
    if keys is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="lab-report-") as folder:  # 0700
        path = Path(folder) / "keys"
        lines = (f"{label} {random.hex()} {secret.hex()}\n" for (label, random), secret in keys.items())
        path.write_text("".join(lines), "ascii")
        yield path


def _is_page(path: Path) -> bool:
    if not path.is_file():  # a device, say
        return False
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(START)) == START.encode("ascii")
    return False


def _write(target: Path, text: str) -> None:
    try:
        with whole_file(target, 0o600) as file:
            file.write(text.encode())
    except OSError as error:
        msg = f"{target} cannot be written: {error.strerror}."
        raise LabError(msg) from error

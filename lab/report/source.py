"""What a report is made from: a run's folder, or a capture file alone. Reads files; does not know what they mean.

A folder may be anybody's: what it holds is data. What cannot be used is named in `problems`, and only a capture that is
missing is an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from capture.errors import CaptureError
from capture.keylog import KeyLog, read_keylog
from capture.secrets import carried_keys
from lab.errors import LabError
from lab.folder import RunFolder
from lab.scenario import Sent

_STAMP = 3  # parts of a folder's name: date, time, what was run


@dataclass(frozen=True, slots=True)
class Run:
    """The files of a session, read.

    Attributes:
        title: what was run, in a word; of a capture file alone its name.
        capture: the capture file.
        keys: all keys there are, None where there are none.
        sent: what was sent over each transport ("plain", "tls"); empty where no transcript of a demo says so.
        verdict: what verdict.json holds; empty where there is none.
        problems: what could not be read, a sentence each.
    """

    title: str
    capture: Path
    keys: KeyLog | None
    sent: Mapping[str, tuple[Sent, ...]]
    verdict: Mapping[str, Any]
    problems: tuple[str, ...]


def newest(parent: Path) -> Path:
    """Return the folder of the latest run below `parent`.

    Raises:
        LabError: there is none.
    """
    captures = [path for path in parent.glob("*/capture*.pcapng") if path.is_file()]  # a ring of files has numbers
    if not captures:
        msg = f"There is no run below {parent} to report on: `make demo` makes one."
        raise LabError(msg)
    return max(captures, key=lambda path: path.stat().st_mtime_ns).parent


def read_run(path: Path, keylog: Path | None = None) -> Run:
    """Return what a run's folder or a capture file holds.

    Args:
        path: the folder, or the file.
        keylog: the key log to open TLS with; else those of the folder, else what the capture carries.

    Raises:
        LabError: there is no capture.
        KeyLogError: the key log given cannot be read.
    """
    folder = RunFolder(path) if path.is_dir() else None
    capture = folder.capture if folder is not None else path
    if not capture.is_file():
        msg = f"There is no run and no capture at {path}."
        if folder is not None:
            msg = f"{path} holds no {capture.name}: it is not the folder of a run; name the capture file itself."
        raise LabError(msg)
    problems: list[str] = []
    if keylog is not None:
        keys: KeyLog | None = read_keylog(keylog)
    else:
        keys = (_keys_in(path, problems) if folder is not None else None) or _carried(capture, problems)
    if folder is None:
        return Run(path.name, capture, keys, {}, {}, tuple(problems))
    sent = _transcript(_json(folder.transcript, problems))
    verdict = _json(folder.verdict, problems)
    return Run(_title(path), capture, keys, sent, verdict, tuple(problems))


def _title(folder: Path) -> str:
    name = folder.resolve().name
    parts = name.split("-", _STAMP - 1)
    return parts[-1] if len(parts) == _STAMP and parts[0].isdigit() else name


def _carried(capture: Path, problems: list[str]) -> KeyLog | None:
    try:
        return carried_keys(capture)
    except CaptureError as error:  # the packets can be read all the same, or reading them says what is wrong
        problems.append(str(error))
        return None


def _keys_in(folder: Path, problems: list[str]) -> KeyLog | None:
    """Return the keys of all key logs of a folder: a scenario leaves one for each side that holds some."""
    found: dict[tuple[str, bytes], bytes] = {}
    for path in sorted(folder.glob("*.keylog")):
        try:
            found.update(read_keylog(path))
        except CaptureError as error:
            problems.append(str(error))
    return MappingProxyType(found) if found else None


def _json(path: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_bytes(), parse_int=_number, parse_float=_number, parse_constant=_number)
    except FileNotFoundError:
        return {}
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror}.")
        return {}
    except (ValueError, RecursionError):
        problems.append(f"{path} is not JSON: the report is made without it.")
        return {}
    return value if isinstance(value, dict) else {}


def _number(text: str) -> float | None:
    """Return a number of JSON that is none of a run's, as 1e999 or NaN, as null: nobody behind can reckon with it."""
    value = float(text)
    if not abs(value) < 1 << 63:
        return None
    return value if set(text) & set(".eE") else int(text)


def _transcript(value: Mapping[str, Any]) -> Mapping[str, tuple[Sent, ...]]:
    """Return the conversation of a demo; scenarios write other things into their transcripts."""
    if not value or not set(value) <= {"plain", "tls"}:
        return {}
    try:
        return {
            transport: tuple(
                # who heard it is asked of the capture
                Sent(int(one["number"]), str(one["who"]), str(one["text"]), (), int(one["time_ns"]))
                for one in messages
            )
            for transport, messages in value.items()
        }
    except (KeyError, TypeError, ValueError):
        return {}

"""Runs the lab's own command line from a cell, and says what kind of run it was.

The command is a child process: a notebook's kernel has an event loop of its own and may not enter a private loopback,
a child has neither trouble. Where the command cannot run here, a recorded run that comes with the lab takes its place,
and is never called anything else.
"""

import html
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from capture.errors import KeyLogError
from capture.keylog import KeyLog, read_keylog
from capture.readers import best_reader, read_segments
from capture.rights import Way
from capture.streams import ByteStream, on_port, reassemble
from chat.escape import visible
from lab.errors import LabError
from lab.folder import RunFolder, make_folder
from lab.notebook import shipped
from lab.notebook.errors import CellError
from lab.scenario import messages as said
from lab.scenario import read_messages

_ROOT = Path(__file__).resolve().parents[2]
LAB: Final = f"PYTHONPATH={shlex.quote(str(_ROOT))} {shlex.quote(sys.executable)} -m lab"
_ANY_PORT = ("--plain-port", "0", "--tls-port", "0")  # a chat that runs already keeps its own
_HEADERS = "The words and bytes are real and yours, the TCP headers around them are not."


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the lab, for a notebook to look at.

    Attributes:
        command: the command line that made it, without what is only for the notebook.
        folder: where its files are.
        verdict: what verdict.json holds.
        live: whether it was made just now; False for a recorded one that comes with the lab.
        made: how it was made, in a sentence or two, for the reader.
    """

    command: str
    folder: Path
    verdict: Mapping[str, Any]
    live: bool
    made: str

    @property
    def capture(self) -> Path:
        """The capture file."""
        return RunFolder(self.folder).capture

    @property
    def keylog(self) -> Path:
        """The key log of its TLS sessions; there is none for plaintext."""
        return RunFolder(self.folder).keylog

    @property
    def keys(self) -> KeyLog:
        """The keys in the key log.

        Raises:
            CellError: there is none.
        """
        try:
            return read_keylog(self.keylog)
        except KeyLogError as error:
            raise CellError(str(error)) from error

    @property
    def sent(self) -> Mapping[str, Any]:
        """What was really sent, as transcript.json has it: of a demo the messages of each chat, "plain" and "tls"."""
        value: Mapping[str, Any] = json.loads(RunFolder(self.folder).transcript.read_text("ascii"))
        return value

    def port(self, transport: str) -> int:
        """Return the server's port in the capture of a demo, of its chat "plain" or "tls".

        Raises:
            CellError: the run has no such chat.
        """
        chats = {} if "scenario" in self.verdict else self.verdict["chats"]
        if transport not in chats:
            msg = f"This run has no chat {transport!r}: `{self.command}` has {', '.join(chats) or 'none of its own'}."
            raise CellError(msg)
        return int(chats[transport]["port"])

    def streams(self, transport: str | None = None) -> tuple[ByteStream, ...]:
        """Return the byte streams of the capture: of one chat of a demo, or all.

        Raises:
            CellError: the run has no such chat.
        """
        found = reassemble(read_segments(self.capture, best_reader()))
        return on_port(found, self.port(transport)) if transport is not None else found

    def _repr_html_(self) -> str:
        colour = "#009E73" if self.live else "#B45F00"
        problems = "".join(f"<br><b>Not as expected:</b> {_safe(problem)}" for problem in _problems(self.verdict))
        return (
            f'<div style="border-left: 4px solid {colour}; padding-left: 0.8em">'
            f"<b>{_safe(self.made)}</b><br><code>{_safe(self.command)}</code><br>"
            f"Its files are in <code>{_safe(str(self.folder))}</code>{problems}</div>"
        )

    def __str__(self) -> str:
        return visible(self.made)


def run(*arguments: str, words: Sequence[str] = ()) -> Run:
    """Run a command of the lab that captures, `run("demo", "plain")` for `python -m lab demo plain`.

    The folder of the run is made in `out/` beside the README, or in the folder that the environment's LAB_OUT names.
    Where LAB_SHIPPED is set, no command runs: a recorded run is shown, the same for a whole class.

    Args:
        arguments: the command line: `demo` or `scenario`, which one, and its options.
        words: what is said, a message each, "alice > hello" or "hello"; the lab's own conversation where there is none.

    Raises:
        CellError: the words cannot be said in the chat, or the command failed and no recorded run is there for it, or
            its files cannot be written.
    """
    place = Path(os.environ.get("LAB_OUT", _ROOT / "out"))
    try:
        place.mkdir(parents=True, exist_ok=True)
        return _made_in(place, arguments, words)
    except OSError as error:
        msg = f"The files of this run cannot be written to {place}: {error.strerror}."
        raise CellError(msg) from error


def _made_in(place: Path, arguments: Sequence[str], words: Sequence[str]) -> Run:
    command = shlex.join(("python", "-m", "lab", *arguments))
    with tempfile.TemporaryDirectory(dir=place, prefix=".notebook-") as new:
        extra: tuple[str, ...] = _ANY_PORT if arguments[:1] == ("demo",) else ()
        if words:
            extra += ("--messages", str(_write_words(Path(new, "words.txt"), words)))
        keep = Path(new, "run")
        if os.environ.get("LAB_SHIPPED"):
            why = "LAB_SHIPPED is set, so nothing is run."
        else:
            why = _run([*arguments, *extra, "--json", "--no-report", "--keep", str(keep)])
        made = next(keep.iterdir(), None) if keep.is_dir() else None
        if made is not None and (made / "verdict.json").is_file():
            target = make_folder(place, made.name.split("-", 2)[-1])
            made.replace(target.path)  # onto an empty folder, which rename(2) allows
            verdict = _verdict(target)
            return Run(command, target.path, verdict, live=True, made=_made(verdict["capture"]))
    recorded = shipped.find(arguments)
    if recorded is None:
        msg = f"{command} did not work, and no recorded run of it comes with the lab: {why}"
        raise CellError(msg)
    target = make_folder(place, f"recorded-{recorded.stem}")
    shipped.unpack(recorded, target)
    told = f"NOT a live run, but a recorded one that comes with the lab (tests/data/runs/{recorded.name}). {why}"
    if words or recorded.stem != "-".join(argument.lstrip("-") for argument in arguments):
        told += " Your own words and options are not in it."
    return Run(command, target.path, _verdict(target), live=False, made=told)


def _write_words(path: Path, words: Sequence[str]) -> Path:
    path.write_text("\n".join(words) + "\n", "utf-8")
    try:
        told = len(said(read_messages(path)))
    except LabError as error:
        raise CellError(str(error).replace(f"{path}", "The list of words")) from error
    if told != len(words):
        msg = f"The list of words has {len(words)} entries but makes {told} messages: an entry is one line of text."
        raise CellError(msg)
    return path


def _run(arguments: Sequence[str]) -> str:
    """Run the lab, and return what it complained of; "" where it did not."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, "-m", "lab", *arguments],
        env=os.environ | {"PYTHONPATH": path},
        cwd=_ROOT,  # where the certificates are, as for `make demo`
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.stderr.decode("utf-8", "backslashreplace").strip()


def _verdict(folder: RunFolder) -> Mapping[str, Any]:
    value: Mapping[str, Any] = json.loads(folder.verdict.read_text("ascii"))
    return value


def _made(capture: Mapping[str, Any]) -> str:
    lost = f", {capture['dropped']} dropped" if capture["dropped"] else ""
    counted = f"{capture['packets']} packets{lost}."
    if capture["way"] == Way.TAP:
        return f"Made just now by the tap, as nothing may capture here: {counted} {_HEADERS}"
    return f"Made just now, {capture['meaning']}: {counted}"


def _problems(verdict: Mapping[str, Any]) -> list[str]:
    found = list(verdict["problems"])
    chats = {} if "scenario" in verdict else verdict["chats"]  # a scenario's verdict is made of claims
    for chat in chats.values():
        for reading in ("without_keys", "with_keys"):
            found += chat.get(reading, {}).get("problems", [])
    if not found and not verdict["as_expected"]:
        found.append("A claim of the scenario did not hold: verdict.json in its folder says which.")
    return found


def _safe(text: str) -> str:
    return html.escape(visible(text))

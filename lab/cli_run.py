"""What the commands that run and capture share: how to capture, where it is kept, and how they end."""

import errno
import shutil
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from capture.errors import CaptureError
from capture.readers import ReaderName
from capture.rights import Choice, choose, private_refusal
from capture.rights import Way as WayOfCapturing
from capture.sources import SourceName, refusal
from certs.contexts import explain
from certs.errors import CertsError
from chat.errors import ChatError
from chat.escape import visible
from lab import private
from lab.errors import LabError
from lab.folder import RunFolder

ERRORS = (LabError, CaptureError, CertsError, ChatError)
INTERRUPTED = 128 + signal.SIGINT

WayName = Literal["auto", "loopback", "private", "tap"]

Reader = Annotated[ReaderName | None, typer.Option(help="What reads the capture. [default: tshark, else native]")]
Way = Annotated[WayName, typer.Option(help="How to capture; auto is the best that `lab doctor` finds.")]
Source = Annotated[SourceName | None, typer.Option(help="Who captures. [default: the first of these that may]")]
Json = Annotated[bool, typer.Option("--json", help="Print the verdict with its evidence as JSON, and nothing else.")]
Keep = Annotated[Path, typer.Option(help="The folder in which this run gets its own.")]


class Failure(Exception):  # noqa: N818  (it is how a command ended, not a mistake in one)
    """Ends a command with an exit status, after it has said why itself."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def sentence(error: BaseException) -> str:
    """Return what an error means, and what to do."""
    cause = error.__cause__
    # the chat cannot know what certificates are for; certs can say what is wrong with one
    if isinstance(error, ChatError) and isinstance(cause, ssl.SSLError):
        return explain(cause)
    if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
        return f"{error} `--plain-port 0 --tls-port 0` takes any that are free."
    return str(error)


def complain(said: str) -> None:
    """Print a sentence where errors go."""
    Console(stderr=True).print(Text(visible(said)), soft_wrap=True)


def choice_of(way: WayName, source: SourceName | None) -> Choice:
    """Return how to capture.

    Raises:
        LabError: it cannot be done in the way that was asked for.
    """
    if source is not None and (way == "loopback" or (way == "auto" and not private.inside())):
        if refused := refusal(source):
            msg = f"The {source} may not capture here ({refused.rstrip('.')}): `python -m lab doctor` says what may."
            raise LabError(msg)
        return Choice(WayOfCapturing.LOOPBACK, "", source)
    if way == "auto":
        return choose(inside=private.inside())
    if way == "private" and not private.inside() and (refused := private_refusal()):
        msg = f"There is no private loopback here: {refused}"
        raise LabError(msg)
    return Choice(WayOfCapturing(way), "", source)


@contextmanager
def kept(folder: RunFolder) -> Iterator[None]:
    """Say what went wrong in a run and where what was captured is; leave no folder behind that holds nothing."""
    try:
        yield
    except (*ERRORS, KeyboardInterrupt) as error:
        stopped = isinstance(error, KeyboardInterrupt)
        said = "Stopped." if stopped else sentence(error)
        if folder.capture.exists() and folder.capture.stat().st_size:
            if str(folder.capture) not in said:
                said += f" What was captured is in {folder.capture}."
        else:
            shutil.rmtree(folder.path)
        complain(said)
        raise Failure(INTERRUPTED if stopped else 1) from error

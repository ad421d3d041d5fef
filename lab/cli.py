"""The command line: `python -m lab`, or `lab` where it is installed. Parses, calls, turns errors into one sentence."""

import errno
import json
import signal
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text
from typer.exceptions import TyperException

from capture import decode as hexes
from capture.errors import CaptureError, MalformedError
from capture.readers import ReaderName, best_reader
from capture.rights import Choice, Way, choose, private_refusal, refusals
from capture.sources import SourceName, refusal
from certs.contexts import explain
from certs.errors import CertsError
from certs.openssl_course import run_course
from certs.store import open_store
from chat.errors import ChatError
from chat.escape import visible
from lab import cli_capture, evidence, pipeline, presentation, private
from lab import doctor as checks
from lab.cli_client import client
from lab.cli_gui import gui
from lab.cli_live import live
from lab.cli_options import CERTIFICATES, PLAIN_PORT, TLS_PORT, Certs, PlainPort, TlsPort
from lab.cli_server import server
from lab.errors import LabError
from lab.fix import cannot, fixes, script
from lab.folder import RunFolder, make_folder
from lab.reading import read_capture
from lab.record import Plan, Transport
from lab.scenario import CONVERSATION, read_messages

_ERRORS = (LabError, CaptureError, CertsError, ChatError)
_INTERRUPTED = 128 + signal.SIGINT
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


_What = Literal["plain", "tls", "both"]
_WayName = Literal["auto", "loopback", "private", "tap"]
_TlsVersion = Literal["1.2", "1.3"]
_TRANSPORTS: dict[_What, tuple[Transport, ...]] = {
    "plain": (Transport.PLAIN,),
    "tls": (Transport.TLS,),
    "both": (Transport.PLAIN, Transport.TLS),
}
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_Messages = Annotated[Path | None, typer.Option(help='Your own words: a UTF-8 file, a message a line, "name > text".')]
_Tls = Annotated[_TlsVersion, typer.Option(help="The TLS version.")]
_Reader = Annotated[ReaderName | None, typer.Option(help="What reads the capture. [default: tshark, else native]")]
_Way = Annotated[_WayName, typer.Option(help="How to capture; auto is the best that `lab doctor` finds.")]
_Source = Annotated[SourceName | None, typer.Option(help="Who captures. [default: the first of these that may]")]
_Json = Annotated[bool, typer.Option("--json", help="Print the verdict with its evidence as JSON, and nothing else.")]
_Keep = Annotated[Path, typer.Option(help="The folder in which this run gets its own.")]

app = typer.Typer(
    help="Run a chat in plaintext and over TLS, capture both, and see what an eavesdropper reads.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
cli_capture.app.command()(live)
app.command()(server)
app.command()(client)
app.command()(gui)
app.add_typer(cli_capture.app, name="capture")


class Failure(Exception):  # noqa: N818  (it is how a command ended, not a mistake in one)
    """Ends a command with an exit status, after it has said why itself."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 as expected, 1 not, 2 wrong usage, 130 stopped with Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = app(args=arguments or ["--help"], prog_name="python -m lab", standalone_mode=False, obj=arguments)
    except Failure as failure:
        return failure.status
    except (typer.Abort, KeyboardInterrupt):
        _complain("Stopped.")
        return _INTERRUPTED
    except _ERRORS as error:
        _complain(_sentence(error))
        return 1
    except BrokenPipeError:  # whoever read our output has seen enough
        _close_output()
        return 1
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _close_output()
        _complain(f"The output cannot be written ({error.strerror}): make room, or send it elsewhere.")
        return 1
    except TyperException as error:  # wrong words on the command line
        said = error.format_message().replace("Value error, ", "").rstrip(".")
        _complain(f"{said}: `python -m lab --help` lists what there is.")
        return 2
    if status == _INTERRUPTED:  # typer turns Ctrl-C into that
        _complain("Stopped.")
        return _INTERRUPTED
    return int(status or 0)


def _close_output() -> None:
    """Give up what could not be written, or Python would try again at its end and complain."""
    with suppress(OSError):
        sys.stdout.close()


def _sentence(error: BaseException) -> str:
    cause = error.__cause__
    # the chat cannot know what certificates are for; certs can say what is wrong with one
    if isinstance(error, ChatError) and isinstance(cause, ssl.SSLError):
        return explain(cause)
    if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
        return f"{error} `--plain-port 0 --tls-port 0` takes any that are free."
    return str(error)


def _complain(sentence: str) -> None:
    Console(stderr=True).print(Text(visible(sentence)), soft_wrap=True)


def _say(text: str) -> None:
    Console(highlight=False).print(Text(text), soft_wrap=True)


@app.command()
def demo(
    context: typer.Context,
    what: Annotated[_What, typer.Argument(help="The plaintext chat, the TLS chat, or both side by side.")] = "both",
    messages: _Messages = None,
    tls: _Tls = "1.3",
    reader: _Reader = None,
    way: _Way = "auto",
    source: _Source = None,
    as_json: _Json = False,
    keep: _Keep = Path("out"),
    plain_port: PlainPort = PLAIN_PORT,
    tls_port: TlsPort = TLS_PORT,
    certificates: Certs = CERTIFICATES,
) -> None:
    """Run a chat, capture it, show what can be read."""
    steps = read_messages(messages) if messages else CONVERSATION
    choice = _choice(way, source)
    if choice.way is Way.PRIVATE and not private.inside():
        private.enter(context.obj)
    plan = Plan(
        transports=_TRANSPORTS[what],
        steps=steps,
        ports={Transport.PLAIN: plain_port, Transport.TLS: tls_port},
        version=_VERSIONS[tls],
        reader=reader or best_reader(),
        choice=choice,
        certificates=certificates,
    )
    console = Console(highlight=False, quiet=as_json)
    folder = make_folder(keep, what)
    with _kept(folder):
        with console.status("The chat runs and is captured …"):
            outcome = pipeline.run(plan, folder)
        verdict = evidence.outcome(outcome)
        folder.write(folder.verdict, verdict)
        if as_json:
            sys.stdout.write(json.dumps(verdict, indent=2) + "\n")
        presentation.show(console, outcome)
    if not outcome.ok:
        raise Failure(1)


def _choice(way: _WayName, source: SourceName | None) -> Choice:
    if source is not None and (way == "loopback" or (way == "auto" and not private.inside())):
        if refused := refusal(source):
            msg = f"The {source} may not capture here ({refused.rstrip('.')}): `python -m lab doctor` says what may."
            raise LabError(msg)
        return Choice(Way.LOOPBACK, "", source)
    if way == "auto":
        return choose(inside=private.inside())
    if way == "private" and not private.inside() and (refused := private_refusal()):
        msg = f"There is no private loopback here: {refused}"
        raise LabError(msg)
    return Choice(Way(way), "", source)


@contextmanager
def _kept(folder: RunFolder) -> Iterator[None]:
    """Say what went wrong in a run and where what was captured is; leave no folder behind that holds nothing."""
    try:
        yield
    except (*_ERRORS, KeyboardInterrupt) as error:
        stopped = isinstance(error, KeyboardInterrupt)
        sentence = "Stopped." if stopped else _sentence(error)
        if folder.capture.exists() and folder.capture.stat().st_size:
            if str(folder.capture) not in sentence:
                sentence += f" What was captured is in {folder.capture}."
        else:
            for file in folder.path.iterdir():
                file.unlink()
            folder.path.rmdir()
        _complain(sentence)
        raise Failure(_INTERRUPTED if stopped else 1) from error


@app.command()
def read(
    capture: Annotated[Path, typer.Argument(help="A capture file: pcap or pcapng, zipped with gzip or not.")],
    keylog: Annotated[
        Path | None, typer.Option(help="The key log of the session, to open its TLS connections.")
    ] = None,
    reader: _Reader = None,
) -> None:
    """Read the chats in a capture file."""
    result = read_capture(capture, reader or best_reader(), keylog)
    presentation.show_reading(Console(highlight=False), result)
    for problem in result.problems:
        _complain(problem)
    if result.problems:
        raise Failure(1)


@app.command()
def decode(
    text: Annotated[str | None, typer.Argument(help="Hex, with colons or without. [default: standard input]")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Write the bytes and nothing else, as `xxd -ps -r` does.")] = False,
) -> None:
    """Turn hex with colons back into bytes and text."""
    try:
        data = hexes.from_hex(_standard_input() if text is None else text)
    except MalformedError as error:
        msg = f"This is not hex: {error}."
        raise LabError(msg) from error
    if raw:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    valid = hexes.valid_utf8(data)
    if not data:
        msg = "There is no hex to decode: give it as an argument, or on standard input."
        raise LabError(msg)
    if valid == len(data):
        _say(f"As text:  {visible(data.decode())}")
    else:
        _say(f"As text:  not UTF-8 from byte {valid} on")
    _say(f"{len(data)} byte{'' if len(data) == 1 else 's'}:\n{hexes.hexdump(data)}")


def _standard_input() -> str:
    if sys.stdin is None:  # closed by whoever started us
        msg = "There is no standard input to read: give the hex as an argument."
        raise LabError(msg)
    return sys.stdin.buffer.read().decode("utf-8", "backslashreplace")


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Print the commands that would help, and run none.")] = False,
) -> None:
    """Say what the lab can do on this machine, and why."""
    choice, refused = choose(inside=private.inside()), refusals()
    if fix:
        _say(script(fixes(choice, refused), cannot(choice)))
        return
    presentation.show_checks(Console(highlight=False), checks.examine(choice, refused))


@app.command()
def certs(
    openssl: Annotated[bool, typer.Option("--openssl", help="Run the course's openssl steps for real.")] = False,
    keep: _Keep = Path("out"),
    certificates: Certs = CERTIFICATES,
) -> None:
    """Make the certificates, or renew them."""
    if not openssl:
        store = open_store(certificates)
        _say(store.renewed)
        _say(
            f"CA:      {store.ca_certificate}\nServer:  {store.server_certificate}\nKey:     {store.server_key} (0600)"
        )
        return
    folder = make_folder(keep, "openssl")
    console = Console(highlight=False)
    for step in run_course(folder.path):
        presentation.show_step(console, step)
    _say(f"\nThe files are in {folder.path}.")

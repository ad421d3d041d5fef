"""The command line: `python -m lab`, or `lab` where it is installed. Parses, calls, turns errors into one sentence."""

import errno
import json
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text
from typer.exceptions import TyperException

from capture import decode as hexes
from capture.errors import MalformedError
from capture.readers import best_reader
from capture.rights import Way as WayOfCapturing
from capture.rights import choose, refusals
from certs.openssl_course import run_course
from certs.store import open_store
from chat.escape import visible
from lab import cli_capture, cli_class, cli_report, evidence, pipeline, presentation, private, shell
from lab import doctor as checks
from lab.cli_client import client
from lab.cli_decrypt import decrypt
from lab.cli_exercise import check, exercise, handin
from lab.cli_grade import grade
from lab.cli_gui import gui
from lab.cli_live import live
from lab.cli_options import CERTIFICATES, PLAIN_PORT, TLS_PORT, Certs, PlainPort, TlsPort
from lab.cli_run import (
    ERRORS,
    INTERRUPTED,
    Failure,
    Json,
    Keep,
    Reader,
    Source,
    Way,
    choice_of,
    complain,
    kept,
    sentence,
)
from lab.cli_scenario import scenario
from lab.cli_server import server
from lab.errors import LabError
from lab.fix import cannot, fixes, script
from lab.folder import make_folder
from lab.identity import issue
from lab.reading import read_capture
from lab.record import Plan, Transport
from lab.scenario import CONVERSATION, read_messages

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


_What = Literal["plain", "tls", "both"]
_TlsVersion = Literal["1.2", "1.3"]
_TRANSPORTS: dict[_What, tuple[Transport, ...]] = {
    "plain": (Transport.PLAIN,),
    "tls": (Transport.TLS,),
    "both": (Transport.PLAIN, Transport.TLS),
}
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_Messages = Annotated[Path | None, typer.Option(help='Your own words: a UTF-8 file, a message a line, "name > text".')]
_Tls = Annotated[_TlsVersion, typer.Option(help="The TLS version.")]

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
app.command()(scenario)
app.command()(decrypt)
app.command()(cli_report.report)
app.command()(exercise)
app.command()(check)
app.command()(handin)
app.command()(grade)
app.add_typer(cli_class.app, name="class")
app.add_typer(cli_capture.app, name="capture")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 as expected, 1 not, 2 wrong usage, 130 stopped with Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = app(args=arguments or ["--help"], prog_name="python -m lab", standalone_mode=False, obj=arguments)
    except Failure as failure:
        return failure.status
    except (typer.Abort, KeyboardInterrupt):
        complain("Stopped.")
        return INTERRUPTED
    except ERRORS as error:
        complain(sentence(error))
        return 1
    except BrokenPipeError:  # whoever read our output has seen enough
        _close_output()
        return 1
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _close_output()
        complain(f"The output cannot be written ({error.strerror}): make room, or send it elsewhere.")
        return 1
    except TyperException as error:  # wrong words on the command line
        said = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".,")
        complain(f"{said}: `python -m lab --help` lists what there is.")
        return 2
    if status == INTERRUPTED:  # typer turns Ctrl-C into that
        complain("Stopped.")
        return INTERRUPTED
    return int(status or 0)


def _close_output() -> None:
    """Give up what could not be written, or Python would try again at its end and complain."""
    with suppress(OSError):
        sys.stdout.close()


def _say(text: str) -> None:
    Console(highlight=False).print(Text(text), soft_wrap=True)


@app.command()
def demo(
    context: typer.Context,
    what: Annotated[_What, typer.Argument(help="The plaintext chat, the TLS chat, or both side by side.")] = "both",
    messages: _Messages = None,
    tls: _Tls = "1.3",
    reader: Reader = None,
    way: Way = "auto",
    source: Source = None,
    as_json: Json = False,
    keep: Keep = Path("out"),
    plain_port: PlainPort = PLAIN_PORT,
    tls_port: TlsPort = TLS_PORT,
    certificates: Certs = CERTIFICATES,
    report: cli_report.WithReport = True,
) -> None:
    """Run a chat, capture it, show what can be read."""
    steps = read_messages(messages) if messages else CONVERSATION
    choice = choice_of(way, source)
    if choice.way is WayOfCapturing.PRIVATE and not private.inside():
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
    with kept(folder):
        with console.status("The chat runs and is captured …"):
            outcome = pipeline.run(plan, folder)
        verdict = evidence.outcome(outcome)
        folder.write(folder.verdict, verdict)
        if as_json:
            sys.stdout.write(json.dumps(verdict, indent=2) + "\n")
        presentation.show(console, outcome)
        if report:
            cli_report.write(console, folder)
    if not outcome.ok:
        raise Failure(1)


@app.command()
def read(
    capture: Annotated[Path, typer.Argument(help="A capture file: pcap or pcapng, zipped with gzip or not.")],
    keylog: Annotated[
        Path | None, typer.Option(help="The key log of the session, to open its TLS connections.")
    ] = None,
    reader: Reader = None,
) -> None:
    """Read the chats in a capture file."""
    result = read_capture(capture, reader or best_reader(), keylog)
    presentation.show_reading(Console(highlight=False), result)
    for problem in result.problems:
        complain(problem)
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
    client: Annotated[
        str | None, typer.Option(help="Make the certificate of a client: the name that it gives in the chat.")
    ] = None,
    openssl: Annotated[bool, typer.Option("--openssl", help="Run the course's openssl steps for real.")] = False,
    keep: Keep = Path("out"),
    certificates: Certs = CERTIFICATES,
) -> None:
    """Make the certificates, or renew them."""
    if client is not None:
        own = issue(certificates, client)
        _say(own.renewed)
        _say(f"Client:  {own.certificate}\nKey:     {own.key} (0600)")
        _say("The server asks for it with --client-certificates. To show it:")
        _say(f"  {shell.client(own.certificate, certificates)}")
        _say(f"  {shell.s_client(certificates / 'ca.pem', TLS_PORT, own.certificate.with_suffix(''))}")
        return
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

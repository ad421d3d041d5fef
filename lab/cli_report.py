"""`lab report`: the page on a session, and what the commands that run one do to have it written at their end."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from capture.errors import CaptureError
from lab.cli_run import Failure, complain, sentence
from lab.errors import LabError
from lab.folder import RunFolder

_SHOWN = 3  # problems in the terminal; a capture may have one for each of its connections

WithReport = Annotated[bool, typer.Option("--report/--no-report", help="Write report.html: every byte, explained.")]


def report(
    source: Annotated[
        Path | None, typer.Argument(help="The folder of a run, or a capture file. [default: the newest run]")
    ] = None,
    keylog: Annotated[
        Path | None, typer.Option(help="The key log of the session. [default: those in the folder]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write. [default: report.html in the folder, or beside the capture]")
    ] = None,
    keep: Annotated[Path, typer.Option(help="The folder in which the runs are.")] = Path("out"),
) -> None:
    """Write the page that explains every byte of a session."""
    from lab.report.making import make_report  # noqa: PLC0415  (slow to import, and only who writes a report needs it)
    from lab.report.source import newest  # noqa: PLC0415

    chosen = newest(keep) if source is None else source
    target = out or (RunFolder(chosen).report if chosen.is_dir() else chosen.with_name(f"{chosen.name}.report.html"))
    console = Console(highlight=False)
    with console.status("The report is written …"):
        made = make_report(chosen, target, keylog)
    show(console, made.path)
    for problem in made.problems[:_SHOWN]:
        complain(problem)
    if len(made.problems) > _SHOWN:
        complain(f"And {len(made.problems) - _SHOWN} more: the report names them all.")
    if made.problems:
        raise Failure(1)


def show(console: Console, path: Path) -> None:
    """Print where a report is."""
    console.print(Text(f"Report: {path} (open it in a browser; it needs no network)"), soft_wrap=True)


def write(console: Console, folder: RunFolder) -> None:
    """Write the report of a run that has just ended and say where it is. One that cannot be written loses nothing."""
    from lab.report.making import make_report  # noqa: PLC0415  (as above)

    try:
        with console.status("The report is written …"):
            make_report(folder.path, folder.report)
    except (LabError, CaptureError, OSError) as error:  # OSError: no room for temporary files
        complain(f"There is no report: {sentence(error)}")
    else:
        show(console, folder.report)

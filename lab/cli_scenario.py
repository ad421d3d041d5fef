"""`lab scenario`: one of the scenarios, from the prediction to the verdict."""

import json
import secrets
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from capture.readers import best_reader
from capture.rights import Way as WayOfCapturing
from lab import cli_report, private
from lab.cli_run import Failure, Json, Keep, Reader, Source, Way, choice_of, kept
from lab.errors import LabError
from lab.folder import make_folder
from lab.scenario import CONVERSATION, read_messages
from lab.scenarios import page
from lab.scenarios.shape import Setting

Name = Literal["keys", "mitm", "leaks", "fakes", "tamper", "mutual"]


def scenario(
    context: typer.Context,
    name: Annotated[Name, typer.Argument(help="Which one; the README has a page on each.")],
    messages: Annotated[
        Path | None, typer.Option(help='Your own words: a UTF-8 file, a message a line, "name > text".')
    ] = None,
    predict: Annotated[
        bool | None, typer.Option(help="Ask what you expect before it runs. [default: in a terminal]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draw the same as an earlier run. [default: a fresh one]")
    ] = None,
    reader: Reader = None,
    way: Way = "auto",
    source: Source = None,
    as_json: Json = False,
    keep: Keep = Path("out"),
    report: cli_report.WithReport = True,
) -> None:
    """Run a scenario on keys, trust or leaks; predict first, then see."""
    from lab.scenarios.catalogue import SCENARIOS  # noqa: PLC0415  (slow to import, and only this command needs it)

    chosen = SCENARIOS[name]
    if messages is not None and not chosen.own_words:
        msg = f"The scenario {name} has words of its own: leave --messages out."
        raise LabError(msg)
    steps = read_messages(messages) if messages is not None else CONVERSATION
    choice = choice_of(way, source)
    if choice.way is WayOfCapturing.PRIVATE and not private.inside():
        private.enter(context.obj)
    console = Console(highlight=False, quiet=as_json)
    page.show_setting(console, chosen, choice)
    ask = predict if predict is not None else not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    predicted = page.ask(console, chosen.questions) if ask else {}
    folder = make_folder(keep, name)
    drawn = secrets.randbits(32) if seed is None else seed
    setting = Setting(folder, choice, reader or best_reader(), steps, drawn)
    with kept(folder):
        with console.status("It runs and is captured …"):
            result = chosen.run(setting)
        judgement = chosen.judge(result)
        verdict = page.evidence(chosen, setting, judgement, predicted)
        folder.write(folder.verdict, verdict)
        if as_json:
            sys.stdout.write(json.dumps(verdict, indent=2) + "\n")
        else:
            chosen.show(console, result)
            page.show_verdict(console, chosen, setting, judgement, predicted)
        if report:
            cli_report.write(console, folder)
    if not judgement.ok:
        raise Failure(1)

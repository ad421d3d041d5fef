"""`lab exercise`, `lab check`, `lab handin`: what a student does in their folder."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from capture.rights import MEANING
from capture.rights import Way as WayOfCapturing
from lab import private
from lab.cli_run import Failure, Way, choice_of

Number = Annotated[int, typer.Argument(metavar="number from 1 to 16", help="Which exercise.", show_default=False)]
_Again = Annotated[bool, typer.Option("--again", help="Make another, even if there are answers to the last.")]
_In = Annotated[Path, typer.Option("--in", help="Your folder.", show_default="the one you are in")]


def exercise(
    context: typer.Context, number: Number, way: Way = "auto", folder: _In = Path(), again: _Again = False
) -> None:
    """Make the live run of an exercise: its capture, and what else it needs."""
    from lab.exercises.desk import find_desk, find_exercise  # noqa: PLC0415  (slow, and only the classroom needs it)
    from lab.exercises.work import CAPTURE  # noqa: PLC0415

    chosen, desk = find_exercise(number), find_desk(folder)
    choice = choice_of(way, None)
    if choice.way is WayOfCapturing.PRIVATE and not private.inside():
        private.enter(context.obj)
    console = Console(highlight=False)
    with console.status("It runs and is captured …"):
        desk.run(chosen, choice, again=again)
    how = f"Captured {MEANING[choice.way]}. " if CAPTURE in chosen.files else ""
    console.print(Text(f"{how}Files: {desk.place(chosen)}"), soft_wrap=True)


def check(number: Number, folder: _In = Path()) -> None:
    """Say what of your work is right, and give a hint for what is not. As often as you like."""
    from lab.exercises import feedback  # noqa: PLC0415  (as above)
    from lab.exercises.desk import find_desk, find_exercise  # noqa: PLC0415

    chosen, desk = find_exercise(number), find_desk(folder)
    judged = desk.check(chosen)
    feedback.show(Console(highlight=False), desk, chosen, judged)
    if judged.points < chosen.points:
        raise Failure(1)


def handin(
    folder: _In = Path(),
    out: Annotated[Path | None, typer.Option(help="The zip to write. [default: ID.zip in your folder]")] = None,
) -> None:
    """Pack all your work into one zip for your teacher."""
    from lab.classroom.packing import pack  # noqa: PLC0415  (as above)
    from lab.exercises.desk import find_desk  # noqa: PLC0415

    desk = find_desk(folder)
    target = out or desk.path / f"{desk.student}.zip"
    names = pack(desk, target)
    Console(highlight=False).print(Text(f"{target}: {len(names)} files. Hand in this one."), soft_wrap=True)

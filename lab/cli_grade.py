"""`lab grade`: a class's hand-ins into a gradebook, a feedback page for each student, a page on the class."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from capture.output import whole_file
from chat.escape import visible
from lab.cli_class import Default, Numbers, Roster, Secret, chosen, secret_of
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.classroom.statistics import ExerciseCount


def grade(
    submissions: Annotated[Path, typer.Argument(help="The folder of the hand-ins: zips or folders named by id.")],
    roster: Roster,
    out: Annotated[Path, typer.Option("--out", "-o", help="The gradebook to write.")] = Path("gradebook.csv"),
    exercise: Numbers = None,
    secret: Secret = None,
    lang: Default = "en",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. [default: one for each core]")] = None,
    dask: Annotated[
        str | None, typer.Option(help="The scheduler of a Dask cluster instead: tcp://… or tls://…")
    ] = None,
    dask_tls: Annotated[
        tuple[Path, Path, Path] | None, typer.Option(help="For tls://: CA, certificate and key, in PEM.")
    ] = None,
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Run students' code as if it were yours, where bubblewrap is missing.")
    ] = False,
) -> None:
    """Grade a class. Stopped with Ctrl-C, the same command goes on where it was."""
    from lab.classroom import executors, pages  # noqa: PLC0415  (slow, and only the classroom needs it)
    from lab.classroom.gradebook import gradebook  # noqa: PLC0415
    from lab.classroom.grading import Kept  # noqa: PLC0415
    from lab.classroom.grading import grade as grade_class  # noqa: PLC0415
    from lab.classroom.handins import find  # noqa: PLC0415
    from lab.classroom.roster import read_roster  # noqa: PLC0415
    from lab.classroom.secret import read_secret  # noqa: PLC0415
    from lab.classroom.statistics import count, to_look_at  # noqa: PLC0415

    folder = out.with_suffix("")
    _check_place(out, folder, submissions, roster)
    exercises = chosen(exercise)
    students = read_roster(roster, lang)
    key = read_secret(secret_of(roster, secret))
    found, strays = find(submissions.absolute(), students)  # workers may be in another folder
    console = Console(highlight=False)
    make = partial(executors.cluster, dask, dask_tls) if dask else partial(executors.processes, workers)
    results = {}

    def write(path: Path, text: str, encoding: str = "utf-8") -> None:
        with whole_file(path, 0o600) as file:
            file.write(text.encode(encoding))

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it has the right answers
        (folder / "results").mkdir(exist_ok=True)
        with Progress(
            TextColumn("graded"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
        ) as progress:
            bar = progress.add_task("", total=len(found))
            for result in grade_class(found, key, make, Kept(folder / "results"), isolated=not trust_code):
                results[result.student] = result.only(exercises)  # all are kept, so that the choice may change
                progress.advance(bar)
        counts = count([results[student.id] for student in students])
        notes = to_look_at(found, strays, results)
        (folder / "feedback").mkdir(exist_ok=True)
        for student in students:
            write(folder / "feedback" / f"{student.id}.html", pages.feedback(student, results[student.id]))
        write(folder / "class.html", pages.summary(students, results, counts, notes))
        write(out, gradebook(students, results), "utf-8-sig")
    except OSError as error:
        msg = f"{folder} cannot hold the results: {error.strerror}."
        raise LabError(msg) from error
    _show(console, counts, notes)
    console.print(
        Text(f"{out}, a page for each student in {folder / 'feedback'}, the class in {folder / 'class.html'}"),
        soft_wrap=True,
    )


def _check_place(out: Path, folder: Path, submissions: Path, roster: Path) -> None:
    """Make sure that neither the gradebook nor its folder gets among what it is made from."""
    if out.suffix != ".csv":
        msg = f"The gradebook is a CSV file: give it a name that ends in .csv, not {out}."
        raise LabError(msg)
    made = (out, *(folder / name for name in ("results", "feedback")))
    if out.resolve() == roster.resolve() or any(path.resolve().is_relative_to(submissions.resolve()) for path in made):
        msg = f"The gradebook {out} would lie among what it is made from: give another place."
        raise LabError(msg)


def _show(console: Console, counts: "Sequence[ExerciseCount]", notes: Sequence[str]) -> None:
    table = Table(Column("exercise", no_wrap=True), "mean", "solved", "not made", "failed most", title="The class")
    for one in counts:
        worst = max(one.steps, key=lambda step: step.failed)
        how = ""
        if worst.mistakes:
            how = f"{worst.step}: {worst.failed}, mostly {worst.mistakes[0][0].replace('_', ' ')}"
        mean = f"{one.mean:.1f}/{one.exercise.points}"
        table.add_row(one.exercise.folder, mean, str(one.solved), str(one.not_made), how)
    console.print(table)
    for note in notes:
        console.print(Text(visible(note)), soft_wrap=True)

"""`lab class`: what a teacher does before a course: bundles for everybody, and exports for learning platforms."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from capture.anatomy_tree import plural
from capture.output import whole_file
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.exercises.exercise import Exercise

app = typer.Typer(help="A course: bundles for everybody, and exports for learning platforms.", no_args_is_help=True)
export = typer.Typer(help="The course for nbgrader or Gradescope; grades for Canvas or Moodle.", no_args_is_help=True)
app.add_typer(export, name="export")

Roster = Annotated[Path, typer.Option(help="CSV with a column id; name, email and language if you like.")]
Secret = Annotated[Path | None, typer.Option(help="The course's secret. [default: course.secret beside the roster]")]
Gradebook = Annotated[Path, typer.Option(help="The gradebook that `lab grade` has written.")]
_To = Annotated[Path, typer.Option("--out", "-o", help="The CSV file to write.", show_default=False)]
Default = Annotated[Literal["en", "es"], typer.Option("--lang", help="Of those for whom the roster names none.")]

Numbers = Annotated[
    list[int] | None,
    typer.Option(
        "--exercise", help="Only the exercise with this number; again for another. [default: all]", show_default=False
    ),
]


def secret_of(roster: Path, secret: Path | None) -> Path:
    """Return where the course's secret is."""
    from lab.classroom.secret import NAME  # noqa: PLC0415  (slow, and only the classroom needs it)

    return secret or roster.with_name(NAME)


def chosen(numbers: Sequence[int] | None) -> "tuple[Exercise[Any], ...]":
    """Return the exercises with these numbers; without any, all.

    Raises:
        LabError: there is no such exercise.
    """
    from lab.exercises.catalogue import EXERCISES  # noqa: PLC0415  (as above)
    from lab.exercises.desk import find_exercise  # noqa: PLC0415

    wanted = [find_exercise(number) for number in numbers or ()]
    return tuple(exercise for exercise in EXERCISES if not wanted or exercise in wanted)


@app.command()
def new(
    roster: Roster,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the bundles.")] = Path("bundles"),
    secret: Secret = None,
    lang: Default = "en",
) -> None:
    """Make a bundle for each student: a zip with tasks and notebooks. The same secret makes the same again."""
    from lab.classroom.bundle import bundle  # noqa: PLC0415  (as above)
    from lab.classroom.roster import read_roster  # noqa: PLC0415
    from lab.classroom.secret import open_secret  # noqa: PLC0415

    students = read_roster(roster, lang)
    kept = secret_of(roster, secret)
    fresh = not kept.exists()
    key = open_secret(kept)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for student in students:
            with whole_file(out / f"{student.id}.zip", 0o600) as file:
                file.write(bundle(key, student))
    except OSError as error:
        msg = f"{out} cannot hold the bundles: {error.strerror}."
        raise LabError(msg) from error
    _say(f"{plural(len(students), 'bundle')} in {out}: give each student theirs and nobody else's.")
    if fresh:
        _say(f"The course's secret is {kept}. Keep it, or nothing can be graded; show it to nobody.")


@export.command()
def nbgrader(
    roster: Roster,
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder for the course.", show_default=False)],
    secret: Secret = None,
    lang: Default = "en",
) -> None:
    """Make a course of nbgrader: its settings, and a source notebook for each exercise."""
    from lab.classroom.nbgrader import write_course  # noqa: PLC0415  (as above)
    from lab.classroom.roster import read_roster  # noqa: PLC0415
    from lab.classroom.secret import read_secret  # noqa: PLC0415

    students, kept = read_roster(roster, lang), secret_of(roster, secret)
    read_secret(kept)  # better now than when the first hand-ins are graded
    write_course(out, students, kept, roster, lang)
    _say(f"A course of nbgrader in {out}. Run nbgrader there, in an environment that has the lab, too.")
    _say("Students put each notebook into the folder of that name in their bundle, and hand in that folder.")


@export.command()
def gradescope(
    roster: Roster,
    out: Annotated[Path, typer.Option("--out", "-o", help="The zip to write.")] = Path("autograder.zip"),
    exercise: Numbers = None,
    secret: Secret = None,
    lang: Default = "en",
    trust_code: Annotated[
        bool,
        typer.Option(
            "--trust-code",
            help="Run students' code even where bubblewrap does not work; it could then read roster and secret.",
        ),
    ] = False,
) -> None:
    """Make an autograder for Gradescope: one assignment, for all exercises or for those that are given."""
    from lab.classroom.gradescope import autograder  # noqa: PLC0415  (as above)
    from lab.classroom.roster import read_roster  # noqa: PLC0415
    from lab.classroom.secret import read_secret  # noqa: PLC0415

    students = read_roster(roster, lang)
    key = read_secret(secret_of(roster, secret))
    _write(out, autograder(chosen(exercise), roster.read_bytes(), key, lang, isolated=not trust_code), roster)
    _say(f"{out} is for Gradescope, and for nobody else: the course's secret and the roster are in it.")
    if unknown := sum(not student.email for student in students):
        _say(f"{unknown} of {len(students)} have no email in the roster: Gradescope knows students by it.")


@export.command()
def canvas(roster: Roster, gradebook: Gradebook, out: _To) -> None:
    """Write grades for Canvas: Grades, Import. With Canvas's own export as the roster it finds everybody."""
    from lab.classroom import platforms  # noqa: PLC0415  (as above)
    from lab.classroom.roster import read_roster  # noqa: PLC0415

    table = platforms.canvas(read_roster(roster, "en"), platforms.read_grades(gradebook))
    _write(out, table.encode(), roster, gradebook)
    _say(f"{out}: import it in Canvas, in the course's Grades.")


@export.command()
def moodle(roster: Roster, gradebook: Gradebook, out: _To) -> None:
    """Write grades for Moodle: Grades, Import, CSV file. You say there whether ID number or email names students."""
    from lab.classroom import platforms  # noqa: PLC0415  (as above)
    from lab.classroom.roster import read_roster  # noqa: PLC0415

    table = platforms.moodle(read_roster(roster, "en"), platforms.read_grades(gradebook))
    _write(out, table.encode(), roster, gradebook)
    _say(f"{out}: import it in Moodle, in the course's Grades; the encoding is UTF-8, the separator a comma.")


def _write(out: Path, data: bytes, *made_from: Path) -> None:
    """Write a file for its owner only: it has the secret, or what somebody earned."""
    if out.resolve() in [path.resolve() for path in made_from]:
        msg = f"{out} is what this is made from: give another name."
        raise LabError(msg)
    try:
        with whole_file(out, 0o600) as file:
            file.write(data)
    except OSError as error:
        msg = f"{out} cannot be written: {error.strerror}."
        raise LabError(msg) from error


def _say(text: str) -> None:
    Console(highlight=False).print(Text(text), soft_wrap=True)

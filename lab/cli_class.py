"""`lab class`: what a teacher does before a course: bundles for everybody, and exports for learning platforms."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from lab.errors import LabError

app = typer.Typer(help="A course: bundles for everybody, and exports for learning platforms.", no_args_is_help=True)

Roster = Annotated[Path, typer.Option(help="CSV with a column id; name, email and language if you like.")]
Secret = Annotated[Path | None, typer.Option(help="The course's secret. [default: course.secret beside the roster]")]
Default = Annotated[Literal["en", "es"], typer.Option("--lang", help="Of those for whom the roster names none.")]


def secret_of(roster: Path, secret: Path | None) -> Path:
    """Return where the course's secret is."""
    from lab.classroom.secret import NAME  # noqa: PLC0415  (slow, and only the classroom needs it)

    return secret or roster.with_name(NAME)


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
            target = out / f"{student.id}.zip"
            fresh_zip = target.with_name(f".{target.name}.new")
            fresh_zip.touch(0o600)
            fresh_zip.write_bytes(bundle(key, student))
            fresh_zip.replace(target)
    except OSError as error:
        msg = f"{out} cannot hold the bundles: {error.strerror}."
        raise LabError(msg) from error
    console = Console(highlight=False)
    console.print(
        Text(f"{len(students)} bundles in {out}: give each student theirs and nobody else's."), soft_wrap=True
    )
    if fresh:
        console.print(
            Text(f"The course's secret is {kept}. Keep it, or nothing can be graded; show it to nobody."),
            soft_wrap=True,
        )

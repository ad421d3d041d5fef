"""The pages that grading leaves: one for each student, one on the class for the teacher. HTML that needs nothing else.

Whatever stands in them is data: names, words, what was handed in. All of it is escaped, and no page has a script.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from chat.escape import visible
from lab.classroom.gradebook import notes_of
from lab.classroom.result import Graded, Result
from lab.classroom.roster import Student
from lab.classroom.statistics import ExerciseCount
from lab.exercises import texts
from lab.exercises.catalogue import EXERCISES
from lab.exercises.feedback import say

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #8886}th:first-child{width:12rem}th:nth-child(2){width:8rem}"
    ".bar{display:block;height:.5rem;background:#2a78b5;min-width:1px}.right{color:#0a7a3c}.wrong{color:#a8480a}"
    "@media(prefers-color-scheme:dark){.right{color:#5fd08f}.wrong{color:#f0a35e}.bar{background:#6db3e8}}"
)
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Feedback for {name}",
        "step": "step",
        "points": "points",
        "feedback": "feedback",
        "problems": "What could not be taken of your hand-in",
    },
    "es": {
        "title": "Comentarios para {name}",
        "step": "paso",
        "points": "puntos",
        "feedback": "comentario",
        "problems": "Lo que no se pudo aceptar de tu entrega",
    },
}


def feedback(student: Student, result: Result) -> str:
    """Return the page for a student: every step, right or with a hint. It holds no right answer, and no other name."""
    words = _WORDS[student.language]
    parts = [f"<h1>{_text(words['title'].format(name=student.name))}</h1>"]
    parts.append(f"<p>{_text(_points(student, result.points, sum(exercise.points for exercise in EXERCISES)))}</p>")
    if result.problems:
        parts += [f"<h2>{_text(words['problems'])}</h2>", _list(result.problems)]
    for exercise, graded in zip(EXERCISES, result.exercises, strict=True):
        parts.append(f"<h2>{_text(exercise.folder)}: {_text(_points(student, graded.points, exercise.points))}</h2>")
        rows = [
            (outcome.step, f"{outcome.points}/{step.points}", _told(student, graded, step.name, outcome.mistake))
            for step, outcome in zip(exercise.steps, graded.outcomes, strict=True)
        ]
        parts.append(_table((words["step"], words["points"], words["feedback"]), rows))
    return _page(student.language, words["title"].format(name=student.name), parts)


def _told(student: Student, graded: Graded, step: str, mistake: str) -> str:
    if not mistake:
        return f'<span class="right">{_text(say(student.language, "right"))}</span>'
    return f'<span class="wrong">{_text(texts.hint(graded.name, step, mistake, student.language))}</span>'


def _points(student: Student, got: int, most: int) -> str:
    return say(student.language, "points", got=got, all=most)


def summary(
    students: Sequence[Student],
    results: Mapping[str, Result],
    counts: Sequence[ExerciseCount],
    notes: Sequence[str],
) -> str:
    """Return the page on the class, for the teacher: it names everybody, and has the right answers.

    Args:
        students: of the roster.
        results: by id.
        counts: of the class.
        notes: on the class as a whole.
    """
    most = sum(exercise.points for exercise in EXERCISES)
    parts = ["<h1>The class</h1>", f"<p>{len(students)} students, {most} points at most.</p>"]
    if notes:
        parts += ["<h2>To look at</h2>", _list(notes)]
    parts.append("<h2>Exercises</h2>")
    overview = []
    details = []
    for c in counts:
        name = _text(c.exercise.folder)
        overview.append((f'<a href="#{name}">{name}</a>', f"{c.mean:.1f}/{c.exercise.points}", str(c.solved)))
        details.append(f'<h3 id="{name}">{name}</h3>')
        rows = []
        for step in c.steps:
            failed = len(results) - step.right
            bar = f'<span class="bar" style="width:{100 * failed / max(1, len(results)):.0f}%"></span>{failed}'
            how = _list(
                f"{number} times: {texts.hint(c.exercise.name, step.step, mistake, 'en')}"
                for mistake, number in step.mistakes
            )
            rows.append((_text(step.step), bar, how))
        details.append(_table(("step", "failed", "how"), rows))
    parts += [_table(("exercise", "mean", "solved by"), overview), *details, "<h2>Students</h2>"]
    parts += [_student(student, results[student.id], most) for student in students]
    return _page("en", "The class", parts)


def _student(student: Student, result: Result, most: int) -> str:
    said = (*result.problems, *notes_of(result))
    rows = [
        (exercise.folder, outcome.step, str(outcome.points), outcome.mistake, outcome.right or graded.problem)
        for exercise, graded in zip(EXERCISES, result.exercises, strict=True)
        for outcome in graded.outcomes
    ]
    titles = ("exercise", "step", "points", "mistake", "right would be, or why that is not known")
    table = _table(titles, ([*map(_text, row)] for row in rows))
    head = f"{_text(student.name)} ({_text(student.id)}): {result.points} of {most}"
    return f"<details><summary>{head}{' ⚠' if said else ''}</summary>{_list(said)}{table}</details>"


def _text(text: str) -> str:
    return escape(visible(text))


def _list(items: Iterable[str]) -> str:
    listed = "".join(f"<li>{_text(item)}</li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else ""


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are HTML already."""
    head = "".join(f'<th scope="col">{_text(title)}</th>' for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _page(language: str, title: str, parts: Iterable[str]) -> str:
    # style-src alone is open: a hand-in that got through the escaping could still run and load nothing
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )

"""The pages that grading leaves: one for each student, one on the class for the teacher. HTML that needs nothing else.

Whatever stands in them is data: names, words, what was handed in. All of it is escaped, and no page has a script.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from capture.anatomy_tree import plural
from capture.explanations import Language
from chat.escape import visible
from lab.classroom.gradebook import notes_of
from lab.classroom.result import Graded, Result
from lab.classroom.roster import Student
from lab.classroom.statistics import ExerciseCount
from lab.exercises import texts
from lab.exercises.exercise import Outcome
from lab.exercises.feedback import say
from lab.problems import sentence

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #8886}th:first-child{width:12rem}th:nth-child(2){width:8rem}"
    "th:nth-child(4):not(:last-child){width:13rem}td:first-child{white-space:nowrap}td ul{margin:0;padding-left:1.2rem}"
    "td:last-child{overflow-wrap:anywhere}"  # bytes in hex have no place to break at
    ".bar{display:block;height:.5rem;background:#2a78b5;min-width:1px}.right{color:#0a7a3c}.wrong{color:#a8480a}"
    "@media(prefers-color-scheme:dark){.right{color:#5fd08f}.wrong{color:#f0a35e}.bar{background:#6db3e8}}"
)
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Feedback for {name}",
        "step": "step",
        "points": "points",
        "feedback": "feedback",
        "problems": "About your hand-in",
    },
    "es": {
        "title": "Comentarios para {name}",
        "step": "paso",
        "points": "puntos",
        "feedback": "comentario",
        "problems": "Sobre tu entrega",
    },
}


def feedback(student: Student, result: Result) -> str:
    """Return the page for a student: every step, right or with a hint. It holds no right answer, and no other name."""
    words = _WORDS[student.language]
    parts = [f"<h1>{_text(words['title'].format(name=student.name))}</h1>"]
    parts.append(f"<p>{_text(_points(student, result.points, result.most))}</p>")
    if result.problems:
        parts += [
            f"<h2>{_text(words['problems'])}</h2>",
            _list(sentence(problem, student.language) for problem in result.problems),
        ]
    for graded in result.exercises:
        exercise = graded.exercise
        parts.append(f"<h2>{_text(exercise.folder)}: {_text(_points(student, graded.points, exercise.points))}</h2>")
        told = [_told(student, graded, outcome) for outcome in graded.outcomes]
        if len(set(told)) == 1 and graded.outcomes[0].mistake:  # one reason for all of them is said once
            parts.append(f"<p>{told[0]}</p>")
            continue
        rows = [
            (step.name, f"{outcome.points}/{step.points}", hint)
            for step, outcome, hint in zip(exercise.steps, graded.outcomes, told, strict=True)
        ]
        parts.append(_table((words["step"], words["points"], words["feedback"]), rows))
    return _page(student.language, words["title"].format(name=student.name), parts)


def _told(student: Student, graded: Graded, outcome: Outcome) -> str:
    if not outcome.mistake:
        return f'<span class="right">{_text(say(student.language, "right"))}</span>'
    return f'<span class="wrong">{_text(_hint(graded.name, outcome, student.language))}</span>'


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
    most = sum(one.exercise.points for one in counts)
    parts = ["<h1>The class</h1>", f"<p>{plural(len(students), 'student')}, {plural(most, 'point')} at most.</p>"]
    if notes:
        parts += ["<h2>To look at</h2>", _list(notes)]
    parts.append("<h2>Exercises</h2>")
    overview = []
    details = []
    for c in counts:
        name = _text(c.exercise.folder)
        overview.append(
            (f'<a href="#{name}">{name}</a>', f"{c.mean:.1f}/{c.exercise.points}", *map(str, (c.solved, c.not_made)))
        )
        details.append(f'<h3 id="{name}">{name}</h3>')
        rows = []
        for step in c.steps:
            bar = f'<span class="bar" style="width:{100 * step.failed / len(results):.0f}%"></span>{step.failed}'
            how = _list(
                f"{plural(number, 'time')}: {texts.hint(c.exercise.name, step.step, mistake, 'en')}"
                for mistake, number in step.mistakes
            )
            rows.append((_text(step.step), bar, str(step.not_made), how))
        details.append(_table(("step", "failed", "not made", "how it failed"), rows))
    parts += [_table(("exercise", "mean", "solved", "not made"), overview), *details, "<h2>Students</h2>"]
    parts += [_student(student, results[student.id]) for student in students]
    return _page("en", "The class", parts)


def _student(student: Student, result: Result) -> str:
    said = notes_of(result)
    rows = [row for graded in result.exercises for row in _rows(graded)]
    titles = ("exercise", "step", "points", "hint", "right would be, or why that is not known")
    table = _table(titles, ([*map(_text, row)] for row in rows))
    head = f"{_text(student.name)} ({_text(student.id)}): {result.points} of {result.most}"
    return f"<details><summary>{head}{' ⚠' if said else ''}</summary>{_list(said)}{table}</details>"


def _rows(graded: Graded) -> Iterator[tuple[str, ...]]:
    """Yield a row for each step; one for all of them where they could not be judged."""
    folder = graded.exercise.folder
    if graded.problem:
        yield folder, "all", str(graded.points), _hint(graded.name, graded.outcomes[0], "en"), graded.problem
        return
    for one in graded.outcomes:
        yield folder, one.step, str(one.points), one.mistake and _hint(graded.name, one, "en"), one.right


def _hint(exercise: str, outcome: Outcome, language: Language) -> str:
    return texts.hint(exercise, outcome.step, outcome.mistake, language)


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

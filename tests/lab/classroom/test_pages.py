"""The pages: in the student's language, without answers, without scripts; the teacher's has both names and answers."""

from dataclasses import replace
from html.parser import HTMLParser

from lab.classroom import pages
from lab.classroom.result import Graded, Result
from lab.classroom.roster import Student
from lab.classroom.statistics import count
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Outcome
from lab.exercises.judge import nothing
from lab.problems import Problem
from tests.lab.classroom.conftest import STUDENTS

EVIL = '<script>alert(1)</script>\x1b[31m"&'


class Page(HTMLParser):
    """What stands in a page: its tags and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.language = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.language = dict(attrs)["lang"] or ""

    def handle_data(self, data: str) -> None:
        self.words += data + "\n"


def result(mistake: str = "wrong", problem: str = "") -> Result:
    exercises = tuple(
        Graded(
            exercise.name,
            0,
            tuple(Outcome(step.name, 0, mistake, f"RIGHT-{EVIL}") for step in exercise.steps),
            problem,
            ("The files are those of bob.",),
        )
        for exercise in EXERCISES
    )
    return Result("ana", exercises, (Problem("large", f"evil.txt {EVIL}"),))


def test_feedback_has_hints_and_no_answers() -> None:
    page = Page(pages.feedback(STUDENTS[0], result()))
    assert page.language == "es"
    assert "Comentarios para Ana Pérez" in page.words
    assert "No es esto." in page.words
    assert "evil.txt" in page.words
    assert "no se ha aceptado: ocupa más de 32 MiB." in page.words
    assert "left out" not in page.words
    assert "RIGHT" not in page.words
    assert "bob" not in page.words
    assert "script" not in page.tags


def test_one_reason_for_all_steps_is_said_once() -> None:
    page = Page(pages.feedback(STUDENTS[0], result("no_handin")))
    assert page.words.count("No se ha entregado nada.") == len(EXERCISES)
    assert "table" not in page.tags


def test_feedback_on_what_is_right() -> None:
    page = Page(pages.feedback(STUDENTS[1], result("")))
    assert page.language == "en"
    assert "Feedback for Bob <b>Bold</b>" in page.words
    assert page.words.count("right\n") == sum(len(exercise.steps) for exercise in EXERCISES)


def test_the_class_has_names_and_answers() -> None:
    ana = STUDENTS[0]
    evil = Student("eve", EVIL, "", "en", {})
    results = {"ana": result(), "eve": result(problem=EVIL)}
    page = Page(pages.summary((ana, evil), results, count(list(results.values())), [EVIL]))
    assert "RIGHT" in page.words
    assert "The files are those of bob." in page.words
    assert "2 students" in page.words
    assert "2 times: This is not it." in page.words
    assert "wrong\n" not in page.words, "a hint, and no code"
    assert "script" not in page.tags
    assert "\x1b" not in page.words


def test_the_class_says_why_nothing_could_be_judged() -> None:
    torn = nothing(EXERCISES[0], "torn", "Torn at byte 9.")
    found = replace(
        result(), exercises=(Graded(EXERCISES[0].name, 0, torn.outcomes, torn.problem), *result().exercises[1:])
    )
    words = Page(pages.summary(STUDENTS[:1], {"ana": found}, count([found]), ())).words
    assert words.count("Torn at byte 9.") == 1, "once, for all steps"
    assert "1 student," in words
    assert "1 time: The capture ends" in words


def test_pages_speak_of_what_was_graded_alone() -> None:
    few = result().only(EXERCISES[3:4])
    for html in (
        pages.feedback(STUDENTS[1], few),
        pages.summary(STUDENTS[:1], {"ana": few}, count([few]), ()),
    ):
        words = Page(html).words
        assert EXERCISES[3].folder in words
        assert EXERCISES[0].folder not in words
        assert f"{EXERCISES[3].points} points" in words


def test_no_page_may_load_or_run_anything() -> None:
    for html in (
        pages.feedback(STUDENTS[0], result()),
        pages.summary(STUDENTS[:1], {"ana": result()}, count([result()]), ()),
    ):
        assert "default-src 'none'" in html
        assert not {"script", "img", "link", "iframe", "form"} & set(Page(html).tags)

import pytest

from lab.errors import LabError
from lab.notebook.predict import predict

OPTIONS = ("all", "some", "none")


@pytest.mark.parametrize(
    ("said", "measured", "right", "words"),
    [
        ("none", "all", False, "✘ Not as you said"),
        ("all", "all", True, "✔ As you said."),
        (" ALL ", "all", True, "✔ As you said."),
        (None, "all", None, "Go back, predict"),
    ],
)
def test_one_of_several(said: str | None, measured: str, right: bool | None, words: str) -> None:
    outcome = predict("How many?", said, OPTIONS).against(measured)
    assert outcome.right is right
    assert f"Measured: <b>all</b><br>{words}" in outcome._repr_html_()


@pytest.mark.parametrize(
    ("said", "right"),
    [(17, True), (17.0, True), (16, False), (None, None)],
)
def test_a_number(said: float | None, right: bool | None) -> None:
    assert predict("How long?", said).against(17).right is right


@pytest.mark.parametrize(("said", "options"), [("most", OPTIONS), (3, OPTIONS), ("17", ())])
def test_what_is_no_answer_is_one_sentence(said: str | int, options: tuple[str, ...]) -> None:
    with pytest.raises(LabError, match=r"^[^\n]+\.$") as caught:
        predict("How many?", said, options)
    assert repr(said) in str(caught.value)


def test_a_measurement_that_is_no_option_is_a_mistake_of_the_notebook() -> None:
    with pytest.raises(LabError, match="none of the options"):
        predict("How many?", None, OPTIONS).against("most")


def test_what_is_shown_is_text() -> None:
    question = "Is <b>bold</b>\x1b[31m?"
    shown = (
        predict(question, None, ("<i>", "no"))._repr_html_()
        + predict(question, "<i>", ("<i>",)).against("<i>")._repr_html_()
    )
    assert "<i>" not in shown
    assert "<b>bold" not in shown
    assert "\x1b" not in shown
    assert "&lt;i&gt;" in shown


def test_the_question_shows_itself_with_or_without_an_answer() -> None:
    assert "Change <code>None</code> above" in predict("How many?", None, OPTIONS)._repr_html_()
    assert "Your prediction: <b>some</b>" in predict("How many?", "some", OPTIONS)._repr_html_()
    assert "nothing yet" in predict("How many?", None, OPTIONS).against("all")._repr_html_()

"""Predict first, then measure: a cell takes the prediction, a later one compares.

A prediction is a value in the cell, for the reader to change; without one a notebook runs all the same. Pure.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from chat.escape import visible
from lab.notebook.errors import CellError

Answer = str | int | float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A prediction beside what was measured.

    Attributes:
        question: what was asked.
        prediction: what the reader said, None for nothing.
        measured: what came out.
        right: whether it is what the reader said; None where nothing was said.
    """

    question: str
    prediction: Answer | None
    measured: Answer
    right: bool | None

    def _repr_html_(self) -> str:
        said = "nothing yet" if self.prediction is None else str(self.prediction)
        mark = {
            None: "Go back, predict, and run this cell again.",
            True: "✔ As you said.",
            False: "✘ Not as you said: find out why before you go on.",
        }[self.right]
        return (
            f'<div style="border-left: 4px solid #0072B2; padding-left: 0.8em">{_safe(self.question)}<br>'
            f"You predicted: <b>{_safe(said)}</b><br>"
            f"Measured: <b>{_safe(str(self.measured))}</b><br>{mark}</div>"
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """A question, and what the reader expects; `predict` makes one.

    Attributes:
        question: what is asked.
        options: what can be answered; empty for a number.
        prediction: what the reader said, None for nothing.
    """

    question: str
    options: tuple[Answer, ...]
    prediction: Answer | None

    def against(self, measured: Answer) -> Outcome:
        """Return the prediction beside what was measured.

        Args:
            measured: what came out; one of the options where there are some.
        """
        if self.options and measured not in self.options:
            msg = f"{measured!r} was measured, which is none of the options: {_listed(self.options)}."
            raise CellError(msg)
        right = None if self.prediction is None else measured == self.prediction
        return Outcome(self.question, self.prediction, measured, right)

    def _repr_html_(self) -> str:
        said = (
            f"Your prediction: <b>{_safe(str(self.prediction))}</b>"
            if self.prediction is not None
            else "Change <code>None</code> above to what you expect, and run the cell again."
        )
        options = f"<br>One of: {_safe(_listed(self.options))}" if self.options else ""
        return (
            '<div style="border-left: 4px solid #0072B2; padding-left: 0.8em">'
            f"<b>Predict first.</b> {_safe(self.question)}{options}<br>{said}</div>"
        )


def predict(question: str, prediction: Answer | None, options: Sequence[Answer] = ()) -> Prediction:
    """Take a prediction; to be the last line of the cell that asks for it.

    Args:
        question: what is asked.
        prediction: what the reader expects, None for nothing yet.
        options: what can be answered; none where a number is asked for.

    Raises:
        CellError: the prediction is none of the options, or no number where one is asked for.
    """
    if isinstance(prediction, str):
        prediction = next((o for o in options if isinstance(o, str) and _same(o, prediction)), prediction)
    if prediction is not None and options and prediction not in options:
        msg = f"{prediction!r} is none of the answers to choose from: {_listed(options)}."
        raise CellError(msg)
    if prediction is not None and not options and not isinstance(prediction, int | float):
        msg = f"{prediction!r} is no number, and a number is asked for: write it without quotation marks."
        raise CellError(msg)
    return Prediction(question, tuple(options), prediction)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.strip().casefold()


def _listed(options: Sequence[Answer]) -> str:
    return ", ".join(repr(option) for option in options)


def _safe(text: str) -> str:
    return html.escape(visible(text))

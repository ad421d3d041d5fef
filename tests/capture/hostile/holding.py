"""What it takes to hold one reading of hostile input against another."""

from collections.abc import Callable
from random import Random
from typing import Any

from capture.errors import MalformedError
from tests.capture.hostile.reference import BadError


class WrongError(AssertionError):
    """An input was read as something it is not, or not as what it is."""


def source(kind: str, seed: int, number: int) -> Random:
    """All that is random in an input."""
    return Random(f"{kind} {seed} {number}")  # noqa: S311  (it is to come out the same again)


def agree(ours: object, theirs: object, what: str) -> None:
    if ours != theirs:
        msg = f"{what}: read {ours!r:.600}, should be {theirs!r:.600}"
        raise WrongError(msg)


def outcome(read: Callable[[], Any], bounds: range | None = None) -> Any:
    """Return what reading gives, or `BadError` for an error of our own, with an offset within `bounds`."""
    try:
        return read()
    except MalformedError as error:
        if bounds is not None and error.offset not in bounds:
            msg = f"the error is said to be at {error.offset}, outside of {bounds}"
            raise WrongError(msg) from error
        return BadError


def second(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except BadError:
        return BadError

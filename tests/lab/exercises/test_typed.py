"""What counts as the same, and what does not."""

import pytest

from lab.exercises.typed import letters_in, plain_digits, same_text, without_separators


@pytest.mark.parametrize("typed", ["1a2b", "1A:2B", "0x1a2b", " 1a 2b\n"])
def test_hex_digits_in_every_dress(typed: str) -> None:
    assert plain_digits(typed) == "1a2b"


@pytest.mark.parametrize(
    ("typed", "same"),
    [("está aquí", True), (" está aquí\n", True), ("est.. aqu..", True), ("esta aqui", False), ("est. aqu.", False)],
)
def test_dots_count_where_bytes_are_not_ascii(typed: str, *, same: bool) -> None:
    assert same_text(typed, "está aquí") is same


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("BA", "AB"),
        ("a, b", "AB"),
        ("A and B", "AB"),
        ("A y B.", "AB"),
        ("ABD and c", "ABCD"),
        ("-", ""),
        ("facade", ""),
    ],
)
def test_letters_are_those_of_words_that_have_no_other(typed: str, named: str) -> None:
    assert letters_in(typed, "ABCD") == set(named)


def test_separators_go_and_nothing_else() -> None:
    assert without_separators("17:03 03:0x") == "1703030x"

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.scenarios.tamper.changes import Flip, OnTheWay, Tampering, Target, Transport
from lab.scenarios.tamper.difference import Difference, Kind, difference

KINDS = {
    Tampering.NONE: Difference(Kind.SAME),
    Tampering.FLIP: Difference(Kind.CHANGED, 3),
    Tampering.REPLAY: Difference(Kind.DOUBLED, 3),
    Tampering.DROP: Difference(Kind.MISSING, 3),
    Tampering.SWAP: Difference(Kind.SWAPPED, 3),
    Tampering.CUT: Difference(Kind.ENDED, 3),
}


@given(st.sampled_from(Tampering), st.lists(st.text("abcdef", min_size=2, max_size=5), min_size=5, unique=True))
def test_the_difference_is_what_was_done(tampering: Tampering, words: list[str]) -> None:
    target = Target(tuple(words), 3, Flip(0, 4))  # a to f become q to v
    change = OnTheWay(Transport.PLAIN, tampering, target)
    passed = change(b"".join(f"{word}\n".encode() for word in ["name", *words])).split(b"\n")[1:-1]
    assert difference([word.encode() for word in words], passed) == KINDS[tampering]


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        ("", Difference(Kind.ENDED, 0)),
        ("abcde", Difference(Kind.SAME)),
        ("abcdee", Difference(Kind.DOUBLED, 4)),
        ("aabcde", Difference(Kind.DOUBLED, 0)),
        ("bcde", Difference(Kind.MISSING, 0)),
        ("bacde", Difference(Kind.SWAPPED, 0)),
        ("abced", Difference(Kind.SWAPPED, 3)),
        ("abcdx", Difference(Kind.CHANGED, 4)),
        ("xbcde", Difference(Kind.CHANGED, 0)),
        ("axcd", Difference(Kind.OTHER, 1)),
        ("abxye", Difference(Kind.OTHER, 2)),
        ("abcdex", Difference(Kind.OTHER, 5)),
        ("adcbe", Difference(Kind.OTHER, 1)),
    ],
)
def test_differences(came: str, expected: Difference) -> None:
    assert difference([b"a", b"b", b"c", b"d", b"e"], [bytes([byte]) for byte in came.encode()]) == expected


def test_in_words() -> None:
    assert str(Difference(Kind.SAME)) == "as it was sent"
    assert str(Difference(Kind.CHANGED, 3)) == "message 4 is another"
    assert str(Difference(Kind.ENDED, 3)) == "nothing comes after message 3"

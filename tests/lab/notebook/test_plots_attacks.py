"""What is drawn, read back from the figures."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.axes import Axes

from capture.segment import Endpoint
from capture.streams import ByteStream, Piece
from lab.notebook import plots_attacks as plots
from lab.notebook.leaking import Padded
from lab.scenarios.fakes.attack_xor import Guess, XorAttack
from lab.scenarios.fakes.attacks import Sealed
from lab.scenarios.leaks.guess import Heard, Tapped
from lab.scenarios.leaks.result import BUCKETS, NONE, Attacked
from lab.scenarios.leaks.score import Score, Scores


def _heights(axis: Axes) -> list[float]:
    return [patch.get_height() for patch in axis.patches]  # type: ignore[attr-defined]


def _points(axis: Axes) -> list[list[float]]:
    points: list[list[float]] = np.asarray(axis.lines[0].get_xydata()).tolist()
    return points


def _sealed(*lines: bytes) -> list[Sealed]:
    data = b"".join(lines)
    end = Endpoint("127.0.0.1", 1)
    made, at = [], 0
    pieces = tuple(Piece(sum(map(len, lines[:n])), len(line), n + 1, 66, n) for n, line in enumerate(lines))
    stream = ByteStream(0, end, end, True, data, pieces, ())
    for number, line in enumerate(lines):
        made.append(Sealed(stream, number, at, at + len(line)))
        at += len(line)
    return made


def _chat(lengths: Sequence[int], times_ms: Sequence[int]) -> Attacked:
    lines = tuple(Heard(0, length, at * 1_000_000, ()) for length, at in zip(lengths, times_ms, strict=True))
    none = Score(0, len(lines), 0.5)
    return Attacked(Tapped((), lines, 17, 0, 1), (), Scores(none, none, none), (), Counter(lengths))


def test_fooled_has_a_bar_for_each() -> None:
    (axis,) = plots.fooled({"one": 7, "other": 0}, most=7).axes
    assert [patch.get_width() for patch in axis.patches] == [7, 0]  # type: ignore[attr-defined]
    assert [text.get_text() for text in axis.texts] == ["7 of 7", "0 of 7"]


def test_lengths_counts_messages_by_length() -> None:
    chats = {NONE: _chat([20, 20, 31], [0, 1, 2]), BUCKETS: _chat([48, 48, 48], [0, 1, 2])}
    figure = plots.lengths(chats)
    assert [_heights(axis) for axis in figure.axes] == [[2, 1], [3]]
    assert [axis.get_title(loc="left") for axis in figure.axes] == [
        "no padding: 2 lengths",
        "multiples of 32: 1 length",
    ]


def test_pauses_are_parted_at_the_limit() -> None:
    (axis,) = plots.pauses(_chat([20] * 5, [0, 5, 35, 41, 80]), 30_000_000).axes
    answers, subjects = axis.containers
    assert sum(bar.get_height() for bar in answers) == 2
    assert sum(bar.get_height() for bar in subjects) == 2
    assert _points(axis)[0][0] == 30


def test_price_compares_with_the_first() -> None:
    (axis,) = plots.price([Padded(1, 34, 0.7, 50.0), Padded(32, 3, 0.06, 75.0)]).axes
    assert _points(axis) == [pytest.approx([1.0, 70]), pytest.approx([1.5, 6])]
    assert [text.get_text() for text in axis.texts] == ["no padding", "multiples of 32"]


def test_spread_is_in_per_cent_of_all_bytes() -> None:
    figure = plots.spread({"one": _sealed(b"\x00\x00\xff", b"\x07")})
    heights = _heights(figure.axes[0])
    assert [(value, height) for value, height in enumerate(heights) if height] == [(0, 50), (7, 25), (255, 25)]
    assert not any(axis.axison for axis in figure.axes[1:])


def test_distances_mark_multiples_of_the_keys_length() -> None:
    guesses = tuple(Guess(length, 5 if length % 3 == 0 else 1, 100) for length in range(1, 8))
    (axis,) = plots.distances(XorAttack(guesses, (), b"key", ())).axes
    assert _heights(axis) == [1, 1, 5, 1, 1, 5, 1]
    assert list(axis.get_xticks()) == [3, 6]
    colours = [patch.get_facecolor() for patch in axis.patches]
    assert colours[2] == colours[5] != colours[0]


def test_blocks_have_a_colour_where_they_repeat() -> None:
    a, b, c = (bytes([value]) * 16 for value in (1, 2, 3))
    (axis,) = plots.blocks(_sealed(a + b, a + c)).axes
    first, single, again, other = (patch.get_facecolor() for patch in axis.patches)
    assert first == again != single
    assert single == other
    assert plots.blocks(_sealed(a), most=1)._repr_png_().startswith(b"\x89PNG")

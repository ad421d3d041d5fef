from datetime import UTC, datetime, timedelta

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from lab.notebook.plots import Plot
from lab.notebook.plots_tls import matrix, to_scale, validity

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DAY = timedelta(days=1)


def bars(figure: Plot) -> list[tuple[float, float, str]]:
    """From where, how long and in which colour."""
    found = [bar for bar in figure.axes[0].patches if isinstance(bar, Rectangle)]
    return [(bar.get_x(), bar.get_width(), to_hex(bar.get_facecolor())) for bar in found]


def days(moment: datetime) -> float:
    """As matplotlib counts them, since 1970."""
    return moment.timestamp() / DAY.total_seconds()


def test_a_certificate_that_is_not_valid_now_looks_otherwise() -> None:
    figure = validity({"old": (NOW - 3 * DAY, NOW - DAY), "good": (NOW - DAY, NOW + 2 * DAY)}, NOW)
    old, good = bars(figure)
    assert old[:2] == (days(NOW - 3 * DAY), 2)
    assert good[:2] == (days(NOW - DAY), 3)
    assert old[2] != good[2]
    assert [bar.get_hatch() for bar in figure.axes[0].patches] == ["//", ""]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["old", "good"]
    assert list(figure.axes[0].lines[0].get_xdata()) == [NOW, NOW]  # type: ignore[arg-type]


def test_each_field_of_the_matrix_says_its_number() -> None:
    figure = matrix(["a", "b"], ["nobody", "thief", "holder"], [[0, 3, 3], [0, 0, 4]], [3, 4])
    said = {(text.get_position()): text.get_text() for text in figure.axes[0].texts}
    assert said[0, 0] == "0 of 3 read"
    assert said[1, 0] == "3 of 3 read"
    assert said[1, 1] == "0 of 4 read"
    assert said[2, 1] == "4 of 4 read"
    shares = figure.axes[0].images[0].get_array()
    assert shares is not None
    assert shares.tolist() == [[0, 1, 1], [0, 0, 1]]


def test_parts_stand_side_by_side_to_scale() -> None:
    figure = to_scale({"header": 5, "words": 30, "type": 1, "tag": 16})
    assert [bar[:2] for bar in bars(figure)] == [(0, 5), (5, 30), (35, 1), (36, 16)]
    assert figure.axes[0].get_xlim() == (0, 52)


@pytest.mark.parametrize(
    "figure",
    [
        validity({"one": (NOW, NOW + DAY)}, NOW),
        matrix(["a"], ["b"], [[0]], [1]),
        to_scale({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}),
    ],
    ids=["validity", "matrix", "to_scale"],
)
def test_they_can_be_drawn(figure: Plot) -> None:
    """What does not fit the layout is a warning of matplotlib's, and so an error here."""
    assert figure._repr_png_().startswith(b"\x89PNG")

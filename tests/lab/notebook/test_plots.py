import struct

import numpy as np
from matplotlib.patches import Rectangle

from lab.notebook.plots import byte_values, over_time

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_bars_are_the_counts() -> None:
    figure = byte_values({"one": b"aab", "all": bytes(range(256))})
    one, every = figure.axes
    bars, others = ([bar for bar in axis.patches if isinstance(bar, Rectangle)] for axis in (one, every))
    assert {bar.get_x() + 0.5: bar.get_height() for bar in bars if bar.get_height()} == {97: 2, 98: 1}
    assert [bar.get_height() for bar in others] == [1] * 256
    assert one.get_title(loc="left") == "one: 3 bytes, 2 of 256 values"


def test_lengths_over_time() -> None:
    (axis,) = over_time({"alice": [(0.0, 17), (1.5, 40)], "bob": []}, time="seconds", length="bytes").axes
    drawn = {line.get_label(): [tuple(point) for point in np.asarray(line.get_xydata())] for line in axis.lines}
    assert drawn == {"alice": [(0.0, 17), (1.5, 40)], "bob": []}
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("seconds", "bytes")
    assert axis.get_ylim()[0] == 0


def test_a_plot_shows_itself() -> None:
    shown = byte_values({"one": b"abc"})._repr_png_()
    assert shown.startswith(PNG)
    width, height = struct.unpack(">II", shown[16:24])
    assert width > height > 100

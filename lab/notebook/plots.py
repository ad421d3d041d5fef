"""Plots that several notebooks draw. Knows matplotlib, which is imported here alone; must not know what is claimed."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#E69F00", "#009E73", "#555555"
COLOURS = (_BLUE, _ORANGE, _GREEN, _GREY)  # told apart by all (Okabe and Ito)
_WIDE = 9.0  # inches
_ROW = 2.0
_VALUES = 256


class Plot(Figure):
    """A figure that shows itself as the last line of a cell, whatever back end matplotlib has."""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png", dpi=110)
        return out.getvalue()


def byte_values(samples: Mapping[str, bytes]) -> Plot:
    """Return how often each byte value comes, a row for each sample, by its name."""
    figure = Plot(figsize=(_WIDE, _ROW * len(samples)), layout="constrained")
    axes = figure.subplots(len(samples), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, data), colour in zip(axes, samples.items(), COLOURS, strict=False):
        counted = Counter(data)
        axis.bar(range(_VALUES), [counted[value] for value in range(_VALUES)], width=1.0, color=colour)
        axis.axhline(len(data) / _VALUES, color=_GREY, linestyle="--", linewidth=1)
        axis.set_title(f"{name}: {len(data):,} bytes, {len(counted)} of 256 values", loc="left", fontsize=11)
        axis.set_ylabel("how often")
    axes[-1].set_xlabel("value of the byte (the dashed line: if every value came equally often)")
    axes[-1].set_xlim(-1, _VALUES)
    axes[-1].set_xticks(range(0, _VALUES + 1, 32))
    return figure


def over_time(rows: Mapping[str, Sequence[tuple[float, int]]], *, time: str, length: str) -> Plot:
    """Return lengths over time, a stem each, in a colour and shape for each name.

    Args:
        rows: by name, pairs of a time and a length.
        time: what the time axis says, with its unit.
        length: what the other axis says, with its unit.
    """
    figure = Plot(figsize=(_WIDE, 3.5), layout="constrained")
    axis = figure.subplots()
    for (name, points), colour, shape in zip(rows.items(), COLOURS, ("o", "s", "^", "D"), strict=False):
        times, lengths = [at for at, _ in points], [size for _, size in points]
        axis.vlines(times, 0, lengths, color=colour, linewidth=1, alpha=0.5)
        axis.plot(times, lengths, shape, color=colour, label=name, markersize=5)
    axis.set_xlabel(time)
    axis.set_ylabel(length)
    axis.set_ylim(bottom=0)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(COLOURS), frameon=False, fontsize=9)
    return figure

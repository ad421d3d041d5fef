"""Plots of the notebooks on certificates, keys and records: when, who reads what, and what a record is made of.

Knows matplotlib. Must not know what is claimed: values in, a figure out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from matplotlib.dates import ConciseDateFormatter

from lab.notebook.plots import COLOURS, Plot

_WIDE = 9.0  # inches
_GOOD, _BAD = "#009E73", "#D55E00"  # told apart by all (Okabe and Ito)


def validity(periods: Mapping[str, tuple[datetime, datetime]], now: datetime) -> Plot:
    """Return from when until when certificates are valid, a bar for each; those that are not valid at `now` hatched."""
    figure = Plot(figsize=(_WIDE, 0.8 + 0.38 * len(periods)), layout="constrained")
    axis = figure.subplots()
    for row, (start, end) in enumerate(periods.values()):
        good = start <= now <= end
        axis.barh(
            row,
            (end - start).total_seconds() / 86_400,  # matplotlib counts in days
            left=start,  # type: ignore[arg-type]  # it takes dates
            height=0.6,
            color=_GOOD if good else _BAD,
            hatch="" if good else "//",
            edgecolor="white",
        )
    axis.axvline(now, color="black", linestyle="--", linewidth=1)  # type: ignore[arg-type]
    axis.set_title(f"valid from, until; the line is now, {now:%Y-%m-%d}", loc="left", fontsize=10)
    axis.set_yticks(range(len(periods)), list(periods))
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(ConciseDateFormatter(axis.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def matrix(rows: Sequence[str], columns: Sequence[str], read: Sequence[Sequence[int]], sent: Sequence[int]) -> Plot:
    """Return who reads how much, a field for each row and column.

    Args:
        rows: their names.
        columns: their names.
        read: for each row how many messages were read, a number for each column.
        sent: for each row how many there were.
    """
    figure = Plot(figsize=(_WIDE, 0.8 + 0.6 * len(rows)), layout="constrained")
    axis = figure.subplots()
    shares = [[number / whole for number in numbers] for numbers, whole in zip(read, sent, strict=True)]
    # from pale to strong in one colour: light and dark are told apart in print, too
    axis.imshow(shares, cmap="Oranges", vmin=0, vmax=1.4, aspect="auto")
    for y, (numbers, whole) in enumerate(zip(read, sent, strict=True)):
        for x, number in enumerate(numbers):
            axis.text(x, y, f"{number} of {whole} read", ha="center", va="center", weight="bold")
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.set_xticks([x - 0.5 for x in range(1, len(columns))], minor=True)
    axis.set_yticks([y - 0.5 for y in range(1, len(rows))], minor=True)
    axis.grid(which="minor", color="white", linewidth=3)
    axis.tick_params(which="minor", length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    return figure


def to_scale(parts: Mapping[str, int]) -> Plot:
    """Return what a row of bytes is made of, drawn to scale.

    Args:
        parts: in their order, by name, how many bytes each has.
    """
    figure = Plot(figsize=(_WIDE, 1.5), layout="constrained")
    axis = figure.subplots()
    left = 0
    for number, (name, length) in enumerate(parts.items()):
        axis.barh(0, length, left=left, color=COLOURS[number % len(COLOURS)], edgecolor="white")
        axis.text(left + length / 2, 0, str(length), ha="center", va="center", color="white", weight="bold")
        axis.text(left + length / 2, 0.5, name, ha="center", va="bottom", fontsize=9)
        left += length
    axis.set_xlim(0, left)
    axis.set_ylim(-0.5, 0.9)
    axis.set_yticks([])
    axis.spines[["top", "left", "right"]].set_visible(False)
    axis.set_xlabel("byte of the record")
    return figure

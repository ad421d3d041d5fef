"""Plots of notebooks 6 to 8: who is fooled, what leaks, what only looks like noise. Must not know what is claimed."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes

from lab.notebook.leaking import Padded
from lab.notebook.plots import COLOURS, Plot
from lab.scenarios.fakes.attack_ecb import cut
from lab.scenarios.fakes.attack_xor import XorAttack
from lab.scenarios.fakes.attacks import Sealed
from lab.scenarios.leaks.result import Attacked, Padding

_BLUE, _ORANGE, _GREEN, _GREY = COLOURS
_PALE = "#BBBBBB"
_VALUES = 256


def _bare(*axes: Axes) -> None:
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)


def fooled(counts: Mapping[str, int], most: int) -> Plot:
    """Return of how many of the `most` false certificates each client accepts, a bar for each."""
    figure = Plot(figsize=(9, 2.4), layout="constrained")
    axis = figure.subplots()
    bars = axis.barh(list(counts), list(counts.values()), color=_ORANGE)
    axis.bar_label(bars, [f"{count} of {most}" for count in counts.values()], padding=5)
    axis.set_xlim(0, most + 0.8)
    axis.invert_yaxis()
    axis.set_xlabel("false certificates that it accepts")
    _bare(axis)
    return figure


def lengths(found: Mapping[Padding, Attacked]) -> Plot:
    """Return how many messages came in records of each length, a row for each chat."""
    figure = Plot(figsize=(9, 4), layout="constrained")
    axes = list(figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0])
    for axis, (padding, chat), colour in zip(axes, found.items(), COLOURS, strict=False):
        axis.bar(list(chat.lengths), list(chat.lengths.values()), width=1.6, color=colour)
        many = len(chat.lengths)
        axis.set_title(f"{padding.words}: {many} length{'' if many == 1 else 's'}", loc="left", fontsize=11)
    figure.supylabel("messages", fontsize=10)
    axes[-1].set_xlabel("bytes in the record, its header left out (tls.record.length)")
    _bare(*axes)
    return figure


def pauses(chat: Attacked, limit_ns: int) -> Plot:
    """Return how long after the message before it each message came, in two colours.

    Args:
        chat: as it was attacked.
        limit_ns: where the attack draws the line between answers and new subjects, nanoseconds.
    """
    times = [line.time_ns for line in chat.tapped.lines]
    gaps = [(after - before) / 1e6 for before, after in itertools.pairwise(times)]
    limit = limit_ns / 1e6
    sides = ([gap for gap in gaps if gap < limit], [gap for gap in gaps if gap >= limit])
    figure = Plot(figsize=(9, 2.6), layout="constrained")
    axis = figure.subplots()
    axis.hist(sides, bins=60, stacked=True, color=[_BLUE, _ORANGE], label=["an answer", "a new subject"])
    axis.axvline(limit, color=_GREY, linestyle="--", linewidth=1)
    axis.set_xlabel(f"milliseconds since the message before (the dashed line: {limit:.0f} ms, found by the attack)")
    axis.set_ylabel("messages")
    axis.legend(fontsize=9)
    _bare(axis)
    return figure


def price(choices: Sequence[Padded]) -> Plot:
    """Return what is still named against what it costs, a point for each padding; costs are compared with the first."""
    cost = [choice.octets / choices[0].octets for choice in choices]
    named = [100 * choice.named for choice in choices]
    figure = Plot(figsize=(9, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.plot(cost, named, "o-", color=_BLUE, linewidth=1)
    for choice, x, y in zip(choices, cost, named, strict=True):
        label = f"multiples of {choice.block}" if choice.block > 1 else "no padding"
        axis.annotate(label, (x, y), (7, 5), textcoords="offset points", fontsize=9)
    axis.set_xlabel("bytes on the wire, compared with the first of the list")
    axis.set_ylabel("messages named, per cent")
    axis.set_ylim(0, 85)
    axis.set_xlim(min(cost) - 0.05, max(cost) * 1.25)
    _bare(axis)
    return figure


def spread(lines: Mapping[str, Iterable[Sealed]]) -> Plot:
    """Return how often each byte value comes in what was sealed, a panel for each chat, all to one scale."""
    figure = Plot(figsize=(11, 5), layout="constrained")
    axes = list(figure.subplots(2, 4, sharex=True, sharey=True).flat)
    for axis, (name, own) in zip(axes, lines.items(), strict=False):
        data = b"".join(line.data for line in own)
        counted = Counter(data)
        axis.bar(range(_VALUES), [100 * counted[value] / len(data) for value in range(_VALUES)], width=1, color=_BLUE)
        axis.axhline(100 / _VALUES, color=_ORANGE, linestyle="--", linewidth=1)
        axis.set_title(f"{name}\n{len(data):,} bytes", fontsize=9)
        axis.set_xticks([0, 64, 128, 192, 255])
    for axis in axes[len(lines) :]:
        axis.set_axis_off()
    figure.supylabel("per cent of all bytes", fontsize=10)
    figure.supxlabel("value of the byte (the dashed line: if every value came equally often)", fontsize=10)
    return figure


def distances(attack: XorAttack) -> Plot:
    """Return how many bytes are equal to the one so far on; multiples of the key's length are in another colour."""
    guesses, length = attack.guesses, len(attack.key or b"")
    multiple = [bool(length) and guess.length % length == 0 for guess in guesses]
    figure = Plot(figsize=(9, 3), layout="constrained")
    axis = figure.subplots()
    axis.bar(
        [guess.length for guess in guesses],
        [100 * guess.rate for guess in guesses],
        color=[_ORANGE if hit else _PALE for hit in multiple],
    )
    axis.axhline(100 / _VALUES, color=_BLUE, linestyle="--", linewidth=1)
    axis.set_xticks([guess.length for guess, hit in zip(guesses, multiple, strict=True) if hit] or [1])
    axis.set_xlabel("distance in bytes (the dashed line: what chance gives)")
    axis.set_ylabel("equal bytes, per cent")
    _bare(axis)
    return figure


def blocks(lines: Sequence[Sealed], most: int = 24) -> Plot:
    """Return the first lines of the ECB chat, block by block: equal blocks have one colour, those seen once are grey.

    Args:
        lines: the sealed lines.
        most: how many are shown, in the order of their times.
    """
    counted = Counter(block for line in lines for block in cut(line.data))
    shown = [cut(line.data) for line in sorted(lines, key=lambda line: line.time_ns)[:most]]
    repeated = list(dict.fromkeys(block for line in shown for block in line if counted[block] > 1))
    palette = colormaps["turbo"]
    colours = {block: palette(number / len(repeated)) for number, block in enumerate(repeated)}
    figure = Plot(figsize=(9, 5), layout="constrained")
    axis = figure.subplots()
    for row, line in enumerate(shown):
        for column, block in enumerate(line):
            axis.barh(row, 0.94, left=column, height=0.8, color=[colours.get(block, _PALE)], alpha=0.6)
            axis.text(column + 0.47, row, f"{block[:4].hex(':')}:…", ha="center", va="center", fontsize=8)
    axis.invert_yaxis()
    axis.set_axis_off()
    return figure

"""Pictures of the leaks for a projector: lengths over time, scores, the price of padding.

Knows matplotlib, which is loaded here alone and only when something is drawn. Must not know what is claimed. Contract:
16:9, large letters, colours that all can tell apart (Okabe and Ito, https://jfly.uni-koeln.de/color/), and never colour
alone.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.scenarios.leaks.guess import Guess, Heard
from lab.scenarios.leaks.result import NONE, Attacked, Padding, Pictures, Result
from lab.scenarios.leaks.score import KINDS
from lab.scenarios.leaks.talk import NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

_INCHES, _DPI = (12.8, 7.2), 150  # 1920 x 1080
_BLUE, _ORANGE, _GREEN, _PURPLE, _GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#555555"
_COLOURS = (_BLUE, _ORANGE, _GREEN)  # of the paddings
_SPEAKERS = ((_BLUE, "o"), (_ORANGE, "s"), (_GREEN, "^"), (_PURPLE, "D"))  # colour and shape
_HATCHES = ("", "//", "..")
_SHOWN = 40  # messages over time: more would not be told apart from the last row of a class
_LETTERS: "dict[RcKeyType, Any]" = {
    "font.size": 18,
    "axes.titlesize": 22,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
}

_Draw = Callable[["Figure", Result, Mapping[Padding, Attacked]], None]


def draw_pictures(result: Result, folder: Path) -> Pictures:
    """Draw the pictures into the folder, as PNG.

    Raises:
        LabError: they cannot be written.
    """
    # of its caches it would tell on the page
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        from matplotlib import rc_context  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
        from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415
    except ImportError:
        return Pictures((), "There are no pictures: matplotlib is not installed here (pip install matplotlib).")
    files = []
    for name, draw in _PICTURES.items():
        with rc_context(_LETTERS):
            figure = Figure(figsize=_INCHES, dpi=_DPI, layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15))
            draw(figure, result, result.attacked)
            path = folder / name
            try:
                figure.savefig(path)
            except OSError as error:
                msg = f"{path} cannot be written: {error.strerror}."
                raise LabError(msg) from error
        files.append(path)
    return Pictures(tuple(files))


def _lengths(figure: "Figure", _: Result, attacked: Mapping[Padding, Attacked]) -> None:
    axes: list[Axes] = list(figure.subplots(len(attacked), 1, sharex=True, height_ratios=[3, 1.3, 1.3]))
    for axis, (padding, chat) in zip(axes, attacked.items(), strict=True):
        heard, guesses = chat.tapped.lines[:_SHOWN], chat.guesses[:_SHOWN]
        _over_time(axis, heard, guesses)
        axis.set_title(padding.words, loc="left", fontsize=18)
        low, high = min(line.length for line in heard), max(line.length for line in heard)
        axis.set_ylim(low - 15 - (high - low) * 0.1, high + 15 + (high - low) * 0.1)
    axes[0].legend(
        [chat_name or f"person {place}" for place, chat_name in enumerate(attacked[NONE].names, start=1)],
        ncols=len(NAMES),
        loc="lower right",
        bbox_to_anchor=(1, 1),
        frameon=False,
        handletextpad=0.1,
        columnspacing=1,
    )
    figure.suptitle("One record, one message: its length, its time, its sender", fontsize=22, fontweight="bold")
    figure.supylabel("bytes in the record")
    axes[-1].set_xlabel("seconds; a grey line joins what follows quickly: an answer")


def _over_time(axis: "Axes", heard: tuple[Heard, ...], guesses: tuple[Guess, ...]) -> None:
    seconds = [(line.time_ns - heard[0].time_ns) / 1e9 for line in heard]
    for place, (colour, marker) in enumerate(_SPEAKERS):
        own = [n for n, line in enumerate(heard) if line.speaker == place]
        axis.plot(
            [seconds[n] for n in own],
            [heard[n].length for n in own],
            marker,
            color=colour,
            markersize=11,
            markeredgecolor="white",
            zorder=2,
        )
    for n, said in enumerate(guesses):
        if said.answers:
            axis.plot(seconds[n - 1 : n + 1], [line.length for line in heard[n - 1 : n + 1]], color=_GREY, zorder=1)


def _scores(figure: "Figure", result: Result, attacked: Mapping[Padding, Attacked]) -> None:
    axis = figure.subplots()
    width = 0.8 / len(attacked)
    for number, (padding, chat) in enumerate(attacked.items()):
        right = [pick(chat.scores).right for pick in KINDS.values()]
        places = [kind + (number - (len(attacked) - 1) / 2) * width for kind in range(len(KINDS))]
        bars = axis.bar(
            places,
            right,
            width * 0.92,
            color=_COLOURS[number],
            hatch=_HATCHES[number],
            edgecolor="white",
            label=padding.words,
        )
        # on white, so that the line of the guessing does not cross out a small one
        axis.bar_label(bars, padding=6, fontsize=20, fontweight="bold", bbox={"fc": "white", "ec": "none", "pad": 1})
    for kind, pick in enumerate(KINDS.values()):
        by_chance = pick(result.blind)
        line = axis.hlines(by_chance.expected, kind - 0.47, kind + 0.47, color="black", linewidth=3, linestyle="--")
        (diamond,) = axis.plot(kind + 0.47, by_chance.right, "D", color="black", markersize=11)
    line.set_label("blind guessing, on average")
    diamond.set_label("one blind guess, drawn")
    axis.set_xticks(range(len(KINDS)), list(KINDS), fontsize=22)
    axis.set_ylim(0, len(result.truth) * 1.12)
    axis.set_ylabel(f"right, of {len(result.truth)} messages")
    axis.set_yticks(range(0, len(result.truth) + 1, 50))
    axis.set_title("What is read without any key, from lengths, connections and times", loc="left", pad=20)
    figure.legend(ncols=3, loc="outside lower center", frameon=False, columnspacing=1.2)


def _cost(figure: "Figure", result: Result, attacked: Mapping[Padding, Attacked]) -> None:
    axis = figure.subplots()
    octets = [chat.tapped.octets for chat in attacked.values()]
    bars = axis.barh(
        [padding.words for padding in attacked],
        [count / 1000 for count in octets],
        0.62,
        color=_COLOURS,
        hatch=_HATCHES,
        edgecolor="white",
    )
    labels = []
    for count, chat in zip(octets, attacked.values(), strict=True):
        times = f" = {count / octets[0]:.1f} times" if count != octets[0] else ""
        labels.append(f"{count / 1000:.0f} kB{times}\n{chat.scores.message.right} of {len(result.truth)} named")
    axis.bar_label(bars, labels, padding=10, fontsize=20)
    axis.set_xlim(0, max(octets) / 1000 * 1.45)
    axis.invert_yaxis()
    axis.tick_params("y", labelsize=20, length=0)
    axis.set_xlabel("thousand bytes of TLS for the same conversation, both directions")
    axis.set_title(f"What padding costs: the same {len(result.truth)} messages, three times", loc="left", pad=20)


_PICTURES: dict[str, _Draw] = {"lengths.png": _lengths, "scores.png": _scores, "cost.png": _cost}

"""Runs the comparisons: `python -m lab.bench`. Writes out/bench.json; 1 where a target is missed."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from lab.bench.chatting import chat
from lab.bench.cycles import cycles
from lab.bench.demo import demo
from lab.bench.dissecting import dissecting
from lab.bench.disturbing import disturbing
from lab.bench.figures import FULL, QUICK, Row, Size
from lab.bench.grading import grading
from lab.bench.machine import describe
from lab.bench.opening import opening
from lab.bench.reading import natively, through_tshark
from lab.bench.report import as_json, show
from lab.bench.starting import imports
from lab.bench.watching import calm, flood

_PARTS: Mapping[str, Callable[[Size], list[Row]]] = {
    "live": calm,
    "flood": flood,
    "tshark": through_tshark,
    "native": natively,
    "cycles": cycles,
    "imports": imports,
    "demo": demo,
    "dissect": dissecting,
    "report": opening,
    "grading": grading,
    "chat": chat,
    "disturbing": disturbing,
}
_ALONE = ("chat", "disturbing")  # these take as long as all others together: only where asked for
_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C has ended


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.bench", description="How fast the lab is beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, in about a minute")
    parser.add_argument("--seconds", type=float, help="that a round of the flood lasts")
    parser.add_argument("--only", action="append", choices=_PARTS, help="measure this part only; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("out/bench.json"), help="where the figures go")
    return parser.parse_args(argv)


def measure(parts: Sequence[str], size: Size, progress: Console) -> list[Row]:
    """Return the rows of the parts, saying which one is being measured."""
    rows: list[Row] = []
    for part in parts:
        progress.print(f"measuring: {part} …")
        rows += _PARTS[part](size)
    return rows


def status(rows: Sequence[Row]) -> int:
    """Return 1 where a target is missed, or nothing could be measured."""
    missed = any(row.met is False for row in rows)
    return int(missed or not any(row.ours.values for row in rows))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparisons; the exit status is that of `status`, or 130 after Ctrl-C."""
    arguments = _arguments(argv)
    size = QUICK if arguments.quick else FULL
    if arguments.seconds:
        size = replace(size, seconds=arguments.seconds)
    machine = describe()
    try:
        rows = measure(arguments.only or [part for part in _PARTS if part not in _ALONE], size, Console(stderr=True))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing is left running.\n")
        return _INTERRUPTED
    show(rows, machine, Console())
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    content = {"quick": arguments.quick, **as_json(rows, machine)}
    arguments.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return status(rows)


if __name__ == "__main__":
    # what is started ends in the same way as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())

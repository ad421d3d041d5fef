"""The rows as a table for a terminal and as JSON. Measures nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.bench.figures import Row, Side

_NOTHING = "-"


def number(value: float | None) -> str:
    """Return a figure with its first digits; whole numbers, and thousands, as whole numbers."""
    if value is None:
        return _NOTHING
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3}f}"


def show(rows: Sequence[Row], machine: Mapping[str, str | int], console: Console) -> None:
    """Print the comparisons, the ratio to each peer first; what is wanted stands in the column that it is about."""
    table = Table()
    for column, justify in (("ratio", "right"), ("what", "left"), ("figure", "right"), ("least to most", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("rounds", justify="right")
    for row in rows:
        wanted = {"ratio": Text(), "value": Text()}
        verdict = Text()
        if row.target is not None:
            style = {True: "green", False: "bold red", None: "yellow"}[row.met]
            wanted[row.target.of] = Text(f"{row.target.sense} {row.target.limit:g}", style)
            verdict = Text({True: "met", False: "MISSED", None: "not measured"}[row.met], style)
        table.add_row(wanted["ratio"], Text(row.name, "bold"), wanted["value"], verdict)
        table.add_row("", *_cells(row, row.ours))
        for peer in row.peers:
            table.add_row(number(row.ratio(peer)), *_cells(row, peer))
        table.add_section()
    console.print(table)
    console.print(
        "Ratios are ours to theirs. A figure is the median of its rounds, or their sum where something is lost."
    )
    console.print(Text(", ".join(f"{name} {value}" for name, value in machine.items())))


def _cells(row: Row, side: Side) -> tuple[Text, ...]:
    values = side.values
    name = f"  {side.name}: {side.why}" if side.why else f"  {side.name}"
    spread = f"{number(min(values))} to {number(max(values))}" if values else _NOTHING
    return Text(name), Text(number(row.figure(side))), Text(spread), Text(str(len(values)))


def as_json(rows: Sequence[Row], machine: Mapping[str, str | int]) -> dict[str, Any]:
    """Return all that was measured, for `json.dumps`."""
    return {"machine": dict(machine), "rows": [_row(row) for row in rows]}


def _row(row: Row) -> dict[str, Any]:
    target = row.target
    return {
        "name": row.name,
        "target": None if target is None else {"of": target.of, "sense": target.sense, "limit": target.limit},
        "met": row.met,
        "ours": _side(row, row.ours),
        "peers": [{"ratio": row.ratio(peer), **_side(row, peer)} for peer in row.peers],
    }


def _side(row: Row, side: Side) -> dict[str, Any]:
    return {"name": side.name, "figure": row.figure(side), "values": list(side.values), "why": side.why}

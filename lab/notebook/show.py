"""Tables in a cell. Pure; what comes off the wire is made safe to show."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chat.escape import visible

_HEAD = "text-align: left; vertical-align: top; white-space: pre-wrap; padding: 0.2em 0.7em"
_CELL = f"{_HEAD}; overflow-wrap: anywhere"  # a name of a column stays whole, bytes in hex have no place to break


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be the last line of a cell; `table` makes one.

    Attributes:
        head: the name of each column.
        rows: the text of each cell, as safe to show as `chat.escape.visible` makes it.
        more: how many rows were left out.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="{_HEAD}">{html.escape(name)}</th>' for name in self.head)
        body = "".join(
            "<tr>" + "".join(f'<td style="{_CELL}">{html.escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self.rows
        )
        more = f"<p>… and {self.more} more rows.</p>" if self.more else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, most: int = 40, width: int = 160) -> Table:
    """Return a table of anything that has a text.

    Args:
        head: the name of each column.
        rows: the cells of each row; bytes are shown in hex.
        most: rows to show.
        width: characters of a cell to show; what is cut off is marked with "…".
    """
    made = [tuple(_cell(cell, width) for cell in row) for row in rows]
    return Table(tuple(head), tuple(made[:most]), max(0, len(made) - most))


def _cell(value: object, width: int) -> str:
    text = visible(value.hex(" ") if isinstance(value, bytes) else str(value))
    return text if len(text) <= width else text[:width] + "…"

import io
import json

import pytest
from rich.console import Console

from lab.bench.figures import Row, Side, Target
from lab.bench.report import as_json, number, show

ROWS = [
    Row("wire to text, ms", Side("we", (2.0, 4.0, 3.0)), (Side("they", (6.0,)), Side("others", (), "Not there.")),
        Target("value", "≤", 3)),
    Row("packets/s", Side("we", (50_000.0,)), (Side("they", (25_000.0,)),), Target("ratio", "≥", 4)),
    Row("lost", Side("we", (), "No rights."), (Side("they", (3, 4)),), Target("value", "≤", 0), total=True),
]  # fmt: skip


def printed(width: int) -> str:
    out = io.StringIO()
    show(ROWS, {"cores": 2, "kernel": "Linux 6"}, Console(file=out, width=width))
    return out.getvalue()


def test_the_table_shows_ratio_and_what_was_wanted() -> None:
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed(120).splitlines() if "│" in line]
    assert lines == [
        ["", "wire to text, ms", "≤ 3", "met", ""],
        ["", "we", "3", "2 to 4", "3"],
        ["0.500", "they", "6", "6 to 6", "1"],
        ["-", "others: Not there.", "-", "-", "0"],
        ["≥ 4", "packets/s", "", "MISSED", ""],
        ["", "we", "50,000", "50,000 to 50,000", "1"],
        ["2", "they", "25,000", "25,000 to 25,000", "1"],
        ["", "lost", "≤ 0", "not measured", ""],
        ["", "we: No rights.", "-", "-", "0"],
        ["-", "they", "7", "3 to 4", "2"],
    ]
    assert "cores 2, kernel Linux 6" in printed(120)


def test_a_narrow_terminal_loses_no_figure() -> None:
    text = printed(60)
    assert "0.500" in text
    assert "MISSED" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (12.0, "12"),
        (0.12345, "0.123"),
        (0.000221, "0.00022"),
        (1.2345, "1.23"),
        (123.45, "123.5"),
        (1234.5, "1,234"),
    ],
)
def test_figures_have_their_first_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_the_file_holds_every_value() -> None:
    content = json.loads(json.dumps(as_json(ROWS, {"cores": 2})))
    assert content["machine"] == {"cores": 2}
    first, second, third = content["rows"]
    assert first["ours"] == {"name": "we", "figure": 3.0, "values": [2.0, 4.0, 3.0], "why": ""}
    assert [peer["ratio"] for peer in first["peers"]] == [0.5, None]
    assert second["target"] == {"of": "ratio", "sense": "≥", "limit": 4}
    assert [row["met"] for row in (first, second, third)] == [True, False, None]

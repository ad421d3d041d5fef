import io
import statistics
from collections.abc import Callable

import pytest
from rich.console import Console

from capture.rights import refusal
from lab import bench


def test_the_ratio_is_that_of_the_medians() -> None:
    row = bench.Row("x", ours=(3.0, 30.0, 2.0), peer=(1.0, 2.0, 90.0), wanted=3.0)
    assert row.ratio == pytest.approx(statistics.median((3, 30, 2)) / statistics.median((1, 2, 90)))


def test_each_side_is_warmed_once_and_then_timed_in_turn() -> None:
    order: list[str] = []
    row = bench.compare("x", lambda: order.append("ours"), lambda: order.append("peer"), 3.0)
    assert order == ["ours", "peer"] * 6
    assert len(row.ours) == len(row.peer) == 5


def test_the_table_shows_ratio_and_what_was_wanted() -> None:
    out = io.StringIO()
    bench.show([bench.Row("a / b", (2.0,), (1.0,), 3.0)], Console(file=out, width=100))
    assert "2.00" in out.getvalue()
    assert "≤ 3" in out.getvalue()


def test_the_bare_tools_really_carry_the_conversation(
    capfd: pytest.CaptureFixture[str], tool: Callable[[str], str]
) -> None:
    tool("tshark")
    if refusal(tool("dumpcap")) is not None:
        pytest.skip("dumpcap may not capture on loopback for this user, so there is nothing to compare with")
    bench._bare()
    assert "lost" not in capfd.readouterr().err

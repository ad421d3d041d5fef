import dataclasses
from collections.abc import Callable

import pytest

from capture.sources import refusal
from lab.bench import demo
from lab.bench.figures import QUICK
from lab.errors import LabError


def test_time_passes() -> None:
    assert demo.timed(lambda: None) >= 0


@pytest.mark.usefixtures("nothing_left")
def test_the_bare_tools_really_carry_the_conversation(tool: Callable[[str], str]) -> None:
    tool("tshark")
    if refusal("dumpcap") is not None:
        pytest.skip("dumpcap may not capture on loopback for this user, so there is nothing to compare with")
    demo.bare()  # it raises where they lost a message


def test_a_demo_that_cannot_be_measured_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose() -> None:
        raise LabError("It was lost.")

    monkeypatch.setattr(demo, "ours", lose)
    monkeypatch.setattr(demo, "bare", lambda: None)
    (row,) = demo.demo(dataclasses.replace(QUICK, rounds=1))
    assert (row.ours.why, row.met) == ("It was lost.", None)

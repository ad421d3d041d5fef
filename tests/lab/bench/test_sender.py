import socket
from pathlib import Path

import pytest

from lab.bench.messages import numbers
from lab.bench.programs import python, running
from lab.bench.sender import RECEIVED, SENT, counters

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_a_line_leads_to_the_next_kind_of_message() -> None:
    with running("the sender", python("-m", "lab.bench.sender", "1000", "50")) as sender:
        port = int(sender.line())
        sender.say()
        sender.say()
        assert 0.045 <= float(sender.line()) < 30, "50 at 1,000 a second"
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", port)).close()


def test_at_full_speed_it_counts_what_was_sent_and_what_arrived(tmp_path: Path) -> None:
    path = tmp_path / "counters"
    with (
        counters(path) as shared,
        running("the sender", python("-m", "lab.bench.sender", "0", "0", str(path))) as sender,
    ):
        sender.line()
        while shared[RECEIVED] < 1000:
            pass
        assert shared[SENT] >= 1
        sender.say()
        sender.ended()
        assert shared[SENT] == shared[RECEIVED], "all that was sent has arrived in the end"


def test_counters_are_shared(tmp_path: Path) -> None:
    with counters(tmp_path / "x") as one, counters(tmp_path / "x") as other:
        one[SENT], one[RECEIVED] = 2**40, 3
        assert list(other) == [2**40, 3]
    assert numbers([]) == set()

import dataclasses

import pytest

from lab.bench.figures import QUICK
from lab.bench.starting import import_ms, imports
from lab.errors import LabError

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_an_import_takes_time() -> None:
    assert 0 < import_ms("json.tool") < 60_000


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(LabError, match="No module named 'not_there'"):
        import_ms("not_there")


def test_each_is_compared_with_every_peer() -> None:
    rows = imports(dataclasses.replace(QUICK, rounds=1))
    assert [row.ours.name for row in rows] == ["capture.readers.native", "lab.cli"]
    assert {peer.name for row in rows for peer in row.peers} == {"dpkt", "scapy.all", "pyshark"}
    assert all(len(row.ours.values) == 1 for row in rows)

import dataclasses
from pathlib import Path

import pytest

from capture.engines.engine import Dissection
from capture.readers import read_segments


def test_a_dissection_is_a_value(data: Path) -> None:
    (first, second, *_) = read_segments(data / "plain.pcapng", "native")
    dissection = Dissection(first, first.payload)
    assert (dissection.protocol, dissection.info) == ("TCP", "")
    assert dissection == Dissection(first, first.payload) != Dissection(second, second.payload)
    with pytest.raises(dataclasses.FrozenInstanceError):
        dissection.info = "other"  # type: ignore[misc]

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.bench import ours
from lab.bench.files import write_capture


@pytest.mark.parametrize("reader", ["native", "tshark"])
def test_a_reader_reads_the_whole_file(
    reader: str, tmp_path: Path, tool: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    tool("tshark")
    path = write_capture(tmp_path / "a.pcap", 500)
    ours.main(["read", reader, str(path)])
    assert json.loads(capsys.readouterr().out)["packets"] == 500

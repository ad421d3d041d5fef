import os
import stat
from pathlib import Path

import pytest

from capture.dissectors.profile import CAPTURE, profile
from capture.errors import KeyLogError

pytestmark = pytest.mark.usefixtures("no_profile_left")


def test_what_lies_in_it(data: Path) -> None:
    keys = data / "tls13.keys.txt"
    with profile(data / "tls13.pcapng", {12345: "data", 12346: "tls"}, keys) as where:
        assert (where.folder / CAPTURE).samefile(data / "tls13.pcapng")
        assert (where.folder / "decode_as_entries").read_text().splitlines() == [
            "decode_as_entry: tcp.port,12345,(none),Data",
            "decode_as_entry: tcp.port,12346,(none),TLS",
            "decode_as_entry: tls.port,12346,(none),Data",
        ]
        (line,) = [
            line
            for line in (where.folder / "preferences").read_text().splitlines()
            if line.startswith("tls.keylog_file")
        ]
        assert (where.folder / line.partition(": ")[2]).samefile(keys)
        assert stat.S_IMODE(where.folder.stat().st_mode) == 0o700
    assert not where.folder.exists()


def test_a_relative_path(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    with profile(Path("tls13.pcapng"), {}, Path("tls13.keys.txt")) as where:
        assert (where.folder / CAPTURE).samefile("tls13.pcapng")


def test_only_the_profile_is_looked_at(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRESHARK_LOG_LEVEL", "noisy")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere")
    with profile(data / "tls13.pcapng", {}, None) as where:
        folder = str(where.folder)
        assert where.environment["WIRESHARK_CONFIG_DIR"] == where.environment["HOME"] == folder
        assert where.environment["PATH"] == os.environ["PATH"]
        assert not {"WIRESHARK_LOG_LEVEL", "XDG_CONFIG_HOME"} & set(where.environment)


def test_a_key_log_that_is_none(data: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(KeyLogError, match=r"^The key log .* cannot be read: Is a directory\.$"),
        profile(data / "tls13.pcapng", {}, tmp_path),
    ):
        pass

import subprocess
from collections.abc import Callable
from pathlib import Path

from capture.pcapng import enhanced_packet, interface_description, section_header


def test_tshark_reads_what_is_written(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "made.pcapng"
    frames = [bytes(12) + b"\x88\xb5" + bytes(range(size)) for size in (46, 47, 48, 49, 255)]
    times = [0, 1, 1_700_000_003_370370367, 2**63 - 1, 1_700_000_003_000000000]
    blocks = [enhanced_packet(time, frame) for time, frame in zip(times, frames, strict=True)]
    path.write_bytes(section_header("a comment, ¿sí?") + interface_description("a name") + b"".join(blocks))
    rows = tshark(
        path, "-Tfields", *(f"-e{name}" for name in ("frame.time_epoch", "frame.len", "frame.interface_name", "data"))
    )
    assert [row.split("\t") for row in rows] == [
        [f"{time // 10**9}.{time % 10**9:09}", str(len(frame)), "a name", frame[14:].hex()]
        for time, frame in zip(times, frames, strict=True)
    ]


def test_capinfos_shows_the_comment(tmp_path: Path, tool: Callable[[str], str]) -> None:
    path = tmp_path / "made.pcapng"
    path.write_bytes(section_header("four") + interface_description("x"))
    done = subprocess.run(
        [tool("capinfos"), "-k", "-t", str(path)], capture_output=True, text=True, timeout=30, check=True
    )
    assert "four" in done.stdout
    assert "pcapng" in done.stdout

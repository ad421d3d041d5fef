"""`lab capture` as it is typed: what it writes, what it says, and how it ends."""

import stat
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from capture.pcapng import decryption_secrets, enhanced_packet, interface_description, section_header
from lab.cli import main

DATA = Path(__file__).parent.parent / "data"


@dataclass(frozen=True, slots=True)
class Done:
    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "60")

    def run_it(*arguments: str | Path) -> Done:
        status = main(["capture", *map(str, arguments)])
        captured = capfd.readouterr()
        assert captured.err.count("\n") == (1 if status else 0), captured.err
        return Done(status, captured.out, captured.err)

    return run_it


@pytest.fixture
def opened(run: Run, tmp_path: Path) -> Path:
    """A capture with its keys inside."""
    path = tmp_path / "opened.pcapng"
    assert run("save", DATA / "tls13.pcapng", path, "--with-keys", DATA / "tls13.keys.txt").status == 0
    return path


def test_save_with_keys(run: Run, tmp_path: Path, tool: Callable[[str], str]) -> None:
    everything, out = tmp_path / "all.keys", tmp_path / "out.pcapng"
    everything.write_text("".join((DATA / f"{name}.keys.txt").read_text() for name in ("tls12", "tls13")))
    tool("tshark")
    for reader in ("tshark", "native", "scapy"):
        done = run("save", DATA / "tls13.pcapng", out, f"--with-keys={everything}", f"--reader={reader}")
        assert (done.status, done.err) == (0, "")
        assert done.out.splitlines() == [
            f"29 packets saved in {out}, which only you can read.",
            f"5 of the 6 secrets in {everything} went in: those of 1 TLS connection in the capture.",
            "Whoever has the file can read those connections: `python -m lab capture strip-keys` takes the keys out.",
            "In Wireshark: click a packet with Application Data, then the tab Decrypted TLS below.",
        ]
        assert stat.S_IMODE(out.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
        out.unlink()


def test_save_without_keys_says_so(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    done = run("save", DATA / "vlan.pcap", out)
    assert (done.status, out.read_bytes()[:4]) == (0, b"\x0a\x0d\x0d\x0a")
    assert done.out.splitlines()[1] == "No keys were added: --with-keys adds those of a key log."


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("tls12.keys.txt", "No key of the key log, which has 1, belongs to a TLS connection that begins in"),
        ("nowhere", "cannot be read: No such file or directory."),
        ("plain.pcapng", "is not a key log"),
    ],
)
def test_save_with_keys_that_are_none(keys: str, says: str, run: Run, tmp_path: Path) -> None:
    done = run("save", DATA / "tls13.pcapng", tmp_path / "out.pcapng", "--with-keys", DATA / keys)
    assert (done.status, done.out) == (1, "")
    assert says in done.err
    assert not list(tmp_path.iterdir())


def test_strip_keys_proves_it(run: Run, opened: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    done = run("strip-keys", opened, out)
    assert (done.status, done.err) == (0, "")
    assert out.read_bytes() == (DATA / "tls13.pcapng").read_bytes()
    lines = done.out.splitlines()
    assert lines[0] == "1 block of decryption secrets taken out."
    assert f"{out}, read again after it was written:" in lines
    assert "  secrets found, of 5:          0, looked for everywhere as bytes and as hex" in lines
    assert "  packets:                      29, each the same bytes as before" in lines
    still = lines[lines.index("Still in it, for this takes out nothing but keys:") :]
    assert still[1:] == [
        "  addresses, host names, times, and whatever the packets carry in plaintext",
        "  1 comment",
        "  1 block of kind interface statistics",
    ]


@pytest.mark.parametrize("name", ["plain.pcapng", "vlan.pcap"])
def test_strip_keys_where_there_are_none(name: str, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("strip-keys", DATA / name, out)
    assert (done.status, out.read_bytes()) == (0, (DATA / name).read_bytes())
    assert done.out.startswith(
        "There are no decryption secrets in it (a classic pcap file never has any): this is a copy.\n"
    )
    assert "secrets found" not in done.out


def test_strip_keys_that_stand_elsewhere_too(run: Run, tmp_path: Path) -> None:
    capture, out = tmp_path / "in.pcapng", tmp_path / "out.pcapng"
    secret = bytes(range(100, 148))
    line = b"CLIENT_RANDOM " + b"ab" * 32 + b" " + secret.hex().encode()
    packet = enhanced_packet(1, b"mail: " + secret.hex().encode())
    capture.write_bytes(section_header() + decryption_secrets(line) + interface_description() + packet)
    done = run("strip-keys", capture, out)
    assert (done.status, done.out) == (1, "")
    at = capture.read_bytes().rindex(secret.hex().encode())
    assert f"byte {at} (in frame 1); nothing was written." in done.err
    assert not out.exists()


def test_blocks_of_a_thousand_kinds(run: Run, tmp_path: Path) -> None:
    capture = tmp_path / "in.pcapng"
    unknown = b"".join(struct.pack("<III", 0x7000 + number, 12, 12) for number in range(1000))
    capture.write_bytes(section_header() + interface_description() + unknown)
    lines = run("strip-keys", capture, tmp_path / "out.pcapng").out.splitlines()
    assert lines[-1] == "  blocks of 980 more kinds"
    assert lines[-2] == "  1 block of kind unknown (0x00007013)"


def test_a_name_that_would_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "a\x1b[2Jb"
    done = run("strip-keys", DATA / "plain.pcapng", out)
    assert "\x1b" not in done.out
    assert "a\\x1b[2Jb" in done.out


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_export(suffix: str, run: Run, tmp_path: Path) -> None:
    for what, rows in (("segments", 25), ("records", 21)):
        out = tmp_path / f"{what}.{suffix}"
        done = run("export", DATA / "tls13.pcapng", out, "--what", what, "--reader", "native")
        assert (done.status, done.out, done.err) == (0, f"{rows} {what} exported to {out}.\n", "")
        with duckdb.connect() as connection:
            count = connection.execute("SELECT count(*) FROM '" + str(out) + "'").fetchall()  # noqa: S608
        assert count == [(rows,)]
    again = run("export", DATA / "tls13.pcapng", out)
    assert (again.status, again.out) == (1, "")
    assert again.err.endswith("is there already and is not overwritten: choose another name.\n")


def test_a_torn_capture(run: Run, opened: Path, tmp_path: Path) -> None:
    """What there is of it is written, then said is that it is torn, and the end is an error's."""
    torn = tmp_path / "torn.pcapng"
    torn.write_bytes(opened.read_bytes()[:-1001])
    for command, *more in (
        ("save", "out.pcapng"),
        ("save", "out2.pcapng", "--with-keys", DATA / "tls13.keys.txt"),
        ("strip-keys", "out3.pcapng"),
        ("export", "out.csv"),
        ("export", "out.jsonl", "--what", "records"),
    ):
        done = run(command, torn, tmp_path / str(more[0]), *more[1:])
        assert (done.status, (tmp_path / str(more[0])).exists()) == (1, True)
        assert done.err.startswith(f"{torn} is torn: it ends within a packet at byte ")
        assert done.out


def test_records_that_end_early(run: Run, tmp_path: Path) -> None:
    """Both sides' records are cut in the middle: one sentence says it of the first, and how many more there are."""
    content = (DATA / "tls13.pcapng").read_bytes()
    capture = tmp_path / "short.pcapng"
    at, made = 0, []
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        made.append((kind, content[at : at + length]))
        at += length
    packets = [number for number, (kind, _) in enumerate(made) if kind == 6]
    lost = set(packets[12:20])
    capture.write_bytes(b"".join(raw for number, (_, raw) in enumerate(made) if number not in lost))
    done = run("export", capture, tmp_path / "out.csv", "--what=records")
    assert done.status == 1
    assert done.out.endswith(f"records exported to {tmp_path / 'out.csv'}.\n")
    assert "end early: " in done.err
    assert done.err.endswith("So it is with 1 other.\n")


def test_parquet_without_pyarrow(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run("export", DATA / "tls13.pcapng", tmp_path / "out.parquet")
    assert done.err == ("Parquet needs pyarrow, which is not installed: `.venv/bin/pip install pyarrow`.\n")
    assert done.status == 1


def test_wrong_words(run: Run, tmp_path: Path) -> None:
    for arguments in (("save",), ("export", "a", "b", "--what", "packets"), ("strip",)):
        assert run(*arguments).status == 2
    done = run("export", DATA / "tls13.pcapng", tmp_path / "out.xls")
    assert done.status == 1
    assert "end its name in .csv, .jsonl, .parquet." in done.err

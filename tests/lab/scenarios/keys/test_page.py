"""The page of a real run: it can be read at 100 columns, and its shell lines do what it says."""

import io
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lab.scenarios.keys.matrix import Matrix, Means
from lab.scenarios.keys.page import show, with_private_key
from tests.lab.scenarios.keys.conftest import Ran


def page(matrix: Matrix, width: int = 100) -> str:
    out = io.StringIO()
    show(Console(file=out, width=width, highlight=False), matrix)
    return out.getvalue()


@pytest.fixture
def sh(tool: Callable[[str], str]) -> Callable[[str], str]:
    for program in ("tshark", "xxd"):
        tool(program)

    def run(line: str) -> str:
        done = subprocess.run(
            ["sh", "-ec", line], capture_output=True, timeout=60, check=True, env={"PATH": os.environ["PATH"]}
        )
        return done.stdout.decode()

    return run


def test_what_it_says(ran: Ran) -> None:
    text = page(ran.matrix)
    assert text.count("12 of 12  textbook: all") == 5
    assert text.count("0 of 12  textbook: none") == 7
    for row in ran.matrix.rows:
        assert f"{row.kind.name}  port {row.port}, {row.kind.suite}" in text
        for cell in row.cells.values():
            assert str(cell.spans[0]) in text
        for share in row.exchanges[0].shares:
            assert f"{share.spans[0]}: {len(share.data)} bytes" in text
    secrets = ran.matrix.rows[0].recovered[0]
    assert secrets.premaster.hex(":")[:40] in text
    assert secrets.master.hex(":")[:40] in text
    assert text.count("From the stolen key to the words") == 1
    assert "recording" not in text


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits(ran: Ran, width: int) -> None:
    lines = page(ran.matrix, width).splitlines()
    # those to copy are not broken
    assert all(len(line) <= width for line in lines if not line.startswith(" tshark"))


def test_the_lines_do_what_they_say(ran: Ran, sh: Callable[[str], str]) -> None:
    lines = page(ran.matrix).splitlines()
    said = {
        lines[number - 1].split("  (needs")[0].strip(" #"): sh(line)
        for number, line in enumerate(lines)
        if line.startswith(" tshark")
    }
    assert list(said) == [
        "the private key on TLS 1.2, RSA: prints the words",
        "the private key on TLS 1.2, ECDHE: prints nothing",
        "the key log on TLS 1.3, ChaCha20: prints the words",
    ]
    for what, printed in said.items():
        assert [row.text in printed.split("\n") for row in ran.matrix.rows[0].sent] == ["nothing" not in what] * 12, (
            what
        )
        assert ("nothing" not in what) or printed == ""


def test_the_private_key_opens_no_other_session(ran: Ran, sh: Callable[[str], str]) -> None:
    """What the page says of one, tshark says of all."""
    opened = [bool(sh(with_private_key(row.files.capture, row.files.key, row.port))) for row in ran.matrix.rows]
    assert opened == [True, False, False, False]


def test_a_path_that_looks_like_shell(ran: Ran, sh: Callable[[str], str], tmp_path: Path) -> None:
    row = ran.matrix.rows[0]
    nasty = tmp_path / "$(touch owned) `touch owned`; 'a' \"b\" \\ \\x22 & ñ.pem"
    nasty.write_bytes(row.files.key.read_bytes())
    line = with_private_key(row.files.capture, nasty, row.port)
    assert row.sent[0].text in sh(line).split("\n")
    assert list(tmp_path.glob("owned*")) == []


def test_words_are_shown_and_not_obeyed(ran: Ran) -> None:
    row = ran.matrix.rows[0]
    cell = row.cells[Means.STOLEN_KEY]
    first = cell.verdict.findings[0]
    assert first.heard is not None
    hostile = replace(first, heard=replace(first.heard, text="\x1b[2J[bold]hello", who="\x1b[31mann"))
    found = replace(cell.verdict, findings=(hostile, *cell.verdict.findings[1:]))
    changed = replace(row, cells={**row.cells, Means.STOLEN_KEY: replace(cell, verdict=found)})
    text = page(replace(ran.matrix, rows=(changed, *ran.matrix.rows[1:])))
    assert "\x1b" not in text
    assert "[bold]hello" in text


def test_a_recording_is_said_to_be_one(ran: Ran) -> None:
    row = replace(ran.matrix.rows[0], recorded="OpenSSL 9 does not do AES128-GCM-SHA256 here")
    text = " ".join(page(replace(ran.matrix, rows=(row, *ran.matrix.rows[1:]))).split())
    assert "TLS 1.2, RSA is a recording, made on another machine" in text
    assert "OpenSSL 9 does not do AES128-GCM-SHA256 here" in text
    assert "frames of capture.pcapng, a recording" in text


def test_a_cell_that_is_wrong_is_red(ran: Ran) -> None:
    row = ran.matrix.rows[1]
    wrong = replace(row, cells={**row.cells, Means.STOLEN_KEY: row.cells[Means.KEY_LOG]})
    out = io.StringIO()
    console = Console(file=out, width=100, highlight=False, force_terminal=True, color_system="standard")
    show(console, replace(ran.matrix, rows=(ran.matrix.rows[0], wrong, *ran.matrix.rows[2:])))
    assert out.getvalue().count("\x1b[1;31m12 of 12") == 1
    assert out.getvalue().count("\x1b[1;32m12 of 12") == 5

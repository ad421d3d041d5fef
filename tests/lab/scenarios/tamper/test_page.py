import io
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from lab.scenarios.tamper.changes import Tampering, Transport
from lab.scenarios.tamper.judge import Result
from lab.scenarios.tamper.page import alert_line, payloads, show


def page(result: Result, width: int = 100) -> str:
    out = io.StringIO()
    show(Console(file=out, width=width, highlight=False, color_system=None), result)
    return out.getvalue()


def test_the_table_and_the_bit(tampered: Result) -> None:
    text = page(tampered)
    # soft-wrapped lines are there to be copied
    said, _, _ = text.partition("See it yourself")
    assert max(map(len, said.splitlines())) <= 100
    assert text.count("bad_record_mac") >= 8
    cell = tampered.cell(Transport.PLAIN, Tampering.FLIP)
    at = tampered.target.at
    for units in (cell.sent, cell.arrived):
        (span,) = units[at].span(tampered.target.flip.byte, tampered.target.flip.byte + 1)
        assert f"frame {span.frame}, byte {span.first} " in text
    assert text.count(tampered.target.flipped) == 4  # read twice, and twice what the tag has kept from being read
    for cell in tampered.cells:
        if cell.tampering is Tampering.FLIP and cell.transport.is_tls:
            alert = next(alert for alert in cell.alerts if alert.level == 2)
            assert f"bad_record_mac, {alert.spans[0]}" in text


def test_what_the_server_expected(tampered: Result) -> None:
    lines = " ".join(page(tampered).split())
    found = re.findall(r"was sealed as number (\d+), and the server was at number (\d+)", lines)
    # Finished is under other keys, so that the name is record 0 (RFC 8446, section 5.3)
    number = tampered.target.at + 1
    assert [tuple(map(int, pair)) for pair in found] == [
        (number, number + 1),
        (number + 1, number),
        (number + 1, number),
    ]


def test_what_was_captured_is_shown_escaped_and_never_as_markup(tampered: Result) -> None:
    evil = "[red]x[/red]\x1b[31m\u202e"
    target = replace(tampered.target, words=(evil, *tampered.target.words[1:]))
    cells = tuple(
        replace(cell, read=tuple(replace(heard, text=evil) for heard in cell.read)) for cell in tampered.cells
    )
    text = page(replace(tampered, target=target, cells=cells))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"[red]x[/red]\x1b[31m\u202e" in text


@pytest.mark.parametrize("width", [60, 100, 200])
def test_a_run_that_went_wrong_has_a_page_too(tampered: Result, width: int) -> None:
    for empty in ({"alerts": ()}, {"read": ()}, {"end": None}, {"arrived": tampered.cells[0].arrived}):
        cells = tuple(replace(cell, **empty) for cell in tampered.cells)
        assert "See it yourself" in page(replace(tampered, cells=cells), width)
    cells = tuple(replace(cell, arrived=cell.sent) for cell in tampered.cells)
    text = page(replace(tampered, cells=cells), width)
    assert "no bit was flipped" in text
    assert "every record opened" in text


def test_words_that_are_read_are_shown_whoever_refused_them(tampered: Result) -> None:
    flip, drop = (tampered.cell(Transport.PLAIN, tampering) for tampering in (Tampering.FLIP, Tampering.DROP))
    for read, said in (
        (flip.read, tampered.target.flipped),
        (drop.read, f"message {tampered.target.at + 1} is missing"),
    ):
        cells = tuple(
            replace(cell, read=read) if cell.tampering is Tampering.FLIP and cell.transport.is_tls else cell
            for cell in tampered.cells
        )
        text = page(replace(tampered, cells=cells))
        assert "nothing of it" not in text
        assert text.count(f"bob reads    {said}") == (4 if read is flip.read else 2)


def test_another_message_than_was_to_be_changed(tampered: Result) -> None:
    was = tampered.cell(Transport.PLAIN, Tampering.FLIP)
    for number in range(len(tampered.target.words)):
        unit = was.sent[number]
        other = replace(unit, data=bytes([unit.data[0] ^ 1]) + unit.data[1:])
        arrived = (*was.sent[:number], other, *was.sent[number + 1 :])
        cells = tuple(replace(cell, arrived=arrived) if cell is was else cell for cell in tampered.cells)
        (span,) = unit.span(0, 1)
        assert f"frame {span.frame}, byte {span.first} " in page(replace(tampered, cells=cells))


def test_a_goodbye_that_came_or_was_never_said(tampered: Result) -> None:
    was, whole = (tampered.cell(Transport.TLS_1_3, tampering) for tampering in (Tampering.CUT, Tampering.NONE))
    for changes, said in (({"alerts": whole.alerts}, "arrived"), ({"alerts_sent": ()}, "sent no")):
        cells = tuple(replace(cell, **changes) if cell is was else cell for cell in tampered.cells)
        text = " ".join(page(replace(tampered, cells=cells)).split())
        assert "never arrived" not in text
        assert said in text.partition("no alert; alice")[2][:40]


def test_the_lines_run_as_they_are_printed(tampered: Result, tool: Callable[[str], str]) -> None:
    tool("tshark")
    text = page(tampered, 1000)
    plain, tls = (tampered.cell(transport, Tampering.FLIP) for transport in (Transport.PLAIN, Transport.TLS_1_3))
    units = [found[tampered.target.at] for found in (plain.sent, plain.arrived)]
    frames = [unit.spans[0].frame for unit in units]
    port = tls.arrived[0].stream.destination.port
    results = []
    for line in (payloads(tampered.folder, frames), alert_line(tampered.folder, port)):
        assert line in text
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
        results.append([row.split("\t") for row in done.stdout.splitlines()])
    assert [row[0] for row in results[0]] == [str(frame) for frame in frames]
    for row, unit in zip(results[0], units, strict=True):
        assert unit.data in bytes.fromhex(row[1])
    alert = next(alert for alert in tls.alerts if alert.level == 2)
    assert results[1] == [[str(alert.spans[0].frame), "2", "20"]]

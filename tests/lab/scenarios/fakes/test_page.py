import io
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from lab.scenarios.fakes.attack_ctr import CtrAttack
from lab.scenarios.fakes.page import show
from lab.scenarios.fakes.result import BASE64, RELAYED, XOR, Fakes


def page(fakes: Fakes, width: int = 100) -> str:
    out = io.StringIO()
    show(Console(file=out, width=width, highlight=False), fakes)
    return out.getvalue()


def shell_lines(text: str) -> dict[str, str]:
    after = text.partition("See it yourself")[2].splitlines()[1:]
    return {what.strip(" #"): line.strip() for what, line in zip(after[::2], after[1::2], strict=True)}


def test_the_table_has_what_was_measured(faked: Fakes) -> None:
    text = page(faked)
    table = text.partition("└")[0]
    assert table.count("24 of 24") == 5
    assert table.count("0 of 24") == 2
    for row in faked.rows:
        assert row.line.data[:8].hex(":") in table
        assert f"port {row.port}" in table
        assert f"frame {row.line.spans[0].frame}, from byte {row.line.spans[0].first}" in table
    assert "all lines no  p = 0 " in table
    assert max(len(line) for line in text.partition("See it yourself")[0].splitlines()) <= 100


def test_the_lines_to_type_give_what_the_page_says(faked: Fakes, tool: Callable[[str], str]) -> None:
    for program in ("tshark", "xxd", "base64", "openssl", "python3"):
        tool(program)
    found = shell_lines(page(faked))
    secret = next(m.text for m in faked.row(BASE64).messages if any(map(str.isdigit, m.text)))

    def typed(line: str) -> str:
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    assert len(found) == 3
    assert typed(found["base64 undone"]) == secret
    assert typed(found["the repeating key taken off, begun where it stood"]) == f"{secret}\n\n"
    assert len(typed(found["the AES keys, opened with the attacker's RSA key"]).splitlines()) == 4


def test_what_was_not_read_is_not_shown(faked: Fakes) -> None:
    rows = tuple(replace(row, messages=()) for row in faked.rows)
    xor = replace(faked.xor, key=None, cribs=(), reads=())
    ecb = replace(faked.ecb, repeat=None, reads=())
    text = page(replace(faked, rows=rows, xor=xor, ecb=ecb, ctr=CtrAttack((), b"", ())))
    assert "24 of 24" not in text
    assert "bytes, then again" in page(faked)
    assert "bytes, then again" not in text
    assert list(shell_lines(text)) == ["the AES keys, opened with the attacker's RSA key"]


@pytest.mark.parametrize("name", [BASE64, XOR, RELAYED])
def test_captured_words_are_no_commands_to_the_terminal(faked: Fakes, name: str) -> None:
    def evil(fakes: Fakes) -> Fakes:
        row = fakes.row(name)
        message = replace(row.messages[0], text="\x1b[31m [bold]7[/bold] \u202e")
        rows = tuple(replace(r, messages=(message,)) if r.name == name else r for r in fakes.rows)
        return replace(fakes, rows=rows)

    text = page(evil(faked))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]7[/bold]" in text

import io
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from capture.streams import Span
from lab.scenarios.leaks.open import Shown
from lab.scenarios.leaks.page import show
from lab.scenarios.leaks.result import NONE, PADDINGS, Pictures, Result
from lab.scenarios.leaks.talk import NAMES
from tests.lab.scenarios.leaks.leaking import handshakes, result, tapped_in


def page(made: Result, width: int = 100) -> str:
    told = io.StringIO()
    show(Console(width=width, file=told, highlight=False), made)
    return told.getvalue()


def test_the_page_says_what_was_measured() -> None:
    made = result()
    told = page(made)
    for padding, chat in made.attacked.items():
        for score in (chat.scores.message, chat.scores.speaker, chat.scores.answer):
            assert f"{score.right:>3} " in told
        assert padding.words in told
        assert f"{chat.tapped.octets:,}" in told
    first = made.attacked[NONE].tapped.lines[0]
    assert f"{first.spans[0].frame}, {first.spans[0].first}-{first.spans[0].last}" in told
    assert all(name in told for name in NAMES)
    assert "localhost, SNI, in the ClientHello: frame 2, bytes 66-74" in told
    assert "the same 6 bytes" in told


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_nothing_but_lines_to_copy_is_wider_than_the_terminal(width: int) -> None:
    lines = [line for line in page(result(), width).splitlines() if not line.startswith((" tshark", " #"))]
    assert max(len(line.rstrip()) for line in lines) <= width


def test_the_lines_to_copy_hold_the_file_whatever_its_name() -> None:
    lines = [line for line in page(result()).splitlines() if line.startswith(" tshark")]
    assert len(lines) == 2
    for line in lines:
        assert shlex.split(line)[:3] == ["tshark", "-r", str(result().capture)]


def test_what_was_captured_cannot_command_the_terminal() -> None:
    made = result()
    odd = replace(made.handshakes.chat[0], server_name=Shown(b"\x1b]0;owned\x07[red]", (Span(1, 2, 3),)))
    told = page(replace(made, handshakes=replace(made.handshakes, chat=(odd,))))
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[red]" in told


def test_what_is_not_there_is_said() -> None:
    made = result()
    shakes = handshakes()
    bare = replace(shakes.tls12[0], certificate=None, ticket_given=None)
    lacking = replace(shakes, openssl=None, tls12=(bare, shakes.tls12[1]))
    sentence = "There are no pictures: matplotlib is not installed here (pip install matplotlib)."
    told = page(replace(made, handshakes=lacking, pictures=Pictures((), sentence)))
    assert "openssl is not installed here" in told
    assert told.count("not there") == 2
    assert sentence in told


def test_pictures_are_named() -> None:
    told = page(replace(result(), pictures=Pictures((Path("out/scores.png"), Path("out/cost.png")))))
    assert "Pictures to project: scores.png, cost.png" in told


def test_unknown_names_are_persons() -> None:
    told = page(result(tapped=dict.fromkeys(PADDINGS, tapped_in(result())[PADDINGS[2]])))
    assert "person " in told
    assert not any(name in told for name in NAMES)

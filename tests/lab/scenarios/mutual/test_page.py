"""The page of real runs: it can be read at 100 columns, and its shell lines do what it says."""

import io
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console

from lab.scenarios.mutual.cast import MALLORY
from lab.scenarios.mutual.judge import Result
from lab.scenarios.mutual.page import show
from lab.scenarios.mutual.seen import Said


def page(result: Result, width: int = 100) -> str:
    out = io.StringIO()
    show(Console(file=out, width=width, highlight=False), result)
    return out.getvalue()


def test_what_it_says(mutual_asked: Result) -> None:
    text = page(mutual_asked)
    joined = " ".join(text.split())
    assert text.count("│ let in ") == 4
    assert text.count("refused by the chat") == 2
    assert text.count("refused in the handshake:") == 6
    for chat in mutual_asked.chats:
        for seen in chat.seen:
            answer = seen.answer or seen.alert
            assert answer is not None
            assert str(answer.spans[0]) in text
        for told in chat.told.values():
            assert told in joined
    assert "certificates of alice, bob, mallory, alice, alice" in joined
    assert "06:03:55:04:03:0c:05:61:6c:69:63:65" in text
    assert "found 10 times" in joined
    assert "found nowhere" in joined
    assert "the stranger had sent his name already" in joined


def test_it_fits_a_projector(mutual_asked: Result) -> None:
    before_the_shell = page(mutual_asked).split("See it yourself")[0]
    assert max(map(len, before_the_shell.splitlines())) <= 100
    assert page(mutual_asked, 60)


def test_it_says_what_was_and_not_what_should_be(mutual_lax: Result, mutual_unbound: Result) -> None:
    text = page(mutual_lax)
    assert text.count("│ let in ") == 12
    assert "refused" not in text.split("What kept them out")[0]
    assert "certificates of" not in text
    assert "encrypted in" not in text
    assert page(mutual_unbound).count("refused by the chat") == 0


def test_what_was_received_does_not_act_on_the_terminal(mutual_asked: Result) -> None:
    chat = mutual_asked.chats[0]
    evil = Said("* name refused: \x1b[2J[bold]no[/]", chat.seen[0].answer.spans if chat.seen[0].answer else ())
    seen = tuple(replace(one, answer=evil) if one.person.who == MALLORY else one for one in chat.seen)
    text = page(replace(mutual_asked, chats=(replace(chat, seen=seen), mutual_asked.chats[1])))
    assert "\x1b" not in text
    assert r"\x1b[2J[bold]no[/]" in text


def run(line: str) -> list[str]:
    """What a shell line prints, without the numbers of the frames."""
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", "-ec", line], capture_output=True, text=True, timeout=60, check=True, env=environment)
    return [row.split("\t")[1] for row in done.stdout.splitlines()]


def test_the_shell_lines_do_what_they_say(mutual_asked: Result, tool: Callable[[str], str]) -> None:
    tool("tshark")
    lines = page(mutual_asked, 1000).split("See it yourself")[1].splitlines()
    said = [line.strip() for line in lines if line.startswith((" # ", " tshark"))]
    what, commands = said[::2], said[1::2]
    shown = [run(line) for line in commands]
    names = [["Traffic lab CA", name] for name in ("alice", "bob", "mallory", "alice", "alice")]
    assert len(what) == 4
    assert [row.split(",")[:2] for row in shown[0]] == names
    assert shown[1] == []
    assert [row.split(",")[:2] for row in shown[2]] == names
    assert shown[3] == ["48", "40", "51", "48", "116", "51"]

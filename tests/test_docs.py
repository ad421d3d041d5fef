"""What README and docs/ name is there: links, `make` targets, `lab` commands and their options, files."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from lab.cli import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FOLDERS = ("capture", "certs", "chat", "docs", "lab", "notebooks", "tests", ".binder", ".devcontainer")
MADE = ("certs/local",)  # by the lab, when it is used

BLOCK = re.compile(r"^```.*?^```$|(?:^ {4,}[^\n]*\n)+", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TARGET = re.compile(r"(?<![\w#] )\bmake(?: [A-Z]+=\S+)* ([a-z][a-z-]*)")
COMMAND = re.compile(r"(?:(?<=-m )|(?<=\$ )|(?<=; )|(?<=^))lab ([a-z].*)", re.MULTILINE)
FILE = re.compile(rf"(?<![\w/.<])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*[\w*/]")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def code(page: Path) -> Iterator[str]:
    """Every piece of code of a page, a command that goes on in the next line put together."""
    text = page.read_text("utf-8")
    for block in BLOCK.findall(text):
        yield re.sub(r"\\\n\s*", "", block)
    for span in re.findall(r"`([^`]+)`", BLOCK.sub("", text)):
        yield " ".join(span.split())


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings: small letters, no marks, hyphens for spaces."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def unknown(words: list[str]) -> str:
    """What the lab does not know of a command line; "" where it knows all."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if hasattr(command, "commands") and not word.startswith("-"):
            alternatives = word.split("|")  # "lab demo plain|tls" and the like name several
            missing = [name for name in alternatives if name not in command.commands]
            if missing:
                return missing[0]
            command = command.commands[alternatives[0]]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.partition("=")[0].split("|")[0] for word in words if re.match(r"--?[a-z]", word)}
    return " ".join(sorted(given - known - {"--help", "-h"}))


def lines(found: str) -> list[str]:
    """The words of a command, without what synopses put around them."""
    return shlex.split(re.sub(r"[\[\]]", " ", found.partition(" #")[0].partition(" |")[0]), posix=True)


def test_these_tests_see_something() -> None:
    everything = "\n".join(piece for page in PAGES for piece in code(page))
    assert {"demo", "classroom", "doctor"} <= set(TARGET.findall(everything))
    assert any(found.startswith("grade ") for found in COMMAND.findall(everything))
    assert "lab/pipeline.py" in FILE.findall(everything)
    assert unknown(["grade", "x", "--roster", "y"]) == ""
    assert unknown(["grade", "--rooster", "y"]) == "--rooster"
    assert unknown(["class", "old"]) == "old"


@pages
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text("utf-8")):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pages
def test_targets_are_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for piece in code(page) for name in TARGET.findall(piece)}
    assert named - targets == set()


@pages
def test_commands_and_their_options_are_the_labs(page: Path) -> None:
    found = {line: unknown(lines(line)) for piece in code(page) for line in COMMAND.findall(piece)}
    assert {line: what for line, what in found.items() if what} == {}


@pages
def test_files_are_there(page: Path) -> None:
    named = {name for name in FILE.findall(page.read_text("utf-8")) if not name.startswith(MADE)}
    assert {name for name in named if not (list(ROOT.glob(name.rstrip("/"))) or list(ROOT.glob(f"{name}.py")))} == set()

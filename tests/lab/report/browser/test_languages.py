"""In English and in Spanish: every word there, none of the other language, no key where a word should be."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.lab.report.browser.conftest import Open
from tests.lab.report.browser.looking import data_of, said

KEY = re.compile(r"\b(?:page|explorer|story|numbers)\.[a-z_]+(?:\.[a-z_]+)*\b")
PLACEHOLDER = re.compile(r"\{\w+\}")
ENOUGH = 12  # letters of a phrase that no other language has by chance


def phrases(data: dict[str, Any], language: str) -> set[str]:
    """The page's own phrases that the other language says otherwise, cut where something is filled in."""
    other = "es" if language == "en" else "en"
    found = set()
    for part, words in data["words"][language].items():
        for key, text in words.items():
            if text != data["words"][other][part][key]:
                found |= {piece.strip() for piece in PLACEHOLDER.split(text) if len(piece.strip()) >= ENOUGH}
    return found


def everything(page: Page, data: dict[str, Any]) -> str:
    """What the page says in all its states: each message, each step of the story, with keys and without."""
    heard = [said(page)]
    page.locator("summary").evaluate_all("(all) => all.forEach((one) => one.click())")
    page.get_by_role("listbox").focus()
    for _ in data["messages"]:
        heard.append(said(page))
        page.keyboard.press("ArrowDown")
    page.get_by_role("switch").click()
    heard.append(said(page))
    grid = page.locator(".explorer .packets")
    grid.focus()
    page.keyboard.press("Home")
    for _ in range(16):
        heard.append(said(page))
        page.keyboard.press("ArrowDown")
    return "\n".join(heard)


@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("es", "Español")])
def test_one_language_at_a_time(language: str, name: str, both: Path, open_report: Open) -> None:
    page, data = open_report(both), data_of(both)
    page.get_by_role("button", name=name).click()
    assert page.evaluate("document.documentElement.lang") == language
    heard = everything(page, data)
    assert KEY.findall(heard) == []
    assert PLACEHOLDER.findall(heard) == []
    other = "es" if language == "en" else "en"
    assert [phrase for phrase in phrases(data, other) if phrase in heard] == []
    mine = phrases(data, language)
    assert sum(phrase in heard for phrase in mine) > len(mine) / 2, "the phrases were looked for in the right place"
    sentences = {entry[other] for entry in data["fields"].values()}
    assert [sentence for sentence in sentences if sentence in heard] == []


def test_the_catalogues_are_whole(both: Path) -> None:
    data = data_of(both)
    for part, words in data["words"]["en"].items():
        spanish = data["words"]["es"][part]
        assert list(words) == list(spanish)
        for key, text in words.items():
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(spanish[key])), f"{part}.{key}"


def test_changing_the_language_keeps_what_was_chosen(both: Path, open_report: Open) -> None:
    page = open_report(both)
    messages = page.get_by_role("listbox")
    messages.get_by_role("option").nth(4).click()
    page.get_by_role("switch").click()
    page.get_by_role("button", name="Español").click()
    expect(messages.get_by_role("option", selected=True)).to_have_attribute("aria-posinset", "5")
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    expect(page.get_by_role("button", name="Español")).to_be_focused()

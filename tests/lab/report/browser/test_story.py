"""The handshake told as a story: each step, what an eavesdropper learns, which keys there are. And the numbers."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.lab.report.browser.conftest import Open
from tests.lab.report.browser.looking import data_of


@pytest.fixture
def data(both: Path) -> dict[str, Any]:
    return data_of(both)


@pytest.fixture
def page(both: Path, open_report: Open) -> Page:
    return open_report(both)


def story(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def first(data: dict[str, Any], *, tls: bool) -> dict[str, Any]:
    """The story that is told at first."""
    return next(one for one in data["story"] if one["tls"] is tls)


def steps(region: Locator) -> Locator:
    return region.get_by_role("listitem").filter(has=region.page.locator(".step-body"))


def titles(data: dict[str, Any], told: list[dict[str, Any]]) -> list[str]:
    words = data["words"]["en"]["story"]
    return [words[f"{step['kind']}.title"].split("{")[0] for step in told]


def test_plaintext_begins_with_the_three_steps_of_tcp(page: Page, data: dict[str, Any]) -> None:
    told = first(data, tls=False)["steps"]
    assert [step["kind"] for step in told[:3]] == ["tcp.syn", "tcp.syn_ack", "tcp.ack"]
    region = story(page, "In plaintext")
    shown = region.get_by_role("heading", level=4).all_inner_texts()
    assert len(shown) == len(told)
    for title, wanted in zip(shown, titles(data, told), strict=True):
        assert title.startswith(wanted)
    expect(region).to_contain_text("The eavesdropper learns")
    expect(region).not_to_contain_text("Keys from here on")
    directions = region.locator(".direction").all_inner_texts()
    assert [direction.strip() for direction in directions[:3]] == [
        "client to server",
        "server to client",
        "client to server",
    ]


def test_without_keys_the_sealed_steps_stay_sealed(page: Page, data: dict[str, Any]) -> None:
    told, outside = (first(data, tls=True)[which] for which in ("steps", "outside"))
    region = story(page, "Over TLS")
    shown = region.get_by_role("heading", level=4).all_inner_texts()
    assert [title.partition("\n")[0] for title in shown] == titles(data, outside)
    kinds = [step["kind"] for step in outside]
    assert "records_sealed" in kinds
    assert not {"certificate", "finished_client", "conversation", "new_session_ticket"} & set(kinds), (
        "the keys tell these"
    )
    assert not any(step["opened"] for step in outside)
    page.get_by_role("switch", name="With the keys").click()
    shown = region.get_by_role("heading", level=4).all_inner_texts()
    assert len(shown) == len(told)
    for title, wanted in zip(shown, titles(data, told), strict=True):
        assert title.startswith(wanted)
    expect(region).to_contain_text("Keys from here on")
    rings = [int(re.findall(r"\d+", text)[0]) for text in region.locator(".ring-keys").all_inner_texts()]
    assert rings == sorted(rings)
    assert rings[0] == 1, "the ring grows from one key on"


def test_another_connection_and_its_bytes(page: Page, data: dict[str, Any]) -> None:
    others = [one for one in data["story"] if one["tls"]]
    assert len(others) > 1
    region = story(page, "Over TLS")
    region.get_by_role("combobox", name="Connection").select_option("1")
    (frame, begin, end) = others[1]["steps"][0]["spans"][0]
    region.get_by_role("button", name=re.compile(rf"^frame {frame}, bytes {begin}.{end}$")).first.click()
    expect(page.get_by_role("heading", name=f"Frame {frame}", exact=True)).to_be_in_viewport()


def test_the_verdicts_are_those_of_the_run(page: Page, data: dict[str, Any]) -> None:
    verdicts = data["numbers"]["verdicts"]
    assert [(one["transport"], one["keys"]) for one in verdicts] == [("plain", False), ("tls", False), ("tls", True)]
    glance = page.get_by_role("list", name="The verdict at a glance").get_by_role("listitem")
    region = page.get_by_role("region", name="Verdicts", exact=True)
    cards = region.locator(".verdict-card")
    for n, verdict in enumerate(verdicts):
        expect(glance.nth(n)).to_contain_text(f"{verdict['read']} of {verdict['sent']} messages read")
        expect(cards.nth(n)).to_contain_text("As it should be")
        expect(cards.nth(n)).to_contain_text(f"{verdict['searched']:,}")


@pytest.mark.parametrize("name", ["Which byte values occur", "Who speaks when, and how much", "How long they are"])
def test_each_plot_is_described_and_has_its_table(name: str, page: Page, data: dict[str, Any]) -> None:
    region = page.get_by_role("region", name=name, exact=True)
    region.scroll_into_view_if_needed()
    plots = region.get_by_role("img")
    expect(plots.first).to_be_visible()
    for plot in plots.all():
        assert plot.locator("title").text_content()
        assert re.search(r"\d", plot.locator("desc").text_content() or "")
        assert plot.locator("path").count()
    expect(region.get_by_role("table")).to_have_count(0)
    region.get_by_text("The numbers behind it").click()
    table = region.get_by_role("table")
    expect(table).to_be_visible()
    body = table.locator("tbody tr")
    if name.startswith("Which"):
        histogram = data["numbers"]["histogram"]
        counts = [[cell.replace(",", "") for cell in row.split("\t")] for row in body.all_inner_texts()]
        assert [int(row[1]) for row in counts] == histogram["plain"]
        assert [int(row[3]) for row in counts] == histogram["tls"]
    elif name.startswith("Who"):
        records = data["numbers"]["records"]
        assert body.count() == min(500, len(records))
        assert body.first.get_by_role("cell").last.inner_text() == str(records[0]["frame"])
    else:
        cells = [int(text.replace(",", "")) for text in body.locator("td:not(:first-child)").all_inner_texts()]
        assert sum(cells) == len(data["numbers"]["records"])

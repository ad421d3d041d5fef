import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

from lab.report.page import as_json, module, page, style

HOSTILE = {
    "title": "</title><script>alert(1)</script>",
    "text": "</script><!--<script> & &lt; \u2028\u2029 \ud800 \0 \x1b ]]>",
}


class Read(HTMLParser):
    """The elements of a page, with their attributes and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.elements[-1][0] if self.elements else "", data))


def text_in(read: Read, tag: str) -> list[str]:
    return [text for name, text in read.texts if name == tag and text.strip()]


def test_only_this_script_and_this_style_may_run(data: dict[str, Any]) -> None:
    read = Read(page(data))
    scripts, styles = text_in(read, "script"), text_in(read, "style")
    assert (len(scripts), len(styles)) == (2, 1)
    (policy,) = [
        attributes["content"] for tag, attributes in read.elements if tag == "meta" and "http-equiv" in attributes
    ]

    def hashed(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["script-src"] == hashed(scripts[1])
    assert rules["style-src"] == hashed(styles[0])
    assert json.loads(scripts[0]) == json.loads(json.dumps(data))


def test_nothing_is_fetched(data: dict[str, Any]) -> None:
    read = Read(page(data))
    names = {name for _, attributes in read.elements for name in attributes}
    assert names & {"src", "href", "style", "srcset", "action"} == set()
    assert not any(name.startswith("on") for name in names)
    assert {tag for tag, _ in read.elements} & {"link", "img", "iframe", "base"} == set()
    assert re.search(r"url\(|@import|https?:(?!//www\.w3\.org/2000/svg)", style() + module()) is None
    assert (
        re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|import\(|\beval\(|innerHTML|document\.write", module()) is None
    )


def test_what_is_hostile_stays_text(data: dict[str, Any]) -> None:
    text = page({**data, **HOSTILE})
    read = Read(text)
    wanted = Read(page(data))
    assert [tag for tag, _ in read.elements] == [tag for tag, _ in wanted.elements]
    assert json.loads(text_in(read, "script")[0])["text"] == HOSTILE["text"]
    assert text_in(read, "title") == [f"Every byte of your session: {HOSTILE['title']}"]
    text.encode("utf-8")


def test_json_in_html_has_nothing_that_html_reads() -> None:
    said = as_json(HOSTILE)
    assert said.isascii()
    assert set("<>&") & set(said) == set()
    assert json.loads(said) == HOSTILE


def test_the_modules_are_one() -> None:
    joined = module()
    assert re.findall(r"^import .*", joined, re.MULTILINE) == []
    assert re.findall(r"^export .*", joined, re.MULTILINE) == ["export default { render };"]
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", joined, re.MULTILINE)
    assert len(names) == len(set(names)), "in one module every name is there once"
    assert {"mount", "render", "el", "svg", "Bus", "Words"} <= set(names)
    assert "</script" not in joined.lower()
    assert "</style" not in style().lower()


def test_the_page_says_so_where_there_is_no_script(data: dict[str, Any]) -> None:
    read = Read(page(data))
    told = text_in(read, "p")
    assert len(told) == 2
    assert [attributes["lang"] for tag, attributes in read.elements if tag == "p"] == ["en", "es"]

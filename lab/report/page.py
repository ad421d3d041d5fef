"""Puts the page together: style, words, data and script in one file that needs nothing else and may do nothing else.

Pure but for reading the assets beside it. What was captured gets into the page only as JSON, in which no character can
end the element that it stands in; the Content-Security-Policy allows this one script and this one style, by their
hashes, and no request at all.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from capture.explanations import LANGUAGES
from lab.report.words import words

_ASSETS = Path(__file__).with_name("assets")
START = "<!DOCTYPE html>"  # of every page
_STYLES = ("base.css", "explorer.css", "page.css")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async|class|const|function)", re.MULTILINE)
_MOUNT = 'mount(JSON.parse(document.getElementById("lab-data").textContent), document.getElementById("lab-report"));\n'
_FORBIDDEN = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}  # JSON as text within HTML


@cache
def module() -> str:
    """Return the modules of the page joined to one: each after those that it imports, and without its imports."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        if name in done:
            return
        text = (_ASSETS / name).read_text("utf-8")
        for needed in _IMPORT.findall(text):
            add(needed)
        done[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    add("index.js")
    return "\n".join(done.values())


@cache
def style() -> str:
    """Return the page's style."""
    return "\n".join((_ASSETS / name).read_text("utf-8") for name in _STYLES)


def page(data: Mapping[str, Any]) -> str:
    """Return the report as HTML.

    Args:
        data: what the page shows; text in it is visible already.
    """
    script = f"{module()}{_MOUNT}"
    # the body is the report's own, here and not in a notebook
    styles = f"{style()}body {{ margin: 0; }}\n"
    allowed = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(styles)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    without = "".join(
        f'<p lang="{language}">{escape(words(language, "page")["noscript"])}</p>' for language in LANGUAGES
    )
    title = escape(f"{words('en', 'page')['title']}: {data['title']}")
    return (
        f'{START}\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{allowed}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{styles}</style>\n</head>\n<body>\n"
        f'<noscript>{without}</noscript>\n<div id="lab-report" class="lab-report"></div>\n'
        f'<script type="application/json" id="lab-data">{as_json(data)}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def as_json(data: Mapping[str, Any]) -> str:
    """Return JSON in ASCII that can stand in HTML: no `<`, `>` or `&` is in it."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).translate(_FORBIDDEN)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"

"""Frames taken apart, as HTML that needs no script: hexdumps, and the fields as nested lists with their explanations.

Pure. What a notebook shows where widgets do not run: on GitHub, in nbviewer, in a converted notebook. Knows the
catalogue and HTML; must not know where the frames came from. Everything captured passes `visible` and is escaped.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from capture.decode import hexdump
from capture.dissection import Dissection, Node, Source
from capture.explanations import Language, explain
from chat.escape import visible

_FRAMES = 8  # so many are written out: a notebook is kept in git
_BYTES = 4096  # of a source's hexdump
_LABEL = 200  # characters: a certificate's label holds all of its bytes once more


def static(dissections: Sequence[Dissection], words: Mapping[str, str], language: Language) -> str:
    """Return the frames as HTML: at most eight, those that carry data before the others.

    Args:
        dissections: the frames.
        words: the explorer's own words (`lab/report/words/<language>/explorer.toml`).
        language: of the explanations.
    """
    telling = sorted(dissections, key=lambda dissection: not _carries_data(dissection))
    shown = sorted(telling[:_FRAMES], key=lambda dissection: dissection.frame)
    parts = [f'<div lang="{language}"><p>{_text(words["static_note"])}</p>']
    explained: set[str] = set()
    for dissection in shown:
        parts.extend(_frame(dissection, words, language, explained))
    left = len(dissections) - len(shown)
    if left:
        parts.append(f"<p>{_text(words['static_more'].format(n=left))}</p>")
    parts.append("</div>")
    return "\n".join(parts)


def _carries_data(dissection: Dissection) -> bool:
    return any(node.depth == 0 and node.name in {"tls", "data"} for node in dissection.nodes)


def _frame(dissection: Dissection, words: Mapping[str, str], language: Language, explained: set[str]) -> Iterator[str]:
    size = words["size"].format(n=len(dissection.sources[0].data))
    title = words["frame"].format(frame=dissection.frame)
    yield f"<details><summary>{_text(title)}, {_text(size)}</summary>"
    for source in dissection.sources:
        yield from _source(source, words)
    depth = -1
    for node in dissection.nodes:
        if node.depth > depth:
            yield "<ul>" * (node.depth - depth)
        else:
            yield "</li>" + "</ul></li>" * (depth - node.depth)
        depth = node.depth
        yield f"<li>{_field(node, dissection.bytes_of(node), words, language, explained)}"
    if depth >= 0:
        yield "</li></ul>" * (depth + 1)
    yield "</details>"


def _source(source: Source, words: Mapping[str, str]) -> Iterator[str]:
    yield f"<p>{_text(words[f'source.{source.kind}'])}</p>"
    left = len(source.data) - _BYTES
    more = f"\n{words['more_bytes'].format(n=left)}" if left > 0 else ""
    yield f"<pre>{_text(hexdump(source.data[:_BYTES]), lines=True)}{_text(more, lines=True)}</pre>"


def _field(node: Node, data: bytes, words: Mapping[str, str], language: Language, explained: set[str]) -> str:
    """Return a field's line; what it is, only where it comes for the first time."""
    last = node.start + node.size - 1
    values = {
        "first": node.start,
        "last": last,
        "hexFirst": f"{node.start:02x}",
        "hexLast": f"{last:02x}",
        "count": node.size,
    }
    place = words["place_one" if node.size == 1 else "place"].format(**values)
    label = node.label if len(node.label) <= _LABEL else f"{node.label[:_LABEL]}…"
    parts = [f"<strong>{_text(label)}</strong>", f"({_text(place)})"]
    if node.name:
        parts.insert(1, f"<code>{_text(node.name)}</code>")
    found = explain(node, data, language)
    if found is not None:
        if found.what not in explained:
            explained.add(found.what)
            parts += [f"<br>{_text(found.what)}", f"<em>{_text(found.where)}</em>"]
        if found.here:
            parts.append(f"<br>{_text(found.here)}")
    return " ".join(parts)


def _text(text: str, *, lines: bool = False) -> str:
    return "\n".join(escape(visible(line)) for line in text.split("\n")) if lines else escape(visible(text))

"""What a scenario's verdict.json claims, as rows for a table. Pure; must not know any scenario."""

from collections.abc import Iterable, Mapping
from typing import Any

from capture.streams import Span
from lab.presentation import spans_text


def claimed(verdict: Mapping[str, Any], *starts: str) -> list[tuple[str, str, str]]:
    """Return what was claimed, what was measured, and where that stands.

    Args:
        verdict: what verdict.json holds.
        starts: how the claims begin that are wanted; all where there are none.
    """
    return [
        (claim["what"], claim["measured"], where(claim["spans"]))
        for claim in verdict["claims"]
        if claim["what"].startswith(starts or ("",))
    ]


def where(spans: Iterable[Mapping[str, int]]) -> str:
    """Return the places that verdict.json has as "frame 14, bytes 66-81"."""
    return spans_text(Span(**span) for span in spans)

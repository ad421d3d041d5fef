"""A finished run as JSON-ready values: what verdict.json holds. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from capture.rights import MEANING
from capture.streams import Span
from lab.pipeline import ChatOutcome, Outcome
from lab.verdict import Finding, Verdict
from lab.visible import Visible


def outcome(result: Outcome) -> dict[str, Any]:
    """Return a finished run with its evidence: frames, byte offsets, statistics.

    Frames count from 1; `first` and `last` are offsets in bytes from the start of the frame, both included.
    """
    return {
        "as_expected": result.ok,
        "problems": list(result.problems),
        "capture": {
            "file": result.folder.capture.name,
            "way": result.plan.choice.way,
            "meaning": MEANING[result.plan.choice.way],
            "reader": result.plan.reader,
            "packets": result.counters.received,
            "dropped": result.counters.dropped,
        },
        "seconds": round(result.seconds, 3),
        "chats": {transport: _chat(chat) for transport, chat in result.chats.items()},
    }


def _chat(chat: ChatOutcome) -> dict[str, Any]:
    value: dict[str, Any] = {"port": chat.port, "without_keys": _verdict(chat.verdict)}
    if chat.with_keys is not None:
        value["with_keys"] = _verdict(chat.with_keys)
        value["visible_without_keys"] = [_visible(connection) for connection in chat.visible]
    return value


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "expected": verdict.expected,
        "as_expected": verdict.ok,
        "problems": list(verdict.problems),
        "sent": len(verdict.findings),
        "read": verdict.read,
        "found": verdict.found,
        "bytes_searched": verdict.searched,
        "payload_bytes": verdict.payload,
        "valid_utf8_bytes": verdict.utf8,
        "randomness": asdict(verdict.randomness) if verdict.randomness is not None else None,
        "messages": [_finding(finding) for finding in verdict.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    heard = finding.heard
    return {
        "number": finding.sent.number,
        "who": finding.sent.who,
        "text": finding.sent.text,
        "read": heard is not None,
        "connection": heard.stream.connection if heard is not None else None,
        "spans": _spans(heard.spans) if heard is not None else [],
        "places": [_spans(place) for place in finding.places],
        "places_in_payload": finding.in_payload,
        "places_expected_by_chance": finding.by_chance,
    }


def _spans(spans: Sequence[Span]) -> list[dict[str, int]]:
    return [asdict(span) for span in spans]


def _visible(connection: Visible) -> dict[str, Any]:
    return {**asdict(connection), "client": str(connection.client), "server": str(connection.server)}

"""The numbers of the page: verdicts and claims as verdict.json has them, bytes counted, lengths and times. Pure.

verdict.json may come from anywhere: what does not look as the lab writes it is left out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from capture.decrypt import sealed_stream
from capture.tls import APPLICATION_DATA
from chat.escape import visible
from lab.report.wire import Talk, Wire

_SPANS = 8  # of a claim: enough to see it


def numbers(wire: Wire, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was measured."""
    counted = _part(verdict, "capture")
    clear = [talk for talk in wire.talks if talk.tls is None]
    sealed = [talk for talk in wire.talks if talk.tls is not None]
    return {
        "verdicts": list(_verdicts(verdict)),
        "histogram": {
            "plain": _histogram(stream.data for talk in clear for stream in talk.streams),
            "tls": _histogram(_hidden(talk) for talk in sealed),
        },
        "packets": _number(counted.get("packets"), len(wire.frames)),
        "dropped": _number(counted.get("dropped"), None),
        "seconds": _number(verdict.get("seconds"), None),
        "records": sorted(
            (record for talk in wire.talks for record in _records(wire, talk)), key=lambda record: record["frame"]
        ),
    }


def claims(verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a scenario claims, each with what came out."""
    listed = verdict.get("claims")
    found = []
    for claim in listed if isinstance(listed, list) else []:
        try:
            found.append(
                {
                    **{name: visible(str(claim[name])) for name in ("what", "textbook", "measured")},
                    "ok": bool(claim["ok"]),
                    "spans": [
                        [int(one[name]) for name in ("frame", "first", "last")] for one in claim["spans"][:_SPANS]
                    ],
                }
            )
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _verdicts(verdict: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for transport in ("plain", "tls"):
        chat = _part(_part(verdict, "chats"), transport)
        for keys, name in ((False, "without_keys"), (True, "with_keys")):
            one = _part(chat, name)
            try:
                yield {
                    "transport": transport,
                    "keys": keys,
                    "expected": "readable" if one["expected"] == "readable" else "unreadable",
                    "ok": bool(one["as_expected"]),
                    "read": int(one["read"]),
                    "sent": int(one["sent"]),
                    "searched": int(one["bytes_searched"]),
                    "payload": int(one["payload_bytes"]),
                    "utf8": int(one["valid_utf8_bytes"]),
                    "problems": [visible(str(problem)) for problem in one["problems"]],
                    **_randomness(_part(one, "randomness")),
                }
            except (KeyError, TypeError, ValueError):
                continue


def _randomness(test: Mapping[str, Any]) -> dict[str, float | None]:
    return {
        "entropy": _number(test.get("entropy"), None),
        "p": _number(test.get("p_value"), None),
        "chi2": _number(test.get("statistic"), None),
    }


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: object, otherwise: float | None) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _histogram(parts: Iterable[bytes]) -> list[int] | None:
    counted = Counter[int]()
    for part in parts:
        counted.update(part)
    return [counted[value] for value in range(256)] if counted else None


def _hidden(talk: Talk) -> bytes:
    """Return what encryption should hide of a TLS connection, both directions."""
    assert talk.tls is not None
    layers = talk.session.client, talk.session.server
    return b"".join(sealed_stream(layer, talk.tls.answer).data for layer in layers)


def _records(wire: Wire, talk: Talk) -> Iterable[dict[str, Any]]:
    """Yield lengths and times: of encrypted records, and of segments that carry plaintext."""
    if talk.tls is None:
        client = talk.streams[0].source
        seen = ((s.frame, s.time_ns, s.source == client, s.length) for s in talk.segments if s.length)
    else:
        seen = (
            (piece.frame, piece.time_ns, row.from_client, len(row.record.fragment))
            for row in talk.tls.rows
            if row.record.content_type == APPLICATION_DATA
            for piece in row.record.stream.slice(row.record.start, row.record.end)[:1]
        )
    for frame, time_ns, from_client, length in seen:
        yield {
            "t": wire.since_start(time_ns),
            "conn": talk.number,
            "from_client": from_client,
            "length": length,
            "transport": "plain" if talk.tls is None else "tls",
            "frame": frame,
        }

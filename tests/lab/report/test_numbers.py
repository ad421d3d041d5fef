import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dpkt
import pytest

from lab.pipeline import Outcome
from lab.record import Transport
from lab.report.numbers import claims, numbers
from tests.lab.report.conftest import WireOf


def test_verdicts_as_they_were_judged(both: Outcome, data: dict[str, Any]) -> None:
    found = {(one["transport"], one["keys"]): one for one in data["numbers"]["verdicts"]}
    plain, tls = both.chats[Transport.PLAIN], both.chats[Transport.TLS]
    assert tls.with_keys is not None
    judged = {("plain", False): plain.verdict, ("tls", False): tls.verdict, ("tls", True): tls.with_keys}
    assert found.keys() == judged.keys()
    for which, verdict in judged.items():
        one = found[which]
        assert (one["ok"], one["read"], one["sent"]) == (verdict.ok, verdict.read, len(verdict.findings))
        assert (one["searched"], one["payload"], one["utf8"]) == (verdict.searched, verdict.payload, verdict.utf8)
        assert verdict.randomness is not None
        assert one["entropy"] == pytest.approx(verdict.randomness.entropy)
        assert (one["expected"], one["problems"]) == (str(verdict.expected), [])
    assert (data["numbers"]["packets"], data["numbers"]["dropped"]) == (both.counters.received, 0)


def test_lengths_and_bytes_are_those_of_the_capture(
    both: Outcome, data: dict[str, Any], frames_of: Callable[[Path], list[bytes]]
) -> None:
    """Counted again by dpkt: every payload of the plaintext chat, byte by byte."""
    port = both.chats[Transport.PLAIN].port
    payloads: dict[int, bytes] = {}
    once: dict[tuple[int, int, int], bytes] = {}  # a busy machine sends a segment again now and then
    for number, frame in enumerate(frames_of(both.folder.capture), start=1):
        segment = dpkt.ethernet.Ethernet(frame).data.data
        if port in (segment.sport, segment.dport) and segment.data:
            payloads[number] = once[segment.sport, segment.dport, segment.seq] = segment.data
    found = data["numbers"]
    plain = {one["frame"]: one["length"] for one in found["records"] if one["transport"] == "plain"}
    assert plain == {number: len(payload) for number, payload in payloads.items()}
    counted = Counter(b"".join(once.values()))
    assert found["histogram"]["plain"] == [counted[value] for value in range(256)]
    entropy = -sum(n / counted.total() * math.log2(n / counted.total()) for n in counted.values())
    assert found["verdicts"][0]["entropy"] == pytest.approx(entropy)
    tls = both.chats[Transport.TLS]
    assert sum(found["histogram"]["tls"]) == tls.verdict.payload
    seen = sorted(record.length for connection in tls.visible for record in connection.records)
    assert sorted(one["length"] for one in found["records"] if one["transport"] == "tls") == seen
    assert [one["frame"] for one in found["records"]] == sorted(one["frame"] for one in found["records"])


def test_a_capture_alone_has_no_verdict(wire_of: WireOf) -> None:
    found = numbers(wire_of("plain"), {})
    assert (found["verdicts"], found["seconds"], found["dropped"]) == ([], None, None)
    assert found["histogram"]["tls"] is None
    assert found["packets"] == len(wire_of("plain").frames)
    assert claims({}) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"chats": 7, "claims": {"what": 1}, "capture": []}',
        '{"chats": {"plain": {"without_keys": {"expected": "readable"}}}, "seconds": "<b>"}',
        '{"claims": [1, null, {}, {"what": 1, "textbook": 2, "measured": 3, "ok": 1, "spans": [{"frame": "x"}]}]}',
        '{"claims": [{"what": 1, "textbook": 2, "measured": 3, "ok": 1, "spans": 4}]}',
    ],
)
def test_a_verdict_may_be_anything(wire_of: WireOf, text: str) -> None:
    verdict = json.loads(text)
    assert numbers(wire_of("plain"), verdict)["verdicts"] == []
    assert numbers(wire_of("plain"), verdict)["seconds"] is None
    assert claims(verdict) == []


def test_claims_of_a_scenario() -> None:
    span = {"frame": 3, "first": 66, "last": 90}
    claim = {"what": "a\x1b", "textbook": "b", "measured": "c", "ok": True, "spans": [span] * 100}
    (found,) = claims({"claims": [claim]})
    assert (found["what"], found["ok"]) == ("a\\x1b", True)
    assert found["spans"] == [[3, 66, 90]] * 8


def test_what_is_no_number_is_none(wire_of: WireOf) -> None:
    found = numbers(wire_of("plain"), {"seconds": "<b>", "capture": {"packets": None, "dropped": True}})
    assert (found["seconds"], found["dropped"]) == (None, None)
    assert found["packets"] == len(wire_of("plain").frames)

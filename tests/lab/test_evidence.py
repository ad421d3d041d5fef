import json
from dataclasses import replace
from typing import Any

from capture.rights import MEANING
from capture.sources.source import Counters
from lab import evidence
from lab.pipeline import ChatOutcome, Outcome
from lab.record import Transport
from lab.verdict import Finding, Verdict


def as_json(outcome: Outcome) -> Any:
    return json.loads(json.dumps(evidence.outcome(outcome)))


def check_finding(found: dict[str, Any], finding: Finding) -> None:
    assert (found["number"], found["who"], found["text"]) == (
        finding.sent.number,
        finding.sent.who,
        finding.sent.text,
    )
    assert found["read"] == (finding.heard is not None)
    spans = finding.heard.spans if finding.heard else ()
    assert [(s["frame"], s["first"], s["last"]) for s in found["spans"]] == [(s.frame, s.first, s.last) for s in spans]
    places = [[(s["frame"], s["first"], s["last"]) for s in place] for place in found["places"]]
    assert places == [[(s.frame, s.first, s.last) for s in place] for place in finding.places]
    assert found["connection"] == (finding.heard.stream.connection if finding.heard else None)
    assert found["places_expected_by_chance"] == finding.by_chance


def check_verdict(found: dict[str, Any], verdict: Verdict) -> None:
    assert found["expected"] == verdict.expected.value
    assert found["as_expected"] is verdict.ok
    assert found["problems"] == list(verdict.problems)
    assert (found["sent"], found["read"], found["found"]) == (len(verdict.findings), verdict.read, verdict.found)
    assert found["bytes_searched"] == verdict.searched
    assert (found["payload_bytes"], found["valid_utf8_bytes"]) == (verdict.payload, verdict.utf8)
    assert verdict.randomness is not None
    assert found["randomness"]["p_value"] == verdict.randomness.p_value
    assert found["randomness"]["test"] == verdict.randomness.test
    for one, finding in zip(found["messages"], verdict.findings, strict=True):
        check_finding(one, finding)


def check_visible(found: dict[str, Any], chat: ChatOutcome) -> None:
    for one, seen in zip(found["visible_without_keys"], chat.visible, strict=True):
        assert one["client"] == str(seen.client)
        assert one["server"] == f"127.0.0.1:{chat.port}"
        assert (one["server_name"], one["version"], one["cipher_suite"]) == (
            "localhost",
            seen.version,
            seen.cipher_suite,
        )
        assert [(r["time_ns"], r["from_client"], r["length"]) for r in one["records"]] == [
            (r.time_ns, r.from_client, r.length) for r in seen.records
        ]


def test_both(both: Outcome) -> None:
    found = as_json(both)
    assert found["as_expected"] is True
    assert found["problems"] == []
    assert found["capture"] == {
        "file": "capture.pcapng",
        "way": both.plan.choice.way.value,
        "meaning": MEANING[both.plan.choice.way],
        "reader": both.plan.reader,
        "packets": both.counters.received,
        "dropped": 0,
    }
    assert found["seconds"] > 0
    assert list(found["chats"]) == ["plain", "tls"]
    plain, tls = both.chats[Transport.PLAIN], both.chats[Transport.TLS]
    assert tls.with_keys is not None
    assert found["chats"]["plain"]["port"] == plain.port
    check_verdict(found["chats"]["plain"]["without_keys"], plain.verdict)
    assert set(found["chats"]["plain"]) == {"port", "without_keys"}
    assert found["chats"]["tls"]["port"] == tls.port
    check_verdict(found["chats"]["tls"]["without_keys"], tls.verdict)
    check_verdict(found["chats"]["tls"]["with_keys"], tls.with_keys)
    check_visible(found["chats"]["tls"], tls)


def test_no_key_gets_into_it(both: Outcome) -> None:
    text = json.dumps(as_json(both))
    secrets = [
        line.split()[2] for line in both.folder.keylog.read_text("ascii").splitlines() if line[:1] not in ("#", "")
    ]
    assert secrets
    assert not any(secret in text for secret in secrets)


def test_a_failed_run(plain: Outcome) -> None:
    failed = replace(plain, counters=Counters(9, 2), seconds=1.23456)
    found = as_json(failed)
    assert found["as_expected"] is False
    assert found["problems"] == ["The capture dropped 2 packets."]
    assert found["seconds"] == 1.235

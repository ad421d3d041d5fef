import ssl
import stat
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from scapy.utils import RawPcapNgReader

from capture.readers import READERS, ReaderName
from capture.rights import Choice, Way, choose
from capture.sources.source import Counters
from capture.streams import Span
from capture.tls import APPLICATION_DATA
from capture.tools import find
from lab.folder import make_folder
from lab.pipeline import ChatOutcome, Outcome, examine, run
from lab.record import Plan, Transport
from lab.scenario import CONVERSATION, Join, Say, Sent, messages
from lab.verdict import Verdict

MakePlan = Callable[..., Plan]
SAID = [(say.who, say.text) for say in messages(CONVERSATION)]
TAP = Choice(Way.TAP, "It was asked for.")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def frames(capture: Path) -> list[bytes]:
    """The frames of a capture file as scapy, not the lab, reads them."""
    with RawPcapNgReader(str(capture)) as packets:
        return [bytes(data) for data, _ in packets]


def cut(raw: Sequence[bytes], spans: Sequence[Span]) -> bytes:
    return b"".join(raw[span.frame - 1][span.first : span.last + 1] for span in spans)


def check_read(verdict: Verdict) -> None:
    assert verdict.ok, verdict.problems
    assert [(f.heard.who, f.heard.text) for f in verdict.findings if f.heard] == SAID
    assert verdict.read == len(SAID) == 12


def check_plain(chat: ChatOutcome, raw: Sequence[bytes]) -> None:
    assert chat.with_keys is None
    assert chat.carriers == ()
    assert chat.visible == ()
    check_read(chat.verdict)
    for finding in chat.verdict.findings:
        assert finding.heard is not None
        assert cut(raw, finding.heard.spans) == finding.sent.text.encode()
        # once from its sender to the server, once from there to each of the others
        assert len(finding.places) == 1 + len(finding.sent.heard_by)
        assert finding.heard.spans in finding.places
        assert finding.found
        for place in finding.places:
            assert cut(raw, place) == finding.sent.text.encode()
    longest = max(chat.verdict.findings, key=lambda finding: len(finding.sent.text))
    assert longest.heard is not None
    assert len({span.frame for span in longest.heard.spans}) > 1, "one message is longer than a segment"


def check_tls(chat: ChatOutcome, raw: Sequence[bytes], version: ssl.TLSVersion) -> None:
    assert chat.with_keys is not None
    check_read(chat.with_keys)
    verdict = chat.verdict
    assert verdict.ok, verdict.problems
    assert (verdict.read, verdict.found) == (0, 0)
    assert all(finding.places == () for finding in verdict.findings)
    assert verdict.randomness is not None
    assert verdict.randomness.sample == verdict.payload > 1280
    # the ports stand behind 14 bytes of Ethernet and 20 of IPv4
    ours = b"".join(data for data in raw if chat.port in struct.unpack("!HH", data[34:38]))
    # AES-GCM or ChaCha20 is a stream cipher: a span is as long as the words, and holds something else
    explicit = {connection.connection: connection.explicit_nonce for connection in chat.visible}
    for finding, record in zip(chat.with_keys.findings, chat.carriers, strict=True):
        words = finding.sent.text.encode()
        assert words not in ours
        assert finding.heard is not None
        assert record is not None
        there = cut(raw, finding.heard.spans)
        assert len(there) == len(words)
        assert there != words
        whole = cut(raw, record.stream.locate(record.start, record.end))
        assert whole[:3] == b"\x17\x03\x03"
        assert int.from_bytes(whole[3:5], "big") == len(whole) - 5 == len(record.fragment)
        assert there in whole
        # one line a record: the words, LF, the inner type in TLS 1.3, and what the suite adds
        added = 17 if version is ssl.TLSVersion.TLSv1_3 else 16 + explicit[record.stream.connection]
        assert len(record.fragment) == len(words) + 1 + added
    assert [(seen.server_name, seen.version) for seen in chat.visible] == [
        ("localhost", "TLS 1.3" if version is ssl.TLSVersion.TLSv1_3 else "TLS 1.2")
    ] * 3
    for seen in chat.visible:
        assert seen.server.port == chat.port
        assert seen.records
        assert all(a.time_ns <= b.time_ns for a, b in pairwise(seen.records))


def check(outcome: Outcome, version: ssl.TLSVersion) -> None:
    assert outcome.ok
    assert outcome.problems == ()
    assert outcome.counters.dropped == 0
    raw = frames(outcome.folder.capture)
    assert outcome.counters.received == len(raw)
    assert outcome.seconds > 0
    assert tuple(outcome.chats) == outcome.plan.transports
    for transport, chat in outcome.chats.items():
        assert chat.transport is transport
        assert {chat.port} == {e.port for s in chat.streams for e in (s.source, s.destination)} & {
            c.port for c in outcome.chats.values()
        }
        if transport is Transport.PLAIN:
            check_plain(chat, raw)
        else:
            check_tls(chat, raw, version)
            assert stat.S_IMODE(outcome.folder.keylog.stat().st_mode) == 0o600


def test_both_side_by_side(both: Outcome) -> None:
    check(both, ssl.TLSVersion.TLSv1_3)


def test_plaintext_alone_makes_no_key_log(plain: Outcome) -> None:
    check(plain, ssl.TLSVersion.TLSv1_3)
    assert not plain.folder.keylog.exists()


def test_tls_1_2(tls12: Outcome) -> None:
    check(tls12, ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("reader", READERS)
def test_every_reader(
    reader: ReaderName, version: ssl.TLSVersion, make_plan: MakePlan, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    if reader in ("tshark", "pyshark"):
        tool("tshark")
    plan = make_plan(Transport.PLAIN, Transport.TLS, version=version, reader=reader)
    check(run(plan, make_folder(tmp_path, "both")), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tap(version: ssl.TLSVersion, make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(Transport.PLAIN, Transport.TLS, version=version, reader="scapy", choice=TAP)
    check(run(plan, make_folder(tmp_path, "both")), version)


def test_the_tap_through_pyshark(make_plan: MakePlan, tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    plan = make_plan(Transport.PLAIN, reader="pyshark", choice=TAP)
    check(run(plan, make_folder(tmp_path, "plain")), ssl.TLSVersion.TLSv1_3)


def test_one_letter_messages(make_plan: MakePlan, tmp_path: Path) -> None:
    steps = (Join("anna"), Join("bob"), *(Say("anna", letter) for letter in "aeiousxyz"))
    outcome = run(make_plan(Transport.PLAIN, Transport.TLS, steps=steps), make_folder(tmp_path, "both"))
    assert outcome.ok, [chat.verdict.problems for chat in outcome.chats.values()]
    assert outcome.chats[Transport.PLAIN].verdict.read == 9
    assert outcome.chats[Transport.TLS].verdict.read == 0


def test_hostile_words_travel_whole(make_plan: MakePlan, tmp_path: Path) -> None:
    words = (
        "[red]x[/] \\ \"quoted\" 'too' $(reboot)",
        "bidi \u202e and zero\u200bwidth",
        "eve > * bob has left",
        "\ttab",
    )
    steps = (Join("anna"), Join("bob"), *(Say("anna", text) for text in words), *(Say("anna", text) for text in words))
    outcome = run(make_plan(Transport.PLAIN, Transport.TLS, steps=steps), make_folder(tmp_path, "both"))
    assert outcome.ok
    findings = outcome.chats[Transport.PLAIN].verdict.findings
    assert [finding.heard.text for finding in findings if finding.heard] == [*words, *words]
    assert len({finding.heard.start for finding in findings if finding.heard}) == 8


def rejudged(outcome: Outcome, sent: Mapping[Transport, tuple[Sent, ...]]) -> dict[Transport, ChatOutcome]:
    return {
        transport: examine(transport, chat.port, chat.streams, sent[transport], outcome.folder.keylog)
        for transport, chat in outcome.chats.items()
    }


def test_a_message_that_is_not_there_is_missed(both: Outcome) -> None:
    def with_another(chat: ChatOutcome) -> tuple[Sent, ...]:
        return (*(f.sent for f in chat.verdict.findings), Sent(13, "bob", "never said", (), 1))

    chats = rejudged(both, {transport: with_another(chat) for transport, chat in both.chats.items()})
    missed = ("1 of 13 messages were not read: number 13.",)
    assert chats[Transport.PLAIN].verdict.problems == missed
    with_keys = chats[Transport.TLS].with_keys
    assert with_keys is not None
    assert with_keys.problems == missed
    assert chats[Transport.TLS].carriers[12] is None
    assert chats[Transport.TLS].verdict.ok


def test_plaintext_on_the_tls_port_turns_the_verdict(both: Outcome) -> None:
    plain = both.chats[Transport.PLAIN]
    sent = tuple(finding.sent for finding in plain.verdict.findings)
    chat = examine(Transport.TLS, plain.port, plain.streams, sent, both.folder.keylog)
    assert (chat.verdict.read, chat.verdict.found) == (12, 12)
    assert chat.verdict.problems[0] == "12 of 12 messages can be read in what should hide them."


def test_the_wrong_keys_are_said(both: Outcome, tls12: Outcome) -> None:
    tls = both.chats[Transport.TLS]
    chat = examine(Transport.TLS, tls.port, tls.streams, (), tls12.folder.keylog)
    assert len(chat.problems) == 3
    assert all("belongs to another session" in problem for problem in chat.problems)
    assert not replace(both, chats={Transport.TLS: chat}).ok


def test_a_stray_connection_to_the_tls_port_costs_no_verdict(both: Outcome) -> None:
    tls = both.chats[Transport.TLS]
    stray = [replace(stream, connection=99, data=b"", pieces=(), gaps=()) for stream in tls.streams[:2]]
    sent = tuple(finding.sent for finding in tls.verdict.findings)
    chat = examine(Transport.TLS, tls.port, [*tls.streams, *stray], sent, both.folder.keylog)
    assert chat.verdict.ok
    assert chat.with_keys is not None
    assert chat.with_keys.ok
    assert chat.problems == ()


def test_a_dropped_packet_is_a_failure(both: Outcome) -> None:
    dropping = replace(both, counters=Counters(9, 1))
    assert not dropping.ok
    assert dropping.problems == ("The capture dropped 1 packet.",)


@pytest.mark.skipif(choose().way is not Way.LOOPBACK, reason="this user may not capture on the loopback interface")
def test_packets_that_dumpcap_dropped_are_reported(
    make_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = find("dumpcap")
    fake = tmp_path / "bin" / "dumpcap"
    fake.parent.mkdir()
    # dumpcap as it is, but for what it says at its end
    fake.write_text(f"#!/bin/bash\nexec {real} \"$@\" 2> >(trap '' INT; sed -E 's#: ([0-9]+)/0 \\(#: \\1/3 (#' >&2)\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    plan = make_plan(Transport.PLAIN, choice=Choice(Way.LOOPBACK, "", "dumpcap"))
    outcome = run(plan, make_folder(tmp_path, "plain"))
    assert outcome.problems == ("The capture dropped 3 packets.",)
    assert outcome.chats[Transport.PLAIN].verdict.ok
    assert not outcome.ok


def test_carriers_are_application_data(both: Outcome) -> None:
    assert {record.content_type for record in both.chats[Transport.TLS].carriers if record} == {APPLICATION_DATA}

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.segment import PSH, Endpoint, Segment
from capture.streams import ByteStream, Gap, reassemble
from lab.overhear import Heard, overhear
from lab.scenario import Sent
from lab.verdict import ALPHA, Expected, Verdict, judge

Streams = Callable[..., tuple[ByteStream, ...]]

WELCOME = ("<", b"* welcome, anna. 1 here: anna\n")


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311  (repeatable noise is what is wanted)


def stream(data: bytes) -> ByteStream:
    """One side of a connection that sent `data` in one frame."""
    ends = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 12346)
    return reassemble([Segment(7, 1, *ends, 1, 1, PSH, len(data), data, 66)])[0]


def sent(*texts: str, who: str = "anna") -> tuple[Sent, ...]:
    return tuple(Sent(number, who, text, ("bob",), number) for number, text in enumerate(texts, start=1))


def heard(text: str, who: str = "anna") -> Heard:
    source = stream(text.encode())
    end = len(source.data)
    return Heard(who, text, source, 0, end, source.locate(0, end), 1)


def in_vain(messages: tuple[Sent, ...], data: bytes, sample: bytes | None = None) -> Verdict:
    """Judge bytes that should hide the messages."""
    streams = (stream(data),)
    return judge(
        messages, overhear(streams), streams, streams if sample is None else (stream(sample),), Expected.UNREADABLE
    )


def test_a_plaintext_chat_is_read(streams_of: Streams) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", b"hello\ngoodbye\n"))
    verdict = judge(sent("hello", "goodbye"), overhear(streams), streams, streams[:1], Expected.READABLE)
    assert verdict.ok
    assert verdict.problems == ()
    assert (verdict.read, verdict.found, len(verdict.findings)) == (2, 2, 2)
    assert [str(finding.places[0][0]) for finding in verdict.findings] == [
        "frame 5, bytes 66-70",
        "frame 5, bytes 72-78",
    ]
    assert [finding.heard.spans for finding in verdict.findings if finding.heard] == [
        finding.places[0] for finding in verdict.findings
    ]
    assert verdict.searched == len(b"anna\nhello\ngoodbye\n") + len(WELCOME[1])
    assert verdict.utf8 == verdict.payload == len(b"anna\nhello\ngoodbye\n")


def test_a_short_message_is_read_where_it_stands_though_chance_could_have_put_its_bytes_there(
    streams_of: Streams,
) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", b"z\n"))
    verdict = judge(sent("z"), overhear(streams), streams, streams, Expected.READABLE)
    assert verdict.ok
    assert (verdict.read, verdict.found) == (1, 0)
    assert len(verdict.findings[0].places) == 1


def test_a_repeated_message_needs_as_many_readings(streams_of: Streams) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", b"hello\nhello\n"))
    twice = overhear(streams)
    verdict = judge(sent("hello", "hello"), twice, streams, streams, Expected.READABLE)
    assert verdict.ok
    first, second = verdict.findings
    assert first.heard is not None
    assert second.heard is not None
    assert first.heard.start != second.heard.start
    assert len(first.places) == len(second.places) == 2
    lost = judge(sent("hello", "hello"), twice[:1], streams, streams, Expected.READABLE)
    assert lost.problems == ("1 of 2 messages were not read: number 2.",)


def test_the_right_words_from_the_wrong_person_are_not_read() -> None:
    verdict = judge(sent("hello"), [heard("hello", who="eve")], (), (), Expected.READABLE)
    assert verdict.read == 0
    assert verdict.problems == (
        "1 of 1 messages were not read: number 1.",
        "1 messages were read that nobody sent.",
    )


def test_an_invented_message_is_a_problem() -> None:
    verdict = judge(sent("hello"), [heard("hello"), heard("never said")], (), (), Expected.READABLE)
    assert verdict.read == 1
    assert verdict.problems == ("1 messages were read that nobody sent.",)


@pytest.mark.parametrize("expected", Expected)
def test_missing_bytes_are_a_problem(expected: Expected) -> None:
    data = noise(2000)
    torn = replace(stream(data), gaps=(Gap(5, 40), Gap(9, 2)))
    readings = [heard("hello")] if expected is Expected.READABLE else []
    verdict = judge(sent("hello"), readings, (torn,), (torn,), expected)
    assert verdict.problems == ("42 bytes that were sent are not in the capture.",)


@pytest.mark.parametrize("expected", Expected)
def test_nothing_sent_shows_nothing(expected: Expected) -> None:
    verdict = judge((), (), (stream(noise(2000)),), (stream(noise(2000)),), expected)
    assert verdict.problems == ("No message was sent, so nothing was shown.",)


def test_random_bytes_hide_every_message() -> None:
    data = noise(30_000)
    verdict = in_vain(sent("hello Bob", "¿qué tal?", "ok"), data)
    assert verdict.ok
    assert (verdict.read, verdict.found) == (0, 0)
    assert verdict.randomness is not None
    assert verdict.randomness.p_value > ALPHA
    assert verdict.searched == 30_000
    assert verdict.utf8 < 10


@pytest.mark.parametrize("size", [200, 3_000, 30_000])
@pytest.mark.parametrize("seed", range(5))
def test_one_letter_in_noise_is_chance(size: int, seed: int) -> None:
    data = noise(size, seed)
    letters = sent(*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    verdict = in_vain(letters, data)
    assert verdict.found == 0
    assert verdict.ok
    for finding in verdict.findings:
        assert len(finding.places) == data.count(finding.sent.text.encode())
        assert finding.by_chance == pytest.approx(size / 256)


def test_every_place_of_a_message_is_named() -> None:
    data = noise(500) + b"aaa" + noise(500, 2)
    (finding,) = in_vain(sent("aa"), data).findings
    at = [place[0].first - 66 for place in finding.places]
    assert at == [n for n in range(len(data)) if data.startswith(b"aa", n)]
    assert {500, 501} <= set(at), "also those that overlap"


@pytest.mark.parametrize("message", ["The safe opens with 36-24-36", "¿Y si alguien?", "secret"])
@pytest.mark.parametrize("at", [0, 7_000, 14_000])
def test_a_leak_turns_the_verdict(message: str, at: int) -> None:
    data = noise(14_000)
    leaked = data[:at] + message.encode() + data[at:]
    verdict = in_vain(sent("nothing", message), leaked)
    assert not verdict.ok
    assert verdict.found == 1
    assert [finding.found for finding in verdict.findings] == [False, True]
    assert str(verdict.findings[1].places[0][0]) == f"frame 7, bytes {66 + at}-{66 + at + len(message.encode()) - 1}"
    assert verdict.problems[0] == "1 of 2 messages can be read in what should hide them."


def test_what_tls_itself_says_in_the_clear_is_no_leak() -> None:
    data = noise(3_000)
    handshake = stream(b"\x16\x03\x03 the server's name: localhost " + data)
    (finding,) = judge(sent("localhost"), (), (handshake,), (stream(data),), Expected.UNREADABLE).findings
    assert len(finding.places) == 1, "it stands there, and that is said"
    assert (finding.in_payload, finding.found) == (0, False), "but nobody has read a message"


def test_many_leaks_of_one_letter_are_no_chance() -> None:
    data = noise(5_000)
    assert in_vain(sent("x"), data).found == 0
    assert in_vain(sent("x"), data + b"x" * 200).found == 1


def test_plaintext_where_tls_should_be_is_read(streams_of: Streams) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", b"hello Bob, are we alone here?\n"))
    text = b"hello Bob, are we alone here?\n" * 10
    verdict = judge(
        sent("hello Bob, are we alone here?"), overhear(streams), streams, (stream(text),), expected=Expected.UNREADABLE
    )
    assert verdict.read == 1
    assert verdict.problems[0] == "1 of 1 messages can be read in what should hide them."
    assert verdict.problems[1].startswith("The payload is not evenly spread (p = ")


def test_words_are_not_evenly_spread() -> None:
    words = b"Good. The safe opens with 36-24-36, tell nobody. " * 40
    verdict = in_vain(sent("unsaid"), noise(3000), sample=words)
    assert verdict.randomness is not None
    assert verdict.randomness.p_value < 1e-100
    assert verdict.utf8 == len(words)
    (problem,) = verdict.problems
    assert problem == f"The payload is not evenly spread (p = {verdict.randomness.p_value:.2g})."


@pytest.mark.parametrize("sample", [b"", b"a"])
def test_too_little_to_judge_is_said(sample: bytes) -> None:
    verdict = in_vain(sent("unsaid"), noise(3000), sample=sample)
    assert verdict.randomness is None
    assert verdict.problems == ("There is too little encrypted payload to judge.",)


def test_no_streams_at_all() -> None:
    verdict = judge(sent("hello"), (), (), (), Expected.READABLE)
    assert verdict.searched == 0
    assert verdict.problems == ("1 of 1 messages were not read: number 1.",)


WORDS = st.sampled_from(["a", "ok", "hello", "¿qué?", "🙂", "a longer message"])
NAMES = st.sampled_from(["anna", "bob"])


@given(
    said=st.lists(st.tuples(NAMES, WORDS), max_size=8),
    caught=st.lists(st.tuples(NAMES, WORDS), max_size=8),
    data=st.binary(max_size=300),
    expected=st.sampled_from(Expected),
)
def test_what_always_holds(
    said: list[tuple[str, str]], caught: list[tuple[str, str]], data: bytes, expected: Expected
) -> None:
    messages = tuple(Sent(n, who, text, (), n) for n, (who, text) in enumerate(said, start=1))
    verdict = judge(messages, [heard(text, who) for who, text in caught], (stream(data),), (stream(data),), expected)
    assert [finding.sent for finding in verdict.findings] == list(messages)
    # an independent count: each reading explains one message
    both = sum(min(said.count(pair), caught.count(pair)) for pair in set(said))
    assert verdict.read == both <= len(messages)
    assert verdict.ok == (not verdict.problems)
    if expected is Expected.READABLE:
        assert verdict.ok == (bool(said) and sorted(said) == sorted(caught))
    elif verdict.read:
        assert not verdict.ok
    for finding in verdict.findings:
        assert bool(finding.places) == (finding.sent.text.encode() in data)
        assert math.isfinite(finding.by_chance)
        assert not finding.found or finding.places

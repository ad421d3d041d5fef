import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from capture.readers import read_segments
from capture.streams import on_port, reassemble
from chat.lines import MAX_LINE
from lab.errors import LabError
from lab.folder import RunFolder
from lab.scenario import Sent
from lab.scenarios.codecs import AesGcm, Base64, RepeatingXor
from lab.scenarios.fakes.attacks import framed_lines
from lab.scenarios.fakes.reading import Evidence, examine, in_vain, packets, search, with_the_key
from lab.scenarios.fakes.result import LISTENED, RELAYED, XOR, Fakes
from lab.scenarios.fakes.rsa_exchange import new_key, public_bytes
from lab.scenarios.fakes.scenario import typed
from lab.scenarios.fakes.talk import conversation, dictation
from tests.lab.scenarios.fakes.sealed import lines, said, streams

STEPS = conversation(2)
SENT = tuple(Sent(number, who, text, (), 0) for number, (who, text) in enumerate(said(STEPS), start=1))


def test_every_place_holds_what_tshark_sees_there(faked: Fakes, tool: Callable[[str], str]) -> None:
    """Each message's sealed bytes, cut out of the frames as another program reads them."""
    command = [
        tool("tshark"),
        "-r",
        str(faked.capture),
        "-Tfields",
        "-e",
        "frame.number",
        "-e",
        "tcp.payload",
        "-Y",
        "tcp.len > 0",
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    payloads = {int(frame): bytes.fromhex(data) for frame, data in (line.split("\t") for line in out.splitlines())}
    checked = 0
    for row in faked.rows:
        for message in row.messages:
            cut = b""
            for span in message.sealed.spans:
                piece = next(p for p in message.sealed.stream.pieces if p.frame == span.frame)
                start = span.first - (piece.offset)
                cut += payloads[span.frame][start : start + span.last - span.first + 1]
            assert cut == message.sealed.data
            checked += 1
    assert checked == 5 * 24


def test_the_keys_crossed_in_the_clear(faked: Fakes) -> None:
    exchange = faked.exchange
    assert exchange.genuine.data != exchange.shown.data == exchange.refused.data
    assert len(exchange.answer.data) == 256
    assert exchange.answered == 0
    for key in (exchange.genuine, exchange.shown):
        assert len(key.data) == len(public_bytes(new_key()))


def test_one_line_is_the_longest_of_a_client(faked: Fakes) -> None:
    longest = max(faked.row(XOR).sent, key=lambda message: len(message.text.encode())).text.encode()
    for row in faked.rows:
        assert row.line.stream.from_client
        if row.name in {LISTENED, RELAYED}:
            assert len(row.line.data) == len(longest) + 16
        assert row.one is not None
        assert row.all is not None
        assert row.one.sample == len(row.line.data) < row.all.sample


def test_the_wrong_key_opens_nothing(faked: Fakes) -> None:
    swapped = [faked.exchange.answer.stream, faked.exchange.shown.stream]
    assert with_the_key(swapped, new_key()) == ()


@pytest.mark.parametrize(
    ("make", "read"), [(lambda: AesGcm(bytes(16)), 0), (Base64, 24), (lambda: RepeatingXor(b"key of 11..."), 24)]
)
def test_what_a_listener_would_find_is_found(make: Callable[[], AesGcm | Base64 | RepeatingXor], read: int) -> None:
    captured = streams(lines(STEPS).values(), make)
    whole = [framed_lines(s) if read == 0 else packets(s) for s in captured]
    reads = in_vain(captured, whole)
    texts = {line.plaintext for line in reads}
    assert sum(message.text.encode() in texts for message in SENT) == read


def test_words_in_the_clear_are_found() -> None:
    captured = streams(lines(STEPS).values(), lambda: RepeatingXor(b"\0"))
    verdict = search(SENT, captured, [packets(s) for s in captured])
    assert verdict.found > 20
    assert not verdict.ok
    sealed = streams(lines(STEPS).values(), lambda: AesGcm(bytes(range(32))))
    assert search(SENT, sealed, [framed_lines(s) for s in sealed]).found == 0


@pytest.mark.parametrize("kept", ["one connection", "no payload"])
def test_a_chat_that_is_not_whole_in_the_capture_is_said(faked: Fakes, kept: str) -> None:
    ports = {row.name: row.port for row in faked.rows}
    far = faked.exchange.genuine.stream.source.port
    sent = {row.name: row.sent for row in faked.rows}
    captured = tuple(reassemble(read_segments(faked.capture, "native")))
    for port in (*ports.values(), far):
        own = on_port(captured, port)
        left = own[:2] if kept == "one connection" and port != far else ()
        bare = [replace(stream, data=b"", pieces=()) for stream in own] if kept == "no payload" else left
        lost = [*(stream for stream in captured if stream not in own), *bare]
        evidence = Evidence(lost, ports, far, typed(dictation(MAX_LINE)), new_key())
        with pytest.raises(LabError, match="does not hold all of"):
            examine(evidence, sent, faked.counters, RunFolder(faked.capture.parent))

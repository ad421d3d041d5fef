"""The scenario as a whole, on the wire; what each part of it does is tested beside it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from capture.decrypt import open_connection
from capture.keylog import read_keylog
from capture.readers import ReaderName, read_segments
from capture.rights import Choice, Way
from capture.streams import ByteStream, reassemble
from capture.tls import APPLICATION_DATA, read_records
from lab.folder import RunFolder, make_folder
from lab.scenarios.leaks.result import CONSTANT, NONE, PADDINGS, Result, attack
from lab.scenarios.leaks.scenario import SCENARIO
from lab.scenarios.leaks.talk import COUNT, NAMES, draw
from lab.scenarios.shape import Setting
from tests.capture.conftest import tshark

__all__ = ["tshark"]
SEED = 20
Ran = tuple[Result, RunFolder]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> Ran:
    """One run, for all tests here."""
    folder = make_folder(tmp_path_factory.mktemp("leaks"), "leaks")
    return SCENARIO.run(Setting(folder, here, best_reader, (), SEED)), folder


def test_it_comes_out_as_the_textbook_has_it(ran: Ran) -> None:
    result, folder = ran
    judgement = SCENARIO.judge(result)
    assert [claim for claim in judgement.claims if not claim.ok] == []
    assert judgement.ok
    assert result.truth == draw(SEED)
    assert {question.key for question in SCENARIO.questions} == set(judgement.answers)
    # what it leaves: certificates and their keys are gone, the key log is its owner's alone
    assert sorted(path.name for path in folder.path.iterdir()) == sorted(
        ["capture.pcapng", "tls.keylog", "transcript.json", "lengths.png", "scores.png", "cost.png"]
    )
    assert folder.keylog.stat().st_mode & 0o777 == 0o600
    sent = json.loads(folder.transcript.read_text())["sent"]
    assert [(message["who"], message["text"]) for message in sent] == [
        (NAMES[line.speaker], line.phrase) for line in result.truth
    ]


def opened(streams: tuple[ByteStream, ...], port: int, folder: RunFolder) -> list[tuple[int, str]]:
    """Who said what on a port, by the keys: the oracle of those who have none."""
    keys, said, place = read_keylog(folder.keylog), [], 0
    for client, server in zip(streams[::2], streams[1::2], strict=True):
        if client.destination.port == port:
            ours, _ = open_connection(read_records(client), read_records(server), keys)
            for item in ours:
                if item.content_type == APPLICATION_DATA:
                    time_ns = client.slice(item.record.start, item.record.end)[0].time_ns
                    said.append((time_ns, place, item.plaintext.decode()))
            place += 1
    return [(place, text.removesuffix("\n")) for _, place, text in sorted(said)]


@pytest.mark.parametrize("padding", PADDINGS)
def test_the_keys_say_that_the_records_are_those_of_the_messages(
    ran: Ran, best_reader: ReaderName, padding: object
) -> None:
    result, folder = ran
    streams = reassemble(read_segments(folder.capture, best_reader))
    tapped = next(tapped for key, tapped in result.tapped.items() if key == padding)
    said = opened(streams, tapped.port, folder)
    assert said[: len(NAMES)] == list(enumerate(NAMES))
    lines = said[len(NAMES) :][:COUNT]
    assert lines == [(line.speaker, line.phrase) for line in result.truth]
    assert [line.speaker for line in tapped.lines] == [place for place, _ in lines]
    if padding == NONE:
        hidden = [line.length - tapped.overhead for line in tapped.lines]
        assert hidden == [len(text.encode()) + 1 for _, text in lines]


def test_the_spans_are_those_of_tshark(ran: Ran, tshark: Callable[..., list[str]]) -> None:
    result, folder = ran
    tapped = result.tapped[NONE]
    port = f"tcp.port=={tapped.port},tls"
    show = f"tcp.dstport=={tapped.port} && tls.record.opaque_type == 23"
    fields = ("-e", "frame.number", "-e", "tls.record.length")
    # a frame may hold a record of the handshake before the one that is meant
    rows = [row.split("\t") for row in tshark(folder.capture, "-d", port, "-Y", show, "-Tfields", *fields)]
    lengths = {int(frame): [int(length) for length in found.split(",")] for frame, found in rows}
    assert all(line.length in lengths[line.spans[0].frame] for line in (*tapped.names, *tapped.lines))
    hellos = tshark(
        folder.capture, "-Y", "tls.handshake.ja3", "-Tfields", "-e", "frame.number", "-e", "tls.handshake.ja3"
    )
    seen = [*result.handshakes.chat, *result.handshakes.tls12, *result.handshakes.tls13]
    assert {f"{one.hello.spans[0].frame}\t{one.ja3}" for one in seen} <= set(hellos)


def test_a_chat_that_pads_nothing_is_found_out(ran: Ran) -> None:
    """The wrong way: what should have one size is the chat without padding."""
    result, _ = ran
    swapped = {**result.tapped, CONSTANT: result.tapped[NONE]}
    judgement = SCENARIO.judge(replace(result, tapped=swapped))
    assert not judgement.ok
    assert "always 256: the lengths" in [claim.what for claim in judgement.claims if not claim.ok]
    assert judgement.answers["price"] == "up to twice"


def test_the_tap_shows_the_same(tmp_path: Path, best_reader: ReaderName, here: Choice) -> None:
    if here.way is Way.TAP:
        pytest.skip("all other tests here were done with the tap")
    setting = Setting(make_folder(tmp_path, "leaks"), Choice(Way.TAP, ""), best_reader, (), SEED)
    result = SCENARIO.run(setting)
    assert SCENARIO.judge(result).ok
    assert attack(result)[NONE].names == NAMES

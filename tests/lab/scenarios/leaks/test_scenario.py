"""The scenario as a whole, on the wire; what each part of it does is tested beside it."""

import json
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from capture.decrypt import open_connection
from capture.errors import CaptureError
from capture.keylog import read_keylog
from capture.readers import ReaderName, read_segments
from capture.rights import Choice
from capture.streams import ByteStream, reassemble
from capture.tls import APPLICATION_DATA, read_records
from lab.errors import LabError
from lab.folder import RunFolder, make_folder
from lab.scenarios.leaks import scenario
from lab.scenarios.leaks.result import NONE, PADDINGS, Padding, Result
from lab.scenarios.leaks.scenario import SCENARIO
from lab.scenarios.leaks.talk import COUNT, NAMES, draw
from lab.scenarios.running import run_in_time
from lab.scenarios.shape import Setting
from tests.capture.conftest import tshark
from tests.lab.scenarios.conftest import MakeSetting
from tests.lab.scenarios.leaks.leaking import size

__all__ = ["tshark"]
SEED = 20


@dataclass(frozen=True, slots=True)
class Ran:
    """The only run of all these tests: its result, its folder, and what was recorded beside the capture."""

    result: Result
    folder: RunFolder
    recording: scenario._Recording


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> Ran:
    folder = make_folder(tmp_path_factory.mktemp("leaks"), "leaks")
    recorded = []

    def keep(talk: Coroutine[Any, Any, scenario._Recording]) -> scenario._Recording:
        recorded.append(run_in_time(talk))
        return recorded[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "run_in_time", keep)
        result = SCENARIO.run(Setting(folder, here, best_reader, (), SEED))
    return Ran(result, folder, recorded[0])


def test_it_comes_out_as_the_textbook_has_it(ran: Ran) -> None:
    result, folder = ran.result, ran.folder
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
    assert [size(path) for path in result.pictures.files] == [(1920, 1080)] * 3
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
    ran: Ran, best_reader: ReaderName, padding: Padding
) -> None:
    result, folder = ran.result, ran.folder
    streams = reassemble(read_segments(folder.capture, best_reader))
    tapped = result.attacked[padding].tapped
    said = opened(streams, tapped.port, folder)
    assert said[: len(NAMES)] == list(enumerate(NAMES))
    lines = said[len(NAMES) :][:COUNT]
    assert lines == [(line.speaker, line.phrase) for line in result.truth]
    assert [line.speaker for line in tapped.lines] == [place for place, _ in lines]
    if padding == NONE:
        hidden = [line.length - tapped.overhead for line in tapped.lines]
        assert hidden == [len(text.encode()) + 1 for _, text in lines]


def test_the_spans_are_those_of_tshark(ran: Ran, tshark: Callable[..., list[str]]) -> None:
    result, folder = ran.result, ran.folder
    tapped = result.attacked[NONE].tapped
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


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("tls12", "does not hold the visits that were made"),
        ("tls13", "does not hold the visits that were made"),
        ("chat", "does not hold the whole chat"),
    ],
)
def test_a_connection_that_is_missing(
    ran: Ran, which: str, sentence: str, make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, versions = ran.recording, {"tls12": ssl.TLSVersion.TLSv1_2, "tls13": ssl.TLSVersion.TLSv1_3}
    port = recording.chats[NONE] if which == "chat" else recording.visited[versions[which]][0]
    segments = tuple(read_segments(ran.folder.capture, "native"))
    lost = next(segment.source.port for segment in segments if segment.destination.port == port)
    kept = [segment for segment in segments if lost not in (segment.source.port, segment.destination.port)]

    def recorded(talk: Coroutine[Any, Any, object]) -> scenario._Recording:
        talk.close()
        return recording

    monkeypatch.setattr(scenario, "run_in_time", recorded)
    monkeypatch.setattr(scenario, "read_segments", lambda *_: kept)
    with pytest.raises((LabError, CaptureError), match=sentence):
        SCENARIO.run(make_setting("leaks", seed=SEED))

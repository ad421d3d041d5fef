import asyncio
import json
import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from capture.errors import CaptureError
from capture.files import whole_file
from capture.readers import ReaderName, read_segments
from capture.rights import Choice, Way
from certs.errors import CertsError
from chat.errors import ChatError
from lab.errors import LabError
from lab.folder import make_folder
from lab.pipeline import Outcome
from lab.record import Plan, Transport, record
from lab.scenario import CONVERSATION, Join, ListUsers, Say, messages

MakePlan = Callable[..., Plan]
TAP = Choice(Way.TAP, "It was asked for.")
SHORT = (Join("anna"), Join("bob"), Say("anna", "hello"))


def test_what_a_run_leaves_behind(both: Outcome) -> None:
    folder = both.folder
    names = {"capture.pcapng", "tls.keylog", "transcript.json"}
    assert {path.name for path in folder.path.iterdir()} == names
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.keylog.stat().st_mode) == 0o600
    with whole_file(folder.capture) as whole:
        assert whole.torn_at is None


def test_the_transcript_is_what_was_sent(both: Outcome) -> None:
    transcript = json.loads(both.folder.transcript.read_bytes())
    assert set(transcript) == {"plain", "tls"}
    for said in transcript.values():
        assert [(m["who"], m["text"]) for m in said] == [(say.who, say.text) for say in messages(CONVERSATION)]
        assert [m["number"] for m in said] == list(range(1, 13))
        assert all(m["who"] not in m["heard_by"] for m in said)


@pytest.mark.parametrize("choice", [None, TAP], ids=["here", "tap"])
def test_only_the_chats_are_in_the_capture(
    choice: Choice | None, make_plan: MakePlan, here: Choice, tmp_path: Path, best_reader: ReaderName
) -> None:
    plan = make_plan(Transport.PLAIN, Transport.TLS, steps=SHORT, choice=choice or here)
    folder = make_folder(tmp_path, "both")
    recording = asyncio.run(record(plan, folder))
    assert recording.segments is None
    assert recording.counters.dropped == 0
    ports = set(recording.ports.values())
    assert len(ports) == 2
    segments = list(read_segments(folder.capture, best_reader))
    assert segments
    assert all({s.source.port, s.destination.port} & ports for s in segments)
    assert {s.source.host for s in segments} == {"127.0.0.1"}


def test_pyshark_reads_while_the_capture_is_made(
    make_plan: MakePlan, here: Choice, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    tool("tshark")
    if here.way is Way.TAP:
        pytest.skip("only a live capture is read while it is made")
    folder = make_folder(tmp_path, "plain")
    recording = asyncio.run(record(make_plan(Transport.PLAIN, steps=SHORT, reader="pyshark"), folder))
    assert recording.segments == tuple(read_segments(folder.capture, "scapy"))


@pytest.mark.parametrize("choice", [None, TAP], ids=["here", "tap"])
def test_a_port_that_is_taken(choice: Choice | None, make_plan: MakePlan, here: Choice, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        plan = make_plan(Transport.PLAIN, steps=SHORT, choice=choice or here)
        plan = replace(plan, ports={Transport.PLAIN: port})
        with pytest.raises((ChatError, CaptureError), match=str(port)) as caught:
            asyncio.run(record(plan, make_folder(tmp_path, "plain")))
    assert "in use" in str(caught.value)


@pytest.mark.parametrize("reader", ["tshark", "pyshark"])
@pytest.mark.parametrize("choice", [None, TAP], ids=["here", "tap"])
def test_a_capture_that_cannot_be_written(
    choice: Choice | None, reader: ReaderName, make_plan: MakePlan, here: Choice, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path, "plain")
    folder.capture.write_text("precious")
    plan = make_plan(Transport.PLAIN, steps=SHORT, reader=reader, choice=choice or here)
    with pytest.raises(CaptureError, match=r"capture\.pcapng cannot be written: File exists"):
        asyncio.run(record(plan, folder))
    assert folder.capture.read_text() == "precious"


@pytest.mark.parametrize("reader", ["tshark", "pyshark"])
def test_a_capture_that_dies_on_the_way(
    reader: ReaderName,
    make_plan: MakePlan,
    here: Choice,
    tmp_path: Path,
    tool: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool("tshark")
    if here.way is Way.TAP:
        pytest.skip("needs a live capture")
    real = tool("dumpcap")
    fake = tmp_path / "bin" / "dumpcap"
    fake.parent.mkdir()
    folder = make_folder(tmp_path, "plain")
    # killed as soon as something of it was saved
    fake.write_text(f'#!/bin/sh\n(until [ -s "{folder.capture}" ]; do :; done; kill -9 $$) &\nexec {real} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    choice = replace(here, source="dumpcap")
    steps = (Join("anna"), Join("bob"), *(Say("anna", f"number {n}") for n in range(3000)))
    with pytest.raises(CaptureError, match="dumpcap was stopped by SIGKILL") as caught:
        asyncio.run(record(make_plan(Transport.PLAIN, steps=steps, reader=reader, choice=choice), folder))
    assert str(folder.capture) in str(caught.value)
    assert folder.capture.stat().st_size > 0, "what was captured is kept"
    assert not folder.transcript.exists()


def test_one_chat_that_fails_ends_the_other(
    make_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the list of users never matches: both chats fail, and the first failure is the one that is told
    monkeypatch.setattr("chat.protocol.names_in", lambda _: ("eve",))
    plan = make_plan(Transport.PLAIN, Transport.TLS, steps=(*SHORT, ListUsers("anna")))
    with pytest.raises(LabError, match="anna was told that eve are here; in truth it is anna, bob"):
        asyncio.run(record(plan, make_folder(tmp_path, "both")))


def test_certificates_that_are_damaged(make_plan: MakePlan, tmp_path: Path) -> None:
    broken = tmp_path / "certs"
    broken.mkdir()
    (broken / "ca.key").write_text("not a key")
    plan = replace(make_plan(Transport.TLS, steps=SHORT), certificates=broken)
    with pytest.raises(CertsError, match=r"ca\.key"):
        asyncio.run(record(plan, make_folder(tmp_path, "tls")))


def test_plaintext_needs_no_certificates(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = replace(make_plan(Transport.PLAIN, steps=SHORT), certificates=tmp_path / "none")
    recording = asyncio.run(record(plan, make_folder(tmp_path, "plain")))
    assert [message.text for message in recording.sent[Transport.PLAIN]] == ["hello"]
    assert not (tmp_path / "none").exists()

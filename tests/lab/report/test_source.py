import json
import os
from pathlib import Path

import pytest

from capture.errors import KeyLogError
from capture.secrets import save
from lab.errors import LabError
from lab.pipeline import Outcome
from lab.report.source import newest, read_run
from tests.lab.report.conftest import DATA

_SECRET = f"CLIENT_TRAFFIC_SECRET_0 {'%s' * 64} {'ab' * 32}\n"


def keylog(letter: str) -> str:
    return _SECRET % ((letter,) * 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "20261126-001535-keys"
    path.mkdir()
    (path / "capture.pcapng").write_bytes((DATA / "plain.pcapng").read_bytes())
    return path


def test_the_newest_run(tmp_path: Path) -> None:
    # by what was captured last: the names of a second's runs do not sort
    for age, name in enumerate(["20261126-001535-both", "20261126-001535-both-2", "20261126-001535-both-10"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "capture.pcapng").touch()
        os.utime(tmp_path / name / "capture.pcapng", ns=(age, age))
    (tmp_path / "20991231-235959-openssl").mkdir()  # holds no capture
    assert newest(tmp_path).name == "20261126-001535-both-10"
    (tmp_path / "20261126-001536-live").mkdir()
    (tmp_path / "20261126-001536-live" / "capture-00001.pcapng").touch()
    with pytest.raises(LabError, match="name the capture file itself"):  # and no older run in its place
        read_run(newest(tmp_path))


def test_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="`make demo` makes one"):
        newest(tmp_path)
    with pytest.raises(LabError, match="no run and no capture at"):
        read_run(tmp_path / "nothing")
    with pytest.raises(LabError, match=r"holds no capture\.pcapng"):
        read_run(tmp_path)


def test_a_demo(both: Outcome, demo: Path) -> None:
    run = read_run(demo)
    assert (run.title, run.capture, run.problems) == ("both", demo / "capture.pcapng", ())
    assert {label for label, _ in run.keys or ()} >= {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}
    for transport, chat in both.chats.items():
        sent = [finding.sent for finding in chat.verdict.findings]
        assert [(one.number, one.who, one.text, one.time_ns) for one in run.sent[transport]] == [
            (one.number, one.who, one.text, one.time_ns) for one in sent
        ]
    assert run.verdict["as_expected"] is True


def test_all_key_logs_of_a_folder_count(folder: Path) -> None:
    for name, letter in (("attacker", "a"), ("server", "b")):
        (folder / f"{name}.keylog").write_text(keylog(letter))
    (folder / "broken.keylog").write_text("no key log\n")
    run = read_run(folder)
    assert {random.hex()[0] for _, random in run.keys or ()} == {"a", "b"}
    assert [problem for problem in run.problems if "broken.keylog" in problem] == list(run.problems)
    assert len(run.problems) == 1


def test_the_key_log_given_counts_alone(folder: Path, tmp_path: Path) -> None:
    (folder / "tls.keylog").write_text(keylog("a"))
    (tmp_path / "mine").write_text(keylog("c"))
    assert {random.hex()[0] for _, random in read_run(folder, tmp_path / "mine").keys or ()} == {"c"}
    with pytest.raises(KeyLogError, match="cannot be read"):
        read_run(folder, tmp_path / "nothing")


def test_keys_that_the_capture_carries(tmp_path: Path) -> None:
    keys = read_run(DATA / "tls13.pcapng", DATA / "tls13.keys.txt").keys
    save(DATA / "tls13.pcapng", tmp_path / "carries.pcapng", keys, "native")
    run = read_run(tmp_path / "carries.pcapng")
    assert run.title == "carries.pcapng"
    assert run.keys == keys
    assert read_run(DATA / "tls13.pcapng").keys is None


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("verdict.json", "{", "verdict.json is not JSON"),
        ("verdict.json", "[" * 100_000, "verdict.json is not JSON"),
        ("transcript.json", "\xff", "transcript.json is not JSON"),
        ("verdict.json", "[1, 2]", ""),
        ("transcript.json", '{"TLS 1.2": []}', ""),
        ("transcript.json", '{"plain": [{"number": 1}]}', ""),
        ("transcript.json", '{"plain": 7}', ""),
        ("transcript.json", json.dumps({"plain": [{"number": "x", "who": 1, "text": 2, "time_ns": 3}]}), ""),
    ],
)
def test_what_a_folder_holds_may_be_anything(folder: Path, name: str, text: str, said: str) -> None:
    (folder / name).write_bytes(text.encode("latin-1"))
    run = read_run(folder)
    assert (dict(run.sent), dict(run.verdict)) == ({}, {})
    assert all(said in problem for problem in run.problems)
    assert len(run.problems) == bool(said)


def test_numbers_that_cannot_be_reckoned_with_are_none(folder: Path) -> None:
    nine = "9" * 400
    (folder / "verdict.json").write_text(
        f'{{"a": [NaN, -Infinity, 1e999, -{nine}, {nine}.0, 1764116135000000001, 7.5]}}'
    )
    assert read_run(folder).verdict == {"a": [None, None, None, None, None, 1764116135000000001, 7.5]}


def test_a_file_that_may_not_be_read(folder: Path) -> None:
    (folder / "verdict.json").mkdir()
    (problem,) = read_run(folder).problems
    assert "verdict.json cannot be read" in problem

import json
import stat
import zipfile
from pathlib import Path

import pytest

from capture.keylog import read_keylog
from lab.folder import make_folder
from lab.notebook import shipped
from lab.reading import read_capture
from tests.data.make_runs import RUNS


def test_there_and_back(tmp_path: Path) -> None:
    made = make_folder(tmp_path, "one")
    made.capture.write_bytes(b"bytes")
    made.report.write_text("can be made again")
    made.write_private("tls.keylog", b"keys")
    shipped.pack(made.path, tmp_path / "one.zip")
    again = make_folder(tmp_path, "two")
    shipped.unpack(tmp_path / "one.zip", again)
    assert {path.name: path.read_bytes() for path in again.path.iterdir()} == {
        "capture.pcapng": b"bytes",
        "tls.keylog": b"keys",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in again.path.iterdir()} == {0o600}


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        bad.writestr("../../outside.txt", "here")
    folder = make_folder(tmp_path / "runs", "one")
    shipped.unpack(tmp_path / "bad.zip", folder)
    assert [path.name for path in folder.path.iterdir()] == ["outside.txt"]
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("demo", "plain"), "demo-plain"),
        (("demo", "tls", "--tls", "1.2"), "demo-tls-tls-1.2"),
        (("demo", "tls", "--reader", "native"), "demo-tls"),
        (("scenario", "keys", "--seed", "7"), "scenario-keys"),
        (("certs",), None),
        (("..", "x"), None),
    ],
)
def test_which_recording_is_for_a_command(arguments: tuple[str, ...], name: str | None) -> None:
    found = shipped.find(arguments)
    assert (found.stem if found is not None else None) == name


def test_all_recordings_are_those_of_the_list_and_came_out_as_expected(tmp_path: Path) -> None:
    assert {path.stem for path in shipped.FOLDER.glob("*")} == set(RUNS)
    for name in RUNS:
        folder = make_folder(tmp_path, name)
        shipped.unpack(shipped.FOLDER / f"{name}.zip", folder)
        verdict = json.loads(folder.verdict.read_text("ascii"))
        assert verdict["as_expected"]
        assert verdict["capture"]["way"] == "loopback"


def test_a_recording_reads_as_its_verdict_says(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "one")
    shipped.unpack(shipped.FOLDER / "demo-both.zip", folder)
    sent = json.loads(folder.transcript.read_text("ascii"))
    assert read_keylog(folder.keylog)
    words = sorted((message["who"], message["text"]) for chat in sent.values() for message in chat)
    heard = read_capture(folder.capture, "native", folder.keylog).heard
    assert sorted((message.who, message.text) for message in heard) == words

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from capture.keylog import read_keylog
from lab.errors import LabError
from lab.folder import RunFolder
from lab.scenario import CONVERSATION, messages
from lab.scenarios.keys.recording import SHIPPED, recorded

NAMES = {"recording.pcapng", "recording-key.pem", "recording.keylog"}


def test_it_is_put_into_the_folder_of_the_run(tmp_path: Path) -> None:
    found = recorded(RunFolder(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == NAMES
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    assert {found.files.capture.name, found.files.key.name, found.files.keylog.name} == NAMES
    assert found.files.capture.read_bytes() == (SHIPPED / "keys-rsa.pcapng").read_bytes()
    assert len(read_keylog(found.files.keylog)) == 3
    assert isinstance(found.key, rsa.RSAPrivateKey)
    assert [(sent.who, sent.text) for sent in found.sent] == [(say.who, say.text) for say in messages(CONVERSATION)]
    assert found.sent[0].heard_by == ("bob",)


@pytest.mark.parametrize("missing", ["pcapng", "key.pem", "keys.txt", "sent.json"])
def test_it_is_not_there(tmp_path: Path, missing: str) -> None:
    shipped, folder = tmp_path / "shipped", tmp_path / "run"
    shipped.mkdir()
    folder.mkdir()
    for path in SHIPPED.glob("keys-rsa.*"):
        if not path.name.endswith(missing):
            shutil.copy(path, shipped)
    with pytest.raises(LabError, match=rf"cannot be used: .*keys-rsa\.{missing}: No such file or directory\."):
        recorded(RunFolder(folder), shipped)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    recorded(RunFolder(tmp_path))
    with pytest.raises(LabError, match="File exists"):
        recorded(RunFolder(tmp_path))

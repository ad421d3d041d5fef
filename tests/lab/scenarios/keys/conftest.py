"""A run of the key x session matrix, done once for all tests, in a folder that shells have to quote."""

from dataclasses import dataclass

import pytest

from capture.readers import ReaderName
from capture.rights import Choice
from lab.folder import RunFolder, make_folder
from lab.scenario import CONVERSATION
from lab.scenarios.keys.matrix import Matrix
from lab.scenarios.keys.scenario import run
from lab.scenarios.shape import Setting


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished run and its folder."""

    matrix: Matrix
    folder: RunFolder


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> Ran:
    """All four sessions, as the demo runs them."""
    folder = make_folder(tmp_path_factory.mktemp("runs") / 'it\'s a "folder" with $HOME; \\x41 ñ', "keys")
    return Ran(run(Setting(folder, here, best_reader, CONVERSATION, 7)), folder)

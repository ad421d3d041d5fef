"""What the tests of the scenarios share: a setting, and the lab as a process of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from capture.readers import ReaderName
from capture.rights import Choice
from lab.folder import make_folder
from lab.scenario import CONVERSATION, Step
from lab.scenarios.fakes import scenario as fakes
from lab.scenarios.fakes.result import Fakes
from lab.scenarios.mitm import read as mitm_read
from lab.scenarios.mitm import scenario as mitm
from lab.scenarios.shape import Setting
from lab.scenarios.tamper import scenario as tamper
from lab.scenarios.tamper.judge import Result
from tests.lab.demo.conftest import Lab, lab
from tests.lab.scenarios.mutual.running import mutual_asked, mutual_lax, mutual_play, mutual_unbound

__all__ = ["Lab", "lab", "mutual_asked", "mutual_lax", "mutual_play", "mutual_unbound"]

MakeSetting = Callable[..., Setting]


@pytest.fixture
def make_setting(tmp_path: Path, here: Choice, best_reader: ReaderName) -> MakeSetting:
    """Make the setting of a run in a folder of its own: `make_setting("keys", choice=…, steps=…, seed=…)`."""

    def make(
        name: str, *, choice: Choice | None = None, steps: tuple[Step, ...] = CONVERSATION, seed: int = 7
    ) -> Setting:
        return Setting(make_folder(tmp_path, name), choice or here, best_reader, steps, seed)

    return make


@pytest.fixture(scope="session")
def tampered(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> Result:
    """A run of the scenario on tampering."""
    folder = make_folder(tmp_path_factory.mktemp("runs"), "tamper")
    return tamper.run(Setting(folder, here, best_reader, CONVERSATION, 7))


@pytest.fixture(scope="session")
def met(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> mitm_read.Result:
    """A run of the scenario on the one in the middle."""
    folder = make_folder(tmp_path_factory.mktemp("runs"), "mitm")
    return mitm.run(Setting(folder, here, best_reader, CONVERSATION, 7))


@pytest.fixture(scope="session")
def faked(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> Fakes:
    """A run of the scenario on fakes."""
    folder = make_folder(tmp_path_factory.mktemp("runs"), "fakes")
    return fakes.run(Setting(folder, here, best_reader, CONVERSATION, 7))

"""Runs of the chat that asks for certificates, each done once: as it should be, and with servers that do it wrong.

The fixtures are in `conftest`, so that all modules share them.
"""

from collections.abc import Callable

import pytest

from capture.readers import ReaderName
from capture.rights import Choice
from lab.folder import make_folder
from lab.scenario import CONVERSATION
from lab.scenarios.mutual.judge import Result
from lab.scenarios.mutual.scenario import run
from lab.scenarios.shape import Setting

Play = Callable[..., Result]


@pytest.fixture(scope="session")
def mutual_play(tmp_path_factory: pytest.TempPathFactory, here: Choice, best_reader: ReaderName) -> Play:
    """Run it: `play(require=False)` with a server that does not ask, `play(bind=False)` with one that binds no name."""

    def play(**how: bool) -> Result:
        folder = make_folder(tmp_path_factory.mktemp("runs") / "it's; here", "mutual")
        return run(Setting(folder, here, best_reader, CONVERSATION, 7), **how)

    return play


@pytest.fixture(scope="session")
def mutual_asked(mutual_play: Play) -> Result:
    """The run that the page is about."""
    return mutual_play()


@pytest.fixture(scope="session")
def mutual_lax(mutual_play: Play) -> Result:
    """The same with servers that ask nobody."""
    return mutual_play(require=False)


@pytest.fixture(scope="session")
def mutual_unbound(mutual_play: Play) -> Result:
    """The same with servers that ask, and take any name."""
    return mutual_play(bind=False)

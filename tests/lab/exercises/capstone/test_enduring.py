"""Each mistake in what is endured is seen and named; test_trial tries one of each weakness, too."""

import pytest

from tests.lab.exercises.capstone.variants import found_in, mistakes_of

NAMES = mistakes_of("sharing", "slow", "limits", "leaving")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return found_in(NAMES, tmp_path_factory.mktemp("variants"))


@pytest.mark.parametrize("name", NAMES)
def test_the_mistake_is_seen(found: dict[str, str], name: str) -> None:
    assert found[name] == name.split(".")[1]

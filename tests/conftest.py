"""What the tests of every package share."""

import gc
import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings

# A busy machine is no reason for a test to fail.
settings.register_profile("lab", deadline=None)
settings.load_profile("lab")


def pytest_collection_finish() -> None:
    """What is there by now stays: who looks for what a test has left need not look through all of it each time."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At its end Python takes it all apart, and libraries complain of what they find frozen."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Find a program: without it a test is skipped on a person's machine, and fails where everything must run (CI)."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            reason = f"{name} is not installed"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find

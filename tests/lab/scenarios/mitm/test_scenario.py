"""The whole scenario, as a person runs it."""

import json
import stat

from tests.lab.demo.conftest import Lab, as_ordinary_user, mount_namespace
from tests.lab.scenarios.conftest import lab

__all__ = ["as_ordinary_user", "lab", "mount_namespace"]


def check(lab: Lab) -> None:
    done = lab.run("scenario", "mitm", f"--keep={lab.keep}", "--json")
    assert done.err == ""
    assert done.status == 0
    verdict = json.loads(done.out)
    assert verdict["as_expected"] is True
    assert verdict["answers"]["name"] == "the one that skips the name"
    assert len(verdict["claims"]) >= 80
    folder = lab.run_folder()
    for path in folder.iterdir():
        if path.suffix in {".keylog", ".pem"}:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_as_whoever_runs_the_tests(lab: Lab) -> None:
    check(lab)


def test_as_an_ordinary_user(as_ordinary_user: Lab) -> None:
    check(as_ordinary_user)

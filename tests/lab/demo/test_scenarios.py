"""Scenarios as a person runs them: by the make target's command, without rights, and by the tap.

In tests/notebooks most of them run live, as whoever runs the tests.
"""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from lab.scenarios.catalogue import SCENARIOS
from tests.lab.demo.conftest import ROOT, Done, Lab


def scenario(lab: Lab, name: str, *arguments: str) -> tuple[Done, dict[str, Any]]:
    report = [] if "--report" in arguments else ["--no-report"]
    done = lab.run("scenario", name, f"--keep={lab.keep}", *report, *arguments)
    assert done.err == ""
    verdict = json.loads((lab.run_folder() / "verdict.json").read_bytes())
    return done, verdict


@pytest.mark.parametrize("name", ["keys", "mitm", "mutual"])
def test_without_rights(as_ordinary_user: Lab, name: str) -> None:
    done, verdict = scenario(as_ordinary_user, name)
    assert done.status == 0, done.out
    assert verdict["as_expected"] is True
    assert verdict["capture"]["way"] == "private"
    assert "claims came out as the textbook has them" in done.out
    files = [path for path in as_ordinary_user.run_folder().rglob("*") if path.is_file()]
    secret = [path for path in files if path.suffix == ".keylog" or b"PRIVATE KEY" in path.read_bytes()]
    assert secret
    assert [path for path in secret if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("name", ["mitm", "tamper"])  # those with relays
def test_by_the_tap(lab: Lab, name: str) -> None:
    done, verdict = scenario(lab, name, "--way=tap", "--json")
    assert done.status == 0, done.out
    assert json.loads(done.out) == verdict
    assert verdict["as_expected"] is True
    assert verdict["capture"]["way"] == "tap"


@pytest.mark.parametrize("name", ["keys", "mutual"])
def test_its_report(live: Lab, name: str) -> None:
    """Several key logs or chats in one capture; a client's certificate; claims beside them."""
    done, verdict = scenario(live, name, "--report")
    assert done.status == 0, done.out
    report = live.run_folder() / "report.html"
    assert done.out.rstrip().endswith(f"Report: {report} (open it in a browser; it needs no network)")
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text("utf-8")
    start = text.index('id="lab-data">') + len('id="lab-data">')
    data = json.loads(text[start : text.index("</script>", start)])
    assert [claim["what"] for claim in data["claims"]] == [claim["what"] for claim in verdict["claims"]]
    assert (data["title"], data["problems"]) == (name, [])
    read = [one for one in data["messages"] if one["tls"]["keys"]["read"]]
    assert len(read) == len(data["messages"]) == {"keys": 48, "mutual": 4}[name]
    kinds = {step["kind"] for told in data["story"] for step in told["steps"]}
    assert (
        kinds
        >= {
            "keys": {"client_key_exchange_rsa", "client_key_exchange_ecdhe", "server_hello"},
            "mutual": {"certificate_client", "certificate_client_12", "certificate_none", "alert"},
        }[name]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_make_target(name: str, tool: Callable[[str], str]) -> None:
    done = subprocess.run(
        [tool("make"), "-n", f"demo-{name}"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    # a make that was started by another one says where it goes
    lines = [line.rstrip() for line in done.stdout.splitlines() if not line.startswith("make")]
    assert lines[-1].endswith(f"-m lab scenario {name}")
    assert f"make demo-{name}" in (ROOT / "README.md").read_text()

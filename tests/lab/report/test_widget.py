"""The explorer in a cell: a real JupyterLab with a real kernel, in a real Chromium that reaches nothing else."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from lab.errors import LabError
from lab.report.widget import explore
from tests.lab.report.chromium import chromium

ROOT = Path(__file__).parents[3]
CAPTURE, KEYS = ROOT / "tests/data/keys-rsa.pcapng", ROOT / "tests/data/keys-rsa.keys.txt"
WIDGET = "application/vnd.jupyter.widget-view+json"


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab, on a free port of this machine; yields its address."""
    home = folder / ".home"  # no setting of the user's, and none left behind
    settings = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    places = {f"JUPYTER_{name}": str(home / name) for name in settings} | {"IPYTHONDIR": str(home / "ipython")}
    environment = os.environ | places | {"HOME": str(home), "JUPYTER_NO_CONFIG": "1", "PYTHONPATH": str(ROOT)}
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token="]
    with subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        said: list[str] = []
        for line in server.stderr:
            said.append(line)
            if "http://127.0.0.1:" in line:
                break
        else:
            pytest.fail("".join(said))
        address = said[-1].split()[-1].partition("/lab")[0]
        drain = threading.Thread(target=said.extend, args=(server.stderr,))
        drain.start()
        try:
            yield address
        finally:
            server.terminate()  # it ends its kernels first
            server.wait(30)
            drain.join()


def notebook(path: Path, code: str, outputs: list[dict[str, Any]]) -> None:
    cell: dict[str, Any] = {"cell_type": "code", "id": "one", "source": code, "outputs": outputs}
    cell |= {"execution_count": None, "metadata": {}}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


def only(context: BrowserContext, address: str) -> list[str]:
    """Let a browser reach one server; return the list that others it asks for are written to."""
    refused: list[str] = []

    def judge(route: Route) -> None:
        if route.request.url.startswith((address, "blob:", "data:")):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    context.route("**/*", judge)
    return refused


def run_cell(page: Page) -> None:
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator('[data-command="notebook:run-cell-and-select-next"]').click()
    page.locator(".lab-report .byte[data-byte]").first.wait_for()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_a_cell_in_jupyterlab_offline(tmp_path: Path, browser: Browser) -> None:
    code = f"from lab.report.widget import explore\nexplore({str(CAPTURE)!r}, {str(KEYS)!r}, frames=range(4, 12))"
    notebook(tmp_path / "one.ipynb", code, [])
    with jupyterlab(tmp_path) as address:
        context = browser.new_context(viewport={"width": 1400, "height": 1400}, locale="en-GB")
        context.set_default_timeout(60_000)
        refused = only(context, address)
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}/doc/tree/one.ipynb")
        run_cell(page)

        explorer = page.locator(".lab-report .explorer")
        expect(explorer.get_by_role("grid", name="Frames")).to_have_attribute("aria-rowcount", "9")
        explorer.get_by_role("grid", name="Frames").focus()
        page.keyboard.press("Home")
        explorer.locator('.byte[data-byte="12"]').hover()
        expect(explorer.locator(".byte.lit")).to_have_count(2)
        expect(explorer.locator(".field-card h4")).to_have_text("Type")
        expect(explorer.locator(".tree .lit")).to_contain_text("IPv4")
        page.get_by_role("button", name="Español").or_(page.get_by_role("radio", name="Español")).first.click()
        expect(explorer.get_by_role("tree", name="Campos")).to_be_visible()

        page.keyboard.press("Control+s")
        page.get_by_text("Saving completed").or_(page.locator('.jp-Document[data-dirty="false"]')).first.wait_for()
        assert not wrong
        assert not refused, "the cell is alone with its own server"
        context.close()


def test_where_widgets_do_not_run_the_static_form_shows(tmp_path: Path, browser: Browser) -> None:
    """In a notebook made into a page by nbconvert, as nbviewer does it, and looked at without scripts."""
    bundle, about = explore(CAPTURE, KEYS, frames=[11])._repr_mimebundle_()
    assert WIDGET in bundle
    output = {"output_type": "display_data", "data": bundle, "metadata": about}
    notebook(tmp_path / "one.ipynb", "explore(…)", [output])
    converted, _ = HTMLExporter().from_filename(str(tmp_path / "one.ipynb"))  # type: ignore[no-untyped-call]
    (tmp_path / "one.html").write_text(converted, "utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((tmp_path / "one.html").as_uri())
    page.get_by_text("Frame 11, 101 bytes").click()
    expect(page.locator("li").filter(has_text="tls.app_data").last).to_be_visible()
    expect(page.get_by_text("61 6c 69 63 65", exact=False)).to_be_visible()
    context.close()


def test_only_the_frames_asked_for() -> None:
    found = explore(CAPTURE, frames=[3, 5]).data["frames"]
    assert found["count"] == 2
    assert found["index"]["frame"] == [3, 5]


def test_no_capture_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"^[^\n]+$"):
        explore(tmp_path / "none.pcapng")


def test_what_to_install_where_there_are_no_widgets() -> None:
    code = "import sys; sys.modules['anywidget'] = None; import lab.report.widget"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "lab.errors.LabError: " in done.stderr
    assert "make notebook" in done.stderr.splitlines()[-1]

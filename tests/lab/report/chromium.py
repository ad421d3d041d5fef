"""A real Chromium, driven through playwright, and a watch over the pages in it.

Playwright keeps an event loop running in the thread that started it, in which no test may run another: its fixtures
must end before tests of other folders begin.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from lab.bootstrap import find_browser

SIZES = {"desk": (1440, 900), "narrow": (375, 800), "projector": (1920, 1080)}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium of this system, and end it; skip where there is none, but not where everything must run."""
    path = find_browser()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    # root may not have Chromium's own sandbox; what it opens here is the lab's own
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True, slots=True)
class Pages:
    """Opens reports as files, as a double click does, and writes down what no report may do.

    Attributes:
        browser: where they are opened.
        contexts: those opened, each as if in a browser of its own.
        wrong: what was said in a console, raised, asked of anybody, or opened beside a page.
    """

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def open(
        self,
        report: Path,
        *,
        size: Literal["desk", "narrow", "projector"] = "desk",
        scheme: Literal["light", "dark"] = "light",
        touch: bool = False,
        script: bool = True,
    ) -> Page:
        """Open a report and wait until it is drawn."""
        width, height = SIZES[size]
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",  # colours and places are looked at, and would be found halfway
            has_touch=touch,
            java_script_enabled=script,
            locale="en-GB",
            offline=True,
        )
        self.contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        address = report.as_uri()

        def said(message: ConsoleMessage) -> None:
            self.wrong.append(f"console {message.type}: {message.text}")

        def asked(request: Request) -> None:
            if request.url.partition("#")[0] != address:
                self.wrong.append(f"request: {request.url}")

        page.on("console", said)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        page.on("popup", lambda popup: self.wrong.append(f"popup: {popup.url}"))
        page.on("request", asked)
        page.goto(address)
        if script:
            page.get_by_role("heading", level=1).wait_for()
        return page

    def close(self) -> None:
        """Close them all; anything wrong is a failure."""
        for context in self.contexts:
            context.close()
        assert not self.wrong, self.wrong

"""A headless Chromium for the tests that drive the page.

`make test` gets one where the machine has none. Where none is to be had, nothing here is collected,
and its last line says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts import chromium
from tests.e2e.conftest import deployed, package, stack

__all__ = ["deployed", "package", "stack"]

CHROMIUM = chromium.find()
collect_ignore_glob = [] if CHROMIUM else ["*"]
PATIENCE_MS = 20_000
"""How long a test waits for what must show; a passing test never waits that long."""

expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for each worker."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(chromium.FLAGS))
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open an address; whatever the page complains of, or asks of others, fails the test."""
    complaints: list[str] = []
    with ExitStack() as closing:

        def open_it(url: str, *, scheme: str = "light", width: int = 1280) -> Page:
            context = browser.new_context(
                color_scheme="dark" if scheme == "dark" else "light",
                viewport={"width": width, "height": 900},
                permissions=["clipboard-read", "clipboard-write"],
            )
            closing.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda asked: _note_foreign(asked.url, url, complaints))
            page.on("dialog", lambda dialog: complaints.append(dialog.message))
            page.goto(url)
            return page

        yield open_it
    assert complaints == []


def _note_foreign(asked: str, url: str, complaints: list[str]) -> None:
    if not asked.startswith((url, "data:")):
        complaints.append(f"asked for {asked}")

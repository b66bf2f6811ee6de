"""The report and the audit's page in a browser: for everybody, on any screen, by keyboard."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import expect

from straywatch import __version__
from straywatch.audit.formats import html
from straywatch.report.digest import sealed
from straywatch.report.evidence import evidence
from straywatch.report.html import render
from tests.browser.conftest import OpenPage
from tests.unit import audit_samples, observed_samples
from tests.unit.test_report import PERIOD, records

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
_EVIDENCE = evidence(
    records(observed_samples.usual()), observed_samples.OBSERVED, PERIOD, __version__
)
PAGES = {"report": render(sealed(_EVIDENCE)), "audit": html.render(audit_samples.HOSTILE)}


@pytest.fixture(params=PAGES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a page lies."""
    path = tmp_path / f"{request.param}.html"
    path.write_text(PAGES[request.param], encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_everybody_can_read_it(open_page: OpenPage, address: str, scheme: str, width: int) -> None:
    """Axe finds nothing, by day and by night; on a phone only tables are moved sideways."""
    page = open_page(address, scheme=scheme, width=width)
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run()")["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("address", ["report"], indirect=True)
def test_values_of_the_chart_come_by_keyboard(open_page: OpenPage, address: str) -> None:
    """A slice that has the focus says what its sweeps found."""
    page = open_page(address)
    slot = page.locator(".slot").nth(8)
    expect(slot.locator("text")).to_be_hidden()
    slot.focus()
    expect(slot.locator("text")).to_be_visible()
    expect(slot).to_have_accessible_name(
        "from 2026-11-18 00:00:00 UTC: lowest 98.2 %, last 98.7 %, 15 sweeps"
    )

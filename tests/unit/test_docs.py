"""The pages name what there is: a setting or a command that none of them names stays unused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import settings_page
from straywatch.cli import COMMANDS
from straywatch.deploy.template import assemble

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = "".join((README, *(page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md"))))
PARAMETERS = assemble()["Parameters"]
ROWS = [
    (page, *cells[:2])
    for page in ("README.md", "docs/organization.md", "docs/platform.md")
    for row in (ROOT / page).read_text("utf-8").splitlines()
    if len(cells := [cell.strip() for cell in row.split("|")[1:-1]]) == 3
    and re.fullmatch(r"`[A-Z]\w+`", cells[0])
]
"""Of each page that says what a parameter is good for: the parameter and its default."""


def test_the_reference_of_the_settings_is_written_from_the_template() -> None:
    """If not: `python -m scripts.settings_page`."""
    assert settings_page.PAGE.read_text("utf-8") == settings_page.page()


@pytest.mark.parametrize(("page", "name", "default"), ROWS)
def test_each_row_has_the_default_of_its_parameter(page: str, name: str, default: str) -> None:
    """And none is told that is not there any more."""
    assert page
    assert default.strip("`") == str(PARAMETERS[name.strip("`")]["Default"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_told(name: str) -> None:
    """In the README, or on a page beside it."""
    assert f"straywatch {name}" in PAGES or f"`{name}`" in PAGES


LINKED = {
    *("docs.aws.amazon.com", "aws.amazon.com", "us-east-1.console.aws.amazon.com"),
    *("www.ecfr.gov", "www.govinfo.gov"),
    *("github.com", "doi.org", "semver.org", "keepachangelog.com"),
    *(
        "repost.aws",
        "endoflife.date",
        "pathfinding.cloud",
        "cloud.hacktricks.wiki",
        "events.pagerduty.com",
        "events.eu.pagerduty.com",
        "proxy.example.com",
    ),
    *("127.0.0.1", "bucket.s3.amazonaws.com"),
}
"""The hosts that the pages link to; no package registry is one of them."""


def test_no_page_names_another_host() -> None:
    """A package is named; where it comes from is for each organization to say."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        hosts = re.findall(r"https?://([\w.-]+)", page.read_text("utf-8"))
        assert {host.lower() for host in hosts} <= LINKED, page.name


def test_a_decision_is_called_by_its_number() -> None:
    """The link's words and the file's name agree."""
    links = [
        (int(called), int(number))
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for called, number in re.findall(
            r"\[[^]]*decision (\d+)\]\((?:\S*/)?(\d{4})-", page.read_text("utf-8")
        )
    ]
    assert links
    assert [link for link in links if link[0] != link[1]] == []


_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_each_test_that_a_page_names_exists() -> None:
    """What a page says is held by a test is held by one that is still there."""
    missing = [
        f"{page.name}: {file}::{name}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for file, name in _TEST.findall(page.read_text("utf-8"))
        if f"\ndef {name}(" not in (ROOT / file).read_text("utf-8")
    ]
    assert missing == []


RELIANCES = [
    [cell.strip() for cell in row.split("|")[1:-1]]
    for row in (ROOT / "docs" / "aws.md").read_text("utf-8").splitlines()
    if row.startswith("|") and not row.startswith(("| relied on", "|---"))
]
"""What is relied on, AWS's page, whether somebody has read it, and what stands in for it."""


@pytest.mark.parametrize("row", RELIANCES, ids=lambda row: row[0][:40])
def test_what_is_relied_on_has_a_source_and_a_test_or_says_that_it_has_none(row: list[str]) -> None:
    """A row without a test says so."""
    _, page, _, tests = row
    assert bool(_TEST.search(tests)) != tests.startswith("**nothing**")
    assert "](https://docs.aws.amazon.com/" in page or page == "not documented"

"""The page of costs is what its data comes to."""

from __future__ import annotations

import re

import pytest

from bench.costs import Cost, amounts, cost, read, table
from straywatch.deploy.packaging import SOURCES
from straywatch.deploy.template import assemble

PAGE = (SOURCES / "docs" / "costs.md").read_text(encoding="utf-8")
README = (SOURCES / "README.md").read_text(encoding="utf-8")
DATA = read()


def test_the_page_has_the_table_that_the_data_makes() -> None:
    """Nobody writes a figure by hand."""
    assert "\n".join(table()) in PAGE
    assert DATA["date"] in PAGE


def test_each_price_says_where_it_was_checked() -> None:
    """A reader can tell what AWS's page says from what others say that it says."""
    for name, price in DATA["prices"].items():
        assert re.search(r"AWS's page|\d{4}|undated", price["checked"]), name
        assert "not checked" not in price["checked"], name


def test_the_readme_says_what_the_table_says() -> None:
    """Its figures hold for every kind of account."""
    totals = [row.replace("*", "").split("|")[2:-1] for row in table() if row.startswith("| **")]
    listed, charged = ([float(cell) for cell in row] for row in totals)
    assert "4 to 5.50 USD a month at list price, 1 to 2 USD" in README
    assert all(4 <= each <= 5.5 for each in listed)
    assert all(1 <= each <= 2 for each in charged)


def test_what_is_counted_is_what_the_template_has() -> None:
    """An alarm more is ten cents more; channels that are off have none."""
    parts = assemble()["Resources"].values()
    always = [each["Type"] for each in parts if "Condition" not in each]
    resources = [each["Type"] for each in parts]
    assert DATA["always"]["alarms"] == always.count("AWS::CloudWatch::Alarm")
    assert DATA["always"]["key"] == resources.count("AWS::KMS::Key")
    assert DATA["accounts"]["large"]["queues"] == len(_polled())


def _polled() -> list[str]:
    """The functions that a queue feeds, but for those of an organization (docs/scale.md)."""
    return [
        name
        for name, each in assemble()["Resources"].items()
        if each.get("Condition") != "HasOrganization"
        and each["Type"] == "AWS::Serverless::Function"
        and any(event.endswith("SqsEventSource") for event in each["Properties"]["Events"])
    ]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, Cost(0, 0)), (1_000_000, Cost(0.4, 0)), (1_500_000, Cost(0.6, 0.2))],
)
def test_the_free_amount_is_free(amount: float, expected: Cost) -> None:
    """And what goes beyond it is not."""
    found = cost(DATA["prices"]["sqs"], amount)
    assert found.listed == pytest.approx(expected.listed)
    assert found.charged == pytest.approx(expected.charged)


def test_two_queues_go_beyond_sqs_s_million() -> None:
    """Idle polling alone does."""
    assert amounts(DATA, "large")["sqs"] > 1_000_000 > amounts(DATA, "quiet")["sqs"]

"""The hub's part of the template: off unless there is an organization, and then as it must be."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.events import LOST_EVENTS, SETTLED_EVENTS, rule_pattern
from straywatch.deploy import plain_yaml
from straywatch.deploy.template import FRAGMENTS

FRAGMENT = FRAGMENTS / "organization.yaml"
TEMPLATE: dict[str, Any] = plain_yaml.read(FRAGMENT.read_text("utf-8"), FRAGMENT.name)
RESOURCES = TEMPLATE["Resources"]


def test_nothing_of_it_exists_without_an_organization() -> None:
    """One account alone has the template that it always had."""
    assert {each["Condition"] for each in RESOURCES.values()} == {"HasOrganization"}
    assert {each["Condition"] for each in TEMPLATE["Outputs"].values()} == {"HasOrganization"}
    assert TEMPLATE["Parameters"]["OrganizationId"]["Default"] == ""


@pytest.mark.parametrize(
    ("rule", "names"), [("OrganizationLost", LOST_EVENTS), ("OrganizationSettled", SETTLED_EVENTS)]
)
def test_the_hub_listens_to_members_as_to_its_own_account(
    rule: str, names: tuple[str, ...]
) -> None:
    """A call that is listened for in one is listened for in all."""
    assert RESOURCES[rule]["Properties"]["EventPattern"] == rule_pattern(names)


def test_only_rules_of_the_organization_may_put_events_and_only_of_iam() -> None:
    """Nobody's PutEvents call, and nobody else's rule."""
    statement = RESOURCES["OrganizationBusPolicy"]["Properties"]["Statement"]
    assert statement["Action"] == "events:PutEvents"
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:PrincipalOrgID": {"Ref": "OrganizationId"},
            "events:source": "aws.iam",
        },
        "Bool": {"events:eventBusInvocation": "true"},
    }

"""The public list of escalations: each entry is found wherever permissions are judged."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.escalations import ALONE, PASS_ROLE, ROLE_IN_PLACE, WITH_PASS_ROLE
from chalicelib.domain.permissions import EVERYTHING, of_document
from straywatch.remediation.policies.documents import grants
from straywatch.remediation.policies.gains import weigh
from straywatch.remediation.tightening.lint import lint_group
from tests.unit.remediation.samples import account, allow, deny, document, group

ME = "arn:aws:iam::123456789012:user/people/ann"


def administrator(*statements: dict[str, Any]) -> str:
    """How an alert's risk says that these make an administrator; empty if they do not."""
    return of_document(document(*statements), ME).administrator


def kinds(*statements: dict[str, Any]) -> set[str]:
    """The kinds of flags that `least-privilege` raises for a group with these statements."""
    looked = group("G", *statements)
    return {flag.kind for flag in lint_group(looked, account(looked))}


def never_gained(*statements: dict[str, Any]) -> bool:
    """Whether `plan` refuses to give these to anybody, whatever `--max-gain` says."""
    return bool(weigh(grants(document(*statements))).never)


@pytest.mark.parametrize("action", ALONE)
def test_each_way_that_needs_one_action_is_an_escalation(action: str) -> None:
    """By alerts, by `least-privilege` and by `plan` alike."""
    assert administrator(allow(action)) == action
    assert "privilege escalation" in kinds(allow(action))
    assert never_gained(allow(action))


@pytest.mark.parametrize("action", WITH_PASS_ROLE)
def test_each_service_that_runs_code_escalates_with_pass_role(action: str) -> None:
    """Together they make an administrator, from two statements too; neither does alone."""
    assert administrator(allow(PASS_ROLE), allow(action)) == f"{PASS_ROLE} with {action}"
    assert "privilege escalation" in kinds(allow(PASS_ROLE), allow(action))
    assert not administrator(allow(action))
    assert never_gained(allow(action))


@pytest.mark.parametrize("action", ROLE_IN_PLACE)
def test_each_way_to_use_a_role_in_place_is_flagged_and_never_gained(action: str) -> None:
    """What it gives depends on the role, so an alert does not call its holder an administrator."""
    assert not administrator(allow(action))
    assert "runs code under a role in place" in kinds(allow(action))
    assert never_gained(allow(action))


def test_pass_role_alone_is_no_escalation() -> None:
    """A role that is handed to nothing runs nothing."""
    assert not administrator(allow(PASS_ROLE))
    assert "privilege escalation" not in kinds(allow(PASS_ROLE))


@pytest.mark.parametrize("action", ["iam:Pu?UserPolicy", "IAM:*userpolicy", "i*:PutUserPolicy"])
def test_an_action_with_wildcards_is_what_it_matches(action: str) -> None:
    """Spelling hides nothing from any of the three."""
    assert administrator(allow(action))
    assert "privilege escalation" in kinds(allow(action))
    assert never_gained(allow(action))


@pytest.mark.parametrize("on", ["*", "arn:*", "arn:aws:*", "arn:aws*:*:*:*:*", "**"])
def test_every_resource_is_every_resource_in_any_spelling(on: str) -> None:
    """`arn:aws:*` leaves out no resource of the account."""
    assert administrator(allow("*", on=on)) == EVERYTHING
    assert kinds(allow("*", on=on)) == {"administrator"}


@pytest.mark.parametrize("on", ["arn:aws:s3:::*", "arn:aws:s3:*:*:*", "?"])
def test_every_resource_of_one_service_is_not_everything(on: str) -> None:
    """All actions on S3 is a lot, and yet no administration."""
    assert not administrator(allow("*", on=on))
    assert "administrator" not in kinds(allow("*", on=on))


def test_not_action_counts_by_what_it_leaves() -> None:
    """All but S3 is administration; all but IAM and everything else is nothing."""
    all_but_s3 = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
    nothing = {"Effect": "Allow", "NotAction": "*", "Resource": "*"}
    on_roles = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "arn:aws:iam::*:role/*"}
    assert kinds(all_but_s3) == {"administrator"}
    assert administrator(all_but_s3) == EVERYTHING
    assert "administrator" not in kinds(nothing)
    assert "privilege escalation" in kinds(on_roles)


def test_a_question_mark_is_a_wildcard() -> None:
    """`s3:Ge?Object` is flagged as a wildcard, and for what it could be limited to."""
    assert kinds(allow("s3:Ge?Object")) == {"wildcard action", "wildcard resource"}


def test_what_is_only_denied_is_no_escalation() -> None:
    """A Deny gives nothing."""
    assert not kinds(deny("iam:PutUserPolicy"))

"""What groups grant too widely, and the narrower statements proposed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from straywatch.remediation.reading.last_accessed import ServiceUse
from straywatch.remediation.tightening.least_privilege import GroupReview, review
from tests.unit.remediation.samples import account, allow, group, user

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def looked_at(
    *statements: dict[str, Any], uses: tuple[ServiceUse, ...] | None = None
) -> GroupReview:
    """The review of one group with one member."""
    looked = group("G", *statements)
    snapshot = account(user("a", groups=("G",)), looked)
    given = None if uses is None else lambda _: uses
    return review(snapshot, snapshot.groups, given, 90, NOW)[0]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (allow("*"), "administrator"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "administrator"),
        (allow("s3:*", on="arn:aws:s3:::b/*"), "wildcard action"),
        (allow("s3:GetObject"), "wildcard resource"),
        (allow("iam:PassRole", "ec2:RunInstances"), "privilege escalation"),
        (allow("iam:CreatePolicyVersion"), "privilege escalation"),
    ],
)
def test_wide_grants_are_flagged(statement: dict[str, Any], kind: str) -> None:
    """Each by its kind."""
    assert kind in {flag.kind for flag in looked_at(statement).flags}


def test_a_combination_is_found_across_policies() -> None:
    """Two harmless documents of one group that together let members escalate are flagged."""
    found = looked_at(allow("iam:PassRole"), allow("cloudformation:CreateStack"))
    assert "privilege escalation" in {flag.kind for flag in found.flags}


def test_a_narrow_grant_is_not_flagged() -> None:
    """One action on one resource is as it should be."""
    assert looked_at(allow("s3:GetObject", on="arn:aws:s3:::b/*")).flags == ()


USES = (
    ServiceUse("s3", NOW - timedelta(days=3)),
    ServiceUse("sqs", NOW - timedelta(days=91)),
    ServiceUse("kms", None),
)


def test_unused_services_are_left_out_of_the_proposal() -> None:
    """Services unused for 90 days go, others and what IAM says nothing of stay, conditions too."""
    found = looked_at(
        allow("s3:Get*", "sqs:*", "sns:Publish", Condition=MFA), allow("kms:Decrypt"), uses=USES
    )
    proposal = found.proposals[0]
    assert proposal.without == ("kms", "sqs")
    assert proposal.document["Statement"] == [allow("s3:Get*", "sns:Publish", Condition=MFA)]
    assert {f.detail.partition(":")[0] for f in found.flags if f.kind == "unused service"} == {
        "kms",
        "sqs",
    }


def test_everything_is_written_out_without_what_is_unused() -> None:
    """`*` becomes the services that are not known to be unused."""
    actions = looked_at(allow("*"), uses=USES).proposals[0].document["Statement"][0]["Action"]
    assert "s3:*" in actions
    assert "ec2:*" in actions
    assert "sqs:*" not in actions


def test_no_answer_proposes_nothing() -> None:
    """Where IAM names no service, that is said, and nothing counts as unused."""
    found = looked_at(allow("s3:Get*", on="arn:aws:s3:::b"), uses=())
    assert found.proposals == ()
    assert "nothing is known" in found.note

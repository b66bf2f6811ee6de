"""What is proposed by what the members of a group did, as CloudTrail recorded it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.times import iso
from straywatch.errors import StraywatchError
from straywatch.remediation.policies.documents import grants
from straywatch.remediation.policies.gains import known_actions
from straywatch.remediation.reading.last_accessed import ServiceUse
from straywatch.remediation.tightening.by_action import ActionReview, denied, review_actions
from straywatch.remediation.tightening.event_actions import (
    ACTIONS,
    SERVICES,
    WITHOUT_PERMISSION,
    action_of,
    is_visible,
    service_of,
)
from straywatch.remediation.tightening.use import CallLog, evidence_of
from tests.unit.remediation.samples import account, allow, deny, document, group, user

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def call(event: str, by: str = "a", ago: timedelta = DAY, **more: Any) -> dict[str, Any]:
    """A record of `service:Call` by a user."""
    service, _, name = event.partition(":")
    identity = {"type": "IAMUser", "principalId": f"AIDA{by.upper()}", "userName": by}
    return {
        "eventTime": iso(NOW - ago),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "userIdentity": identity,
        **more,
    }


def read(*records: dict[str, Any]) -> CallLog:
    """A log of 90 days with these records."""
    log = CallLog(NOW, 90)
    for record in records:
        log.take(record)
    return log


def proposed(
    *records: dict[str, Any],
    grant: tuple[dict[str, Any], ...],
    margin: str = "none",
    uses: tuple[ServiceUse, ...] = (),
) -> ActionReview:
    """What is proposed for a group with this one policy and the member `a`."""
    looked = group("G", *grant)
    snapshot = account(user("a", groups=("G",)), user("b"), looked)
    return review_actions(looked, snapshot, read(*records), uses, margin)


def actions(found: ActionReview) -> list[str]:
    """The actions of the first statement proposed."""
    return list(found.proposals[0].document["Statement"][0]["Action"])


SQS = allow("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SendMessage", "sqs:ListQueues")


def test_what_was_used_stays_and_what_surely_was_not_goes() -> None:
    """Data events are in few trails, so what they would show stays; no call is denied."""
    found = proposed(call("sqs:CreateQueue"), grant=(SQS,))
    assert actions(found) == ["sqs:CreateQueue", "sqs:SendMessage"]
    proposal = found.proposals[0]
    assert proposal.without == ("sqs:DeleteQueue", "sqs:ListQueues")
    assert proposal.unseen == ("sqs:SendMessage",)
    assert (proposal.replayed, proposal.would_be_denied) == (1, ())


@pytest.mark.parametrize(
    ("margin", "kept"), [("none", set()), ("lists", {"Lists"}), ("reads", {"Lists", "Reads"})]
)
def test_the_margin_keeps_what_it_says(margin: str, kept: set[str]) -> None:
    """By AWS's access levels, and only of services in use."""
    grant = allow("sns:CreateTopic", "sns:ListTopics", "sns:GetTopicAttributes", "sns:DeleteTopic")
    found = actions(proposed(call("sns:CreateTopic"), grant=(grant,), margin=margin))
    names = {"sns:ListTopics": "Lists", "sns:GetTopicAttributes": "Reads"}
    assert {names[a] for a in found if a in names} == kept
    assert "sns:DeleteTopic" not in found


def test_a_wildcard_becomes_what_of_it_stays_where_it_was_granted() -> None:
    """Resource and condition are left as they are, a Deny as well."""
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    statement = allow("iam:*Group*", on="arn:aws:iam::*:group/x", Condition=mfa)
    found = proposed(call("iam:CreateGroup"), grant=(statement, deny("iam:DeleteGroup")))
    kept, forbidden = found.proposals[0].document["Statement"]
    assert kept == {**statement, "Action": ["iam:CreateGroup"]}
    assert forbidden == deny("iam:DeleteGroup")


@pytest.mark.parametrize(
    "record",
    [
        call("sqs:DeleteQueue", errorCode="AccessDenied"),
        call("sqs:DeleteQueue", errorCode="Client.UnauthorizedOperation"),
        call("sqs:DeleteQueue", by="b"),
        call("sqs:DeleteQueue", ago=91 * DAY),
        call("sqs:DeleteQueue", userIdentity={"type": "AssumedRole", "principalId": "AROAX:a"}),
    ],
    ids=["denied", "refused", "another user", "too long ago", "a role"],
)
def test_what_is_not_the_members_own_use_does_not_count(record: dict[str, Any]) -> None:
    """Denied calls, other users, roles that a member took, and what is older than was asked for."""
    found = proposed(call("sqs:CreateQueue"), record, grant=(SQS,))
    assert "sqs:DeleteQueue" in found.proposals[0].without


def test_a_call_that_failed_for_another_reason_was_allowed() -> None:
    """IAM let it through: without the permission it would have failed otherwise."""
    failed = call("sqs:DeleteQueue", errorCode="QueueDoesNotExist")
    assert "sqs:DeleteQueue" in actions(proposed(failed, grant=(SQS,)))


def test_a_call_that_nothing_is_known_of_keeps_its_service_whole() -> None:
    """It is named, and whatever it needs is still granted."""
    found = proposed(call("sqs:CreateQueue"), call("sqs:Frobnicate"), grant=(SQS,))
    assert found.unmapped == ("sqs.amazonaws.com Frobnicate",)
    assert found.proposals == ()


def test_a_service_that_the_log_does_not_show_stays() -> None:
    """The log may be of another region; where IAM says that it was not used, it goes."""
    grant = (allow("sqs:CreateQueue", "kms:CreateKey", "sns:CreateTopic"),)
    silent = ServiceUse("sns", None)
    found = proposed(call("sqs:CreateQueue"), grant=grant, uses=(silent,))
    assert actions(found) == ["sqs:CreateQueue", "kms:CreateKey"]


def test_actions_that_iam_tracks_need_no_log() -> None:
    """IAM's last use of single actions counts on both sides: used stays, not used goes."""
    uses = (ServiceUse("s3", NOW, {"CreateBucket": NOW - DAY, "DeleteBucket": None}),)
    grant = (allow("s3:CreateBucket", "s3:DeleteBucket", "s3:GetObject"),)
    assert actions(proposed(grant=grant, uses=uses)) == ["s3:CreateBucket", "s3:GetObject"]


def test_permissions_without_a_call_of_their_own_stay() -> None:
    """No trail shows iam:PassRole, or the tags that came along with another call."""
    grant = (allow("iam:PassRole", "iam:CreateRole", "iam:TagRole", "iam:DeleteRole"),)
    found = proposed(call("iam:CreateRole"), grant=grant)
    assert actions(found) == ["iam:PassRole", "iam:CreateRole", "iam:TagRole"]


def test_all_but_some_is_left_alone() -> None:
    """A NotAction names what is not granted; it stays as it is."""
    statement = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert proposed(call("sqs:CreateQueue"), grant=(statement,)).proposals == ()


def test_a_call_recorded_by_two_trails_counts_once() -> None:
    """Its id tells."""
    twice = call("sqs:CreateQueue", eventID="1")
    assert proposed(twice, twice, grant=(SQS,)).calls == 1


def test_the_replay_names_a_call_that_would_be_denied() -> None:
    """The judge of the proposals says so where a document grants a used action on less."""
    evidence = evidence_of({("sqs.amazonaws.com", "CreateQueue"): 1})
    held = grants(document(allow("sqs:*")))
    narrow = grants(document(allow("sqs:CreateQueue", on="arn:aws:sqs:*:*:x")))
    assert denied(evidence, held, narrow) == ("sqs:CreateQueue",)
    assert denied(evidence, held, grants(document(allow("sqs:Create*")))) == ()


def test_a_group_without_members_gets_no_proposal() -> None:
    """Nobody's calls say nothing."""
    looked = group("G", SQS)
    found = review_actions(looked, account(looked), read(call("sqs:CreateQueue")), (), "none")
    assert (found.proposals, found.notes) == ((), ("no member: nothing is proposed",))


@pytest.mark.parametrize("missing", ["eventTime", "eventName", "eventSource"])
def test_a_record_that_tells_no_time_or_name_is_no_answer(missing: str) -> None:
    """It could be a use: then nothing is proposed at all."""
    record = call("sqs:CreateQueue")
    del record[missing]
    with pytest.raises(StraywatchError, match="record without"):
        read(record)


@pytest.mark.parametrize(
    ("source", "event", "action"),
    [
        ("lambda", "Invoke20150331", "lambda:invokefunction"),
        ("lambda", "UpdateFunctionCode20150331v2", "lambda:updatefunctioncode"),
        ("lambda", "Invoke", "lambda:invokefunction"),
        ("cloudfront", "GetDistribution2020_05_31", "cloudfront:getdistribution"),
        ("s3", "ListObjects", "s3:listbucket"),
        ("s3", "ListBuckets", "s3:listallmybuckets"),
        ("monitoring", "PutMetricAlarm", "cloudwatch:putmetricalarm"),
        ("sts", "GetCallerIdentity", "sts:getcalleridentity"),
        ("s3", "CopyObject", ""),
        ("nowhere", "DoThis", ""),
    ],
)
def test_an_event_is_taken_for_the_action_that_iam_asks_for(
    source: str, event: str, action: str
) -> None:
    """Versions and other names are known; what is not known is nothing, never a guess."""
    assert action_of(f"{source}.amazonaws.com", event) == action


def test_every_exception_leads_to_an_action_that_aws_has() -> None:
    """A mapping that went stale would keep nothing: it must be an action, and be needed."""
    assert set(ACTIONS.values()) <= known_actions()
    assert not {event for event in ACTIONS if event in known_actions()} - {
        "s3:deletebucketreplication"
    }
    services = {action.partition(":")[0] for action in known_actions()}
    assert {service_of(f"{source}.amazonaws.com") for source in SERVICES} <= services
    assert known_actions() | {"sts:getcalleridentity"} >= WITHOUT_PERMISSION


@pytest.mark.parametrize(
    ("action", "visible"),
    [
        ("sqs:createqueue", True),
        ("ec2:runinstances", True),
        ("iam:creategroup", True),
        ("iam:passrole", False),
        ("s3:getobject", False),
        ("lambda:invokefunction", False),
        ("dynamodb:query", False),
        ("ec2:createtags", False),
        ("nowhere:dothis", False),
    ],
)
def test_only_what_a_trail_surely_shows_is_visible(action: str, *, visible: bool) -> None:
    """Calls of management events are; data events, tags and mere permissions are not."""
    assert is_visible(action) is visible

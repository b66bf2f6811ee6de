"""CloudTrail's events: what is ours is read, what is not is ignored, what cannot be is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.account import Account
from chalicelib.domain.events import (
    LOST_EVENTS,
    SETTLED_EVENTS,
    Cause,
    Change,
    Ignored,
    MalformedEventError,
    MembershipEvent,
    parse_event,
    parse_record,
    rule_pattern,
)
from tests.unit.records import (
    ACCOUNT,
    ACCOUNT_ID,
    CALLS,
    NOW,
    ROLE_SESSION,
    USER_ID,
    at,
    envelope,
    first_version,
    record,
)

MISSING = object()


def read(detail: dict[str, Any]) -> MembershipEvent:
    """The membership event in a record of ours."""
    parsed = parse_event(envelope(detail), NOW)
    assert isinstance(parsed, MembershipEvent)
    return parsed


def ignored(detail: dict[str, Any]) -> str:
    """Why a record is ignored."""
    parsed = parse_event(envelope(detail), NOW)
    assert isinstance(parsed, Ignored)
    return parsed.reason


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """A copy that lacks these fields."""
    return {key: value for key, value in fields.items() if key not in names}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("CreateUser", Change.CREATED),
        ("RemoveUserFromGroup", Change.LEFT),
        ("AddUserToGroup", Change.JOINED),
        ("DeleteUser", Change.DELETED),
        ("UpdateUser", Change.RENAMED),
    ],
)
def test_each_call_is_read_for_what_it_changes(name: str, change: Change) -> None:
    """The calls that make or unmake a stray tell the change, the user and the account."""
    found = read(record(name))
    assert (found.change, found.user_name, found.account) == (change, "bob", ACCOUNT)


def test_the_cause_is_told_in_full() -> None:
    """An alert can say which call, when, by whom, from where, and about which group."""
    assert read(record("RemoveUserFromGroup")).cause == Cause(
        event_name="RemoveUserFromGroup",
        event_id="5d0cbd3e-0d4c-4c3e-8d6b-0f6d0a5a0002",
        event_time=at(-60),
        actor_arn=str(ROLE_SESSION["arn"]),
        actor_type="AssumedRole",
        source_ip="203.0.113.7",
        user_agent="aws-cli/2.31.0",
        group_name="nurses",
    )


def test_only_create_user_tells_the_user_id() -> None:
    """The id comes from the response of CreateUser; the other calls have no response at all."""
    ids = {name: read(record(name)).user_id for name in CALLS}
    assert {name: told for name, told in ids.items() if told} == {"CreateUser": USER_ID}


@pytest.mark.parametrize("response", [None, {}, {"user": None}, {"user": {"userId": 7}}, "x"])
def test_a_create_user_without_an_id_still_counts(response: object) -> None:
    """The id is a help, not a need: the check looks at live IAM by name."""
    assert read(record("CreateUser", responseElements=response)).user_id == ""


@pytest.mark.parametrize("code", ["AccessDenied", "EntityAlreadyExistsException", "", None])
@pytest.mark.parametrize("name", CALLS)
def test_a_failed_call_is_ignored_before_its_parameters_are_touched(
    name: str, code: str | None
) -> None:
    """The presence of errorCode decides, not its spelling; parameters are null then."""
    failed = record(name, errorCode=code, requestParameters=None, responseElements=None)
    assert ignored(failed) == "the call failed"


@pytest.mark.parametrize(
    ("source", "parameters"),
    [
        ("sso-directory.amazonaws.com", {"userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}),
        ("identitystore-scim.amazonaws.com", {"userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}),
        ("transfer.amazonaws.com", {"userName": "bob", "serverId": "s-1"}),
        ("IAM.amazonaws.com", {"userName": "bob"}),
        (None, {"userName": "bob"}),
    ],
)
def test_calls_of_the_same_name_to_other_services_are_ignored(
    source: object, parameters: dict[str, str]
) -> None:
    """Identity Center and Transfer Family have users that are none of IAM's."""
    found = ignored(record("CreateUser", eventSource=source, requestParameters=parameters))
    assert found == "another service's event"


@pytest.mark.parametrize("name", ["CreateGroup", "DeleteGroup", "TagUser", "", None, 7, ["x"]])
def test_other_calls_are_ignored_in_peace(name: object) -> None:
    """IAM's other calls move nobody; a name that is none is no call of ours either."""
    reason = ignored(record("CreateUser") | {"eventName": name})
    assert reason == "an IAM call that moves nobody in or out of a group"


@pytest.mark.parametrize("source", ["aws.s3", "my.app", "", None, "Aws.iam"])
def test_an_event_that_aws_iam_did_not_send_is_ignored(source: object) -> None:
    """Anyone may put events on a bus, but only AWS can name its own source."""
    found = parse_event(envelope(record("CreateUser"), source=source), NOW)
    assert found == Ignored("the event's source is not aws.iam")


@pytest.mark.parametrize("thing", [None, [], "x", 7, {}, {"source": "aws.iam"}])
def test_what_is_no_event_is_refused(thing: object) -> None:
    """An envelope that is none goes to the dead-letter queue, not to the floor."""
    with pytest.raises(MalformedEventError):
        parse_event(thing, NOW)


@pytest.mark.parametrize("detail", [None, [], "{}", 7])
def test_an_event_without_a_record_is_refused(detail: object) -> None:
    """What AWS sent under its own name and cannot be read may have been a stray's beginning."""
    with pytest.raises(MalformedEventError, match="no CloudTrail record"):
        parse_event(envelope(detail), NOW)


@pytest.mark.parametrize("parameters", [None, [], "bob", MISSING])
@pytest.mark.parametrize("name", CALLS)
def test_a_successful_call_without_parameters_is_refused(name: str, parameters: object) -> None:
    """It happened to somebody, but nobody can say to whom: never dropped in silence."""
    detail = record(name, requestParameters=parameters)
    detail = without(detail, "requestParameters") if parameters is MISSING else detail
    with pytest.raises(MalformedEventError, match="no request parameters"):
        parse_event(envelope(detail), NOW)


@pytest.mark.parametrize("user", [None, "", 7, ["bob"], "a b", "bob\n", "x" * 129, "böb", "a/b"])
@pytest.mark.parametrize("name", CALLS)
def test_a_successful_call_about_nobody_is_refused(name: str, user: object) -> None:
    """A name that IAM could not have given is no name to look up."""
    parameters = {"userName": user, "groupName": "nurses", "newUserName": "rob"}
    with pytest.raises(MalformedEventError, match="userName is not an IAM user name"):
        parse_event(envelope(record(name, requestParameters=parameters)), NOW)


@pytest.mark.parametrize(
    "user", ["a", "A1_+=,.@-", "x" * 128, "-rf", "ses-smtp-user.20260101-010101", "=1+1", "@all"]
)
def test_every_name_that_iam_allows_is_read(user: str) -> None:
    """All legal characters pass, in names as long as IAM ever allowed."""
    assert read(record("CreateUser", requestParameters={"userName": user})).user_name == user


def test_a_rename_tells_both_names() -> None:
    """UpdateUser with a new name is a rename, with or without a new path."""
    both = {"userName": "bob", "newUserName": "rob", "newPath": "/staff/"}
    found = read(record("UpdateUser", requestParameters=both))
    assert (found.user_name, found.new_name) == ("bob", "rob")


@pytest.mark.parametrize(
    "parameters",
    [
        {"userName": "bob", "newPath": "/staff/"},
        {"userName": "bob", "newUserName": None, "newPath": "/staff/"},
        {"userName": "bob", "newUserName": "BoB"},
        {"userName": "bob", "newUserName": "bob"},
    ],
)
def test_an_update_that_leaves_the_user_its_name_is_ignored(parameters: dict[str, Any]) -> None:
    """A new path, or another case of the same name, makes nobody another user."""
    assert ignored(record("UpdateUser", requestParameters=parameters)) == "the user keeps its name"


@pytest.mark.parametrize("new", ["", 7, "a b", "x" * 129])
def test_a_rename_to_no_name_is_refused(new: object) -> None:
    """The user has another name now, and nobody can say which."""
    parameters = {"userName": "bob", "newUserName": new}
    with pytest.raises(MalformedEventError, match="newUserName"):
        parse_event(envelope(record("UpdateUser", requestParameters=parameters)), NOW)


@pytest.mark.parametrize("name", CALLS)
def test_records_of_the_first_version_are_read(name: str) -> None:
    """They lack ids and the recipient's account: the caller's account is the user's, too."""
    found = read(first_version(name))
    assert (found.account, found.cause.event_id) == (ACCOUNT, "")


def test_the_recipient_is_the_account_not_the_caller() -> None:
    """A role of another account may act here; the user lives where the record was received."""
    caller = ROLE_SESSION | {"accountId": "999999999999"}
    assert read(record("CreateUser", userIdentity=caller)).account.account_id == ACCOUNT_ID


@pytest.mark.parametrize("account", ["", "12", "1234567890123", "12345678901a", 123456789012, [1]])
def test_a_record_of_no_account_is_refused(account: object) -> None:
    """Without an account there is no user to look at."""
    with pytest.raises(MalformedEventError, match="no account"):
        parse_event(envelope(record("CreateUser", recipientAccountId=account)), NOW)


@pytest.mark.parametrize("identity", [None, "x", {}, {"type": "Root"}, {"accountId": None}])
def test_a_first_version_record_without_its_caller_is_refused(identity: object) -> None:
    """Neither the recipient nor the caller names the account."""
    with pytest.raises(MalformedEventError, match="no account"):
        parse_record(first_version("CreateUser") | {"userIdentity": identity}, NOW)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        (None, "aws"),
        (7, "aws"),
    ],
)
def test_the_region_tells_the_partition(region: object, partition: str) -> None:
    """Account ids are unique only within a partition, so it is part of every key."""
    found = read(record("CreateUser", awsRegion=region))
    assert found.account == Account(partition, ACCOUNT_ID)


@pytest.mark.parametrize(
    ("identity", "actor_type", "actor"),
    [
        ({"type": "IAMUser", "arn": "arn:u", "userName": "ann"}, "IAMUser", "arn:u"),
        ({"type": "Root", "arn": "arn:root", "userName": "alias"}, "Root", "arn:root"),
        ({"type": "Root", "principalId": "123456789012"}, "Root", "123456789012"),
        ({"type": "FederatedUser", "arn": "arn:f"}, "FederatedUser", "arn:f"),
        (
            {"type": "IdentityCenterUser", "accountId": "1", "onBehalfOf": {"userId": "u"}},
            "IdentityCenterUser",
            "1",
        ),
        ({"type": "AWSService", "invokedBy": "ses.aws"}, "AWSService", "ses.aws"),
        ({"type": "AWSAccount", "principalId": "AIDA", "accountId": "1"}, "AWSAccount", "AIDA"),
        ({"type": "Unknown", "userName": "HIDDEN"}, "Unknown", "HIDDEN"),
        ({"accountId": "", "arn": "", "principalId": "x"}, "Unknown", "x"),
        ({"type": None, "arn": 7}, "Unknown", ""),
        ({}, "Unknown", ""),
        ("nobody", "Unknown", ""),
        (None, "Unknown", ""),
    ],
)  # fmt: skip
def test_odd_actors_are_named_as_well_as_can_be(
    identity: object, actor_type: str, actor: str
) -> None:
    """Whoever acted, in whatever shape it is told: the event counts, the best name is kept."""
    cause = read(record("CreateUser", userIdentity=identity)).cause
    assert (cause.actor_type, cause.actor_arn) == (actor_type, actor)


@pytest.mark.parametrize("time", [None, "", "yesterday", 7, "2026-11-23", "2026-11-23T10:00:00"])
def test_a_record_without_its_time_is_refused(time: object) -> None:
    """The grace is measured from the event's own time: without one nothing can be promised."""
    with pytest.raises(MalformedEventError, match="eventTime is not a time"):
        parse_event(envelope(record("CreateUser", eventTime=time)), NOW)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-23T11:00:00Z", at(-3600)),
        ("2026-11-23T13:00:00+02:00", at(-3600)),
        ("2026-11-23T11:00:00.250Z", at(-3599.75)),
        ("2031-01-01T00:00:00Z", NOW),
        ("0001-01-01T00:00:00Z", datetime.fromisoformat("2010-01-01T00:00:00Z")),
    ],
)
def test_the_time_is_the_events_own_within_reason(text: str, instant: datetime) -> None:
    """A clock that runs ahead must not stretch the grace, nor one before IAM upset the sums."""
    assert read(record("CreateUser", eventTime=text)).cause.event_time == instant


def test_prose_is_never_read_as_a_time() -> None:
    """The createDate is written for people; whatever it says changes nothing."""
    response = {"user": {"userId": USER_ID, "createDate": "not a date at all"}}
    assert read(record("CreateUser", responseElements=response)) == read(record("CreateUser"))


def test_long_text_of_others_is_cut() -> None:
    """A user agent of a megabyte must not burst the queue's message or the table's item."""
    cause = read(record("CreateUser", userAgent="x" * 10**6)).cause
    assert len(cause.user_agent) == 512


@pytest.mark.parametrize("names", [LOST_EVENTS, SETTLED_EVENTS])
def test_the_rules_take_successful_iam_calls_from_aws_only(names: tuple[str, ...]) -> None:
    """A pattern without the source could be met by a forged event."""
    assert rule_pattern(names) == {
        "source": ["aws.iam"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["iam.amazonaws.com"],
            "eventName": list(names),
            "errorCode": [{"exists": False}],
        },
    }


def test_every_call_that_is_listened_for_is_read_here() -> None:
    """None is left without a rule, none has two, and each stands among the samples of a call."""
    assert sorted(LOST_EVENTS + SETTLED_EVENTS) == sorted(CALLS)


def test_a_refusal_quotes_no_more_than_a_line() -> None:
    """The reason is logged and dead-lettered: it must not carry a megabyte along."""
    parameters = {"userName": "x" * 10**6}
    with pytest.raises(MalformedEventError) as refusal:
        parse_event(envelope(record("DeleteUser", requestParameters=parameters)), NOW)
    assert len(str(refusal.value)) < 200

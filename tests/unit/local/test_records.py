"""CloudTrail records of IAM calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from chalicelib.domain.events import Change, MembershipEvent, parse_event
from straywatch.local.bridge.records import (
    Caller,
    Circumstances,
    cloudtrail_record,
    eventbridge_event,
)
from straywatch.local.bridge.wire import CallResult, Failed, Request, Succeeded, decode_request
from tests.unit import records

ROOT = Caller("Root", "111122223333", "arn:aws:iam::111122223333:root", "111122223333", "AKIAROOT")
MOMENT = Circumstances(
    at=datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC),
    event_id="event-1",
    request_id="request-1",
    source_ip="203.0.113.9",
    user_agent="aws-cli/2.17.32",
)
CREATED = Succeeded(
    {
        "User": {
            "Path": "/",
            "UserName": "alice",
            "UserId": "AIDAALICE",
            "Arn": "arn:aws:iam::111122223333:user/alice",
            "CreateDate": datetime(2026, 11, 3, 0, 5, 7, tzinfo=UTC),
        }
    }
)


def record(request: Request, outcome: CallResult, caller: Caller = ROOT) -> dict[str, Any]:
    """Record a call made at MOMENT."""
    return cloudtrail_record(request, outcome, caller, MOMENT)


def test_a_created_user_is_recorded_as_cloudtrail_does() -> None:
    """Every field that AWS writes, in lower camel case, tags as a list, the date as prose."""
    form = {"Action": "CreateUser", "UserName": "alice"}
    tags = {"Tags.member.1.Key": "team", "Tags.member.1.Value": "a & b"}
    request = decode_request(urlencode({**form, **tags}).encode())

    written = record(request, CREATED)

    real = records.record("CreateUser")
    assert written.keys() == real.keys()
    assert written["requestParameters"] == {
        "userName": "alice",
        "tags": [{"key": "team", "value": "a & b"}],
    }
    made = written["responseElements"]["user"]
    assert made.keys() == real["responseElements"]["user"].keys()
    assert made["createDate"] == "Nov 03, 2026 12:05:07 AM"


def test_the_monitor_reads_what_was_called() -> None:
    """Who was created, when and by whom: as of an event that AWS itself has sent."""
    written = record(Request("CreateUser", {"UserName": "alice"}), CREATED)

    event = parse_event(eventbridge_event(written, "envelope-1"), MOMENT.at)

    assert isinstance(event, MembershipEvent)
    assert (event.change, event.user_name) == (Change.CREATED, "alice")
    assert (event.user_id, event.account.account_id) == ("AIDAALICE", ROOT.account_id)
    assert event.cause.event_time == MOMENT.at
    assert (event.cause.event_id, event.cause.actor_arn) == (MOMENT.event_id, ROOT.arn)
    assert (event.cause.source_ip, event.cause.user_agent) == (
        MOMENT.source_ip,
        MOMENT.user_agent,
    )


def test_calls_without_an_answer_have_null_response_elements() -> None:
    """RemoveUserFromGroup and its like carry only what was asked."""
    request = Request("RemoveUserFromGroup", {"UserName": "alice", "GroupName": "g"})

    written = record(request, Succeeded())

    assert written["requestParameters"] == {"userName": "alice", "groupName": "g"}
    assert written["responseElements"] is None
    assert "errorCode" not in written


def test_a_failed_call_is_recorded_with_its_error() -> None:
    """A refusal keeps the parameters and tells code and message."""
    written = record(
        Request("CreateUser", {"UserName": "alice"}),
        Failed("EntityAlreadyExistsException", "User with name alice already exists."),
    )

    assert written["errorCode"] == "EntityAlreadyExistsException"
    assert written["errorMessage"] == "User with name alice already exists."
    assert written["requestParameters"] == {"userName": "alice"}
    assert written["responseElements"] is None


def test_a_denied_call_hides_its_parameters() -> None:
    """CloudTrail writes requestParameters null when access was denied."""
    written = record(Request("CreateUser", {"UserName": "alice"}), Failed("AccessDenied", "no"))

    assert written["requestParameters"] is None


def test_a_read_is_marked_and_its_answer_left_out() -> None:
    """Reads are recorded as read-only, without what they returned."""
    written = record(Request("GetUser", {"UserName": "alice"}), CREATED)

    assert written["readOnly"] is True
    assert written["responseElements"] is None


def test_a_user_as_caller_is_named() -> None:
    """An IAM user's identity tells its name beside the ARN."""
    caller = replace(ROOT, kind="IAMUser", user_name="bob", principal_id="AIDABOB")

    identity = record(Request("CreateUser", {}), CREATED, caller)["userIdentity"]

    assert identity["userName"] == "bob"
    assert "sessionContext" not in identity


def test_a_role_session_as_caller_names_its_issuer() -> None:
    """An assumed role's identity tells the role behind the session and when it began."""
    caller = Caller(
        kind="AssumedRole",
        principal_id="AROAADMIN:ann",
        arn="arn:aws:sts::111122223333:assumed-role/admin/ann",
        account_id="111122223333",
        access_key_id="ASIAANN",
        role_id="AROAADMIN",
        role_arn="arn:aws:iam::111122223333:role/team/admin",
        session_started=datetime(2026, 11, 3, 8, 0, tzinfo=UTC),
    )

    identity = record(Request("CreateUser", {}), CREATED, caller)["userIdentity"]

    assert identity["sessionContext"] == {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAADMIN",
            "arn": "arn:aws:iam::111122223333:role/team/admin",
            "accountId": "111122223333",
            "userName": "admin",
        },
        "attributes": {"mfaAuthenticated": "false", "creationDate": "2026-11-03T08:00:00Z"},
    }


def test_the_envelope_tells_the_time_of_the_call() -> None:
    """However late an event is delivered, its envelope's time is the call's own."""
    written = record(Request("CreateUser", {"UserName": "alice"}), CREATED)

    event = eventbridge_event(written, "envelope-1")

    assert event.keys() == records.envelope(written).keys()
    assert (event["id"], event["time"]) == ("envelope-1", "2026-11-03T09:05:07Z")
    assert event["detail"] == written

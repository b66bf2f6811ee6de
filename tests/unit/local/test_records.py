"""CloudTrail records of IAM calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from straywatch.local.bridge.records import (
    Caller,
    Circumstances,
    cloudtrail_record,
    eventbridge_event,
)
from straywatch.local.bridge.wire import CallResult, Failed, Request, Succeeded, decode_request

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
    """The whole record of a CreateUser: lower camel case, tags as a list, the date as prose."""
    request = decode_request(
        urlencode(
            {
                "Action": "CreateUser",
                "UserName": "alice",
                "Tags.member.1.Key": "team",
                "Tags.member.1.Value": "a & b",
            }
        ).encode()
    )

    assert record(request, CREATED) == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "Root",
            "principalId": "111122223333",
            "arn": "arn:aws:iam::111122223333:root",
            "accountId": "111122223333",
            "accessKeyId": "AKIAROOT",
        },
        "eventTime": "2026-11-03T09:05:07Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "aws-cli/2.17.32",
        "requestParameters": {"userName": "alice", "tags": [{"key": "team", "value": "a & b"}]},
        "responseElements": {
            "user": {
                "path": "/",
                "userName": "alice",
                "userId": "AIDAALICE",
                "arn": "arn:aws:iam::111122223333:user/alice",
                "createDate": "Nov 03, 2026 12:05:07 AM",
            }
        },
        "requestID": "request-1",
        "eventID": "event-1",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    }


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

    assert eventbridge_event(written, "envelope-1") == {
        "version": "0",
        "id": "envelope-1",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": "111122223333",
        "time": "2026-11-03T09:05:07Z",
        "region": "us-east-1",
        "resources": [],
        "detail": written,
    }

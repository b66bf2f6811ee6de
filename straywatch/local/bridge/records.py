"""CloudTrail's record of one IAM call, and the EventBridge event that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from straywatch.local.bridge.wire import CallResult, Failed, Request

EVENT_VERSION = "1.11"
EVENT_REGION = "us-east-1"
"""IAM is global: CloudTrail records its calls here, whatever region signed them."""


@dataclass(frozen=True)
class Caller:
    """Who signed a call; `role_*` and `session_started` only for an assumed role."""

    kind: str
    principal_id: str
    arn: str
    account_id: str
    access_key_id: str
    user_name: str = ""
    role_id: str = ""
    role_arn: str = ""
    session_started: datetime | None = None


@dataclass(frozen=True)
class Circumstances:
    """What CloudTrail knows of a call beside its content. `at` has a time zone."""

    at: datetime
    event_id: str
    request_id: str
    source_ip: str
    user_agent: str


def cloudtrail_record(
    request: Request, outcome: CallResult, caller: Caller, circumstances: Circumstances
) -> dict[str, Any]:
    """Build the record that CloudTrail would have written of this call."""
    record = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _user_identity(caller),
        "eventTime": _iso(circumstances.at),
        "eventSource": "iam.amazonaws.com",
        "eventName": request.action,
        "awsRegion": EVENT_REGION,
        "sourceIPAddress": circumstances.source_ip,
        "userAgent": circumstances.user_agent,
        **_content(request, outcome),
        "requestID": circumstances.request_id,
        "eventID": circumstances.event_id,
        "readOnly": request.read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": caller.account_id,
        "eventCategory": "Management",
    }
    if isinstance(outcome, Failed):
        record |= {"errorCode": outcome.code, "errorMessage": outcome.message}
    return record


def eventbridge_event(record: Mapping[str, Any], envelope_id: str) -> dict[str, Any]:
    """Wrap a record as EventBridge delivers it; `time` is the call's, however late it comes."""
    return {
        "version": "0",
        "id": envelope_id,
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": record["recipientAccountId"],
        "time": record["eventTime"],
        "region": EVENT_REGION,
        "resources": [],
        "detail": dict(record),
    }


def _content(request: Request, outcome: CallResult) -> dict[str, Any]:
    parameters = _cased(request.parameters) or None
    if isinstance(outcome, Failed):
        denied = outcome.code.startswith("AccessDenied")
        return {"requestParameters": None if denied else parameters, "responseElements": None}
    elements = None if request.read_only else _cased(outcome.response) or None
    return {"requestParameters": parameters, "responseElements": elements}


def _cased(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Lower camel case and CloudTrail's prose for times, all the way down."""
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: _cased(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_cased(item) for item in value]
    return _prose(value) if isinstance(value, datetime) else value


def _prose(at: datetime) -> str:
    utc = at.astimezone(UTC)
    return f"{utc:%b %d, %Y} {utc.hour % 12 or 12}:{utc:%M:%S %p}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _user_identity(caller: Caller) -> dict[str, Any]:
    identity: dict[str, Any] = {
        "type": caller.kind,
        "principalId": caller.principal_id,
        "arn": caller.arn,
        "accountId": caller.account_id,
        "accessKeyId": caller.access_key_id,
    }
    if caller.kind == "IAMUser":
        identity["userName"] = caller.user_name
    if caller.kind == "AssumedRole":
        identity["sessionContext"] = _session_context(caller)
    return identity


def _session_context(caller: Caller) -> dict[str, Any]:
    started = caller.session_started
    return {
        "sessionIssuer": {
            "type": "Role",
            "principalId": caller.role_id,
            "arn": caller.role_arn,
            "accountId": caller.account_id,
            "userName": caller.role_arn.rsplit("/", 1)[-1],
        },
        "attributes": {
            "mfaAuthenticated": "false",
            **({} if started is None else {"creationDate": _iso(started)}),
        },
    }

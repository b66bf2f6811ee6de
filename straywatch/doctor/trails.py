"""Trails: whether one logs IAM's write calls where they are recorded.

EventBridge hears of API calls only where a trail logs them.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-aws-service-specific-topics.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor.lines import Line, failed, passed, unread
from straywatch.doctor.world import Gone, Unread, World

_IAM = "iam.amazonaws.com"
_MEND = (
    "aws cloudtrail create-trail --name management-events --s3-bucket-name BUCKET "
    "--is-multi-region-trail && aws cloudtrail start-logging --name management-events"
)


def judge_trails(world: World) -> Line:
    """One trail that logs management write events is enough."""
    check = "trail"
    answer = world.ask("cloudtrail", "describe_trails", includeShadowTrails=True)
    if not isinstance(answer, Mapping):
        return unread(
            check, answer.why if isinstance(answer, Unread) else "CloudTrail is not there"
        )
    trails = answer.get("trailList", [])
    judged = [(trail, _shortcoming(world, trail)) for trail in trails]
    for trail, shortcoming in judged:
        if shortcoming == "":
            return passed(check, f"{trail.get('Name')} logs management write events")
    for trail, shortcoming in judged:
        if isinstance(shortcoming, Unread):
            return unread(check, f"{trail.get('Name')}: {shortcoming.why}")
    seen = "; ".join(f"{trail.get('Name')} {why}" for trail, why in judged)
    mend = _MEND if not trails else f"mend one of these trails, or {_MEND}"
    return failed(check, seen or "there is none: IAM's calls reach no rule", mend)


def _shortcoming(world: World, trail: Mapping[str, Any]) -> str | Unread:
    """Why the trail does not serve; empty if it does."""
    if not trail.get("IsMultiRegionTrail") and trail.get("HomeRegion") != world.region:
        return f"is of {trail.get('HomeRegion')} alone"
    if not trail.get("IncludeGlobalServiceEvents", True):
        return "leaves out global services such as IAM"
    arn = trail.get("TrailARN", "")
    status = world.ask("cloudtrail", "get_trail_status", Name=arn)
    selectors = world.ask("cloudtrail", "get_event_selectors", TrailName=arn)
    for answer in (status, selectors):
        if isinstance(answer, Unread):
            return answer
        if isinstance(answer, Gone):
            return "is gone"
    if isinstance(status, Mapping) and not status.get("IsLogging"):
        return "is stopped"
    if isinstance(selectors, Mapping) and not any(_selected(selectors)):
        return "logs no management write events of IAM"
    return ""


def _selected(selectors: Mapping[str, Any]) -> Iterator[bool]:
    for selector in selectors.get("EventSelectors") or []:
        writes = selector.get("ReadWriteType", "All") in ("All", "WriteOnly")
        yield writes and bool(selector.get("IncludeManagementEvents", True))
    for advanced in selectors.get("AdvancedEventSelectors") or []:
        yield all(_field_passes(field) for field in advanced.get("FieldSelectors", [])) and any(
            field.get("Field") == "eventCategory" for field in advanced.get("FieldSelectors", [])
        )


def _field_passes(field: Mapping[str, Any]) -> bool:
    """Whether a write call of IAM's passes this part of an advanced selector."""
    values = {
        "eventCategory": "Management",
        "readOnly": "false",
        "eventSource": _IAM,
        "eventType": "AwsApiCall",
    }
    value = values.get(str(field.get("Field")))
    if value is None:
        return True  # on names, sessions and users: it may leave out some calls, not all
    equals, differs = field.get("Equals"), field.get("NotEquals")
    begins, avoids = field.get("StartsWith"), field.get("NotStartsWith")
    return (
        (not equals or value in equals)
        and (not differs or value not in differs)
        and (not begins or value.startswith(tuple(begins)))
        and (not avoids or not value.startswith(tuple(avoids)))
    )

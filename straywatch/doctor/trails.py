"""Trails: whether one logs IAM's write calls where they are recorded.

EventBridge hears of API calls only where a trail logs them.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-aws-service-specific-topics.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from straywatch.doctor.lines import Line, failed, passed, unread
from straywatch.doctor.world import Gone, Unread, World

_IAM = "iam.amazonaws.com"
_NAME = ("--name", "management-events")


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """Why a trail does not serve, and the words of the command that mends it, if one can."""

    why: str
    mend: tuple[str, ...] = ()


def judge_trails(world: World) -> Line:
    """One trail that logs management write events is enough."""
    check = "trail"
    answer = world.ask("cloudtrail", "describe_trails", includeShadowTrails=True)
    if not isinstance(answer, Mapping):
        return unread(
            check, answer.why if isinstance(answer, Unread) else "CloudTrail is not there"
        )
    judged = [(trail, _shortcoming(world, trail)) for trail in answer.get("trailList", [])]
    for trail, shortcoming in judged:
        if shortcoming is None:
            return passed(check, f"{trail.get('Name')} logs management write events")
    for trail, shortcoming in judged:
        if isinstance(shortcoming, Unread):
            return unread(check, f"{trail.get('Name')}: {shortcoming.why}")
    short = [(trail, each) for trail, each in judged if isinstance(each, Shortcoming)]
    if not short:
        return failed(check, "there is none: IAM's calls reach no rule", advice=_make(world))
    seen = "; ".join(f"{trail.get('Name')} {each.why}" for trail, each in short)
    mends = [world.invocation.aws(*each.mend) for _, each in short if each.mend]
    return failed(check, seen, mends[0] if mends else "", advice="" if mends else _make(world))


def _make(world: World) -> str:
    create = ("--s3-bucket-name", "BUCKET", "--is-multi-region-trail")
    aws = world.invocation.aws
    return (
        f"make one: {aws('cloudtrail create-trail', *_NAME, *create)} && "
        f"{aws('cloudtrail start-logging', *_NAME)}"
    )


def _shortcoming(world: World, trail: Mapping[str, Any]) -> Shortcoming | Unread | None:
    """Why the trail does not serve; None if it does."""
    arn = str(trail.get("TrailARN", ""))
    update = ("cloudtrail update-trail", "--name", arn)
    if not trail.get("IsMultiRegionTrail") and trail.get("HomeRegion") != world.region:
        # a trail is changed in its home region alone, where this command does not aim
        return Shortcoming(f"is of {trail.get('HomeRegion')} alone")
    if not trail.get("IncludeGlobalServiceEvents", True):
        why = "leaves out global services such as IAM"
        return Shortcoming(why, (*update, "--include-global-service-events"))
    status = world.ask("cloudtrail", "get_trail_status", Name=arn)
    selectors = world.ask("cloudtrail", "get_event_selectors", TrailName=arn)
    for answer in (status, selectors):
        if isinstance(answer, Unread):
            return answer
        if isinstance(answer, Gone):
            return Shortcoming("is gone")
    if isinstance(status, Mapping) and not status.get("IsLogging"):
        return Shortcoming("is stopped", ("cloudtrail start-logging", "--name", arn))
    if isinstance(selectors, Mapping) and not any(_selected(selectors)):
        return Shortcoming("logs no management write events of IAM", _select(arn, selectors))
    return None


def _select(arn: str, selectors: Mapping[str, Any]) -> tuple[str, ...]:
    """Have the trail log them, too, beside whatever it logs already."""
    put = ("cloudtrail put-event-selectors", "--trail-name", arn)
    if advanced := selectors.get("AdvancedEventSelectors"):
        fields = [
            {"Field": "eventCategory", "Equals": ["Management"]},
            {"Field": "readOnly", "Equals": ["false"]},
        ]
        more = [*advanced, {"Name": "Management writes", "FieldSelectors": fields}]
        return (*put, "--advanced-event-selectors", json.dumps(more))
    writes = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}
    more = [*(selectors.get("EventSelectors") or []), writes]
    return (*put, "--event-selectors", json.dumps(more))


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

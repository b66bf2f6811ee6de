"""Marks and findings as DynamoDB items: readable attributes, times that sort as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, Status
from chalicelib.domain.marks import Evidence, Mark
from chalicelib.domain.severity import Severity
from chalicelib.times import exact, parse_time

Item = dict[str, Any]


def to_item(attributes: Mapping[str, Any]) -> Item:
    """Encode plain attributes for DynamoDB's low-level client."""
    serializer = TypeSerializer()
    return {key: serializer.serialize(value) for key, value in attributes.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Decode what DynamoDB's low-level client returned."""
    deserializer = TypeDeserializer()
    return {key: deserializer.deserialize(value) for key, value in item.items()}


def plain_value(value: object) -> Any:  # noqa: ANN401 - what it returns is as varied as JSON
    """Turn a dataclass and all within it into what DynamoDB stores; unset fields are left out."""
    if isinstance(value, datetime):
        return exact(value)
    if isinstance(value, Severity):
        return value.name
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return [plain_value(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: plain_value(part) for name, part in named if part not in (None, "", ())}
    return value


def _time(attributes: Mapping[str, Any], name: str) -> datetime | None:
    text = attributes.get(name)
    return parse_time(text) if text else None


def _account(attributes: Mapping[str, Any]) -> Account:
    return Account(**attributes["account"])


def _cause(attributes: Mapping[str, Any]) -> Cause | None:
    stored = attributes.get("cause")
    if not stored:
        return None
    texts = {field.name: stored.get(field.name, "") for field in fields(Cause)}
    return Cause(**texts | {"event_time": parse_time(stored["event_time"])})


def mark_from(attributes: Mapping[str, Any]) -> Mark:
    """Read back the mark that `plain_value` wrote."""
    instants = (
        "left_at", "joined_at", "settled_at", "seen_at",
        "deleted_at", "renamed_at", "taken_at", "asked_since", "asked_until", "flapping_told_at",
    )  # fmt: skip
    return Mark(
        account=_account(attributes),
        user_name=attributes["user_name"],
        cause=_cause(attributes),
        created_id=attributes.get("created_id", ""),
        joined_group=attributes.get("joined_group", ""),
        renamed_to=attributes.get("renamed_to", ""),
        open_user_ids=tuple(attributes.get("open_user_ids", ())),
        lefts=tuple(parse_time(left) for left in attributes.get("lefts", ())),
        joins=tuple(parse_time(joined) for joined in attributes.get("joins", ())),
        version=int(attributes["version"]),
        **{name: _time(attributes, name) for name in instants},
    )


def finding_from(attributes: Mapping[str, Any]) -> Finding:
    """Read back the finding that `plain_value` wrote."""
    optional = ("resolved_at", "alerted_at", "escalated_at", "claimed_until")
    return Finding(
        account=_account(attributes),
        user_id=attributes["user_id"],
        number=int(attributes["number"]),
        user_name=attributes["user_name"],
        user_arn=attributes["user_arn"],
        user_created_at=parse_time(attributes["user_created_at"]),
        status=Status(attributes["status"]),
        severity=Severity[attributes["severity"]],
        risk=attributes.get("risk", ""),
        stray_since=parse_time(attributes["stray_since"]),
        evidence=Evidence(attributes["evidence"]),
        opened_at=parse_time(attributes["opened_at"]),
        detected_by=attributes["detected_by"],
        cause=_cause(attributes),
        flaps=int(attributes["flaps"]),
        resolution=_resolution(attributes),
        reminders=int(attributes["reminders"]),
        unread=tuple(attributes.get("unread", ())),
        quiet=bool(attributes.get("quiet", False)),
        muted=bool(attributes.get("muted", False)),
        outbox=tuple(AlertType(alert) for alert in attributes.get("outbox", ())),
        version=int(attributes["version"]),
        **{name: _time(attributes, name) for name in optional},
    )


def _resolution(attributes: Mapping[str, Any]) -> Resolution | None:
    stored = attributes.get("resolution")
    if not stored:
        return None
    return Resolution(
        reason=Reason(stored["reason"]),
        groups=tuple(stored.get("groups", ())),
        exempted_by=stored.get("exempted_by", ""),
        exempted_until=_time(stored, "exempted_until"),
    )

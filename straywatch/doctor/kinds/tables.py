"""DynamoDB: the tables, their indexes, how long they keep and how they are restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import Intended
from straywatch.doctor.kinds.interface import UNSAID, Call, Kind, Look, Property, Wait
from straywatch.doctor.world import Ask, Unread
from straywatch.errors import StraywatchError

_EXPIRY, _BACKUPS = "TimeToLiveSpecification", "PointInTimeRecoverySpecification"
_ENCRYPTION, _INDEXES = "SSESpecification", "GlobalSecondaryIndexes"
_OF_INDEX = ("IndexName", "KeySchema", "Projection")
_PARTS = "{IndexName: IndexName, KeySchema: KeySchema, Projection: Projection}"


def _put_table(table: Intended, names: frozenset[str], seen: Mapping[str, Any]) -> Iterator[Call]:
    said, by_name = table.properties, {"TableName": table.physical_id}
    until = Wait("table_exists", by_name)
    if "BillingMode" in names:
        mode = {"BillingMode": said.get("BillingMode", "PROVISIONED")}
        yield Call("dynamodb", "update_table", by_name | mode, until)
    if "OnDemandThroughput" in names:
        none = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
        told = {"OnDemandThroughput": said.get("OnDemandThroughput", none)}
        yield Call("dynamodb", "update_table", by_name | told, until)
    if "DeletionProtectionEnabled" in names:
        told = {"DeletionProtectionEnabled": said["DeletionProtectionEnabled"]}
        yield Call("dynamodb", "update_table", by_name | told, until)
    if _ENCRYPTION in names:
        told = {_ENCRYPTION: _encryption(table)}
        yield Call("dynamodb", "update_table", by_name | told, until)
    if _INDEXES in names:
        yield from _indexes(table, seen)
    if _EXPIRY in names:
        yield Call("dynamodb", "update_time_to_live", by_name | {_EXPIRY: said[_EXPIRY]})
    if _BACKUPS in names:
        told = {_BACKUPS: {"PointInTimeRecoveryEnabled": True}}
        yield Call("dynamodb", "update_continuous_backups", by_name | told)
    if "ResourcePolicy" in names and table.arn:
        yield Call("dynamodb", "delete_resource_policy", {"ResourceArn": table.arn})


def _encryption(table: Intended) -> Mapping[str, Any]:
    said = table.properties.get(_ENCRYPTION, {})
    key = {"KMSMasterKeyId": said["KMSMasterKeyId"]} if "KMSMasterKeyId" in said else {}
    return {"Enabled": bool(said.get("SSEEnabled")), **key}


def _indexes(table: Intended, seen: Mapping[str, Any]) -> Iterator[Call]:
    """One index a call, as AWS has it. One that is another is made anew: it holds copies alone."""
    by_name = {"TableName": table.physical_id}
    is_there = seen.get("table", {}).get("Table", {}).get(_INDEXES) or []
    names = {each["IndexName"] for each in is_there}
    alike = [forms.plain({part: each.get(part) for part in _OF_INDEX}) for each in is_there]
    for index in table.properties.get(_INDEXES, []):
        if forms.plain(index) in alike:
            continue
        if index["IndexName"] in names:
            drop = {"Delete": {"IndexName": index["IndexName"]}}
            updates = {"GlobalSecondaryIndexUpdates": [drop]}
            yield Call("dynamodb", "update_table", by_name | updates, Wait("table_exists", by_name))
        told = {
            "AttributeDefinitions": table.properties["AttributeDefinitions"],
            "GlobalSecondaryIndexUpdates": [{"Create": index}],
        }
        yield Call("dynamodb", "update_table", by_name | told)


def _create_table(ask: Ask, table: Intended) -> Iterator[Call]:
    """From the backup that DynamoDB keeps of a table with point-in-time recovery, if there is one.

    Raises StraywatchError where that is not known: an empty table would stand in the way of it.
    """
    by_name = {"TableName": table.physical_id}
    until = Wait("table_exists", by_name)
    answer = ask("dynamodb", "list_backups", **by_name, BackupType="SYSTEM")
    if not isinstance(answer, Mapping):
        why = answer.why if isinstance(answer, Unread) else "DynamoDB tells of none"
        raise StraywatchError(f"whether a backup of {table.physical_id} is left is unknown: {why}")
    backups = answer.get("BackupSummaries", [])
    if backups:
        newest = max(backups, key=lambda each: each["BackupCreationDateTime"])
        told = {"TargetTableName": table.physical_id, "BackupArn": newest["BackupArn"]}
        yield Call("dynamodb", "restore_table_from_backup", told, until)
        return
    named = ("AttributeDefinitions", "BillingMode", _INDEXES, "KeySchema")
    made = {name: table.properties[name] for name in named if name in table.properties}
    yield Call("dynamodb", "create_table", by_name | made, until)


TABLE = Kind(
    word="table",
    area="remember",
    looks={
        "table": Look("dynamodb", "describe_table", {"TableName": "{id}"}),
        "expiry": Look("dynamodb", "describe_time_to_live", {"TableName": "{id}"}),
        "backups": Look("dynamodb", "describe_continuous_backups", {"TableName": "{id}"}),
        "policy": Look("dynamodb", "get_resource_policy", {"ResourceArn": "{arn}"}, absent={}),
    },
    properties={
        "BillingMode": Property(
            "table.Table.BillingModeSummary.BillingMode || 'PROVISIONED'", "PROVISIONED"
        ),
        "DeletionProtectionEnabled": Property(
            "table.Table.DeletionProtectionEnabled", UNSAID, minor=True
        ),
        _INDEXES: Property(f"table.Table.{_INDEXES}[].{_PARTS}", [], may_grow=True),
        "KeySchema": Property("table.Table.KeySchema"),
        "OnDemandThroughput": Property("table.Table.OnDemandThroughput", {}, form=forms.limited),
        _BACKUPS: Property(
            "backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription"
            ".{PointInTimeRecoveryEnabled: PointInTimeRecoveryStatus == 'ENABLED'}",
            UNSAID,
            minor=True,
        ),
        "ResourcePolicy": Property("policy.Policy", {}, form=forms.policy, may_grow=True),
        _ENCRYPTION: Property(
            "table.Table.{SSEEnabled: SSEDescription.Status == 'ENABLED'"
            " || SSEDescription.Status == 'UPDATING'}",
            UNSAID,
            minor=True,
        ),
        _EXPIRY: Property(
            "expiry.TimeToLiveDescription.{AttributeName: AttributeName, Enabled:"
            " TimeToLiveStatus == 'ENABLED' || TimeToLiveStatus == 'ENABLING'}",
            UNSAID,
            minor=True,
        ),
    },
    put=_put_table,
    creates=_create_table,
    lost=", with all that was in it",
    fixed=frozenset({"KeySchema"}),
)

"""CloudWatch: the alarms and whom they tell, the logs and how long they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import Intended
from straywatch.doctor.kinds.interface import UNSAID, Call, Kind, Look, Property
from straywatch.doctor.world import Ask


def _put_alarm(alarm: Intended, _names: frozenset[str], _seen: Mapping[str, Any]) -> Iterator[Call]:
    """The whole alarm: PutMetricAlarm takes away whatever it is not told."""
    said = {k: v for k, v in alarm.properties.items() if k not in ("AlarmName", "Tags")}
    yield Call("cloudwatch", "put_metric_alarm", {"AlarmName": alarm.physical_id, **said})


def _said(name: str, default: object = None, *, minor: bool = False) -> Property:
    grows = name.endswith("Actions")
    return Property(f"alarm.{name}", default, minor=minor, may_grow=grows)


ALARM = Kind(
    word="alarm",
    area="speak",
    looks={
        "alarm": Look(
            "cloudwatch", "describe_alarms", {"AlarmNames": ["{id}"]}, found="MetricAlarms[0]"
        )
    },
    properties={
        "ActionsEnabled": _said("ActionsEnabled", default=True),
        "AlarmActions": _said("AlarmActions"),
        "AlarmDescription": _said("AlarmDescription", minor=True),
        "ComparisonOperator": _said("ComparisonOperator"),
        "DatapointsToAlarm": _said("DatapointsToAlarm"),
        "Dimensions": _said("Dimensions"),
        "EvaluationPeriods": _said("EvaluationPeriods"),
        "ExtendedStatistic": _said("ExtendedStatistic"),
        "InsufficientDataActions": _said("InsufficientDataActions"),
        "MetricName": _said("MetricName"),
        "Metrics": _said("Metrics"),
        "Namespace": _said("Namespace"),
        "OKActions": _said("OKActions", minor=True),
        "Period": _said("Period"),
        "Statistic": _said("Statistic"),
        "Threshold": _said("Threshold"),
        "TreatMissingData": _said("TreatMissingData", ("missing", None)),
        "Unit": _said("Unit"),
    },
    put=_put_alarm,
)


def _put_log_group(
    group: Intended, names: frozenset[str], _seen: Mapping[str, Any]
) -> Iterator[Call]:
    by_name = {"logGroupName": group.physical_id}
    if "RetentionInDays" in names:
        days = {"retentionInDays": group.properties["RetentionInDays"]}
        yield Call("logs", "put_retention_policy", by_name | days)
    if "KmsKeyId" in names and group.properties.get("KmsKeyId"):
        key = {"kmsKeyId": group.properties["KmsKeyId"]}
        yield Call("logs", "associate_kms_key", by_name | key)
    elif "KmsKeyId" in names:
        yield Call("logs", "disassociate_kms_key", by_name)


def _create_log_group(_ask: Ask, group: Intended) -> Iterator[Call]:
    yield Call("logs", "create_log_group", {"logGroupName": group.physical_id})


LOG_GROUP = Kind(
    word="log group",
    area="look",
    looks={
        "group": Look(
            "logs",
            "describe_log_groups",
            {"logGroupNamePrefix": "{id}"},
            found="logGroups[?logGroupName == '{id}'] | [0]",
        )
    },
    properties={
        "KmsKeyId": Property("group.kmsKeyId", "", minor=True),
        "RetentionInDays": Property("group.retentionInDays", UNSAID, minor=True),
    },
    put=_put_log_group,
    creates=_create_log_group,
    lost=", with the functions' logs",
)


def _put_metric_filter(
    metric_filter: Intended, _names: frozenset[str], _seen: Mapping[str, Any]
) -> Iterator[Call]:
    said = metric_filter.properties
    told = {
        "logGroupName": said["LogGroupName"],
        "filterName": metric_filter.physical_id,
        "filterPattern": said.get("FilterPattern", ""),
        "metricTransformations": forms.lowered(said["MetricTransformations"]),
    }
    yield Call("logs", "put_metric_filter", told)


METRIC_FILTER = Kind(
    word="metric filter",
    area="speak",
    looks={
        "filter": Look(
            "logs",
            "describe_metric_filters",
            {"logGroupName": "{LogGroupName}", "filterNamePrefix": "{id}"},
            found="metricFilters[?filterName == '{id}'] | [0]",
        )
    },
    properties={
        "FilterPattern": Property("filter.filterPattern", ""),
        "MetricTransformations": Property(
            "filter.metricTransformations", form=forms.transformations
        ),
    },
    put=_put_metric_filter,
)

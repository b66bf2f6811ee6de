"""The table of all types that the monitor's template may have."""

from __future__ import annotations

from collections.abc import Mapping

from straywatch.doctor.kinds.alarms import ALARM, LOG_GROUP, METRIC_FILTER
from straywatch.doctor.kinds.buses import BUS
from straywatch.doctor.kinds.functions import EVENT_INVOKE_CONFIG, EVENT_SOURCE_MAPPING, FUNCTION
from straywatch.doctor.kinds.interface import Kind
from straywatch.doctor.kinds.queues import QUEUE
from straywatch.doctor.kinds.roles import ROLE
from straywatch.doctor.kinds.rules import RULE
from straywatch.doctor.kinds.tables import TABLE
from straywatch.doctor.kinds.topics import KEY, SUBSCRIPTION, TOPIC

KINDS: Mapping[str, Kind] = {
    "AWS::KMS::Key": KEY,
    "AWS::Logs::LogGroup": LOG_GROUP,
    "AWS::SQS::Queue": QUEUE,
    "AWS::DynamoDB::Table": TABLE,
    "AWS::SNS::Topic": TOPIC,
    "AWS::IAM::Role": ROLE,
    "AWS::Lambda::Function": FUNCTION,
    "AWS::Lambda::EventInvokeConfig": EVENT_INVOKE_CONFIG,
    "AWS::Lambda::EventSourceMapping": EVENT_SOURCE_MAPPING,
    "AWS::Events::EventBus": BUS,
    "AWS::Events::Rule": RULE,
    "AWS::SNS::Subscription": SUBSCRIPTION,
    "AWS::Logs::MetricFilter": METRIC_FILTER,
    "AWS::CloudWatch::Alarm": ALARM,
}
"""In the order in which what is gone has to be made anew: what others need comes first."""

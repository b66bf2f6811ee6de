"""Calls that tamper with a deployment, and everyday ones, as CloudTrail records them.

The names and the places of the parameters are those of AWS's own samples, each service's page
"Logging ... with CloudTrail", and of https://github.com/DataDog/stratus-red-team (docs, detonation
logs). Lambda adds the date of an API to its names; CloudWatch's source is `monitoring`.
"""

from __future__ import annotations

from typing import Any

from tests.unit.deployed_template import ACCOUNT, REGION, STACK, STACK_ID

HERE = f"{REGION}:{ACCOUNT.account_id}"
ALICE = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLE:alice",
    "arn": f"arn:aws:sts::{ACCOUNT.account_id}:assumed-role/Admin/alice",
    "accountId": ACCOUNT.account_id,
}


def named(logical_id: str) -> str:
    """The name of a part of the stack."""
    return f"{STACK}-{logical_id}-1A2B3C"


def record(service: str, call: str, request: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A call in EventBridge's envelope."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}",
        "account": ACCOUNT.account_id,
        "time": "2026-11-23T03:15:00Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "eventVersion": "1.09",
            "userIdentity": ALICE,
            "eventTime": "2026-11-23T03:14:59Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": call,
            "awsRegion": REGION,
            "sourceIPAddress": "203.0.113.7",
            "userAgent": 'curl"}, {"straywatch": "all is well',
            "requestParameters": request,
            "responseElements": None,
            "requestID": "79c6b1bc-1d6c-4f6b-8f0a-6a5d0e3f9a11",
            "eventID": "5f1c6a52-0b5e-4c1a-9d0c-2f4bb0a1e0d7",
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT.account_id,
            "eventCategory": "Management",
            **more,
        },
    }


def stack_status(status: str, stack_id: str = STACK_ID) -> dict[str, Any]:
    """A stack's change of status, as CloudFormation's user guide shows it."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "CloudFormation Stack Status Change",
        "source": "aws.cloudformation",
        "account": ACCOUNT.account_id,
        "time": "2026-11-23T03:15:00Z",
        "region": REGION,
        "resources": [stack_id],
        "detail": {
            "stack-id": stack_id,
            "status-details": {"status": status, "status-reason": ""},
            "client-request-token": "",
        },
    }


KEY = {
    "resources": [
        {
            "accountId": ACCOUNT.account_id,
            "type": "AWS::KMS::Key",
            "ARN": f"arn:aws:kms:{HERE}:key/{named('AlertKey')}",
        }
    ]
}
SWEEP = named("Sweep")
SWEEP_ARN = f"arn:aws:lambda:{HERE}:function:{SWEEP}"
TOPIC = f"arn:aws:sns:{HERE}:{named('AlertTopic')}"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT.account_id}/{named('CheckQueue')}"
OLD_QUEUE = f"https://queue.amazonaws.com/{ACCOUNT.account_id}/{named('DeadLetterQueue')}"
RULE = named("OnMembershipLostOnMembershipLostEvent")
BUS, HUB_RULE = f"{STACK}-organization", named("OrganizationLost")
TABLE = named("FindingsTable")
MAPPING = {"uUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2"}
MAPPED = {
    "responseElements": {
        **MAPPING,
        "functionArn": f"arn:aws:lambda:{HERE}:function:{named('CheckMembership')}",
        "state": "Disabling",
    }
}
CONFIG = f"/{STACK}/config"

TAMPERING: dict[str, dict[str, Any]] = {
    "trail stopped": record("cloudtrail", "StopLogging", {"name": "management-events"}),
    "trail deleted": record("cloudtrail", "DeleteTrail", {"name": "management-events"}),
    "trail changed": record(
        "cloudtrail", "UpdateTrail", {"name": "t", "isMultiRegionTrail": False}
    ),
    "trail without writes": record(
        "cloudtrail",
        "PutEventSelectors",
        {"trailName": "t", "eventSelectors": [{"readWriteType": "ReadOnly"}]},
    ),
    "rule disabled": record("events", "DisableRule", {"name": RULE}),
    "rule deleted": record("events", "DeleteRule", {"name": RULE, "force": False}),
    "rule's pattern": record("events", "PutRule", {"name": RULE, "eventPattern": "{}"}),
    "rule's targets": record("events", "RemoveTargets", {"rule": RULE, "ids": ["1"]}),
    "the bus under a key of theirs": record(
        "events", "UpdateEventBus", {"name": "default", "kmsKeyIdentifier": "alias/theirs"}
    ),
    "hub's bus under a key of theirs": record("events", "UpdateEventBus", {"name": BUS}),
    "hub's bus deleted": record("events", "DeleteEventBus", {"name": BUS}),
    "hub's bus admits others": record(
        "events", "PutPermission", {"eventBusName": BUS, "policy": "{}"}
    ),
    "hub's bus admits nobody": record(
        "events", "RemovePermission", {"eventBusName": BUS, "removeAllPermissions": True}
    ),
    "hub's rule": record("events", "DeleteRule", {"name": HUB_RULE, "eventBusName": BUS}),
    "rule's target replaced": record("events", "PutTargets", {"rule": RULE, "targets": []}),
    "function deleted": record("lambda", "DeleteFunction20150331", {"functionName": SWEEP}),
    "function's code": record(
        "lambda", "UpdateFunctionCode20150331v2", {"functionName": SWEEP_ARN, "dryRun": False}
    ),
    "function's settings": record(
        "lambda", "UpdateFunctionConfiguration20150331v2", {"functionName": SWEEP}
    ),
    "function by half an ARN": record(
        "lambda",
        "DeleteFunction20150331",
        {"functionName": f"{ACCOUNT.account_id}:function:{SWEEP}"},
    ),
    "function without invocations": record(
        "lambda",
        "PutFunctionConcurrency20171031",
        {"functionName": SWEEP, "reservedConcurrentExecutions": 0},
    ),
    "function's permission": record(
        "lambda", "RemovePermission20150331v2", {"functionName": SWEEP, "statementId": "1"}
    ),
    "function's permissions replaced": record(
        "lambda", "PutResourcePolicy20260709", {"resourceArn": f"{SWEEP_ARN}:live", "policy": "{}"}
    ),
    "function's permissions deleted": record(
        "lambda", "DeleteResourcePolicy20260709", {"resourceArn": SWEEP_ARN}
    ),
    "mapping disabled": record("lambda", "UpdateEventSourceMapping20150331", MAPPING, **MAPPED),
    "mapping deleted": record("lambda", "DeleteEventSourceMapping20150331", MAPPING, **MAPPED),
    "topic deleted": record("sns", "DeleteTopic", {"topicArn": TOPIC}),
    "topic's policy": record(
        "sns", "SetTopicAttributes", {"topicArn": TOPIC, "attributeName": "Policy"}
    ),
    "topic that refuses what has an address in it": record(
        "sns", "PutDataProtectionPolicy", {"resourceArn": TOPIC, "dataProtectionPolicy": "{}"}
    ),
    "subscription ended": record("sns", "Unsubscribe", {"subscriptionArn": f"{TOPIC}:c3019def"}),
    "subscription's filter": record(
        "sns",
        "SetSubscriptionAttributes",
        {"subscriptionArn": f"{TOPIC}:c3019def", "attributeName": "FilterPolicy"},
    ),
    "key disabled": record("kms", "DisableKey", {"keyId": "alias/ours"}, **KEY),
    "key deleted": record(
        "kms", "ScheduleKeyDeletion", {"keyId": "1234abcd", "pendingWindowInDays": 7}, **KEY
    ),
    "key's policy": record("kms", "PutKeyPolicy", {"keyId": "1234abcd"}, **KEY),
    "table deleted": record("dynamodb", "DeleteTable", {"tableName": TABLE}),
    "table unprotected": record(
        "dynamodb",
        "UpdateTable",
        {"tableName": f"arn:aws:dynamodb:{HERE}:table/{TABLE}", "deletionProtectionEnabled": False},
    ),
    "table's backups": record(
        "dynamodb",
        "UpdateContinuousBackups",
        {"tableName": TABLE, "pointInTimeRecoverySpecification": {}},
    ),
    "queue deleted": record("sqs", "DeleteQueue", {"queueUrl": QUEUE}),
    "queue emptied": record("sqs", "PurgeQueue", {"queueUrl": QUEUE}),
    "queue by its old address": record("sqs", "SetQueueAttributes", {"queueUrl": OLD_QUEUE}),
    "alarm deleted": record(
        "monitoring", "DeleteAlarms", {"alarmNames": ["other", named("DeadLetterAlarm")]}
    ),
    "alarm switched off": record(
        "monitoring", "DisableAlarmActions", {"alarmNames": [named("SweepSilentAlarm")]}
    ),
    "alarm muted": record(
        "monitoring",
        "PutAlarmMuteRule",
        {"name": "quiet", "muteTargets": {"alarmNames": ["other", named("UnheardAlarm")]}},
    ),
    "alarm changed": record(
        "monitoring", "PutMetricAlarm", {"alarmName": named("UnheardAlarm"), "threshold": 1e9}
    ),
    "log deleted": record("logs", "DeleteLogGroup", {"logGroupName": f"/straywatch/{STACK}"}),
    "role's policy": record("iam", "DeleteRolePolicy", {"roleName": named("SweepRole")}),
    "role in capitals": record(
        "iam", "PutRolePolicy", {"roleName": named("SweepRole").upper(), "policyName": "Deny"}
    ),
    "exemptions": record("ssm", "PutParameter", {"name": CONFIG, "overwrite": True}),
    "exemptions deleted": record("ssm", "DeleteParameters", {"names": ["/other", CONFIG]}),
    "stack unprotected": record(
        "cloudformation",
        "UpdateTerminationProtection",
        {"stackName": STACK_ID, "enableTerminationProtection": False},
    ),
}
"""What the first path tells."""

_TAMPER_TOPIC = f"arn:aws:sns:{HERE}:{named('TamperTopic')}"
OF_THE_WATCH: dict[str, dict[str, Any]] = {
    "first rule disabled": record("events", "DisableRule", {"name": named("TamperHearing")}),
    "stack's rule deleted": record("events", "DeleteRule", {"name": named("TamperStack")}),
    "first rule's target": record("events", "RemoveTargets", {"rule": named("TamperHearing")}),
    "tamper topic deleted": record("sns", "DeleteTopic", {"topicArn": _TAMPER_TOPIC}),
    "tamper topic's policy": record("sns", "SetTopicAttributes", {"topicArn": _TAMPER_TOPIC}),
    "tamper topic that refuses": record(
        "sns", "PutDataProtectionPolicy", {"resourceArn": _TAMPER_TOPIC}
    ),
    "tamper mail ended": record(
        "sns", "Unsubscribe", {"subscriptionArn": f"{_TAMPER_TOPIC}:c3019def"}
    ),
}
"""What is done to the first path, and told by the second."""

_BY_CLOUDFORMATION = {
    "sourceIPAddress": "cloudformation.amazonaws.com",
    "userAgent": "cloudformation.amazonaws.com",
    "userIdentity": {**ALICE, "invokedBy": "cloudformation.amazonaws.com"},
}
_OTHER_KEY = {"resources": [{"ARN": f"arn:aws:kms:{HERE}:key/other"}]}
EVERYDAY: dict[str, dict[str, Any]] = {
    "a deployment's function": record(
        "lambda",
        "UpdateFunctionCode20150331v2",
        {"functionName": SWEEP},
        **_BY_CLOUDFORMATION,
    ),
    "a deployment's rule": record("events", "PutRule", {"name": RULE}, **_BY_CLOUDFORMATION),
    "a deployment that protects": record(
        "cloudformation",
        "UpdateTerminationProtection",
        {"stackName": STACK, "enableTerminationProtection": True},
    ),
    "another's function": record("lambda", "DeleteFunction20150331", {"functionName": "billing"}),
    "another's mapping": record(
        "lambda",
        "DeleteEventSourceMapping20150331",
        MAPPING,
        responseElements={"functionArn": f"arn:aws:lambda:{HERE}:function:billing"},
    ),
    "another's rule": record("events", "DisableRule", {"name": "nightly"}),
    "another's queue": record("sqs", "PurgeQueue", {"queueUrl": QUEUE.replace(STACK, "billing")}),
    "another's table": record("dynamodb", "DeleteTable", {"tableName": "billing"}),
    "another's topic": record("sns", "DeleteTopic", {"topicArn": f"arn:aws:sns:{HERE}:billing"}),
    "another's key": record("kms", "DisableKey", {"keyId": "other"}, **_OTHER_KEY),
    "another's alarm": record("monitoring", "DeleteAlarms", {"alarmNames": ["billing"]}),
    "another's alarm muted": record(
        "monitoring", "PutAlarmMuteRule", {"muteTargets": {"alarmNames": ["billing"]}}
    ),
    "another's bus admits others": record("events", "PutPermission", {"eventBusName": "billing"}),
    "another's bus": record("events", "UpdateEventBus", {"name": "billing"}),
    "another's role": record("iam", "DeleteRolePolicy", {"roleName": "billing"}),
    "another's parameter": record("ssm", "PutParameter", {"name": "/billing/config-x"}),
    "an invocation": record("lambda", "Invoke", {"functionName": SWEEP}, eventCategory="Data"),
    "a function's log stream": record(
        "logs", "CreateLogStream", {"logGroupName": f"/straywatch/{STACK}"}
    ),
    "a reader subscribes": record("sns", "Subscribe", {"topicArn": TOPIC, "protocol": "email"}),
    "a tag": record("dynamodb", "TagResource", {"resourceArn": f"arn:aws:dynamodb:{HERE}:x"}),
    "a user": record("iam", "CreateUser", {"userName": "frank"}),
    "a denied attempt": record(
        "cloudtrail", "StopLogging", {"name": "t"}, errorCode="AccessDenied"
    ),
    "a forgery": {**TAMPERING["trail stopped"], "source": "mine.cloudtrail"},
}
"""What nobody is to be told of."""

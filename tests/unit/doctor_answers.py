"""What AWS answers about a healthy deployment, derived from the packaged template.

A type that the doctor asks about anew gets a function here; what no template tells stands in
`_told_by_nothing`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from chalicelib.adapters.items import to_item
from chalicelib.times import iso
from straywatch.doctor.world import ApiResponse, Gone
from tests.unit.deployed_template import ACCOUNT, REGION, STACK, DeployedTemplate, Made, checkout

NOW = datetime(2026, 11, 23, 19, 27, 41, tzinfo=UTC)
_SWEPT = iso(NOW - timedelta(minutes=10))
_TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT.account_id}:trail/management-events"

_OF_A_GIVEN_KEY = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT.account_id}},
}
"""As docs/platform.md asks for it."""

Answer = tuple[str, str, Mapping[str, Any], ApiResponse]
"""A question, as service, operation and parameters, and what AWS says."""


def answers(template: DeployedTemplate) -> Iterator[Answer]:
    """Everything that AWS tells of the deployment and of what is around it."""
    for made in template.resources:
        if made.type in _BY_TYPE:
            yield from _BY_TYPE[made.type](template, made)
    yield _alarms(template)
    yield from _stack(template)
    yield from _told_by_nothing(template.outputs)


def _stack(template: DeployedTemplate) -> Iterator[Answer]:
    """What CloudFormation keeps of the deployment."""
    for stage, body in (("Original", template.given), ("Processed", template.processed)):
        asked = {"StackName": STACK, "TemplateStage": stage}
        yield "cloudformation", "get_template", asked, {"TemplateBody": body}
    told = [
        {"ParameterKey": name, "ParameterValue": value}
        for name, value in template.parameters.items()
    ]
    described = {"Stacks": [{"Parameters": told}]}
    yield "cloudformation", "describe_stacks", {"StackName": STACK}, described
    if secret := template.parameters["PagerDutySecretArn"]:
        yield "secretsmanager", "describe_secret", {"SecretId": secret}, {"ARN": secret}
    if key := template.parameters["AlertKeyArn"]:
        yield "kms", "describe_key", {"KeyId": key}, {"KeyMetadata": {"KeyState": "Enabled"}}
        theirs = {"Policy": json.dumps({"Statement": [_OF_A_GIVEN_KEY]})}
        yield "kms", "get_key_policy", {"KeyId": key, "PolicyName": "default"}, theirs


def _told_by_nothing(outputs: Mapping[str, str]) -> Iterator[Answer]:
    """What no template tells: the account around the deployment, and what it has done so far."""
    trail = {"Name": "management-events", "TrailARN": _TRAIL, "IsMultiRegionTrail": True}
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    selectors = {"EventSelectors": [selector]}
    yield "cloudtrail", "describe_trails", {"includeShadowTrails": True}, {"trailList": [trail]}
    yield "cloudtrail", "get_trail_status", {"Name": _TRAIL}, {"IsLogging": True}
    yield "cloudtrail", "get_event_selectors", {"TrailName": _TRAIL}, selectors

    headers = {"date": format_datetime(NOW, usegmt=True)}
    yield "sts", "get_caller_identity", {}, {"ResponseMetadata": {"HTTPHeaders": headers}}

    exemptions = {"Name": outputs["ConfigParameterName"], "WithDecryption": True}
    yield "ssm", "get_parameter", exemptions, Gone()

    queue = {"Name": "QueueName", "Value": outputs["CheckQueueUrl"].rsplit("/", 1)[-1]}
    age = {
        "Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [queue], "Statistics": ["Maximum"], "Period": 300,
        "StartTime": NOW - timedelta(minutes=30), "EndTime": NOW,
    }  # fmt: skip
    yield "cloudwatch", "get_metric_statistics", age, {"Datapoints": []}

    state = {"TableName": outputs["StateTableName"]}
    notes: dict[str, dict[str, Any]] = {
        "sweep": {"finished_at": _SWEPT, "missed_events": 0},
        "sweep-cursor": {"started_at": _SWEPT, "marker": ""},
    }
    for name, note in notes.items():
        key = to_item({"pk": ACCOUNT.key, "sk": name})
        yield "dynamodb", "get_item", state | {"Key": key}, {"Item": to_item(note)}
    marks = {
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :mark)",
        "ExpressionAttributeValues": to_item({":pk": ACCOUNT.key, ":mark": "mark#"}),
    }
    yield "dynamodb", "query", state | marks, {"Items": []}


def _told(alarm: Made) -> dict[str, Any]:
    state = {"ActionsEnabled": True, "StateValue": "OK", "InsufficientDataActions": []}
    return {**state, **alarm.properties, "AlarmName": alarm.ref}


def _alarms(template: DeployedTemplate) -> Answer:
    alarms = [_told(made) for made in template.of_type("AWS::CloudWatch::Alarm")]
    names = [alarm["AlarmName"] for alarm in alarms]
    return "cloudwatch", "describe_alarms", {"AlarmNames": names}, {"MetricAlarms": alarms}


def _alarm(_: DeployedTemplate, alarm: Made) -> Iterator[Answer]:
    asked = {"AlarmNames": [alarm.ref]}
    yield "cloudwatch", "describe_alarms", asked, {"MetricAlarms": [_told(alarm)]}


def _log_group(_: DeployedTemplate, group: Made) -> Iterator[Answer]:
    told = {
        "logGroupName": group.name,
        "retentionInDays": int(group.properties["RetentionInDays"]),
        "logGroupClass": "STANDARD",
    }
    other = {"logGroupName": f"{group.name}-other"}
    asked = {"logGroupNamePrefix": group.name}
    yield "logs", "describe_log_groups", asked, {"logGroups": [told, other]}


def _queue(template: DeployedTemplate, queue: Made) -> Iterator[Answer]:
    asked = {"QueueUrl": queue.ref, "AttributeNames": ["All"]}
    kinds = ("", "NotVisible", "Delayed")
    attributes = {f"ApproximateNumberOfMessages{kind}": "0" for kind in kinds}
    attributes |= {
        "VisibilityTimeout": "30", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
        "MaximumMessageSize": "1048576", "QueueArn": queue.arn,
    }  # fmt: skip
    attributes |= _as_texts(queue)
    attributes |= _policy(template, "AWS::SQS::QueuePolicy", "Queues", queue)
    yield "sqs", "get_queue_attributes", asked, {"Attributes": attributes}
    mappings = [
        _mapped(made)
        for made in template.of_type("AWS::Lambda::EventSourceMapping")
        if made.properties["EventSourceArn"] == queue.arn
    ]
    asked = {"EventSourceArn": queue.arn}
    yield "lambda", "list_event_source_mappings", asked, {"EventSourceMappings": mappings}


def _topic(template: DeployedTemplate, topic: Made) -> Iterator[Answer]:
    asked = {"TopicArn": topic.ref}
    policy = _policy(template, "AWS::SNS::TopicPolicy", "Topics", topic)
    yield "sns", "get_topic_attributes", asked, {"Attributes": _as_texts(topic) | policy}
    subscriptions = [
        {**made.properties, "SubscriptionArn": made.ref}
        for made in template.of_type("AWS::SNS::Subscription")
        if made.properties["TopicArn"] == topic.ref
    ]
    if topic.logical_id == "ChatTopic":  # who attaches it to a channel subscribes Amazon Q to it
        subscriptions.append({"SubscriptionArn": f"{topic.ref}:q", "Protocol": "https"})
    yield "sns", "list_subscriptions_by_topic", asked, {"Subscriptions": subscriptions}


def _subscription(_: DeployedTemplate, made: Made) -> Iterator[Answer]:
    told = {"RawMessageDelivery": "false", "PendingConfirmation": "false"} | _as_texts(made)
    if "FilterPolicy" in told:
        told["FilterPolicyScope"] = "MessageAttributes"
    asked = {"SubscriptionArn": made.ref}
    yield "sns", "get_subscription_attributes", asked, {"Attributes": told}


def _role(_: DeployedTemplate, role: Made) -> Iterator[Answer]:
    asked, said = {"RoleName": role.ref}, role.properties
    told = {"Arn": role.arn, "AssumeRolePolicyDocument": said["AssumeRolePolicyDocument"]}
    told["Path"] = said.get("Path", "/")
    yield "iam", "get_role", asked, {"Role": told}
    names = {"PolicyNames": [each["PolicyName"] for each in said["Policies"]]}
    yield "iam", "list_role_policies", asked, names
    yield "iam", "list_attached_role_policies", asked, {"AttachedPolicies": []}
    for policy in said["Policies"]:
        yield "iam", "get_role_policy", asked | {"PolicyName": policy["PolicyName"]}, policy


def _as_texts(made: Made) -> dict[str, str]:
    """The attributes of a queue or a topic have the names of its properties; all are text."""
    texts = {name: json.dumps(value) for name, value in made.properties.items()}
    return texts | {k: v for k, v in made.properties.items() if isinstance(v, str)}


def _policy(template: DeployedTemplate, kind: str, names: str, of: Made) -> dict[str, str]:
    for policy in template.of_type(kind):
        if of.ref in policy.properties[names]:
            return {"Policy": json.dumps(policy.properties["PolicyDocument"])}
    return {}


def _key(_: DeployedTemplate, key: Made) -> Iterator[Answer]:
    asked = {"KeyId": key.ref}
    yield "kms", "describe_key", asked, {"KeyMetadata": {"KeyState": "Enabled"}}
    policy = {"Policy": json.dumps(key.properties["KeyPolicy"])}
    yield "kms", "get_key_policy", asked | {"PolicyName": "default"}, policy
    rotation = {"KeyRotationEnabled": key.properties.get("EnableKeyRotation", False)}
    yield "kms", "get_key_rotation_status", asked, rotation


def _table(_: DeployedTemplate, table: Made) -> Iterator[Answer]:
    asked, said = {"TableName": table.ref}, table.properties
    indexes = [each | {"IndexStatus": "ACTIVE"} for each in said.get("GlobalSecondaryIndexes", [])]
    told: dict[str, Any] = {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": indexes}
    told |= {"KeySchema": said["KeySchema"], "DeletionProtectionEnabled": False}
    told["BillingModeSummary"] = {"BillingMode": said["BillingMode"]}
    if said.get("SSESpecification", {}).get("SSEEnabled"):
        told["SSEDescription"] = {"Status": "ENABLED"}
    yield "dynamodb", "describe_table", asked, {"Table": told}
    expiry = dict(said.get("TimeToLiveSpecification", {}))
    expiry["TimeToLiveStatus"] = _status(expiry.pop("Enabled", False))
    yield "dynamodb", "describe_time_to_live", asked, {"TimeToLiveDescription": expiry}
    backups = said.get("PointInTimeRecoverySpecification", {})
    status = {"PointInTimeRecoveryStatus": _status(backups.get("PointInTimeRecoveryEnabled"))}
    recovery = {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": status}}
    yield "dynamodb", "describe_continuous_backups", asked, recovery
    yield "dynamodb", "get_resource_policy", {"ResourceArn": table.arn}, Gone()
    kept = {"TableName": table.ref, "BackupType": "SYSTEM"}
    yield "dynamodb", "list_backups", kept, {"BackupSummaries": []}


def _status(enabled: object) -> str:
    return "ENABLED" if enabled else "DISABLED"


def _function(template: DeployedTemplate, function: Made) -> Iterator[Answer]:
    asked = {"FunctionName": function.ref}
    state: dict[str, Any] = {"State": "Active", "LastUpdateStatus": "Successful"}
    state["EphemeralStorage"] = {"Size": 512}
    told = {**function.properties, **state, "CodeSha256": checkout().code_sha256}
    yield "lambda", "get_function_configuration", asked, told
    yield "lambda", "get_function_concurrency", asked, {}
    loop = {"RecursiveLoop": function.properties.get("RecursiveLoop", "Terminate")}
    yield "lambda", "get_function_recursion_config", asked, loop
    permissions = [
        {
            "Sid": made.ref,
            "Effect": "Allow",
            "Principal": {"Service": made.properties["Principal"]},
            "Action": made.properties["Action"],
            "Resource": function.arn,
            "Condition": {"ArnLike": {"AWS:SourceArn": made.properties["SourceArn"]}},
        }
        for made in template.of_type("AWS::Lambda::Permission")
        if made.properties["FunctionName"] == function.ref
    ]
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": permissions})}
    yield "lambda", "get_policy", asked, policy if permissions else Gone()


def _invocations(_: DeployedTemplate, made: Made) -> Iterator[Answer]:
    asked = {key: made.properties[key] for key in ("FunctionName", "Qualifier")}
    yield "lambda", "get_function_event_invoke_config", asked, made.properties


def _mapped(made: Made) -> dict[str, Any]:
    """A mapping as Lambda tells it: the function by its ARN."""
    told = {"State": "Enabled", **made.properties, "UUID": made.ref}
    here = f"{REGION}:{ACCOUNT.account_id}"
    return told | {"FunctionArn": f"arn:aws:lambda:{here}:function:{told.pop('FunctionName')}"}


def _mapping(_: DeployedTemplate, made: Made) -> Iterator[Answer]:
    yield "lambda", "get_event_source_mapping", {"UUID": made.ref}, _mapped(made)


def _rule(_: DeployedTemplate, rule: Made) -> Iterator[Answer]:
    told = {"State": "ENABLED", **rule.properties, "Arn": rule.arn}
    if "EventPattern" in told:
        told["EventPattern"] = json.dumps(told["EventPattern"])
    targets = {"Targets": told.pop("Targets")}
    bus = {"EventBusName": told["EventBusName"]} if "EventBusName" in told else {}
    yield "events", "describe_rule", {"Name": rule.name, **bus}, told
    yield "events", "list_targets_by_rule", {"Rule": rule.name, **bus}, targets


def _bus(template: DeployedTemplate, bus: Made) -> Iterator[Answer]:
    statements = [
        {"Sid": made.properties["StatementId"], **made.properties["Statement"]}
        for made in template.of_type("AWS::Events::EventBusPolicy")
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    told = {"Name": bus.name, "Arn": bus.arn, "Policy": policy}
    yield "events", "describe_event_bus", {"Name": bus.name}, told


_BY_TYPE: dict[str, Callable[[DeployedTemplate, Made], Iterator[Answer]]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::EventBus": _bus,
    "AWS::Events::Rule": _rule,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::EventInvokeConfig": _invocations,
    "AWS::Lambda::EventSourceMapping": _mapping,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
}

"""What a person, or a script gone wrong, may do to a deployment, and what the doctor says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from straywatch.doctor.lines import Level
from straywatch.doctor.world import Unread
from tests.unit.deployed_template import REGION
from tests.unit.doctor_world import Deployment

FAIL, WARN = Level.FAIL, Level.WARN
Sabotage = Callable[[Deployment], None]


def spoiled(operation: str, change: Any, about: str = "") -> Sabotage:
    """Change what an operation answers."""
    return lambda deployment: deployment.spoil(operation, change, about)


def deleted(operation: str, about: str = "") -> Sabotage:
    """Let what an operation tells of be gone."""
    return lambda deployment: deployment.delete(operation, about)


def updated(operation: str, about: str = "", **changes: Any) -> Sabotage:
    """Set fields of what an operation answers."""
    return spoiled(operation, lambda answer: answer.update(changes), about)


def attributes(about: str, **changes: Any) -> Sabotage:
    """Set attributes of a queue or a topic."""
    operation = "get_topic_attributes" if "Topic" in about else "get_queue_attributes"
    return spoiled(operation, lambda answer: answer["Attributes"].update(changes), about)


def adding(statement: dict[str, Any]) -> Callable[[str], str]:
    """Add a statement to a policy."""

    def add(policy: str) -> str:
        document = json.loads(policy or '{"Statement": []}')
        return json.dumps(document | {"Statement": [*document["Statement"], statement]})

    return add


def policy(operation: str, about: str, change: Callable[[str], str]) -> Sabotage:
    """Change the policy of a queue, a topic, a function or a key."""

    def spoil(answer: dict[str, Any]) -> None:
        held = answer.get("Attributes", answer)
        held["Policy"] = change(held.get("Policy", ""))

    return spoiled(operation, spoil, about)


def function(about: str, **changes: Any) -> Sabotage:
    """Change how a function is configured."""
    return updated("get_function_configuration", about, **changes)


def mapping(about: str = "CheckMembership", **changes: Any) -> Sabotage:
    """Change the event source mapping of a function."""
    return updated("get_event_source_mapping", about, **changes)


def target(about: str, **changes: Any) -> Sabotage:
    """Change the target of a rule."""
    return spoiled("list_targets_by_rule", lambda a: a["Targets"][0].update(changes), about)


def alarm(**changes: Any) -> Sabotage:
    """Change the alarm on dead letters."""
    change = lambda a: a["MetricAlarms"][0].update(changes)  # noqa: E731 - as the others
    return spoiled("describe_alarms", change, '["straywatch-DeadLetterAlarm-1A2B3C"]')


def role(operation: str, **changes: Any) -> Sabotage:
    """Change what IAM tells of the checking function's role."""
    return updated(operation, "CheckMembershipRole", **changes)


def table(about: str, **changes: Any) -> Sabotage:
    """Change what DynamoDB tells of a table."""
    return spoiled("describe_table", lambda a: a["Table"].update(changes), about)


def subscription(about: str, **changes: str) -> Sabotage:
    """Set attributes of a subscription."""
    operation = "get_subscription_attributes"
    return spoiled(operation, lambda answer: answer["Attributes"].update(changes), about)


def unsubscribed(deployment: Deployment) -> None:
    """Let somebody have clicked on the link at the end of a mail."""
    deployment.delete("get_subscription_attributes", "AlertMail")
    deployment.spoil("list_subscriptions_by_topic", _without_mail, "AlertTopic")


def _without_mail(answer: dict[str, Any]) -> None:
    kept = [s for s in answer["Subscriptions"] if s["Protocol"] != "email"]
    answer["Subscriptions"] = [*kept, {"SubscriptionArn": "arn:x", "Protocol": "lambda"}]


def exempting(**rule: str) -> Sabotage:
    """Let the configuration exempt."""
    document = {"version": 1, "exemptions": [rule | {"reason": "sabotage"}]}
    return spoiled("get_parameter", lambda _: {"Parameter": {"Value": json.dumps(document)}})


def everything(*sabotages: Sabotage) -> Sabotage:
    """Do one after the other."""

    def do(deployment: Deployment) -> None:
        for sabotage in sabotages:
            sabotage(deployment)

    return do


def shut(message: str = "") -> Sabotage:
    """Let the check queue's policy deny everybody, the doctor too."""
    denied = Unread(f"access denied {message}", "sqs:GetQueueAttributes", bool(message))
    return spoiled("get_queue_attributes", lambda _: denied, "CheckQueue")


def reader(decision: str) -> Sabotage:
    """Let the doctor's own permissions be this, as IAM simulates them."""

    def be(deployment: Deployment) -> None:
        deployment.spoil(
            "get_caller_identity", lambda a: a.update(Arn="arn:aws:iam::123456789012:user/me")
        )
        deployment.own_decision = decision

    return be


def environment(**changes: str) -> Sabotage:
    """Set variables of the checking function."""
    return spoiled(
        "get_function_configuration",
        lambda answer: answer["Environment"]["Variables"].update(changes),
        "CheckMembership",
    )


def without(logical_id: str) -> Sabotage:
    """Let the stack lack a resource."""

    def drop(deployment: Deployment) -> None:
        every = deployment.resources
        deployment.resources = tuple(r for r in every if not r.logical_id.startswith(logical_id))
        assert deployment.resources != every

    return drop


def stack(**changes: Any) -> Sabotage:
    """Set fields of the stack."""

    def change(deployment: Deployment) -> None:
        deployment.stack = replace(deployment.stack, **changes)

    return change


def region(name: str) -> Sabotage:
    """Let the deployment be in another region, with all that is its own."""

    def move(deployment: Deployment) -> None:
        deployment.answers = moved(deployment.answers, name)
        deployment.roles = moved(deployment.roles, name)
        deployment.resources = tuple(
            replace(each, physical_id=moved(each.physical_id, name))
            for each in deployment.resources
        )
        outputs = moved(deployment.stack.outputs, name)
        deployment.stack = replace(deployment.stack, outputs=outputs)
        deployment.region = name

    return move


def moved(value: Any, name: str) -> Any:
    """The value with another region wherever one stands in it, in keys, too."""
    if isinstance(value, str):
        return value.replace(REGION, name)
    if isinstance(value, dict):
        return {moved(key, name): moved(each, name) for key, each in value.items()}
    return [moved(each, name) for each in value] if isinstance(value, list) else value


def selectors(**answer: Any) -> Sabotage:
    """Let the trail select these events."""
    return spoiled("get_event_selectors", lambda _: answer)


def advanced(*fields: dict[str, Any]) -> Sabotage:
    """Let the trail select by advanced selectors."""
    return selectors(AdvancedEventSelectors=[{"FieldSelectors": list(fields)}])


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
POLICY_OF_NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})
RULE = {"EventPattern": json.dumps({"source": ["aws.iam"]})}


def sweep(**fields: Any) -> Sabotage:
    """Let the last sweep have noted this."""

    def note(answer: dict[str, Any]) -> None:
        for name, value in fields.items():
            kind = "N" if isinstance(value, int) else "S"
            answer["Item"][name] = {kind: str(value)}

    return spoiled("get_item", note, '"sweep"')


DENY = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "sns:Subscribe", "Resource": "*"}
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
DENIED = {"EvalActionName": "iam:GetUser", "EvalDecision": "implicitDeny"}
BY_ORGANIZATION = DENIED | {"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
ELSEWHERE = "arn:aws:sqs:us-east-1:123456789012:elsewhere"
OTHER = "arn:aws:lambda:us-east-1:123456789012:function:other"
THIEF = {"UUID": "4b822a6b-f9fd-4194-9af1-150b780b7321", "State": "Enabled", "FunctionArn": OTHER}

LOST, SETTLED, CHECKS = (
    "rule OnMembershipLost", "rule OnMembershipSettled",
    "event source CheckMembershipCheckMembershipSqsEventSource",
)  # fmt: skip

SABOTAGES: dict[str, tuple[Sabotage, Level, str, str]] = {
    # around the stack
    "another region": (region("eu-west-1"), FAIL, "region", "never arrive in eu-west-1"),
    "failed stack": (stack(status="UPDATE_ROLLBACK_FAILED"), FAIL, "stack", "UPDATE_ROLLBACK"),
    "stack at work": (stack(status="UPDATE_IN_PROGRESS"), WARN, "stack", "IN_PROGRESS"),
    "update taken back": (
        stack(status="UPDATE_ROLLBACK_COMPLETE"), WARN, "stack", "the last update failed"),
    "no trail": (updated("describe_trails", trailList=[]), FAIL, "trail", "there is none"),
    "trail stopped": (updated("get_trail_status", IsLogging=False), FAIL, "trail", "is stopped"),
    "trail gone": (deleted("get_trail_status"), FAIL, "trail", "is gone"),
    "trail of another region": (
        spoiled("describe_trails", lambda a: a["trailList"][0].update(
            IsMultiRegionTrail=False, HomeRegion="eu-west-1")),
        FAIL, "trail", "of eu-west-1 alone"),
    "trail without global services": (
        spoiled("describe_trails", lambda a: a["trailList"][0].update(
            IncludeGlobalServiceEvents=False)), FAIL, "trail", "leaves out global services"),
    "trail of reads": (
        selectors(EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]),
        FAIL, "trail", "no management write events"),
    "trail of data events": (
        selectors(EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": False}]),
        FAIL, "trail", "no management write events"),
    "advanced trail of reads": (
        advanced(MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}),
        FAIL, "trail", "no management write events"),
    "advanced trail without IAM": (
        advanced(MANAGEMENT, {"Field": "eventSource", "NotEquals": ["iam.amazonaws.com"]}),
        FAIL, "trail", "no management write events"),
    "advanced trail of data events": (
        advanced({"Field": "eventCategory", "Equals": ["Data"]}),
        FAIL, "trail", "no management write events"),
    # rules and what they invoke
    "rule disabled": (
        updated("describe_rule", "OnMembershipLost", State="DISABLED"),
        FAIL, LOST, "State is DISABLED"),
    "schedule disabled": (
        updated("describe_rule", "Sweep", State="DISABLED"), FAIL, "rule Sweep", "is DISABLED"),
    "sweep every 30 days": (
        updated("describe_rule", "Sweep", ScheduleExpression="rate(30 days)"),
        FAIL, "rule Sweep", "rate(30 days); the template says rate(1 hour)"),
    "hub's bus deleted": (
        deleted("describe_event_bus"), FAIL, "event bus OrganizationBus", "was deleted"),
    "hub's bus admits nobody": (
        spoiled("describe_event_bus", lambda a: a.pop("Policy")),
        FAIL, "event bus OrganizationBus", "Policy lacks"),
    "hub's bus admits another organization": (
        policy("describe_event_bus", "organization", lambda p: p.replace("o-a1b2", "o-ffff")),
        FAIL, "event bus OrganizationBus", "Policy lacks"),
    "hub's bus denies": (
        policy("describe_event_bus", "organization", adding({
            "Effect": "Deny", "Principal": "*", "Action": "events:*", "Resource": "*"})),
        FAIL, "event bus OrganizationBus", "denies"),
    "hub's bus admits anybody besides": (
        policy("describe_event_bus", "organization", adding({
            "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"})),
        WARN, "event bus OrganizationBus", "Policy"),
    "hub's bus under a key of somebody's": (
        updated("describe_event_bus", KmsKeyIdentifier="arn:aws:kms:us-east-1:1:key/2"),
        FAIL, "event bus OrganizationBus", "KmsKeyIdentifier is 2"),
    "hub's rule disabled": (
        updated("describe_rule", "OrganizationLost", State="DISABLED"),
        FAIL, "rule OrganizationLost", "is DISABLED"),
    "rule deleted": (deleted("describe_rule", "Settled"), FAIL, SETTLED, "was deleted"),
    "rule not in the stack": (
        without("OnMembershipLostOnMembershipLostEvent"), FAIL, LOST, "was deleted"),
    "pattern changed": (
        updated("describe_rule", "Settled", **RULE), FAIL, SETTLED, "EventPattern.detail"),
    "pattern that is no JSON": (
        updated("describe_rule", "Settled", EventPattern="{"), FAIL, SETTLED, "EventPattern is {"),
    "half a pattern": (
        spoiled("describe_rule", lambda a: a.update(
            EventPattern=a["EventPattern"].replace('"CreateUser", ', "")), "Lost"),
        FAIL, LOST, "EventPattern.detail.eventName lacks CreateUser"),
    "target removed": (
        updated("list_targets_by_rule", "Lost", Targets=[]), FAIL, LOST, "Targets lacks"),
    "target of another function": (
        target("Lost", Arn=OTHER), FAIL, LOST, f"Targets.Arn is {OTHER}"),
    "constant input": (target("Lost", Input="{}"), FAIL, LOST, "Targets.Input is {}"),
    "half the event": (
        target("Settled", InputPath="$.detail"), FAIL, SETTLED, "Targets.InputPath is $.detail"),
    "input of other words": (
        target("Lost", InputTransformer={"InputTemplate": '"gone"'}),
        FAIL, LOST, "Targets.InputTransformer"),
    "target without dead letters": (
        target("Settled", DeadLetterConfig={}), FAIL, SETTLED, "Targets.DeadLetterConfig"),
    "target that gives up": (
        target("Lost", RetryPolicy={"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}),
        FAIL, LOST, "Targets.RetryPolicy.MaximumEventAgeInSeconds is 60"),
    "further target": (
        spoiled("list_targets_by_rule", lambda a: a["Targets"].append(
            {"Id": "more", "Arn": OTHER}), "Lost"), WARN, LOST, "Targets has what"),
    "permission revoked": (
        policy("get_policy", "Lost", lambda _: POLICY_OF_NOBODY),
        FAIL, "function OnMembershipLost", "Policy lacks"),
    "permission for another rule": (
        policy("get_policy", "Lost", lambda p: p.replace("rule/straywatch-On", "rule/other-On")),
        FAIL, "function OnMembershipLost", "Policy lacks"),
    "permission denied outright": (
        policy("get_policy", "Lost", adding(DENY | {"Sid": "no"})),
        FAIL, "function OnMembershipLost", "a statement that denies"),
    "no policy at all": (
        deleted("get_policy", "Sweep"), FAIL, "function Sweep", "Policy lacks"),
    "failures dropped": (
        deleted("get_function_event_invoke_config", "Lost"),
        FAIL, "failed events OnMembershipLost", "DestinationConfig"),
    "failures elsewhere": (
        updated("get_function_event_invoke_config", "Sweep",
                DestinationConfig={"OnFailure": {"Destination": ELSEWHERE}}),
        FAIL, "failed events Sweep", f"Destination is {ELSEWHERE}"),
    "no second try": (
        updated("get_function_event_invoke_config", "Sweep", MaximumRetryAttempts=0),
        FAIL, "failed events Sweep", "MaximumRetryAttempts is 0"),
    "a minute to try": (
        updated("get_function_event_invoke_config", "Sweep", MaximumEventAgeInSeconds=60),
        FAIL, "failed events Sweep", "MaximumEventAgeInSeconds is 60"),
    # functions and their roles
    "function deleted": (
        deleted("get_function_configuration", "CheckMembership"),
        FAIL, "function CheckMembership", "was deleted"),
    "function broken": (
        function("Sweep", State="Failed", StateReason="KMS"),
        FAIL, "function Sweep: state", "is Failed"),
    "update failed": (
        function("Sweep", LastUpdateStatus="Failed"),
        FAIL, "function Sweep: state", "last update Failed"),
    "function in the making": (
        function("Sweep", State="Pending"), WARN, "function Sweep: state", "is Pending"),
    "other code": (
        function("Lost", CodeSha256="x"), FAIL, "function OnMembershipLost", "Code is x"),
    "wrong handler": (
        function("CheckMembership", Handler="app.nothing"),
        FAIL, "function CheckMembership", "Handler is app.nothing"),
    "timeout of a second": (
        function("CheckMembership", Timeout=1), FAIL, "function CheckMembership", "Timeout is 1;"),
    "no memory": (function("Sweep", MemorySize=128), FAIL, "function Sweep", "MemorySize is 128"),
    "old runtime": (
        function("Sweep", Runtime="python2.7"), FAIL, "function Sweep", "Runtime is python2.7"),
    "another role": (
        function("PageOnCall", Role="arn:aws:iam::1:role/x"), FAIL, "function PageOnCall", "Role"),
    "layer in between": (
        function("Lost", Layers=[{"Arn": "arn:aws:lambda:us-east-1:1:layer:x:1"}]),
        FAIL, "function OnMembershipLost", "Layers has what"),
    "shut in a network": (
        function("Sweep", VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}),
        FAIL, "function Sweep", "VpcConfig is {"),
    "logs elsewhere": (
        function("Sweep", LoggingConfig={"LogFormat": "Text", "LogGroup": "/other"}),
        FAIL, "function Sweep", "LoggingConfig.LogGroup is /other"),
    "recursion stopped or not": (
        updated("get_function_recursion_config", "CheckMembership", RecursiveLoop="Whatever"),
        FAIL, "function CheckMembership", "RecursiveLoop is Whatever"),
    "setting broken": (
        environment(GRACE_PERIOD_SECONDS="soon"), FAIL, "function CheckMembership: settings", ""),
    "setting missing": (
        environment(ALERT_TOPIC_ARN=""),
        FAIL, "function CheckMembership", "Environment.Variables.ALERT_TOPIC_ARN is not set"),
    "setting of elsewhere": (
        environment(STATE_TABLE="other"),
        FAIL, "function CheckMembership", "STATE_TABLE is other"),
    "setting unlike the stack's": (
        environment(GRACE_PERIOD_SECONDS="604800"),
        FAIL, "function CheckMembership", "GRACE_PERIOD_SECONDS is 604800; the template says 900"),
    "setting of nobody's": (
        environment(AWS_ENDPOINT_URL="http://elsewhere"),
        FAIL, "function CheckMembership", "AWS_ENDPOINT_URL is http://elsewhere"),
    "throttled to nothing": (
        updated("get_function_concurrency", "Lost", ReservedConcurrentExecutions=0),
        FAIL, "function OnMembershipLost", "ReservedConcurrentExecutions is 0"),
    "role deleted": (deleted("get_role", "SweepRole"), FAIL, "role SweepRole", "was deleted"),
    "role weakened": (
        spoiled("simulate_principal_policy", lambda a: a["EvaluationResults"].append(DENIED),
                "CheckMembership"),
        FAIL, "permissions of CheckMembership", "may not iam:GetUser"),
    "organization denies": (
        spoiled("simulate_principal_policy", lambda a: a["EvaluationResults"].append(
            BY_ORGANIZATION), "CheckMembership"),
        FAIL, "permissions of CheckMembership", "may not iam:GetUser"),
    "policy emptied": (
        role("get_role_policy", PolicyDocument={"Statement": []}),
        FAIL, "role CheckMembershipRole", "Policies lacks"),
    "policy removed": (
        role("list_role_policies", PolicyNames=[]),
        FAIL, "role CheckMembershipRole", "Policies lacks"),
    "policy denies": (
        spoiled("get_role_policy", lambda a: a["PolicyDocument"]["Statement"].append(DENY),
                "CheckMembershipRole"), FAIL, "role CheckMembershipRole", "that denies"),
    "policy of everything attached": (
        role("list_attached_role_policies", AttachedPolicies=[
            {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]),
        WARN, "role CheckMembershipRole", "ManagedPolicyArns has what"),
    "trust of another service": (
        spoiled("get_role", lambda a: a["Role"].update(
            AssumeRolePolicyDocument={"Statement": [EC2]}), "CheckMembershipRole"),
        FAIL, "role CheckMembershipRole", "AssumeRolePolicyDocument lacks"),
    "bounded": (
        spoiled("get_role", lambda a: a["Role"].update(PermissionsBoundary={
            "PermissionsBoundaryArn": "arn:aws:iam::1:policy/b"}), "SweepRole"),
        FAIL, "role SweepRole", "PermissionsBoundary is"),
    # what feeds functions from queues
    "mapping disabled": (mapping(State="Disabled"), FAIL, CHECKS, "State is Disabled"),
    "mapping of another queue": (
        mapping(EventSourceArn=ELSEWHERE), FAIL, CHECKS, f"EventSourceArn is {ELSEWHERE}"),
    "mapping to another function": (
        mapping(FunctionArn=OTHER), FAIL, CHECKS, "FunctionName is other"),
    "mapping that drops everything": (
        mapping(FilterCriteria={"Filters": [{"Pattern": '{"body": {"x": ["y"]}}'}]}),
        FAIL, CHECKS, "FilterCriteria"),
    "mapping repeats batches": (
        mapping(FunctionResponseTypes=[]), FAIL, CHECKS, "FunctionResponseTypes lacks"),
    "mapping that waits": (
        mapping(MaximumBatchingWindowInSeconds=300),
        FAIL, CHECKS, "MaximumBatchingWindowInSeconds is 300"),
    "mapping deleted": (
        deleted("get_event_source_mapping", "CheckMembership"), FAIL, CHECKS, "was deleted"),
    "Security Hub's mapping disabled": (
        mapping("ImportToSecurityHub", State="Disabled"),
        FAIL, "event source ImportToSecurityHub", "State is Disabled"),
    "checks stolen": (
        spoiled("list_event_source_mappings", lambda a: a["EventSourceMappings"].append(THIEF),
                "CheckQueue"), FAIL, "queue CheckQueue", "TakenBy has"),
    "dead letters stolen": (
        spoiled("list_event_source_mappings", lambda a: a["EventSourceMappings"].append(THIEF),
                "DeadLetterQueue"), FAIL, "queue DeadLetterQueue", "TakenBy has"),
    # exemptions
    "configuration refused": (
        spoiled("get_parameter", lambda _: {"Parameter": {"Value": "{}"}}),
        FAIL, "exemptions", "is refused"),
    "everybody exempt by name": (exempting(name="*"), FAIL, "exemptions", "exempts everybody"),
    "everybody exempt by letters": (exempting(name="??*"), FAIL, "exemptions", "everybody"),
    "everybody exempt by path": (exempting(path="/"), FAIL, "exemptions", "exempts everybody"),
    # queues
    "queue deleted": (
        deleted("get_queue_attributes", "CheckQueue"), FAIL, "queue CheckQueue", "was deleted"),
    "checks never dead-lettered": (
        attributes("CheckQueue", RedrivePolicy=""),
        FAIL, "queue CheckQueue", "RedrivePolicy is not set"),
    "checks dead-lettered elsewhere": (
        attributes("CheckQueue", RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": ELSEWHERE, "maxReceiveCount": 6})),
        FAIL, "queue CheckQueue", f"deadLetterTargetArn is {ELSEWHERE}"),
    "one try for a check": (
        spoiled("get_queue_attributes", lambda a: a["Attributes"].update(
            RedrivePolicy=a["Attributes"]["RedrivePolicy"].replace(": 6", ": 1")), "CheckQueue"),
        FAIL, "queue CheckQueue", "RedrivePolicy.maxReceiveCount is 1"),
    "visibility too short": (
        attributes("CheckQueue", VisibilityTimeout="30"),
        FAIL, "queue CheckQueue", "VisibilityTimeout is 30;"),
    "kept for a minute": (
        attributes("CheckQueue", MessageRetentionPeriod="60"),
        FAIL, "queue CheckQueue", "MessageRetentionPeriod is 60"),
    "dead letters kept for a minute": (
        attributes("DeadLetterQueue", MessageRetentionPeriod="60"),
        FAIL, "queue DeadLetterQueue", "MessageRetentionPeriod is 60"),
    "messages of a kilobyte": (
        attributes("CheckQueue", MaximumMessageSize="1024"),
        FAIL, "queue CheckQueue", "MaximumMessageSize is 1024"),
    "everything delayed": (
        attributes("ImportQueue", DelaySeconds="900"),
        FAIL, "queue ImportQueue", "DelaySeconds is 900"),
    "another key": (
        attributes("CheckQueue", KmsMasterKeyId="alias/other"),
        FAIL, "queue CheckQueue", "KmsMasterKeyId is alias/other"),
    "dead letters let nobody in": (
        attributes("DeadLetterQueue", RedriveAllowPolicy='{"redrivePermission": "denyAll"}'),
        FAIL, "queue DeadLetterQueue", "RedriveAllowPolicy"),
    "dead letters refused": (
        policy("get_queue_attributes", "DeadLetterQueue", lambda _: POLICY_OF_NOBODY),
        FAIL, "queue DeadLetterQueue", "Policy lacks"),
    "checks refused": (
        policy("get_queue_attributes", "CheckQueue", adding(DENY)),
        FAIL, "queue CheckQueue", "a statement that denies"),
    "everybody shut out of a queue": (
        shut("with an explicit deny in a resource-based policy"),
        FAIL, "queue CheckQueue", "its own policy denies you sqs:GetQueueAttributes"),
    "everybody shut out in other words": (
        everything(shut(), reader("allowed")), FAIL, "queue CheckQueue", "its own policy denies"),
    "backlog": (
        attributes("CheckQueue", ApproximateNumberOfMessages="5000"),
        WARN, "check queue: depth", "5,000 of them due"),
    "old checks": (
        spoiled("get_metric_statistics", lambda _: {"Datapoints": [
            {"Timestamp": "2026-01-01", "Maximum": 7200.0}]}),
        WARN, "check queue: age", "has waited 2 h"),
    "dead letters": (
        attributes("DeadLetterQueue", ApproximateNumberOfMessages="3"),
        FAIL, "dead letters", "3 letters"),
    # tables
    "table deleted": (
        deleted("describe_table", "FindingsTable"), FAIL, "table FindingsTable", "was deleted"),
    "table inaccessible": (
        table("StateTable", TableStatus="INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
        FAIL, "table StateTable: state", "INACCESSIBLE"),
    "index in the making": (
        spoiled("describe_table", lambda a: a["Table"]["GlobalSecondaryIndexes"][0].update(
            IndexStatus="CREATING"), "FindingsTable"),
        WARN, "table FindingsTable: state", "CREATING"),
    "no index": (
        table("FindingsTable", GlobalSecondaryIndexes=[]),
        FAIL, "table FindingsTable", "GlobalSecondaryIndexes lacks"),
    "index of keys alone": (
        spoiled("describe_table", lambda a: a["Table"]["GlobalSecondaryIndexes"][0].update(
            Projection={"ProjectionType": "KEYS_ONLY"}), "FindingsTable"),
        FAIL, "table FindingsTable", "ProjectionType is KEYS_ONLY"),
    "one write a second": (
        table("StateTable", BillingModeSummary={"BillingMode": "PROVISIONED"}),
        FAIL, "table StateTable", "BillingMode is PROVISIONED"),
    "one write a second on demand": (
        table("StateTable", OnDemandThroughput={"MaxWriteRequestUnits": 1}),
        FAIL, "table StateTable", "OnDemandThroughput"),
    "table shut": (
        spoiled("get_resource_policy", lambda _: {"Policy": adding(DENY)("")}, "StateTable"),
        FAIL, "table StateTable", "a statement that denies"),
    "no encryption": (
        table("FindingsTable", SSEDescription={}), WARN, "table FindingsTable", "SSESpecification"),
    "no backups": (
        spoiled("describe_continuous_backups", lambda _: {"ContinuousBackupsDescription": {}},
                "FindingsTable"), WARN, "table FindingsTable", "PointInTimeRecovery"),
    "no expiry": (
        spoiled("describe_time_to_live", lambda _: {"TimeToLiveDescription": {
            "TimeToLiveStatus": "DISABLED"}}, "StateTable"),
        WARN, "table StateTable", "TimeToLiveSpecification"),
    "expiry by another attribute": (
        spoiled("describe_time_to_live", lambda a: a["TimeToLiveDescription"].update(
            AttributeName="opened_at"), "FindingsTable"),
        WARN, "table FindingsTable", "AttributeName is opened_at"),
    # topics, subscriptions and the key
    "topic deleted": (
        deleted("get_topic_attributes", "AlertTopic"), FAIL, "topic AlertTopic", "was deleted"),
    "topic under AWS's key": (
        attributes("AlertTopic", KmsMasterKeyId="alias/aws/sns"),
        FAIL, "topic AlertTopic", "KmsMasterKeyId is alias/aws/sns"),
    "topic in the clear": (
        attributes("AlertTopic", KmsMasterKeyId=""),
        FAIL, "topic AlertTopic", "KmsMasterKeyId is not set"),
    "alarms may not publish": (
        policy("get_topic_attributes", "HealthTopic", lambda _: POLICY_OF_NOBODY),
        FAIL, "topic HealthTopic", "Policy lacks"),
    "publishing denied to all": (
        policy("get_topic_attributes", "AlertTopic", adding(DENY)),
        FAIL, "topic AlertTopic", "a statement that denies"),
    "everybody may subscribe": (
        policy("get_topic_attributes", "AlertTopic", adding(ALLOW)),
        WARN, "topic AlertTopic", "Policy has what the template does not"),
    "nobody subscribed": (
        updated("list_subscriptions_by_topic", "AlertTopic", Subscriptions=[]),
        FAIL, "subscribers of AlertTopic", "nobody is subscribed"),
    "nobody confirmed": (
        updated("list_subscriptions_by_topic", "AlertTopic", Subscriptions=[
            {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a@b.c"}]),
        FAIL, "subscribers of AlertTopic", "unconfirmed email a@b.c"),
    "nobody hears of health": (
        updated("list_subscriptions_by_topic", "HealthTopic", Subscriptions=[]),
        WARN, "subscribers of HealthTopic", "nobody is subscribed"),
    "chat not attached": (
        updated("list_subscriptions_by_topic", "ChatTopic", Subscriptions=[]),
        WARN, "subscribers of ChatTopic", "nobody is subscribed"),
    "one unconfirmed": (
        spoiled("list_subscriptions_by_topic", lambda a: a["Subscriptions"].append(
            {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a@b.c"}),
            "AlertTopic"), WARN, "subscribers of AlertTopic", "unconfirmed email a@b.c"),
    "mail unsubscribed": (unsubscribed, FAIL, "subscription AlertMail", "was deleted"),
    "filter that drops every mail": (
        subscription("AlertMail", FilterPolicy='{"audience": ["nobody"]}'),
        FAIL, "subscription AlertMail", "FilterPolicy.audience"),
    "filter on the body": (
        subscription("AlertMail", FilterPolicyScope="MessageBody"),
        FAIL, "subscription AlertMail", "FilterPolicyScope is MessageBody"),
    "filter on alarms": (
        subscription("HealthMail", FilterPolicy='{"type": ["opened"]}'),
        FAIL, "subscription HealthMail", "FilterPolicy is"),
    "envelope for Security Hub": (
        subscription("ImportSubscription", RawMessageDelivery="false"),
        FAIL, "subscription ImportSubscription", "RawMessageDelivery is false"),
    "pages that vanish": (
        subscription("PageOnCallAlerts", RedrivePolicy=""),
        FAIL, "subscription PageOnCallAlerts", "RedrivePolicy is not set"),
    "pages of nothing": (
        subscription("PageOnCallAlerts", FilterPolicy='{"severity": ["LOW"]}'),
        FAIL, "subscription PageOnCallAlerts", "FilterPolicy.severity"),
    "key disabled": (
        spoiled("describe_key", lambda a: a["KeyMetadata"].update(KeyState="Disabled")),
        FAIL, "key AlertKey", "KeyState is Disabled"),
    "key to be deleted": (
        spoiled("describe_key", lambda a: a["KeyMetadata"].update(KeyState="PendingDeletion")),
        FAIL, "key AlertKey", "KeyState is PendingDeletion"),
    "key deleted": (deleted("describe_key"), FAIL, "key AlertKey", "was deleted"),
    "key shut to alarms": (
        policy("get_key_policy", "", lambda p: p.replace("cloudwatch.", "other.")),
        FAIL, "key AlertKey", "KeyPolicy lacks"),
    "key shut to functions": (
        policy("get_key_policy", "", lambda p: p.replace(":root", ":user/x")),
        FAIL, "key AlertKey", "KeyPolicy lacks"),
    "key denied to all": (
        policy("get_key_policy", "", adding(DENY)), FAIL, "key AlertKey", "that denies"),
    "key never rotated": (
        updated("get_key_rotation_status", KeyRotationEnabled=False),
        WARN, "key AlertKey", "EnableKeyRotation"),
    "pager's secret deleted": (deleted("describe_secret"), FAIL, "secret pager", "was deleted"),
    "pager's secret to be deleted": (
        updated("describe_secret", DeletedDate="2026-12-01"),
        FAIL, "secret pager", "about to be deleted"),
    # alarms and logs
    "alarm deleted": (
        spoiled("describe_alarms", lambda _: {"MetricAlarms": []},
                '["straywatch-DeadLetterAlarm-1A2B3C"]'),
        FAIL, "alarm DeadLetterAlarm", "was deleted"),
    "alarm silenced": (
        alarm(ActionsEnabled=False), FAIL, "alarm DeadLetterAlarm", "ActionsEnabled is false"),
    "alarm tells nobody": (
        alarm(AlarmActions=[]), FAIL, "alarm DeadLetterAlarm", "AlarmActions lacks"),
    "alarm to nowhere": (
        alarm(AlarmActions=["arn:aws:sns:us-east-1:123456789012:nowhere"]),
        FAIL, "alarm DeadLetterAlarm", "AlarmActions lacks"),
    "impossible threshold": (
        alarm(Threshold=1e9), FAIL, "alarm DeadLetterAlarm", "Threshold is 1000000000"),
    "alarm on another queue": (
        alarm(Dimensions=[{"Name": "QueueName", "Value": "other"}]),
        FAIL, "alarm DeadLetterAlarm", "Dimensions.Value is other"),
    "alarm on another metric": (
        alarm(MetricName="NumberOfEmptyReceives"), FAIL, "alarm DeadLetterAlarm", "MetricName is"),
    "alarm the other way round": (
        alarm(ComparisonOperator="LessThanThreshold"),
        FAIL, "alarm DeadLetterAlarm", "ComparisonOperator is"),
    "alarm after a week": (
        alarm(EvaluationPeriods=2016), FAIL, "alarm DeadLetterAlarm", "EvaluationPeriods is 2016"),
    "alarm that ignores silence": (
        alarm(TreatMissingData="ignore"), FAIL, "alarm DeadLetterAlarm", "TreatMissingData"),
    "alarm rings": (
        spoiled("describe_alarms", lambda a: a["MetricAlarms"][0].update(StateValue="ALARM"),
                "Backlog"), WARN, "alarm", "rings"),
    "log group deleted": (
        updated("describe_log_groups", logGroups=[]), FAIL, "log group LogGroup", "was deleted"),
    "logs for a day": (
        spoiled("describe_log_groups", lambda a: a["logGroups"][0].update(retentionInDays=1)),
        WARN, "log group LogGroup", "RetentionInDays is 1; the template says 365"),
    # what the monitor has noted
    "never swept": (spoiled("get_item", lambda _: {}, '"sweep"'), WARN, "last sweep", "none"),
    "sweep long ago": (
        sweep(finished_at="2020-01-01T00:00:00Z"), FAIL, "last sweep", "should be every 1 h"),
    "events missed": (sweep(missed_events=4), FAIL, "missed events", "4 strays"),
    "sweep stopped": (
        spoiled("get_item", lambda _: {"Item": {"marker": {"S": "m"}, "started_at": {"S": "x"}}},
                "sweep-cursor"), WARN, "unfinished sweep", "half-way"),
    "clock an hour off": (
        spoiled("get_caller_identity", lambda a: a["ResponseMetadata"]["HTTPHeaders"].update(
            date="Mon, 01 Jan 2024 00:00:00 GMT")), FAIL, "clock", "off AWS's time"),
}  # fmt: skip
"""Each: what is done, how bad it is, the check that names it, and the words that say how."""

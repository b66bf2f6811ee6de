"""The packaged template: what the functions promise needs resources that are set up so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest

from chalicelib.settings import Settings
from straywatch.commands.package import plain_text
from straywatch.deploy.deployment import locate_code
from straywatch.deploy.packaging import SOURCES, Package
from straywatch.deploy.plain_template import transformed
from straywatch.deploy.template import assemble
from straywatch.deploy.template_lint import lint
from tests.channels import CHANNELS, FUNCTIONS, logical_id, settings

DEAD_LETTERS = {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
DOCS = SOURCES / "docs" / "channels.md"
TWO_WEEKS = 14 * 24 * 3600


@pytest.fixture(scope="module")
def template(package: Package) -> dict[str, Any]:
    """The template as packaged, Chalice's part and ours merged."""
    read: dict[str, Any] = json.loads(package.template.read_text())
    return read


@pytest.fixture(scope="module")
def made(template: dict[str, Any]) -> dict[str, Any]:
    """The template as CloudFormation gets it from the SAM transform."""
    return transformed(locate_code(template, "bucket", "code.zip"), "us-east-1")


@pytest.fixture(scope="module")
def functions(template: dict[str, Any]) -> Mapping[str, Any]:
    """The properties of every function."""
    return of_type(template, "AWS::Serverless::Function")


def of_type(template: dict[str, Any], kind: str) -> Mapping[str, Any]:
    """The properties of every resource of a type."""
    resources = template["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == kind}


def events(functions: Mapping[str, Any], kind: str) -> list[Any]:
    """The properties of every event of a kind."""
    found = [event for function in functions.values() for event in function["Events"].values()]
    return [event["Properties"] for event in found if event["Type"] == kind]


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_cfn_lint_has_nothing_to_say(package: Package, region: str) -> None:
    """In each region where IAM's events arrive."""
    lint(package.template, region)


def test_the_plain_template_is_the_same_without_a_transform(
    template: dict[str, Any], made: dict[str, Any]
) -> None:
    """StackSets take no transforms; whoever reviewed one template has reviewed the other."""
    flat = json.loads(plain_text(json.dumps(template)))
    assert "Transform" not in flat
    assert "AWS::Serverless::Function" not in {each["Type"] for each in flat["Resources"].values()}
    for name, resource in flat["Resources"].items():
        code = resource["Properties"].get("Code")
        if code:
            assert code == {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
            resource["Properties"]["Code"] = made["Resources"][name]["Properties"]["Code"]
    assert flat["Resources"] == made["Resources"]
    assert flat["Outputs"] == made["Outputs"]
    key = re.compile(flat["Parameters"]["CodeKey"]["AllowedPattern"])
    assert key.fullmatch("0123456789abcdef" * 4 + ".zip")
    assert not key.fullmatch("deployment.zip"), "an update under the same key changes no code"


def test_what_is_deployed_is_what_was_reviewed(made: dict[str, Any]) -> None:
    """Each resource of the fragments stands in the last template word for word; the rest is code's.

    Chalice and SAM make functions, what carries events to them, and their roles' policies, which
    have files of their own; nothing else comes of them.
    """
    reviewed = {
        name: each
        for name, each in assemble()["Resources"].items()
        if each.get("Type", "AWS::Serverless::Function") != "AWS::Serverless::Function"
    }
    for name, each in reviewed.items():
        theirs = made["Resources"][name]
        is_role = each["Type"] == "AWS::IAM::Role"
        of_chalice = {"AssumeRolePolicyDocument", "Policies"} if is_role else set()
        assert theirs["Properties"].keys() - each["Properties"].keys() == of_chalice, name
        properties = {key: theirs["Properties"][key] for key in each["Properties"]}
        assert theirs | {"Properties": properties} == each, name
    others = {each["Type"] for name, each in made["Resources"].items() if name not in reviewed}
    assert others == {
        "AWS::Events::Rule",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::SNS::Subscription",
    }


def test_every_function_runs_on_the_same_runtime_and_processor(made: dict[str, Any]) -> None:
    """Also those that Chalice makes whole: it would take the packer's own Python, on x86."""
    functions = of_type(made, "AWS::Lambda::Function").values()
    assert {each["Runtime"] for each in functions} == {"python3.13"}
    assert [each["Architectures"] for each in functions] == [[{"Ref": "Architecture"}]] * len(
        functions
    )
    assert made["Parameters"]["Architecture"]["Default"] == "arm64"


def test_every_role_is_made_as_the_account_wants_it(made: dict[str, Any]) -> None:
    """Under its boundary, its path and its prefix: an organization refuses others."""
    roles = of_type(made, "AWS::IAM::Role")
    assert len(roles) == len(of_type(made, "AWS::Lambda::Function"))
    for name, role in roles.items():
        assert role["Path"] == {"Ref": "RolePath"}, name
        boundary = [{"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]
        assert role["PermissionsBoundary"] == {"Fn::If": ["HasBoundary", *boundary]}, name
        prefixed = role["RoleName"]["Fn::If"][1]["Fn::Sub"]
        assert prefixed == f"${{RoleNamePrefix}}${{AWS::StackName}}-{name.removesuffix('Role')}"


def test_functions_log_where_retention_is_set(
    template: dict[str, Any], functions: Mapping[str, Any]
) -> None:
    """No log group is left to be made without an end."""
    (group,) = of_type(template, "AWS::Logs::LogGroup").values()
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    logging = [each["LoggingConfig"]["LogGroup"] for each in functions.values()]
    assert logging == [{"Ref": "LogGroup"}] * len(functions)


def test_every_asynchronous_function_keeps_what_it_fails_on(functions: Mapping[str, Any]) -> None:
    """Lambda drops an event after its retries, unless there is a destination for it."""
    for name, function in functions.items():
        if events({name: function}, "SQS"):
            continue  # its queue repeats and dead-letters
        destination = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert destination == {"Type": "SQS", "Destination": DEAD_LETTERS}, name


def test_every_rule_keeps_what_it_cannot_deliver(functions: Mapping[str, Any]) -> None:
    """EventBridge drops an event after a day, unless its target has a dead-letter queue."""
    rules = events(functions, "CloudWatchEvent")
    assert len(rules) == 2
    for rule in rules:
        assert rule["DeadLetterConfig"] == {"Arn": DEAD_LETTERS}
        assert rule["RetryPolicy"]["MaximumEventAgeInSeconds"] == 24 * 3600


def test_rules_may_write_to_the_dead_letter_queue(
    template: dict[str, Any], made: dict[str, Any]
) -> None:
    """Every rule that is made of the template, and no other."""
    policy = template["Resources"]["DeadLetterQueuePolicy"]["Properties"]
    (statement,) = (
        each
        for each in policy["PolicyDocument"]["Statement"]
        if each["Principal"] == {"Service": "events.amazonaws.com"}
    )
    assert statement["Action"] == "sqs:SendMessage"
    rules = [{"Fn::GetAtt": [name, "Arn"]} for name in of_type(made, "AWS::Events::Rule")]
    named = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    allowed = [each["Fn::If"][1] if "Fn::If" in each else each for each in named]
    assert sorted(allowed, key=str) == sorted(rules, key=str)


def test_every_schedule_keeps_what_it_cannot_deliver(functions: Mapping[str, Any]) -> None:
    """A sweep that never began is to be seen."""
    for schedule in events(functions, "Schedule"):
        assert schedule["DeadLetterConfig"] == {"Arn": DEAD_LETTERS}


def test_messages_come_again_one_by_one_where_they_fail(functions: Mapping[str, Any]) -> None:
    """One bad message does not repeat nine good ones."""
    sources = events(functions, "SQS")
    assert {"Fn::Sub": "${CheckQueue.Arn}"} in [source["Queue"] for source in sources]
    for source in sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_message_is_invisible_until_its_function_is_surely_over(
    template: dict[str, Any], functions: Mapping[str, Any]
) -> None:
    """Six times the function's timeout, as Lambda's guide has it for queues."""
    for name, function in functions.items():
        for source in events({name: function}, "SQS"):
            logical_id = source["Queue"]["Fn::Sub"].removeprefix("${").removesuffix(".Arn}")
            queue = template["Resources"][logical_id]["Properties"]
            assert queue["VisibilityTimeout"] >= 6 * function["Timeout"], logical_id
            assert queue["RedrivePolicy"]["deadLetterTargetArn"] == DEAD_LETTERS, logical_id


def test_whoever_feeds_its_own_queue_may_do_so_for_as_long_as_a_grace_lasts(
    made: dict[str, Any],
) -> None:
    """Lambda ends a chain of about 16 rounds, a grace of four hours, unless it is told not to."""
    functions = of_type(made, "AWS::Lambda::Function")
    mappings = of_type(made, "AWS::Lambda::EventSourceMapping").values()
    loops = [
        each["FunctionName"]["Ref"]
        for each in mappings
        if queue_of(each) in sent_to(made, each["FunctionName"]["Ref"])
    ]
    assert loops == ["CheckMembership"]
    assert {name: functions[name]["RecursiveLoop"] for name in loops} == {
        "CheckMembership": "Allow"
    }


def queue_of(mapping: Mapping[str, Any]) -> str:
    """The logical id of the queue that an event source mapping takes from."""
    return str(mapping["EventSourceArn"]["Fn::Sub"]).removeprefix("${").removesuffix(".Arn}")


def sent_to(made: dict[str, Any], function: str) -> set[str]:
    """The logical ids of the queues that a function's role may send to."""
    (policy,) = made["Resources"][f"{function}Role"]["Properties"]["Policies"]
    listed = policy["PolicyDocument"]["Statement"]
    statements = [each["Fn::If"][1] if "Fn::If" in each else each for each in listed]
    return {
        statement["Resource"]["Fn::GetAtt"][0]
        for statement in statements
        if "sqs:SendMessage" in statement["Action"]
    }


def test_queues_are_encrypted_and_patient(template: dict[str, Any]) -> None:
    """For the two weeks that SQS keeps a message at most."""
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name
        assert queue["MessageRetentionPeriod"] == TWO_WEEKS, name


def test_dead_letters_raise_an_alarm(template: dict[str, Any]) -> None:
    """A queue that nobody looks at loses nothing, and helps nobody."""
    alarm = template["Resources"]["DeadLetterAlarm"]["Properties"]
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert alarm["AlarmActions"]


def test_topics_are_encrypted_with_a_key_of_the_stack(template: dict[str, Any]) -> None:
    """The key of AWS would keep CloudWatch's alarms out: its policy cannot be changed.

    But the one that tells of tampering, also with the key: it is under none.
    """
    topics = dict(of_type(template, "AWS::SNS::Topic"))
    assert "KmsMasterKeyId" not in topics.pop("TamperTopic")
    for name, topic in topics.items():
        keys = ["MakesKey", {"Ref": "AlertKey"}, {"Ref": "AlertKeyArn"}]
        assert topic["KmsMasterKeyId"] == {"Fn::If": keys}, name
    (key,) = of_type(template, "AWS::KMS::Key").values()
    services = [each["Principal"].get("Service") for each in key["KeyPolicy"]["Statement"]]
    assert "cloudwatch.amazonaws.com" in services
    assert key["EnableKeyRotation"] is True


def test_tables_are_encrypted_and_forget_in_time(template: dict[str, Any]) -> None:
    """Both expire what is over; nobody pays for capacity that is not used."""
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        expiry = {"AttributeName": "expires_at", "Enabled": True}
        assert table["TimeToLiveSpecification"] == expiry, name
        assert table["SSESpecification"] == {"SSEEnabled": True}, name
        assert table["BillingMode"] == "PAY_PER_REQUEST", name


def test_findings_outlive_the_stack(template: dict[str, Any]) -> None:
    """They are evidence: kept when the stack goes, and restorable to any second."""
    table = template["Resources"]["FindingsTable"]
    kept = (table["DeletionPolicy"], table["UpdateReplacePolicy"])
    assert kept == ("RetainExceptOnCreate", "Retain")
    recovery = table["Properties"]["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True}


def test_parameters_and_outputs_are_those_of_the_contract(template: dict[str, Any]) -> None:
    """Programs of others rely on these names and ranges."""
    grace = template["Parameters"]["GracePeriodSeconds"]
    assert (grace["Default"], grace["Type"]) == ("900", "String")
    assert {"GracePeriodSeconds", "AlertEmail", "SweepRate"} <= template["Parameters"].keys()
    assert all("Default" in parameter for parameter in template["Parameters"].values())
    outputs = {"AlertTopicArn", "FindingsTableName", "CheckQueueUrl", "DeadLetterQueueUrl"}
    assert outputs <= template["Outputs"].keys()


def test_every_setting_is_set(template: dict[str, Any]) -> None:
    """The code has no hidden default: what it reads, the template gives to every function."""
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert {field.name.upper() for field in fields(Settings)} <= variables.keys()


def test_every_channel_has_a_function_of_its_own(template: dict[str, Any]) -> None:
    """It exists only where its parameter is set, with a role that goes with it."""
    resources = template["Resources"]
    assert len(FUNCTIONS) == len(CHANNELS)
    for function in map(logical_id, FUNCTIONS):
        assert resources[function]["Condition"] == resources[f"{function}Role"]["Condition"]


def test_every_setting_of_a_channel_is_set(functions: Mapping[str, Any]) -> None:
    """What its function alone has, its function gets."""
    given = {
        variable
        for function in map(logical_id, FUNCTIONS)
        for variable in functions[function].get("Environment", {}).get("Variables", {})
    }
    of_python_itself = {"HTTPS_PROXY", "NO_PROXY"}
    assert set(settings()) == given - of_python_itself


def test_every_channel_stands_in_the_docs(template: dict[str, Any]) -> None:
    """The page names the parameter that switches it on."""
    rows = [row for row in DOCS.read_text().splitlines() if row.startswith("| ")]
    for function in map(logical_id, FUNCTIONS):
        condition = template["Conditions"][template["Resources"][function]["Condition"]]
        (parameter,) = [node["Ref"] for node in _nodes(condition) if "Ref" in node]
        assert [row for row in rows if f"`{parameter}" in row], parameter


def test_nothing_but_the_template_says_what_is_deployed(template: dict[str, Any]) -> None:
    """No broken merge: a generated Fn::Sub that is overridden leaves one key, not two."""
    broken = [
        each for each in _nodes(template) if len([k for k in each if k.startswith("Fn::")]) > 1
    ]
    assert broken == []


def _nodes(tree: Any) -> list[dict[str, Any]]:
    """Every object of the template."""
    if isinstance(tree, list):
        return [node for each in tree for node in _nodes(each)]
    if isinstance(tree, dict):
        return [tree, *(node for each in tree.values() for node in _nodes(each))]
    return []

"""Deploying, updating and removing on the embedded AWS, by the code that real ones get.

A few resources stand for the monitor here; that the real package deploys, the story tests show.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from straywatch.commands.package import plain_text
from straywatch.deploy.deployment import NotApprovedError, deploy
from straywatch.deploy.leftovers import earlier_tables
from straywatch.deploy.packaging import Package
from straywatch.deploy.removal import (
    NotApproved,
    NothingToRemove,
    RemovalPreview,
    Removed,
    destroy,
)
from straywatch.deploy.stack import Absent, read_stack
from straywatch.deploy.stack_changes import ChangePreview
from straywatch.errors import StraywatchError
from straywatch.local.emulator.process import LocalAws
from straywatch.local.emulator.session import LocalSession
from straywatch.local.receivers.inbox import open_inbox

TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    },
}
FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {
        "Runtime": "python3.12",
        "Handler": "app.hear",
        "CodeUri": "./deployment.zip",
        "Timeout": 60,  # a function may take long to start on a busy host
    },
}


def template(**resources: Any) -> dict[str, Any]:
    """A template with the parameters that a deployment sets, and some resources."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Delay"}}}
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {
            "Delay": {"Type": "Number", "Default": 5},
            "Label": {"Type": "String", "Default": ""},
        },
        "Resources": {"Queue": queue, "Function": FUNCTION, "FindingsTable": TABLE, **resources},
        "Outputs": {
            "QueueUrl": {"Value": {"Ref": "Queue"}},
            "FindingsTableName": {"Value": {"Ref": "FindingsTable"}},
        },
    }


class Operator:
    """Somebody who deploys and removes one stack, and remembers what was shown."""

    def __init__(self, session: LocalSession, folder: Path, stack: str) -> None:
        self.session = session
        self.folder = folder
        self.stack = stack
        self.told: list[str] = []
        self.previews: list[ChangePreview] = []

    def deploy(
        self, packed: dict[str, Any], *, agree: bool = True, **chosen: str
    ) -> Mapping[str, str]:
        """Deploy a package with this template."""
        package = Package(self.folder / "sam.json", self.folder / "deployment.zip")
        package.template.write_text(json.dumps(packed))
        with zipfile.ZipFile(package.archive, "w") as archive:
            archive.writestr(zipfile.ZipInfo("app.py"), "def hear(event, context): return 'heard'")

        def approve(preview: ChangePreview) -> bool:
            self.previews.append(preview)
            return agree

        return deploy(
            self.session, package, self.stack, chosen, progress=self.told.append, approve=approve
        )

    def destroy(
        self, *, delete_findings: bool = False, agree: bool = True
    ) -> Removed | NothingToRemove | NotApproved:
        """Remove the stack."""

        def approve(_: RemovalPreview) -> bool:
            return agree

        return destroy(
            self.session,
            self.stack,
            delete_findings=delete_findings,
            progress=self.told.append,
            approve=approve,
        )

    def tables(self) -> list[str]:
        """The tables that exist."""
        names: list[str] = self.session.client("dynamodb").list_tables()["TableNames"]
        return [name for name in names if name.startswith(self.stack + "-")]

    def delay(self, outputs: Mapping[str, str]) -> str:
        """The delay that the deployed queue really has."""
        attributes: dict[str, str] = self.session.client("sqs").get_queue_attributes(
            QueueUrl=outputs["QueueUrl"], AttributeNames=["DelaySeconds"]
        )["Attributes"]
        return attributes["DelaySeconds"]


@pytest.fixture
def operator(aws: LocalAws, tmp_path: Path, request: pytest.FixtureRequest) -> Operator:
    """An operator whose stack no other test touches."""
    name = request.node.name.replace("_", "").removeprefix("test")[:30]
    return Operator(aws.session(), tmp_path, name)


def test_a_first_deployment_shows_everything_and_returns_the_outputs(operator: Operator) -> None:
    """What is created is shown first; afterwards the code runs and the outputs are there."""
    outputs = operator.deploy(template(), Delay="7")
    preview = operator.previews[0]
    assert preview.is_new
    assert {"Queue", "Function", "FindingsTable"} <= {each.logical_id for each in preview.changes}
    assert operator.delay(outputs) == "7"
    assert any("CREATE_COMPLETE" in line and "Queue" in line for line in operator.told)
    functions = operator.session.client("lambda").list_functions()["Functions"]
    name = next(
        each["FunctionName"] for each in functions if operator.stack in each["FunctionName"]
    )
    answer = operator.session.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == "heard"


def test_the_same_package_again_changes_nothing_and_asks_nobody(operator: Operator) -> None:
    """Repeating a deployment is safe: same outputs, no question."""
    first = operator.deploy(template())
    assert operator.deploy(template()) == first
    assert len(operator.previews) == 1
    assert operator.told[-1] == "nothing to change"


def test_an_update_keeps_the_parameters_that_are_not_given(operator: Operator) -> None:
    """A new label does not set the delay back to its default."""
    operator.deploy(template(), Delay="7")
    outputs = operator.deploy(template(Extra={"Type": "AWS::SQS::Queue"}), Label="x")
    assert operator.delay(outputs) == "7"
    assert [str(each) for each in operator.previews[1].changes] == [
        "add    Extra (AWS::SQS::Queue)"
    ]


def test_what_is_not_approved_is_not_done(operator: Operator) -> None:
    """Declining the first deployment leaves no stack, not even an empty one in the way."""
    with pytest.raises(NotApprovedError):
        operator.deploy(template(), agree=False)
    cloudformation = operator.session.client("cloudformation")
    assert read_stack(cloudformation, operator.stack) == Absent(operator.stack)
    assert operator.deploy(template())


def test_replacing_the_table_is_shown_as_keeping_the_old_one_or_losing_it(
    operator: Operator,
) -> None:
    """A change of the table's key cannot pass unseen."""
    operator.deploy(template())
    rekeyed = json.loads(json.dumps(TABLE).replace('"pk"', '"other"'))
    with pytest.raises(NotApprovedError):
        operator.deploy(template(FindingsTable=rekeyed), agree=False)
    (change,) = operator.previews[1].changes
    assert change.logical_id == "FindingsTable"
    assert "replaced" in change.replacement
    assert change.kept or change.loss == "the findings in it"


def test_a_failed_deployment_names_the_first_resource_and_the_way_on(operator: Operator) -> None:
    """One line: which resource, why, and what clears the failed stack away; then that works."""
    bad = {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {"maxReceiveCount": 3}}}
    bad_rule = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"BatchSize": 1}}
    with pytest.raises(StraywatchError, match="ROLLBACK_COMPLETE: Bad") as failed:
        operator.deploy(template(Bad=bad, BadToo=bad_rule))
    assert "straywatch destroy" in str(failed.value)
    with pytest.raises(StraywatchError, match="ROLLBACK_COMPLETE: its first deployment failed"):
        operator.deploy(template())
    operator.destroy()
    assert operator.deploy(template())


def test_removal_keeps_the_findings_and_says_so(operator: Operator) -> None:
    """The table outlives the stack, and a later deployment can name it."""
    table = operator.deploy(template())["FindingsTableName"]
    removed = operator.destroy()
    assert isinstance(removed, Removed)
    assert [each.physical_id for each in removed.kept] == [table]
    assert operator.tables() == [table]
    cloudformation = operator.session.client("cloudformation")
    assert read_stack(cloudformation, operator.stack) == Absent(operator.stack)


def test_removal_deletes_the_findings_only_when_told(operator: Operator) -> None:
    """With consent the table goes, too, though it is protected against deletion."""
    operator.deploy(template())
    assert operator.destroy(delete_findings=True) == Removed(kept=())
    assert operator.tables() == []


def test_removal_takes_the_exemptions_along(operator: Operator) -> None:
    """The parameter is not the stack's: left behind, a later deployment would heed it."""
    packed, name = template(), f"/{operator.stack}/config"
    packed["Outputs"]["ConfigParameterName"] = {"Value": name}
    operator.deploy(packed)
    ssm = operator.session.client("ssm")
    ssm.put_parameter(Name=name, Value="{}", Type="String")
    operator.destroy()
    assert ssm.get_parameters(Names=[name])["InvalidParameters"] == [name]


def test_a_removal_that_is_not_approved_removes_nothing(operator: Operator) -> None:
    """The stack and its table stay."""
    outputs = operator.deploy(template())
    assert operator.destroy(agree=False) == NotApproved()
    assert operator.deploy(template()) == outputs


def test_removing_what_is_not_there_is_no_error(operator: Operator) -> None:
    """A second removal finds nothing to do."""
    assert operator.destroy() == NothingToRemove()


def test_tables_of_earlier_deployments_are_named(operator: Operator) -> None:
    """Only tables of this stack's name, that no stack of now uses, count as left behind."""
    current = operator.deploy(template())["FindingsTableName"]
    dynamodb = operator.session.client("dynamodb")
    old, other = f"{operator.stack}-FindingsTable-0LD", f"{operator.stack}-prod-FindingsTable-1"
    for name in (old, other):
        dynamodb.create_table(TableName=name, **TABLE["Properties"])
    assert earlier_tables(operator.session, operator.stack) == (old,)
    assert current not in (old, other)


def straywatch(aws: LocalAws, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line against the embedded AWS, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "straywatch", *arguments],
        env={**os.environ, **aws.environment()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["deploy", "--email", "a@b.cd"], 2, "add --yes"),
        (["deploy", "--yes", "--region", "eu-west-1"], 3, "IAM's events never arrive in eu-west-1"),
        (["deploy", "--yes"], 2, "the first deployment needs --email"),
        (["deploy", "--yes", "--email", "nobody"], 2, "no mail address"),
        (
            ["deploy", "--yes", "--email", "a@b.cd", "--parameter", "ReminderHours=0.5"],
            2,
            "ReminderHours='0.5': must be a whole number",
        ),
        (["deploy", "--yes", "--grace", "8d"], 2, "too long"),
        (["deploy", "--yes", "--stage", "a b"], 2, "no stage name"),
        (["deploy", "--yes", "--grace", "1m", "--parameter", "GracePeriodSeconds=1"], 2, "twice"),
        (["destroy"], 2, "add --yes"),
    ],
)
def test_a_deployment_that_cannot_be_right_is_refused_in_one_line(
    aws: LocalAws, arguments: list[str], code: int, said: str
) -> None:
    """One clear line on stderr, nothing on stdout, and an exit code that tells usage from state."""
    ended = straywatch(aws, *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_missing_credentials_are_said_in_one_line(aws: LocalAws, tmp_path: Path) -> None:
    """Nothing is packaged or uploaded for nobody."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    nowhere = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "straywatch", "deploy", "--yes", "--email", "a@b.cd"],
        env=kept | nowhere,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3
    assert ended.stderr.startswith("straywatch: no AWS credentials found")
    assert len(ended.stderr.splitlines()) == 1


def test_the_monitor_itself_goes_up_and_down_by_the_command_line(
    aws: LocalAws, package: Package
) -> None:
    """A dry run changes nothing; a deployment prints its outputs; a removal says what stays."""
    ready = ("--package", str(package.template.parent))
    settings = ("--stage", "line", "--email", "a@b.cd", "--grace", "1m", *ready)
    dry = straywatch(aws, "deploy", *settings, "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "")
    assert "create stack straywatch-line:" in dry.stderr

    up = straywatch(aws, "deploy", *settings, "--yes", "--format", "json")
    assert up.returncode == 0, up.stderr
    outputs = json.loads(up.stdout)["outputs"]
    contract = {"AlertTopicArn", "FindingsTableName", "CheckQueueUrl", "DeadLetterQueueUrl"}
    assert contract <= set(outputs)
    assert "the three mails that AWS has sent to a@b.cd" in up.stderr

    down = straywatch(aws, "destroy", "--stage", "line", "--yes")
    assert (down.returncode, down.stdout) == (0, "removed straywatch-line\n")
    assert outputs["FindingsTableName"] in down.stderr

    gone = straywatch(aws, "destroy", "--stage", "line", "--yes")
    assert gone.returncode == 0
    assert gone.stdout == "there is no stack straywatch-line in us-east-1: nothing to remove\n"


def test_the_plain_template_alone_makes_a_monitor_that_works(
    aws: LocalAws, package: Package
) -> None:
    """As docs/platform.md has it: two files in a bucket and one call, no command of ours."""
    session = aws.session()
    s3, cloudformation = session.client("s3"), session.client("cloudformation")
    s3.create_bucket(Bucket="theirs")
    template = plain_text(package.template.read_text("utf-8"))
    archive = package.archive.read_bytes()
    key = f"{hashlib.sha256(archive).hexdigest()}.zip"
    s3.put_object(Bucket="theirs", Key=key, Body=archive)
    s3.put_object(Bucket="theirs", Key="template.json", Body=template.encode())
    chosen = {
        "CodeBucket": "theirs",
        "CodeKey": key,
        "AlertEmail": "you@example.com",
        "GracePeriodSeconds": "0",
    }
    cloudformation.create_stack(
        StackName="plain",
        TemplateURL=f"{aws.endpoint}/theirs/template.json",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in chosen.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="plain", WaiterConfig={"Delay": 1}
    )
    (made,) = cloudformation.describe_stacks(StackName="plain")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
    inbox = open_inbox(session, outputs["AlertTopicArn"])
    session.client("iam").create_user(UserName="stray-of-plain")
    told = inbox.wait(lambda alert: alert.user_name == "stray-of-plain", 120)
    assert [alert.type for alert in told] == ["opened"]
    session.client("iam").delete_user(UserName="stray-of-plain")
    cloudformation.delete_stack(StackName="plain")

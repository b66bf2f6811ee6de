"""A hub and its members on one embedded AWS: heard, denied, foreign, and gone."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from straywatch.cli import run
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import Package
from straywatch.local.emulator.process import running_emulator
from straywatch.local.emulator.session import LocalSession
from straywatch.local.receivers.inbox import open_inbox
from tests.e2e.conftest import unlike_aws
from tests.e2e.local_stack import GRACE_SECONDS, STACK, LocalStack

FOREIGN = "999999999999"


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class World:
    """The hub's stack, and the accounts around it by what they are here for."""

    hub: LocalStack
    accounts: dict[str, str]

    def session(self, name: str) -> LocalSession:
        """The root of an account."""
        return self.hub.aws.session(self.accounts[name], "test")

    def iam(self, name: str) -> Any:
        """IAM of an account."""
        return self.session(name).client("iam")

    def invoke(self, function: str, asked: dict[str, str]) -> dict[str, Any]:
        """Invoke a function of the hub, as its operator does."""
        client = self.hub.session.client("lambda")
        name = self.hub.outputs[function]
        answer = client.invoke(FunctionName=name, Payload=json.dumps(asked).encode())
        told: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        return told

    def said(self, *arguments: str) -> Said:
        """Run `straywatch` as the hub's operator."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as environment:
            for name, value in self.hub.aws.environment().items():
                environment.setenv(name, value)
            with redirect_stdout(out), redirect_stderr(err):
                code = run(list(arguments))
        return Said(code, out.getvalue(), err.getvalue())

    def document(self, name: str, document: str) -> dict[str, Any]:
        """A small document of an account, as the hub keeps it."""
        found = self.hub.session.client("dynamodb").get_item(
            TableName=self.hub.outputs["StateTableName"],
            Key={"pk": {"S": f"aws:{self.accounts[name]}"}, "sk": {"S": document}},
        )
        return dict(found.get("Item", {}))

    def logged(self, event: str, name: str) -> bool:
        """Whether the hub has logged something of an account."""
        key = f"aws:{self.accounts[name]}"
        return any(e["event"] == event and e.get("account") == key for e in self.hub.logged())


def _join(world: World, name: str, template: str) -> None:
    """Deploy the member's template into an account."""
    cloudformation = world.session(name).client("cloudformation")
    cloudformation.create_stack(
        StackName="straywatch-member",
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    def is_done() -> bool:
        (stack,) = cloudformation.describe_stacks(StackName="straywatch-member")["Stacks"]
        assert "ROLLBACK" not in stack["StackStatus"], stack
        return bool(stack["StackStatus"] == "CREATE_COMPLETE")

    world.hub.until(is_done, f"the member's stack in {name}")


@pytest.fixture(scope="module")
def world(package: Package) -> Iterator[World]:
    """A hub with three members, one of which denies, beside an account of somebody else."""
    with running_emulator(retry_seconds=0.2) as aws:
        session = aws.session()
        organizations = session.client("organizations")
        organization = organizations.describe_organization()["Organization"]["Id"]
        accounts = {"foreign": FOREIGN}
        for name in ("north", "denied", "leaving"):
            made = organizations.create_account(Email=f"{name}@example.com", AccountName=name)
            accounts[name] = made["CreateAccountStatus"]["AccountId"]
        outputs = deploy(
            session,
            package,
            STACK,
            {
                "GracePeriodSeconds": str(GRACE_SECONDS),
                "DigestAbove": "0",
                "OrganizationId": organization,
                "OwnerTag": "owner",
                "UnreadableAlert": "1",
            },
            progress=lambda _: None,
            approve=lambda _: True,
            sleep=lambda _: time.sleep(0.1),
        )
        inbox = open_inbox(session, outputs["AlertTopicArn"])
        made_world = World(LocalStack(aws, session, outputs, inbox, GRACE_SECONDS), accounts)
        template = made_world.said("org", "template")
        assert template.code == 0, template
        for name in accounts:
            _join(made_world, name, template.out)
        made_world.iam("denied").delete_role_policy(
            RoleName="straywatch-member", PolicyName="LookAtIam"
        )
        enabled = made_world.said("org", "enable")
        assert enabled.out.startswith("4 accounts watched, 4 new, 0 left; 4 sweeps asked for\n")
        yield made_world
        assert unlike_aws(aws.control) == []
        # nothing but what the member refuses: no role of the hub's lacks anything
        denied = {
            (each["action"], each["caller_arn"].split(":")[4]) for each in aws.control.denials()
        }
        assert {account for _, account in denied} == {accounts["denied"]}


def test_a_stray_of_a_member_is_told_of_with_its_account_and_owner(world: World) -> None:
    """By its own event, looked at by its account's role, and closed when it joins a group."""
    iam = world.iam("north")
    iam.create_group(GroupName="ward")
    iam.create_user(UserName="bob", Tags=[{"Key": "Owner", "Value": "ann"}])
    opened = world.hub.alert("bob")
    assert opened.body["finding"]["account_id"] == world.accounts["north"]
    assert opened.body["account_alias"] == "north"
    assert opened.attributes["owner"] == "ann"
    assert opened.attributes["organizational_unit"].startswith("r-")
    assert world.document("north", "heard")
    iam.add_user_to_group(UserName="bob", GroupName="ward")
    resolved = world.hub.alert("bob", "resolved")
    assert resolved.body["finding"]["resolution"]["groups"] == ["ward"]


def test_every_account_is_swept_and_one_that_denies_is_unknown(world: World) -> None:
    """It is told once, not tried again, not compliant, and stops nobody."""
    world.iam("leaving").create_user(UserName="carol")
    world.hub.alert("carol")
    for name in ("north", "leaving"):
        world.hub.until(lambda name=name: bool(world.document(name, "sweep")), f"{name} swept")  # type: ignore[misc]
    world.hub.until(lambda: bool(world.document("denied", "reading")), "the denied one noted")
    assert world.document("denied", "reading")["failures"] == {"N": "1"}
    assert world.document("denied", "sweep") == {}
    health = world.hub.inbox.wait(lambda alert: alert.type == "health", 60.0)
    assert health
    assert health[0].body["notice"]["account_id"] == world.accounts["denied"]
    assert "GetAccountAuthorizationDetails: AccessDenied" in health[0].body["notice"]["detail"]
    status = world.said("org", "status", "--format", "json")
    told = json.loads(status.out)
    assert (status.code, told["coverage_percent"]) == (1, 75.0)
    by_name = {each["name"]: each for each in told["accounts"]}
    assert by_name["north"]["problem"] is None
    assert by_name["north"]["heard_at"]
    assert by_name["denied"]["strays"] is None
    assert by_name["denied"]["problem"].endswith("GetAccountAuthorizationDetails: AccessDenied")


def test_nobody_is_told_of_who_cannot_be_looked_at_or_is_not_of_the_organization(
    world: World,
) -> None:
    """A check in an account that denies ends as unknown; a foreign account is not even heard."""
    world.iam("denied").create_user(UserName="dora")
    world.iam("foreign").create_user(UserName="mallory")
    world.hub.until(lambda: world.logged("check_unknown", "denied"), "the check that is refused")
    world.hub.alerts_after_silence("dora")
    assert {"dora", "mallory"} & {alert.user_name for alert in world.hub.inbox.alerts} == set()
    assert world.document("denied", "heard")
    assert world.document("foreign", "heard") == {}
    assert world.document("foreign", "mark#mallory") == {}


def test_the_contract_of_the_sweep_function_holds(world: World) -> None:
    """Invoked with nothing it sweeps the hub's own account, and answers with its counts."""
    world.hub.iam.create_user(UserName="own")
    told = world.invoke("SweepFunctionName", {})
    assert (told["complete"], told["users"], told["strays"]) == (True, 1, 1)


def test_an_owner_who_disables_the_members_rule_is_noticed_by_the_next_sweep(
    world: World,
) -> None:
    """Told at once, and the account stays known: it is swept all the same."""
    world.session("north").client("events").disable_rule(Name="straywatch-member")
    client = world.hub.session.client("lambda")
    client.invoke(
        FunctionName=world.hub.outputs["SweepFunctionName"], Payload='{"accounts": "all"}'
    )
    silent = world.hub.inbox.wait(
        lambda alert: alert.type == "health" and "straywatch-member is disabled" in str(alert.body),
        60.0,
    )
    assert silent[0].body["notice"]["account_id"] == world.accounts["north"]
    status = json.loads(world.said("org", "status", "--format", "json").out)
    assert status["coverage_percent"] == 75.0
    (north,) = (each for each in status["accounts"] if each["name"] == "north")
    assert north["readable"]
    assert "straywatch-member is disabled" in north["problem"]


def test_the_findings_of_an_account_that_is_closed_are_closed(world: World) -> None:
    """With the reason, when the accounts are read next."""
    account_id = world.accounts["leaving"]
    world.hub.session.client("organizations").close_account(AccountId=account_id)
    listed = world.invoke("ListAccountsFunctionName", {})
    assert (listed["watched"], listed["left"], listed["resolved"]) == (3, 1, 1)
    resolved = world.hub.alert("carol", "resolved")
    assert resolved.body["finding"]["resolution"]["reason"] == "account_left"

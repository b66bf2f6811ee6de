"""A hub as it is wired: it looks at each account by that account's role, on an AWS in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.adapters.clients import Patience
from chalicelib.adapters.roster_table import RosterTable
from chalicelib.bootstrap import Deployment
from chalicelib.domain.account import Account
from chalicelib.domain.events import CHANGES, rule_pattern
from chalicelib.domain.organization import Member
from chalicelib.domain.sweep_requests import SweepRequest, encode_sweep
from chalicelib.flows.steps import Step
from tests.adapters.aws import REGION, client
from tests.adapters.stack import Stack, aws_in_memory
from tests.unit.records import NOW, at, envelope, record

ROOT = Path(__file__).resolve().parents[2]
MEMBER = Account("aws", "222222222222")
STRANGER = Account("aws", "999999999999")
UNIT = "ou-ab12-11111111"
SETTINGS = {
    "ORGANIZATION_ID": "o-a1b2c3d4e5",
    "ORGANIZATION_ACCOUNTS": MEMBER.account_id,
    "ORGANIZATION_INCLUDE": "all",
    "ORGANIZATION_EXCLUDE": "none",
    "MEMBER_ROLE_NAME": "straywatch-member",
    "OWNER_TAG": "owner",
    "UNREADABLE_ALERT": "1",
}
AN_HOUR = 3600.0
RULE = "straywatch-member"
BUS = f"arn:aws:events:{REGION}:{DEFAULT_ACCOUNT_ID}:event-bus/straywatch-organization"


@dataclass
class Hub:
    """The hub's resources, a member that is on its list, and the calls that were made."""

    stack: Stack
    calls: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def cold(self) -> Deployment:
        """A function that has just started."""

        def make(service: str, _: Patience, **credentials: str) -> Any:
            session = boto3.Session(
                credentials.get("aws_access_key_id", "testing"),
                credentials.get("aws_secret_access_key", "testing"),
                credentials.get("aws_session_token"),
                REGION,
            )
            made = session.client(service)  # type: ignore[call-overload]  # any service
            made.meta.events.register("before-call", self._meet)
            return made

        return Deployment(self.stack.environment, make, self.stack.clock)

    def _meet(self, model: Any, **_: Any) -> Any:
        self.calls.append(model.name)
        if model.name not in self.refused:
            return None
        error = {"Error": {"Code": "AccessDenied", "Message": "not you"}}
        return type("Answer", (), {"status_code": 403, "headers": {}})(), error

    def list_accounts(self, *accounts: Member) -> None:
        """Put accounts on the list, as a reading of them would."""
        deployment = self.cold()
        for each in accounts or (Member(MEMBER, "north", ("r-ab12", UNIT), ("owner=ann",)),):
            RosterTable(deployment.state, deployment.own).keep(each)

    def iam(self, account: Account) -> Any:
        """IAM of an account."""
        return self.of(account, "iam")

    def forward(self, account: Account, names: tuple[str, ...] = tuple(CHANGES)) -> Any:
        """Make the member's rule; return its EventBridge."""
        events = self.of(account, "events")
        events.put_rule(Name=RULE, EventPattern=json.dumps(rule_pattern(names)))
        events.put_targets(Rule=RULE, Targets=[{"Id": "Hub", "Arn": BUS}])
        return events

    def of(self, account: Account, service: str) -> Any:
        """A service of an account."""
        role = f"arn:aws:iam::{account.account_id}:role/any"
        given = client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return boto3.Session(*keys, REGION).client(service)  # type: ignore[call-overload]  # any service

    def create_user(self, account: Account, name: str) -> None:
        """Make a user in an account, an hour ago by the test's clock."""
        from moto.iam.models import iam_backends  # noqa: PLC0415 - only while moto is on

        self.iam(account).create_user(UserName=name)
        for user in iam_backends[account.account_id]["aws"].users.values():
            user.create_date = at(-3600).replace(tzinfo=None)

    def told(self, member: Account, name: str = "bob", **changes: Any) -> str:
        """A cold function hears that a user was created in an account."""
        parameters = {"userName": name}
        detail = record("CreateUser", requestParameters=parameters, eventTime=at(0).isoformat())
        detail |= {"recipientAccountId": member.account_id}
        event = envelope(detail) | {"account": member.account_id} | changes
        return self.cold().receive(event)

    def checked(self) -> list[Any]:
        """A cold function takes what is in the check queue."""
        check = self.cold().on_check
        return [check(body) for body in self.stack.queued()]

    def swept(self, account: Account) -> Step:
        """The worker takes the message of an account."""
        body = encode_sweep(SweepRequest(account, self.stack.clock()))
        assert self.cold().hub is not None
        return self.cold().organization.sweep_one(lambda: AN_HOUR)(body)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with one member."""
    with aws_in_memory(**SETTINGS) as stack:
        made = Hub(stack)
        made.list_accounts()
        yield made


def test_a_members_user_is_looked_at_in_the_member(hub: Hub) -> None:
    """The hub has a user of the same name who is in a group: that is somebody else."""
    hub.create_user(MEMBER, "bob")
    own = client("iam")
    own.create_user(UserName="bob")
    own.create_group(GroupName="ward")
    own.add_user_to_group(UserName="bob", GroupName="ward")
    assert hub.told(MEMBER) == "waiting"
    hub.stack.clock.advance(900)
    assert hub.checked() == ["NON_COMPLIANT"]
    (alert,) = hub.stack.alerts()
    assert alert["finding"]["account_id"] == MEMBER.account_id
    assert alert["account_alias"] == "north"
    assert hub.calls.count("AssumeRole") == 1


def test_one_account_alone_pays_for_nothing_of_it(hub: Hub) -> None:
    """No module, no call, no account but the own one."""
    del hub.stack.environment["ORGANIZATION_ID"]
    alone = hub.cold()
    assert alone.hub is None
    assert alone.of(MEMBER) is alone
    assert alone.on_check == alone.check
    assert hub.told(MEMBER) == "ignored"
    late = "import sys, app; print('chalicelib.hub' in sys.modules, len(sys.modules) > 1)"
    run = subprocess.run(
        [sys.executable, "-c", late], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout == "False True\n"


def test_a_name_and_an_owner_that_others_chose_are_harmless(hub: Hub) -> None:
    """They stand in mails and in attributes, of which SNS refuses control characters."""
    wild = "a\x00\nwww.evil.example \u202e"
    hub.list_accounts(Member(MEMBER, wild, ("r-ab12",), (f"owner={wild}",)))
    organization = hub.cold().organization
    assert organization.name_of(MEMBER) == "a??www[.]evil.example ?"
    labels = {"organizational_unit": "r-ab12", "owner": "a??www.evil.example ?"}
    assert organization.labels_of(MEMBER) == labels
    assert organization.labels_of(STRANGER) == {}


def test_an_event_of_the_own_account_costs_no_call_more_than_without_members(hub: Hub) -> None:
    """But for the note of when it was heard of, and that once in ten minutes."""
    deployment = hub.cold()
    hub.calls.clear()
    for name in ("ann", "bob"):
        detail = record("CreateUser", requestParameters={"userName": name})
        assert deployment.receive(envelope(detail)) == "waiting"
    assert sorted(hub.calls) == ["PutItem", *["SendMessage"] * 2, *["UpdateItem"] * 2]


@pytest.mark.parametrize(
    ("account", "changes"),
    [(STRANGER, {}), (MEMBER, {"account": DEFAULT_ACCOUNT_ID}), (MEMBER, {"source": "my.iam"})],
)
def test_what_is_not_of_a_watched_account_is_ignored(
    hub: Hub, account: Account, changes: dict[str, str]
) -> None:
    """A stranger's event, one whose record is of another account, one that AWS did not send."""
    assert hub.told(account, **changes) == "ignored"
    assert hub.stack.queued() == []


def test_a_check_that_its_account_refuses_is_unknown(hub: Hub) -> None:
    """It is no evaluation, and is not tried again; what the hub itself is refused is raised."""
    hub.told(MEMBER)
    hub.stack.clock.advance(900)
    hub.refused = {"AssumeRole"}
    assert hub.checked() == [Step.UNKNOWN]
    hub.told(MEMBER, "ann")
    hub.refused = {"BatchGetItem"}
    with pytest.raises(Exception, match="AccessDenied"):
        hub.checked()


def test_exemptions_are_the_hubs_and_may_be_for_a_unit(hub: Hub) -> None:
    """A broken document leaves the last good one in force for members, too."""
    hub.create_user(MEMBER, "bob")
    entry = {"name": "bob", "reason": "a lab", "unit": UNIT}
    _configure(json.dumps({"version": 1, "exemptions": [entry]}))
    assert hub.swept(MEMBER) is Step.SWEPT
    _configure("broken")
    hub.stack.clock.advance(3600)
    assert hub.swept(MEMBER) is Step.SWEPT
    swept = hub.cold().state.document(MEMBER, "sweep")
    assert (swept["exempt"], swept["strays"]) == (1, 0)


def _configure(text: str) -> None:
    client("ssm").put_parameter(
        Name="/straywatch/config", Value=text, Type="String", Overwrite=True
    )


def test_an_account_that_refuses_its_sweep_is_noted_and_told(hub: Hub) -> None:
    """With the call that was refused, in the name of the account."""
    hub.refused = {"GetAccountAuthorizationDetails"}
    assert hub.swept(MEMBER) is Step.UNKNOWN
    (notice,) = hub.stack.alerts()
    assert notice["notice"]["account_id"] == MEMBER.account_id
    assert "GetAccountAuthorizationDetails: AccessDenied" in notice["notice"]["detail"]
    assert "sweep" not in hub.cold().state.document(MEMBER, "sweep")


@pytest.mark.parametrize(
    ("sabotage", "said"),
    [
        (lambda _: None, ""),
        (lambda e: e.disable_rule(Name=RULE), "is disabled"),
        (lambda e: e.remove_targets(Rule=RULE, Ids=["Hub"]), "no longer has the hub's bus"),
        (
            lambda e: (e.remove_targets(Rule=RULE, Ids=["Hub"]), e.delete_rule(Name=RULE)),
            "was deleted",
        ),
        (
            lambda e: e.put_rule(Name=RULE, EventPattern=json.dumps(rule_pattern(("DeleteUser",)))),
            "listens for something else",
        ),
    ],
)
def test_a_member_that_does_not_forward_is_noticed_by_its_sweep(
    hub: Hub, sabotage: Callable[[Any], object], said: str
) -> None:
    """Whatever its owner did to the rule; the account is swept and stays known."""
    sabotage(hub.forward(MEMBER))
    assert hub.swept(MEMBER) is Step.SWEPT
    told = [alert["notice"]["detail"] for alert in hub.stack.alerts()]
    assert [said in each for each in told] == ([True] if said else [])
    hub.forward(MEMBER).enable_rule(Name=RULE)
    hub.stack.clock.advance(3600)
    assert hub.swept(MEMBER) is Step.SWEPT
    assert hub.cold().state.document(MEMBER, "forwarding").get("failures", 0) == 0


def test_a_role_that_may_not_look_at_the_rule_is_no_silence(hub: Hub) -> None:
    """Whether the account forwards is unknown then, and so is the account."""
    hub.refused = {"DescribeRule"}
    assert hub.swept(MEMBER) is Step.UNKNOWN
    (alert,) = hub.stack.alerts()
    assert "DescribeRule: AccessDenied" in alert["notice"]["detail"]


def test_a_list_of_accounts_needs_no_organization_to_ask(hub: Hub) -> None:
    """Whoever is taken off the list has left; the own account is on it without being named."""
    hub.list_accounts(Member(STRANGER, "south"))
    result = hub.cold().organization.refresh().run(Account("aws", DEFAULT_ACCOUNT_ID))
    assert (result.watched, result.came, result.left) == (2, 1, 1)
    assert hub.told(STRANGER) == "ignored"
    left = hub.cold().organization.refresh(leaves=True)
    assert left.run(Account("aws", DEFAULT_ACCOUNT_ID)).watched == 0
    assert hub.told(MEMBER) == "ignored"


def test_the_organization_is_asked_page_by_page(hub: Hub) -> None:
    """With units and tags; an account that the list leaves out is asked for by its id."""
    manager = client("organizations")
    manager.create_organization(FeatureSet="ALL")
    (root,) = manager.list_roots()["Roots"]
    unit = manager.create_organizational_unit(ParentId=root["Id"], Name="care")
    unit_id = unit["OrganizationalUnit"]["Id"]
    made = manager.create_account(Email="n@example.com", AccountName="north")
    account_id = made["CreateAccountStatus"]["AccountId"]
    manager.move_account(
        AccountId=account_id, SourceParentId=root["Id"], DestinationParentId=unit_id
    )
    manager.tag_resource(ResourceId=account_id, Tags=[{"Key": "owner", "Value": "ann"}])
    hub.stack.environment["ORGANIZATION_ACCOUNTS"] = "organization"
    result = hub.cold().organization.refresh().run(Account("aws", DEFAULT_ACCOUNT_ID))
    assert (result.watched, result.left) == (2, 1)
    deployment = hub.cold()
    roster = RosterTable(deployment.state, deployment.own)
    found = roster.member(Account("aws", account_id))
    assert found == Member(found.account, "north", (root["Id"], unit_id), ("owner=ann",))
    assert roster.member(MEMBER).unwatched == "no account of the organization"


def test_a_sweep_of_all_asks_for_each_account_that_is_watched(hub: Hub) -> None:
    """Ten to a call."""
    many = [Member(Account("aws", f"{number:012}")) for number in range(1, 25)]
    hub.list_accounts(*many, Member(STRANGER, unwatched="excluded by name:south"))
    url = client("sqs").create_queue(QueueName="sweeps")["QueueUrl"]
    hub.stack.environment["SWEEP_QUEUE_URL"] = url
    hub.calls.clear()
    assert hub.cold().organization.fan_out().run() == {"asked": 26}
    assert hub.calls.count("SendMessageBatch") == 3


def test_a_session_is_used_for_as_long_as_a_sweep_may_take(hub: Hub) -> None:
    """And asked for anew once it might end under it."""
    deployment = hub.cold()
    assert deployment.of(MEMBER) is deployment.of(MEMBER)
    first = deployment.of(MEMBER)
    expires = (2**31) - NOW.timestamp()
    hub.stack.clock.advance(expires)
    assert deployment.of(MEMBER) is not first
    assert hub.calls.count("AssumeRole") == 2

"""Promises that were broken once, each by a story that broke it: on an AWS in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import boto3
import pytest

from chalicelib.domain.account import Account, Page, User
from chalicelib.domain.check_requests import CheckRequest, DigestRequest, Origin, encode_check
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from chalicelib.flows.sweep import FEW, SMALL_PAGE, Sweep, SweepResult
from tests.adapters.aws import client
from tests.adapters.stack import Stack, aws_in_memory
from tests.unit.records import ACCOUNT, at, envelope, record

GRACE = 900
HOUR = 3600
LONG_AGO = at(-(10**6))


@pytest.fixture
def stack() -> Iterator[Stack]:
    """All resources, a group, and a clock that stands at noon."""
    with aws_in_memory() as made:
        client("iam").create_group(GroupName="nurses")
        yield made


def call(name: str, seconds: float, user: str = "bob", **changes: Any) -> dict[str, Any]:
    """The event of a call about a user, made so many seconds after noon."""
    new_name = {"newUserName": changes.pop("to")} if "to" in changes else {}
    asked = {"userName": user, **({"groupName": "nurses"} if "Group" in name else {}), **new_name}
    told = {"eventTime": at(seconds).isoformat(), "eventID": f"{name}-{seconds}-{user}"}
    return envelope(record(name, **told, requestParameters=asked, **changes))


def user_id(name: str) -> str:
    """The id of the user of this name."""
    found: str = client("iam").get_user(UserName=name)["User"]["UserId"]
    return found


def created(seconds: float, user: str = "bob") -> dict[str, Any]:
    """The event that tells of the creation of a user who is there."""
    response = {"user": {"userId": user_id(user)}}
    return call("CreateUser", seconds, user, responseElements=response)


def join(name: str) -> None:
    """Put a user in a group; no event of it arrives."""
    client("iam").add_user_to_group(UserName=name, GroupName="nurses")


def leave(name: str) -> None:
    """Take a user out of its group; no event of it arrives."""
    client("iam").remove_user_from_group(UserName=name, GroupName="nurses")


def checked(stack: Stack) -> list[str]:
    """A cold function takes what is in the check queue."""
    check = stack.deployment().check
    return [check(body) for body in stack.queued()]


def cold_sweep(stack: Stack) -> Sweep:
    """The sweep of a function that has just started, with all the time in the world."""
    return stack.deployment().sweep(lambda: 900.0)


# -- nothing is opened on old news ----------------------------------------------------------------


class Crowd:
    """Many strays; every call takes its time, and most join a group after the first alert."""

    def __init__(self, stack: Stack, count: int, joiners: int) -> None:
        self.stack = stack
        groups: tuple[str, ...] = ()
        self.users = {
            f"AIDA{number:017}": User(
                f"AIDA{number:017}", f"user-{number:03}", f"arn:{number}", "/", LONG_AGO, groups
            )
            for number in range(count)
        }
        self.joiners = list(self.users)[-joiners:]
        self.page_reads = 0

    def pages(self, marker: str | None, size: int) -> Iterator[Page]:
        """Users in order, as IAM has them when the page is asked for."""
        start = int(marker or 0)
        while True:
            self.page_reads += 1
            users = tuple(self.users.values())[start : start + size]
            self.stack.clock.advance(0.3)
            start += size
            more = str(start) if start < len(self.users) else None
            yield Page(users, more)
            if more is None:
                return

    def published(self) -> None:
        """An alert takes some time to go out; whoever hears of the first acts on it."""
        self.stack.clock.advance(0.05)
        for joiner in self.joiners:
            self.users[joiner] = replace(self.users[joiner], groups=("nurses",))

    def sweep(self) -> SweepResult:
        """Sweep it."""
        sweep = cold_sweep(self.stack)
        topic = Slow(sweep.commit.topic, self.published)
        commit = replace(sweep.commit, topic=topic)
        iam: Any = self
        inquiry = replace(sweep.inquiry, iam=iam)
        found = replace(
            sweep,
            pages=self.pages,
            commit=commit,
            inquiry=inquiry,
            assess=lambda _: lambda _: Risk(Severity.LOW, "-"),
        )
        return found.run(ACCOUNT)

    def look(self, name: str) -> Any:
        """No look at a single one: there are too many."""
        raise AssertionError(name)


class Slow:
    """A topic on which publishing takes time."""

    def __init__(self, topic: Any, then: Callable[[], None]) -> None:
        self._topic, self._then = topic, then

    def publish(self, message: Any) -> None:
        """Publish, and let time pass."""
        self._topic.publish(message)
        self._then()


def test_a_sweep_of_many_alerts_on_nobody_who_has_joined_meanwhile(stack: Stack) -> None:
    """Who heard of the first alert and put the others in a group is not told of them."""
    crowd = Crowd(stack, count=6 * SMALL_PAGE, joiners=5 * SMALL_PAGE)
    result = crowd.sweep()
    told = [alert["type"] for alert in stack.alerts()]
    assert told.count("opened") == result.opened == SMALL_PAGE
    assert crowd.page_reads <= 1 + 6


def test_a_few_that_are_due_are_looked_at_one_by_one(stack: Stack) -> None:
    """A second snapshot is for many; the look of each is seconds old."""
    for number in range(FEW):
        stack.create_user(f"user-{number}", LONG_AGO)
    sweep = cold_sweep(stack)

    def slowly(strays: Any) -> Any:
        stack.clock.advance(60)
        join("user-3")
        return sweep.assess(strays)

    assert replace(sweep, assess=slowly).run(ACCOUNT).opened == FEW - 1
    assert ("opened", "user-3") not in stack.told()


def test_a_sweep_holds_the_grace_against_the_time_it_read_the_page(stack: Stack) -> None:
    """Whatever the sweep does in between: then, the user had been a stray for half its grace."""
    stack.create_user("young", at(-GRACE / 2))
    stack.create_user("old", LONG_AGO)
    sweep = cold_sweep(stack)

    def slowly(strays: Any) -> Any:
        stack.clock.advance(GRACE)
        return sweep.assess(strays)

    replace(sweep, assess=slowly).run(ACCOUNT)
    assert stack.told() == [("opened", "old")]


# -- a name that changes hands --------------------------------------------------------------------


@pytest.mark.parametrize("sweeps", [False, True])
@pytest.mark.parametrize("late", range(4))
def test_a_finding_goes_on_when_its_user_takes_anothers_name(
    stack: Stack, late: int, *, sweeps: bool
) -> None:
    """Ann is a stray; Bob, who joined and left lately, gives his name up, and Ann takes it."""
    iam = client("iam")
    for name in ("ann", "bob"):
        stack.create_user(name, LONG_AGO)
    join("bob")
    cold_sweep(stack).run(ACCOUNT)
    assert stack.told() == [("opened", "ann")]
    story = [
        call("RemoveUserFromGroup", 100),
        call("AddUserToGroup", 200),
        call("UpdateUser", 300, to="robert"),
        call("UpdateUser", 400, "ann", to="bob"),
    ]
    iam.update_user(UserName="bob", NewUserName="robert")
    iam.update_user(UserName="ann", NewUserName="bob")
    stack.clock.now = at(500)
    order = list(permutations(range(4)))[late::4]
    for event in (story[number] for number in order[len(order) // 2]):
        stack.deployment().receive(event)
        checked(stack)
        if sweeps:
            cold_sweep(stack).run(ACCOUNT)
        stack.clock.advance(2 * GRACE)
    checked(stack)
    cold_sweep(stack).run(ACCOUNT)
    assert [alert for alert in stack.told() if alert[0] in ("opened", "resolved")] == []


def test_a_former_bearer_lends_no_cause(stack: Stack) -> None:
    """Bob was taken out and deleted, and made again within the second."""
    stack.create_user("bob", at(10))
    receive = stack.deployment().receive
    for event in (call("RemoveUserFromGroup", 10), call("DeleteUser", 10), created(10)):
        receive(event)
    stack.clock.now = at(10 + GRACE)
    assert "NON_COMPLIANT" in checked(stack)
    (alert,) = stack.alerts()
    assert alert["cause"] is None


def test_who_was_created_and_added_within_a_second_had_joined(stack: Stack) -> None:
    """It left much later, untold: its grace begins when it is first seen in no group."""
    stack.create_user("bob", at(0))
    receive = stack.deployment().receive
    for event in (created(0), call("AddUserToGroup", 0)):
        receive(event)
    stack.clock.now = at(GRACE)
    assert checked(stack) == ["waiting"]
    assert stack.alerts() == []
    stack.clock.advance(GRACE + 1)
    assert checked(stack) == ["NON_COMPLIANT"]


# -- what is watched ------------------------------------------------------------------------------

OTHER = "999999999999"


@pytest.mark.parametrize(
    ("record_changes", "envelope_changes"),
    [
        ({"recipientAccountId": OTHER}, {}),
        ({}, {"account": OTHER}),
        ({"recipientAccountId": OTHER}, {"account": OTHER}),
        ({"awsRegion": "cn-north-1"}, {}),
        ({"awsRegion": "us-gov-west-1"}, {}),
    ],
)
def test_an_event_of_somebody_else_is_ignored_with_a_reason(
    stack: Stack,
    capsys: pytest.CaptureFixture[str],
    record_changes: dict[str, str],
    envelope_changes: dict[str, str],
) -> None:
    """Another account's bob is not ours, nor is that of another partition."""
    stack.create_user("bob", LONG_AGO)
    event = envelope(record("CreateUser", **record_changes), **envelope_changes)
    assert stack.deployment().receive(event) == "ignored"
    assert '"reason": "' in capsys.readouterr().out
    assert stack.queued() == []


@pytest.mark.parametrize("account", [Account("aws", OTHER), Account("aws-cn", ACCOUNT.account_id)])
def test_a_message_about_somebody_else_is_ignored_with_a_reason(
    stack: Stack, capsys: pytest.CaptureFixture[str], account: Account
) -> None:
    """Under its keys nothing would ever be closed."""
    stack.create_user("bob", LONG_AGO)
    requests = (CheckRequest(account, "bob", at(-HOUR), Origin.EVENT), DigestRequest(account))
    check = stack.deployment().check
    assert [check(encode_check(request)) for request in requests] == ["ignored", "ignored"]
    assert f"{account.key} is not watched" in capsys.readouterr().out
    assert stack.alerts() == []


def test_an_old_records_account_is_that_of_its_event(stack: Stack) -> None:
    """Version 1.0 names the caller's account alone, which may be another."""
    detail = record("RemoveUserFromGroup", userIdentity={"accountId": OTHER, "type": "AWSAccount"})
    del detail["recipientAccountId"]
    assert stack.deployment().receive(envelope(detail)) == "waiting"


# -- exemptions that end, and configurations that change ------------------------------------------


def test_who_is_exempt_until_a_time_is_looked_at_when_its_grace_is_over(stack: Stack) -> None:
    """No sweep need come by: one check waits for it."""
    stack.create_user("bob", at(0))
    until = at(GRACE + 60)
    tags = {"straywatch:exempt": "robot", "straywatch:exempt-until": until.isoformat()}
    client("iam").tag_user(UserName="bob", Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    stack.clock.now = at(0)
    stack.deployment().receive(created(0))
    stack.clock.now = at(GRACE)
    assert checked(stack) == ["NOT_APPLICABLE"]
    cold_sweep(stack).run(ACCOUNT)  # it sees the same, and asks for no second check
    bodies = stack.queued()
    assert len(bodies) == 1
    while stack.clock.now < until + timedelta(seconds=GRACE):
        stack.clock.advance(60)
        outcomes = [stack.deployment().check(body) for body in bodies]
        bodies = stack.queued() or bodies
    assert outcomes == ["NON_COMPLIANT"]
    (alert,) = stack.alerts()
    assert (alert["type"], alert["finding"]["evidence"]) == ("opened", "exemption_ended")


def test_the_next_check_follows_a_configuration_that_changed(stack: Stack) -> None:
    """Also in a function that has read the one before a moment ago."""
    for name in ("ann", "bob"):
        stack.create_user(name, LONG_AGO)
    check = stack.deployment().check
    request = CheckRequest(ACCOUNT, "ann", at(-HOUR), Origin.EVENT)
    assert check(encode_check(request)) == "NON_COMPLIANT"
    rules = '{"version": 1, "exemptions": [{"name": "*", "reason": "a test"}]}'
    ssm = boto3.client("ssm", "us-east-1")
    parameter = stack.environment["CONFIG_PARAMETER"]
    ssm.put_parameter(Name=parameter, Value=rules, Type="String")
    assert check(encode_check(replace(request, user_name="bob"))) == "NOT_APPLICABLE"
    ssm.delete_parameter(Name=parameter)
    assert check(encode_check(replace(request, user_name="bob"))) == "NON_COMPLIANT"


@pytest.mark.parametrize("joined", [False, True])
def test_a_sweep_knows_by_its_id_who_was_renamed_untold(stack: Stack, *, joined: bool) -> None:
    """What was told under the old name counts: the creation, or a joining after it."""
    stack.create_user("dan", at(0))
    stack.deployment().receive(created(0, "dan"))
    if joined:
        stack.deployment().receive(call("AddUserToGroup", 5, "dan"))
        join("dan")
    stack.clock.advance(10)
    stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
    if joined:
        leave("dan")
    client("iam").update_user(UserName="dan", NewUserName="rob")
    stack.clock.advance(GRACE)
    assert stack.deployment().sweep(lambda: 900.0).run(ACCOUNT).opened == (not joined)


# -- what a fact costs ----------------------------------------------------------------------------


class Counted:
    """Warm functions on an account, whose calls to AWS are counted."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.calls: Counter[str] = Counter()
        self.deployment = stack.deployment()
        clients = self.deployment.clients
        for service in ("dynamodb", "iam", "hasty_iam", "sqs", "sns", "ssm"):
            getattr(clients, service)().meta.events.register("before-call", self._count)
        stack.create_user("warm", LONG_AGO)
        self.check(CheckRequest(ACCOUNT, "warm", at(-HOUR), Origin.EVENT))
        stack.alerts()
        stack.clock.advance(120)  # what is told together is long past

    def _count(self, model: Any, **_: Any) -> None:
        is_iam = model.service_model.service_name == "iam"
        self.calls["IAM" if is_iam else "others"] += 1

    def check(self, request: CheckRequest) -> None:
        """Make a check."""
        self.deployment.check(encode_check(request))

    def journey(self, *events: dict[str, Any], wait: float = GRACE) -> tuple[int, int]:
        """Events come, and the checks that they ask for: calls of IAM, and others."""
        self.calls.clear()
        for event in events:
            self.deployment.receive(event)
        self.stack.clock.advance(wait)
        for body in self.stack.queued():
            self.deployment.check(body)
        return self.calls["IAM"], self.calls["others"]


def test_what_each_journey_costs(stack: Stack) -> None:
    """In calls: the limits of IAM are shared by all of the account, and the rest is paid for."""
    counted = Counted(stack)
    begun = (stack.clock.now - at(0)).total_seconds()
    for name in ("tidy", "brief", "alone"):
        stack.create_user(name, stack.clock.now)
    events = {name: created(begun, name) for name in ("tidy", "brief", "alone")}
    join("tidy")
    assert counted.journey(events["tidy"], call("AddUserToGroup", begun + 1, "tidy")) == (1, 4)
    client("iam").delete_user(UserName="brief")
    assert counted.journey(events["brief"], call("DeleteUser", begun + 1, "brief")) == (1, 4)
    assert counted.journey(events["alone"]) == (7, 8)
    join("alone")
    joined = (stack.clock.now - at(0)).total_seconds()
    assert counted.journey(call("AddUserToGroup", joined, "alone"), wait=1) == (2, 6)
    assert [kind for kind, _ in stack.told()] == ["opened", "resolved"]

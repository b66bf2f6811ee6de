"""The monitor as it is wired, on an AWS in memory and a clock that the test sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from chalicelib.adapters.tables import Ledger
from chalicelib.domain.events import MalformedEventError
from chalicelib.domain.facts import Mark, News
from chalicelib.flows.receive import Receive
from tests.adapters.aws import client
from tests.adapters.stack import Stack, aws_in_memory
from tests.unit.records import NOW, USER_ID, at, envelope, record

GRACE = 900


@pytest.fixture
def stack() -> Iterator[Stack]:
    """All resources, and a clock that stands at noon."""
    with aws_in_memory() as made:
        yield made


@pytest.fixture
def iam(stack: Stack) -> Any:
    """IAM, with a group and the user bob in it."""
    made = client("iam")
    made.create_group(GroupName="nurses")
    stack.create_user("bob", at(-(10**6)))
    made.add_user_to_group(UserName="bob", GroupName="nurses")
    return made


def told(stack: Stack, name: str, seconds: float, **parameters: str) -> str:
    """A cold function receives a call about bob, made so many seconds after noon."""
    asked = {"userName": "bob", "groupName": "nurses"} | parameters
    detail = record(name, eventTime=at(seconds).isoformat(), requestParameters=asked)
    return stack.deployment().receive(envelope(detail))


def checked(stack: Stack) -> list[str]:
    """A cold function takes what is in the check queue."""
    check = stack.deployment().check
    return [check(body) for body in stack.queued()]


def left(stack: Stack, iam: Any, seconds: float) -> None:
    """Bob leaves his group, and the event arrives at once."""
    iam.remove_user_from_group(UserName="bob", GroupName="nurses")
    stack.clock.now = at(seconds)
    told(stack, "RemoveUserFromGroup", seconds)


def test_a_stray_is_told_of_once_its_grace_is_over(stack: Stack, iam: Any) -> None:
    """Not before, and with the call that made it one."""
    left(stack, iam, 0)
    stack.clock.advance(GRACE - 1)
    assert checked(stack) == ["waiting"]
    stack.clock.advance(1)
    assert checked(stack) == ["NON_COMPLIANT"]
    (alert,) = stack.alerts()
    assert (alert["type"], alert["finding"]["user_name"]) == ("opened", "bob")
    assert alert["cause"]["event_name"] == "RemoveUserFromGroup"


@pytest.mark.parametrize("call", ["AddUserToGroup", "DeleteUser"])
def test_a_resolved_alert_says_who_ended_it(stack: Stack, iam: Any, call: str) -> None:
    """Whoever put the user into the group, or deleted it, as far as an event told."""
    left(stack, iam, 0)
    stack.clock.advance(GRACE)
    checked(stack)
    stack.alerts()
    if call == "DeleteUser":
        iam.delete_user(UserName="bob")
    else:
        iam.add_user_to_group(UserName="bob", GroupName="nurses")
    stack.clock.advance(100)
    told(stack, call, GRACE + 90)
    stack.clock.advance(10)
    checked(stack)
    (alert,) = stack.alerts()
    by = alert["finding"]["resolution"]["cause"]
    assert (alert["type"], by["event_name"], by["event_time"][-6:]) == ("resolved", call, "16:30Z")


def test_who_joins_in_time_is_left_in_peace(stack: Stack, iam: Any) -> None:
    """The look at the end of the grace shows a group: silence."""
    left(stack, iam, 0)
    iam.add_user_to_group(UserName="bob", GroupName="nurses")
    told(stack, "AddUserToGroup", 10)
    stack.clock.advance(GRACE)
    assert checked(stack) == ["COMPLIANT"]
    assert stack.alerts() == []


def test_repeated_events_lead_to_one_alert(stack: Stack, iam: Any) -> None:
    """EventBridge delivers at least once, and several trails record one call."""
    left(stack, iam, 0)
    assert told(stack, "RemoveUserFromGroup", 0) == "waiting"
    bodies = stack.queued()
    assert len(bodies) == 2
    stack.clock.advance(GRACE)
    check = stack.deployment().check
    assert [check(body) for body in bodies] == ["NON_COMPLIANT", "NON_COMPLIANT"]
    assert stack.told() == [("opened", "bob")]


def test_a_long_grace_is_waited_out_by_one_message() -> None:
    """SQS may hand every message over twice: that must not double them at each step."""
    hours = 2
    with aws_in_memory(GRACE_PERIOD_SECONDS=str(hours * 3600)) as stack:
        stack.create_user("bob", at(0))
        stack.clock.now = at(0)
        told(stack, "CreateUser", 0)
        steps = 0
        while stack.clock.now < at(hours * 3600):
            (body,) = stack.queued()
            stack.clock.advance(900)
            check = stack.deployment().check
            outcomes = [check(body), check(body)]
            steps += 1
        assert steps == hours * 4
        assert outcomes == ["NON_COMPLIANT", "NON_COMPLIANT"]
        assert stack.told() == [("opened", "bob")]


def test_a_stray_is_found_whatever_the_case_of_its_name(stack: Stack, iam: Any) -> None:
    """The caller may spell the name as it likes; a new case is no new name."""
    left(stack, iam, 0)
    assert told(stack, "UpdateUser", 10, newUserName="BOB") == "ignored"
    stack.clock.advance(GRACE)
    assert checked(stack) == ["NON_COMPLIANT"]


def test_a_look_that_is_older_than_its_event_is_taken_again(stack: Stack) -> None:
    """IAM does not show the new user yet: look again, and do not call it gone."""
    told(stack, "CreateUser", 0)
    (body,) = stack.queued()
    with_no_grace = replace(stack, environment=stack.environment | {"GRACE_PERIOD_SECONDS": "0"})
    stack.clock.advance(1)
    assert with_no_grace.deployment().check(body) == "waiting"
    assert len(stack.queued()) == 1


def test_a_new_bearer_of_a_name_just_given_up_is_looked_at(stack: Stack, iam: Any) -> None:
    """Bob became rob, and a new bob was made in that second."""
    iam.update_user(UserName="bob", NewUserName="rob")
    stack.create_user("bob", at(0.5))
    told(stack, "UpdateUser", 0, newUserName="rob")
    told(stack, "CreateUser", 0)
    stack.clock.now = at(GRACE + 1)
    assert "NON_COMPLIANT" in checked(stack)
    assert stack.told() == [("opened", "bob")]


def test_of_two_copies_of_a_waiting_check_one_goes_on() -> None:
    """SQS may hand a message over twice: their number must not double with every 15 minutes."""
    with aws_in_memory(GRACE_PERIOD_SECONDS="3600") as stack:
        told(stack, "RemoveUserFromGroup", 0)
        (body,) = stack.queued()
        stack.clock.advance(900)
        check = stack.deployment().check
        assert [check(body), check(body)] == ["waiting", "merged"]
        assert len(stack.queued()) == 1


def test_a_rename_does_not_hide_a_stray(stack: Stack, iam: Any) -> None:
    """The check goes on under the new name, and its grace does not begin anew."""
    left(stack, iam, 0)
    iam.update_user(UserName="bob", NewUserName="rob")
    told(stack, "UpdateUser", 10, newUserName="rob")
    stack.clock.now = at(GRACE)
    assert sorted(checked(stack)) == ["NON_COMPLIANT", "superseded"]
    assert stack.told() == [("opened", "rob")]


def test_a_name_that_changed_hands_within_the_grace_hides_nobody(stack: Stack, iam: Any) -> None:
    """Bob became rob, then a stray called ann became bob: it is she who is a stray now."""
    stack.create_user("ann", at(0))
    told(stack, "CreateUser", 0, userName="ann")
    iam.update_user(UserName="bob", NewUserName="rob")
    told(stack, "UpdateUser", 10, newUserName="rob")
    iam.update_user(UserName="ann", NewUserName="bob")
    stack.clock.now = at(20)
    told(stack, "UpdateUser", 20, userName="ann", newUserName="bob")
    stack.clock.now = at(GRACE)
    assert "NON_COMPLIANT" in checked(stack)
    assert stack.told() == [("opened", "bob")]


def test_a_rename_told_of_after_the_name_was_taken_hides_nobody(stack: Stack, iam: Any) -> None:
    """Bob left, became rob, and ann became bob; the news of his rename comes last."""
    left(stack, iam, 0)
    stack.create_user("ann", at(-5))
    iam.update_user(UserName="bob", NewUserName="rob")
    iam.update_user(UserName="ann", NewUserName="bob")
    stack.clock.now = at(20)
    told(stack, "UpdateUser", 20, userName="ann", newUserName="bob")
    told(stack, "UpdateUser", 10, newUserName="rob")
    for seconds in (30, GRACE + 30):
        stack.clock.now = at(seconds)
        checked(stack)
    assert ("opened", "rob") in stack.told()


def test_flapping_is_told_whatever_the_order_of_its_events(stack: Stack, iam: Any) -> None:
    """Joins overtake leaves on their way through two functions; they count all the same."""
    assert iam
    stack.clock.now = at(100)
    for start in (0, 20, 40):
        told(stack, "AddUserToGroup", start + 10)
        told(stack, "RemoveUserFromGroup", start)
    told(stack, "AddUserToGroup", 60)
    assert [alert["type"] for alert in stack.alerts()] == ["flapping"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("ListGroupsForUser", "Throttling"),
        ("ListGroupsForUser", "AccessDenied"),
        ("GetUser", "Throttling"),
        ("GetUser", "AccessDenied"),
    ],
)
def test_a_look_that_failed_is_no_evaluation(stack: Stack, iam: Any, call: str, code: str) -> None:
    """It is raised, so that it comes again; no alert, no finding, and nothing forgotten."""
    left(stack, iam, 0)
    stack.clock.advance(GRACE)
    (body,) = stack.queued()
    with pytest.raises(iam.exceptions.ClientError, match=code):
        stack.deployment(refusing={call: code}).check(body)
    assert stack.alerts() == []
    assert stack.deployment().check(body) == "NON_COMPLIANT"


def test_an_alert_that_could_not_be_published_comes_later(stack: Stack, iam: Any) -> None:
    """The finding is stored with its alert unsent; the check comes again, and sends it."""
    left(stack, iam, 0)
    stack.clock.advance(GRACE)
    (body,) = stack.queued()
    with pytest.raises(iam.exceptions.ClientError, match="KMSAccessDenied"):
        stack.deployment(refusing={"Publish": "KMSAccessDenied"}).check(body)
    stack.clock.advance(120)
    assert stack.deployment().check(body) == "NON_COMPLIANT"
    assert stack.told() == [("opened", "bob")]


def test_an_event_of_ours_that_cannot_be_read_is_raised(stack: Stack) -> None:
    """Lambda tries again and dead-letters it in the end: never to the floor."""
    with pytest.raises(MalformedEventError):
        stack.deployment().receive(envelope(record("DeleteUser", requestParameters=None)))


def test_what_is_not_ours_is_ignored_with_a_reason(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log says why; no table, queue or topic is touched."""
    detail = record("CreateUser", eventSource="sso-directory.amazonaws.com")
    assert stack.deployment().receive(envelope(detail)) == "ignored"
    assert json.loads(capsys.readouterr().out) == {
        "event": "event_ignored",
        "reason": "another service's event",
    }
    assert stack.queued() == []


# -- what a cold function pays for -------------------------------------------------------------


def test_building_a_deployment_makes_no_client_and_reads_no_setting(stack: Stack) -> None:
    """An import never fails, and a function pays for nothing that it does not use."""
    stack.environment.clear()
    stack.deployment()
    assert stack.made == []


def test_an_event_needs_the_table_and_the_queue_only(stack: Stack) -> None:
    """Neither IAM nor SNS: their clients take most of a cold start."""
    told(stack, "CreateUser", 0)
    told(stack, "AddUserToGroup", 10)
    assert set(stack.made) == {"dynamodb", "sqs"}


def test_a_check_of_a_user_in_a_group_needs_iam_but_no_topic(stack: Stack, iam: Any) -> None:
    """Only an alert pays for SNS."""
    assert iam
    told(stack, "RemoveUserFromGroup", -GRACE)
    stack.made.clear()
    assert checked(stack) == ["COMPLIANT"]
    assert set(stack.made) <= {"dynamodb", "sqs", "iam"}


def test_each_client_is_made_once(stack: Stack, iam: Any) -> None:
    """A batch of ten costs as many clients as one check."""
    left(stack, iam, -GRACE)
    stack.clock.now = NOW
    check = stack.deployment().check
    (body,) = stack.queued()
    check(body)
    stack.made.clear()
    for _ in range(3):
        check(body)
    assert stack.made == []


def test_the_finding_names_the_user_by_its_id(stack: Stack, iam: Any) -> None:
    """IAM's own id, not one that an event claims."""
    left(stack, iam, 0)
    stack.clock.advance(GRACE)
    checked(stack)
    (alert,) = stack.alerts()
    user_id = iam.get_user(UserName="bob")["User"]["UserId"]
    assert user_id != USER_ID
    assert alert["finding"]["id"] == f"aws:123456789012:{user_id}:1"


@dataclass
class Rival:
    """The ledger, where another worker notes something just before the first note."""

    ledger: Ledger
    act: Callable[[], object]

    def note(self, mark: Mark, news: News, now: datetime) -> Mark:
        """Note it, after the other one."""
        act, self.act = self.act, lambda: None
        act()
        return self.ledger.note(mark, news, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


def overtaken(stack: Stack, act: Callable[[], object]) -> Receive:
    """An event path that another worker overtakes once."""
    receive = stack.deployment().receive
    ledger: Any = Rival(receive.commit.ledger, act)  # type: ignore[arg-type]  # it is the adapter
    return replace(receive, commit=replace(receive.commit, ledger=ledger))


def call(name: str, seconds: float, **parameters: str) -> dict[str, Any]:
    """The event of a call about bob."""
    asked = {"userName": "bob", "groupName": "nurses"} | parameters
    return envelope(record(name, eventTime=at(seconds).isoformat(), requestParameters=asked))


@pytest.mark.parametrize("first", ["RemoveUserFromGroup", "UpdateUser"])
def test_a_rename_taken_in_beside_a_removal_hides_nobody(
    stack: Stack, iam: Any, first: str
) -> None:
    """Two workers take the two events at once, in either order: the stray is told of."""
    iam.remove_user_from_group(UserName="bob", GroupName="nurses")
    iam.update_user(UserName="bob", NewUserName="robert")
    stack.clock.now = at(10)
    removal = call("RemoveUserFromGroup", 1)
    rename = call("UpdateUser", 2, newUserName="robert")
    slow, fast = (removal, rename) if first == "RemoveUserFromGroup" else (rename, removal)
    overtaken(stack, lambda: stack.deployment().receive(fast))(slow)
    stack.clock.advance(GRACE)
    checked(stack)
    assert stack.told() == [("opened", "robert")]

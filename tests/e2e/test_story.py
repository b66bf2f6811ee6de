"""The story of the monitor, on the packaged application: who is told of, and who is not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from straywatch.alert_path.delivered import Delivered
from tests.e2e.local_stack import SILENCE_SECONDS, LocalStack


@dataclass(frozen=True)
class Told:
    """The story's users by their part in it, and every alert about each."""

    users: Mapping[str, str]
    alerts: Mapping[str, list[Delivered]]

    def kinds(self, part: str) -> list[str]:
        """Return the kinds of alert about a user, in the order in which they came."""
        return [alert.type for alert in self.alerts[part]]


PARTS = ("alone", "in_time", "last_of_two", "one_of_two", "deleted", "failed", "renamed", "mended")


@pytest.fixture(scope="module")
def told(deployed: LocalStack) -> Told:
    """All parts of the story, played at once; listened to until every grace is well over.

    Every event is delivered twice, as a second trail would have it.
    """
    users = {part: deployed.name(part) for part in PARTS}
    groups = [deployed.name("nurses"), deployed.name("billing")]
    deployed.control.plan(copies=2)
    _play(deployed, users, groups)
    for part in ("alone", "last_of_two"):
        deployed.alert(users[part])
    deployed.alert(users["renamed"] + ".new")
    deployed.alert(users["mended"])
    deployed.iam.add_user_to_group(UserName=users["mended"], GroupName=groups[0])
    deployed.alert(users["mended"], "resolved")
    deployed.control.reset()
    until = time.monotonic() + deployed.grace_seconds + SILENCE_SECONDS
    while time.monotonic() < until:
        deployed.inbox.poll()
    return Told(users, {part: _about(deployed, name) for part, name in users.items()})


def _play(stack: LocalStack, users: Mapping[str, str], groups: list[str]) -> None:
    iam = stack.iam
    for group in groups:
        iam.create_group(GroupName=group)
    for part in ("last_of_two", "one_of_two"):
        iam.create_user(UserName=users[part])
        for group in groups:
            iam.add_user_to_group(UserName=users[part], GroupName=group)
    for part in ("alone", "in_time", "deleted", "renamed", "mended"):
        iam.create_user(UserName=users[part])
    iam.add_user_to_group(UserName=users["in_time"], GroupName=groups[0])
    iam.delete_user(UserName=users["deleted"])
    iam.update_user(UserName=users["renamed"], NewUserName=users["renamed"] + ".new")
    # CloudTrail tells whole seconds: a leaving in the second of a creation may be a former bearer's
    time.sleep(1 - time.time() % 1)
    for group in groups:
        iam.remove_user_from_group(UserName=users["last_of_two"], GroupName=group)
    iam.remove_user_from_group(UserName=users["one_of_two"], GroupName=groups[0])
    for call in (iam.create_user, iam.delete_user):
        user = users["in_time"] if call == iam.create_user else users["failed"]
        with pytest.raises(ClientError):
            call(UserName=user)


def _about(stack: LocalStack, name: str) -> list[Delivered]:
    return [alert for alert in stack.inbox.alerts if alert.user_name in (name, name + ".new")]


def test_a_user_left_alone_is_told_of(told: Told) -> None:
    """Created and put in no group within its grace: one alert, naming the call that did it."""
    assert told.kinds("alone") == ["opened"]
    (alert,) = told.alerts["alone"]
    assert alert.body["cause"]["event_name"] == "CreateUser"
    assert alert.body["finding"]["detected_by"] == "event"


def test_who_joins_in_time_is_not(told: Told) -> None:
    """People get their grace to finish what they are doing."""
    assert told.kinds("in_time") == []


def test_who_leaves_the_last_of_two_groups_is_told_of(told: Told) -> None:
    """The cause is the call that took the user out of a group last."""
    assert told.kinds("last_of_two") == ["opened"]
    (alert,) = told.alerts["last_of_two"]
    assert alert.body["cause"]["event_name"] == "RemoveUserFromGroup"


def test_who_leaves_one_of_two_groups_is_not(told: Told) -> None:
    """Live IAM decides, not the event."""
    assert told.kinds("one_of_two") == []


def test_who_is_deleted_in_time_is_not(told: Told) -> None:
    """Every deletion looks like a violation until the grace is over."""
    assert told.kinds("deleted") == []


def test_calls_that_failed_tell_nothing(told: Told) -> None:
    """A user who was not created is none."""
    assert told.kinds("failed") == []


def test_a_rename_hides_nobody_and_tells_once(told: Told) -> None:
    """The alert bears the present name; identity is the user id."""
    assert told.kinds("renamed") == ["opened"]
    (alert,) = told.alerts["renamed"]
    assert alert.user_name == told.users["renamed"] + ".new"


def test_an_alert_is_closed_with_its_reason(told: Told) -> None:
    """Each opened is followed by one resolved, about the same finding."""
    assert told.kinds("mended") == ["opened", "resolved"]
    opened, resolved = told.alerts["mended"]
    assert opened.body["finding"]["id"] == resolved.body["finding"]["id"]
    assert resolved.body["finding"]["resolution"]["reason"] == "joined_group"


def test_machines_and_people_get_the_same_alert(told: Told) -> None:
    """Body, attributes, subject and mail agree."""
    (alert,) = told.alerts["alone"]
    assert alert.body["schema"] == "straywatch.alert/1"
    assert alert.attributes["type"] == "opened"
    assert alert.attributes["account_id"] == alert.body["finding"]["account_id"]
    assert told.users["alone"] in alert.mail
    assert len(alert.subject) < 100

"""Each action that a function's policy grants is used, and none that it needs is missing.

One scenario takes every function through all that it can do, under its own role. Take an action
out of a policy and something in it is denied; put one in and it is never used. What this cannot
catch is said in UNCAUGHT.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from straywatch.deploy.packaging import Package
from tests.e2e.local_stack import GRACE_SECONDS, LocalStack, local_stack

FUNCTIONS = (
    "on_membership_lost",
    "on_membership_settled",
    "check_membership",
    "sweep",
    "heartbeat",
)
UNCAUGHT = {"sweep": {"iam:GetUser", "iam:ListGroupsForUser"}}
"""Granted actions that are used now and then: a sweep looks again where its look has grown old."""

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}],
    }
)
GROUP = "ward"


def _play(stack: LocalStack) -> None:
    """Take every function through all that it can do."""
    stack.iam.create_group(GroupName=GROUP)
    stack.iam.create_policy(PolicyName="managed", PolicyDocument=POLICY)
    stack.control.forget_calls()
    _beat(stack)
    _weigh_a_user(stack)
    _tell_of_flapping(stack)
    _find_a_user_by_id(stack)
    _tell_of_a_creation_after_its_rename(stack)
    _dead_letter(stack)
    _sweep(stack)


def _beat(stack: LocalStack) -> None:
    """A heartbeat before the first sweep, and one that fails."""
    functions = stack.session.client("lambda")
    name = stack.physical_id("Heartbeat")
    answer = functions.invoke(FunctionName=name, Payload=b"{}")
    told = json.loads(answer["Payload"].read())
    assert told == {"sweep_overdue_minutes": 0, "unheard": 0}
    letters = _dead_letters(stack)
    stack.control.fail("dynamodb:GetItem", "ValidationException", times=99, caller="Heartbeat")
    functions.invoke(FunctionName=name, Payload=b"{}", InvocationType="Event")
    stack.until(lambda: _dead_letters(stack) > letters, "the failed heartbeat's dead letter")
    stack.control.reset()


def _weigh_a_user(stack: LocalStack) -> None:
    """An alert about a user with every kind of permission and credential."""
    _create_worth_weighing(stack, "weighty")
    stack.alert("weighty")


def _create_worth_weighing(stack: LocalStack, name: str) -> None:
    iam = stack.iam
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=POLICY)
    policies = iam.list_policies(Scope="Local")["Policies"]
    iam.attach_user_policy(UserName=name, PolicyArn=policies[0]["Arn"])
    iam.create_access_key(UserName=name)
    iam.create_login_profile(UserName=name, Password="correct horse")


def _tell_of_flapping(stack: LocalStack) -> None:
    """A user who joins and leaves all day: the settling side publishes."""
    stack.iam.create_user(UserName="flapper")
    for _ in range(2):
        _pass_a_second()
        stack.iam.add_user_to_group(UserName="flapper", GroupName=GROUP)
        _pass_a_second()
        stack.iam.remove_user_from_group(UserName="flapper", GroupName=GROUP)
    _pass_a_second()
    stack.iam.add_user_to_group(UserName="flapper", GroupName=GROUP)
    stack.until(lambda: "sns:Publish" in stack.used("on_membership_settled"), "flapping told")


def _pass_a_second() -> None:
    """Wait for the next second: CloudTrail tells times no finer."""
    second = datetime.now(UTC).replace(microsecond=0)
    while datetime.now(UTC).replace(microsecond=0) == second:
        time.sleep(0.02)


def _find_a_user_by_id(stack: LocalStack) -> None:
    """The rename of a stray is lost, and somebody else gets its old name."""
    stack.control.plan("lose")
    stack.iam.update_user(UserName="weighty", NewUserName="lighter")
    stack.control.reset()
    stack.iam.create_user(UserName="weighty")
    stack.iam.add_user_to_group(UserName="weighty", GroupName=GROUP)
    stack.until(
        lambda: "iam:GetAccountAuthorizationDetails" in stack.used("check_membership"),
        "a look for the user id",
    )


def _tell_of_a_creation_after_its_rename(stack: LocalStack) -> None:
    """Whoever hears of it late asks for a check under the name that the user has by now."""
    stack.control.plan(delay_seconds=3)
    stack.iam.create_user(UserName="mover")
    stack.control.plan()
    stack.iam.update_user(UserName="mover", NewUserName="moved")
    stack.until(lambda: "dynamodb:GetItem" in stack.used("on_membership_lost"), "the new name")


def _dead_letter(stack: LocalStack) -> None:
    """What each event function cannot process, and a check that cannot be read, is set aside."""
    for function in ("OnMembershipLost", "OnMembershipSettled"):
        stack.control.fail("dynamodb:UpdateItem", "ValidationException", times=99, caller=function)
    stack.iam.create_user(UserName="unlucky")
    stack.iam.add_user_to_group(UserName="unlucky", GroupName=GROUP)
    stack.session.client("sqs").send_message(
        QueueUrl=stack.outputs["CheckQueueUrl"], MessageBody="no check"
    )
    stack.until(lambda: _dead_letters(stack) >= 4, "three more dead letters")
    stack.control.reset()


def _dead_letters(stack: LocalStack) -> int:
    read = stack.session.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["DeadLetterQueueUrl"],
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    return int(read["Attributes"]["ApproximateNumberOfMessages"])


def _sweep(stack: LocalStack) -> None:
    """Sweeps meet strays nobody told of: one, several, a fresh one; a deletion; a failure."""
    stack.control.plan("lose")
    stack.iam.create_user(UserName="fresh")
    stack.iam.add_user_to_group(UserName="fresh", GroupName=GROUP)
    _create_worth_weighing(stack, "untold")
    _delete_all(stack, "lighter")
    time.sleep(GRACE_SECONDS)  # the grace of `untold` passes; no event tells of its end
    _sweep_now(stack)
    stack.alert("untold")
    _pass_a_second()  # so that the sweep before cannot be taken to have missed them
    several = ("one-more", "another")
    for name in several:
        stack.iam.create_user(UserName=name)
    time.sleep(GRACE_SECONDS)  # likewise
    # in a group at the last sweep, so that its grace begins with this one, however late it runs
    stack.iam.remove_user_from_group(UserName="fresh", GroupName=GROUP)
    stack.control.reset()
    _sweep_now(stack)
    for name in several:
        stack.alert(name)
    letters = _dead_letters(stack)
    stack.control.fail("dynamodb:Query", "ValidationException", times=99, caller="Sweep")
    stack.session.client("lambda").invoke(
        FunctionName=stack.outputs["SweepFunctionName"], Payload=b"{}", InvocationType="Event"
    )
    stack.until(lambda: _dead_letters(stack) > letters, "the failed sweep's dead letter")
    stack.control.reset()


def _sweep_now(stack: LocalStack) -> None:
    answer = stack.session.client("lambda").invoke(
        FunctionName=stack.outputs["SweepFunctionName"], Payload=b"{}"
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def _delete_all(stack: LocalStack, name: str) -> None:
    iam = stack.iam
    iam.delete_login_profile(UserName=name)
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_user_policy(UserName=name, PolicyName="inline")
    iam.delete_user(UserName=name)


def test_each_policy_grants_what_its_function_uses_and_nothing_else(package: Package) -> None:
    """No role misses an action, behind the scenes included; none has one that it never needs.

    Behind the scenes means reading the queue, writing the log, using the key, dead-lettering.
    """
    with local_stack(package, FlappingEpisodes="1") as stack:
        _play(stack)
        denials = stack.control.denials()
        unused = {
            function: sorted(
                stack.granted(function) - stack.used(function) - UNCAUGHT.get(function, set())
            )
            for function in FUNCTIONS
        }

    assert denials == []
    assert unused == {function: [] for function in FUNCTIONS}


def test_a_look_that_is_denied_is_no_answer(stack: LocalStack) -> None:
    """Without iam:ListGroupsForUser nobody knows of a user's groups, so nobody is alerted."""
    user = stack.name("denied")

    with stack.without("check_membership", "iam:ListGroupsForUser"):
        stack.iam.create_user(UserName=user)
        stack.until(
            lambda: any(
                denial["action"] == "iam:ListGroupsForUser" for denial in stack.control.denials()
            ),
            "a denied look",
        )
        assert stack.alerts_after_silence(user) == []

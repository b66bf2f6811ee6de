"""Each function loses each of its permissions in turn: its work fails, and somebody is told.

docs/alarms.md says who, in two tables: which alarms ring for a function that fails, none of them by
anything that the function may, and what a function goes on without.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.authorization_details import UnreadableUsersError
from chalicelib.bootstrap import Deployment
from chalicelib.channels.interface import Channel
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert
from chalicelib.domain.check_requests import DigestRequest, encode_check
from chalicelib.domain.findings import AlertType
from chalicelib.messages.body import body_of
from straywatch.deploy.template import assemble
from straywatch.local.receivers.http_endpoint import serving
from straywatch.local.receivers.pagerduty import ROUTING_KEY, PagerDuty
from tests.adapters.aws import client
from tests.adapters.stack import Stack, aws_in_memory
from tests.unit.examples import FINDING
from tests.unit.records import ACCOUNT_ID, at, envelope, record
from tests.unit.sns_events import sns_event

ROOT = Path(__file__).resolve().parents[2]
RESOURCES: dict[str, Any] = assemble()["Resources"]
ALARMS = {k: v["Properties"] for k, v in RESOURCES.items() if "Alarm" in v["Type"]}
ACCOUNT = Account("aws", ACCOUNT_ID)
LONG_AGO = at(-(10**6))
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}],
    }
)
PAGE = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
FAILING = {
    function: set(re.findall(r"\w+Alarm", alarms))
    for function, alarms in re.findall(r"^\| `(\w+)` fails \| (.+) \|$", PAGE, re.MULTILINE)
}
"""Which alarms ring for each function that fails, as docs/alarms.md has it."""
GOES_ON = set(re.findall(r"^\| without `(\w+)` \|", PAGE, re.MULTILINE))
"""The statements of policies without which a function goes on."""
BY_AWS = {
    "WriteItsLog",
    "DeadLetter",
    "TakeChecks",
    "TakeFindings",
    "AlertEncrypted",
    "PostEncrypted",
}
"""What AWS does in a function's name: no call of the function's own is denied."""
SELDOM = {
    ("sweep", "LookAtUsers"): "only where the snapshot has grown old; denied in tests of the sweep",
}
"""What the work below does not come to."""
OF_ORGANIZATIONS = {"policy-list_accounts", "policy-sweep_account"}
"""Functions that one account alone has not; nor has it what is granted `Fn::If HasOrganization`."""
_TRANSACTED = {"PutItem", "UpdateItem"}


def calls(actions: Iterable[str]) -> set[str]:
    """The calls that are denied without these actions: a transaction needs those of its parts."""
    names = {action.split(":")[1] for action in actions}
    return names | ({"TransactWriteItems"} if names & _TRANSACTED else set())


GRANTS = [
    (path.stem.removeprefix("policy-"), statement["Sid"], calls(statement["Action"]))
    for path in sorted((ROOT / ".chalice").glob("policy-*.json"))
    for statement in json.loads(path.read_text())["Statement"]
    if path.stem not in OF_ORGANIZATIONS and "Fn::If" not in statement
]
Work = Callable[[Deployment], object]


def _told(name: str, seconds: float, **parameters: str) -> dict[str, Any]:
    asked = {"userName": "bob", "groupName": "nurses"} | parameters
    return envelope(record(name, eventTime=at(seconds).isoformat(), requestParameters=asked))


def _losing(stack: Stack) -> Work:
    """Hear of a creation late: the user has had another name since."""
    stack.deployment().receive(_told("UpdateUser", 5, newUserName="rob"))
    return lambda d: d.receive(_told("CreateUser", 0))


def _settling(stack: Stack) -> Work:
    """Hear of one who flaps, and of one who is gone while a finding is open."""
    stack.create_user("gone", LONG_AGO)
    stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
    stack.clock.now = at(100)
    healthy = stack.deployment()
    healthy.receive(_told("RemoveUserFromGroup", 40))

    def work(deployment: Deployment) -> None:
        deployment.receive(_told("AddUserToGroup", 60))
        deployment.receive(_told("DeleteUser", 70, userName="gone"))

    return work


def _make_weighty(stack: Stack, name: str, created_at: datetime = LONG_AGO) -> None:
    """A stray with everything that is weighed."""
    iam = client("iam")
    stack.create_user(name, created_at)
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=POLICY)
    made = iam.create_policy(PolicyName=f"p-{name}", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=made)


def _checking(stack: Stack) -> Work:
    """Check a stray, one whose grace runs, one who lost his name to another; tell of a flood."""
    for name in ("renamed", "another"):
        stack.create_user(name, LONG_AGO)
    stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
    client("iam").update_user(UserName="renamed", NewUserName="other")
    stack.create_user("renamed", at(-10))
    stack.create_user("young", at(0))
    _make_weighty(stack, "bob")
    stack.queued()
    for name, since in (("bob", -2000), ("young", 0), ("renamed", -2000)):
        stack.deployment().receive(_told("RemoveUserFromGroup", since, userName=name))
    bodies = [*stack.queued(), encode_check(DigestRequest(ACCOUNT))]

    def work(deployment: Deployment) -> None:
        for body in bodies:
            deployment.check(body)

    return work


def _sweeping(stack: Stack) -> Work:
    """Meet strays of whom nobody told: two together, and later one, and a young one."""
    _make_weighty(stack, "weighty")
    stack.create_user("another", LONG_AGO)

    def work(deployment: Deployment) -> None:
        deployment.sweep(lambda: 900.0).run(ACCOUNT)
        _make_weighty(stack, "late", at(1))
        stack.clock.advance(3600)
        stack.create_user("young", stack.clock.now)
        deployment.sweep(lambda: 900.0).run(ACCOUNT)

    return work


def _beating(_: Stack) -> Work:
    return lambda d: d.heartbeat.beat(ACCOUNT)


EVENT = sns_event(Alert(AlertType.OPENED, FINDING))


def _relaying(channel: Callable[[Deployment], Channel]) -> Callable[[Stack], Work]:
    return lambda _: lambda d: d.from_topic(channel(d), EVENT)


def _importing(_: Stack) -> Work:
    body = json.dumps(body_of(Alert(AlertType.OPENED, FINDING), ""))
    event = {"Records": [{"messageId": "m", "body": body}]}

    def work(deployment: Deployment) -> None:
        came_again = deployment.from_queue(deployment.security_hub, event)["batchItemFailures"]
        assert came_again == [], "a message that comes again is dead-lettered in the end"

    return work


WORK: dict[str, Callable[[Stack], Work]] = {
    "on_membership_lost": _losing,
    "on_membership_settled": _settling,
    "check_membership": _checking,
    "sweep": _sweeping,
    "heartbeat": _beating,
    "page_on_call": _relaying(lambda d: d.but_for_drills(d.pager)),
    "post_to_chat": _relaying(lambda d: d.chat),
    "put_on_event_bus": _relaying(lambda d: d.event_bus),
    "import_to_security_hub": _importing,
}


@contextmanager
def deployed() -> Iterator[Stack]:
    """Every resource that a function touches, those of the channels included."""
    with aws_in_memory() as stack, serving(PagerDuty().receive) as address:
        client("iam").create_group(GroupName="nurses")
        client("ssm").describe_parameters()  # or each copy would load it anew, which takes a second
        sns = client("sns")
        secret = client("secretsmanager").create_secret(Name="pd", SecretString=ROUTING_KEY)
        stack.environment |= {
            "DIGEST_ABOVE": "1",
            "FLAPPING_EPISODES": "1",
            "SWEEP_RATE": "rate(1 hour)",
            "HEALTH_TOPIC_ARN": sns.create_topic(Name="health")["TopicArn"],
            "TAMPER_TOPIC_ARN": sns.create_topic(Name="tamper")["TopicArn"],
            "DECLARED_LISTENERS": "email: sms:",
            "PAGERDUTY_SECRET_ARN": secret["ARN"],
            "PAGERDUTY_URL": f"{address}/v2/enqueue",
            "PAGERDUTY_SEVERITIES": "LOW,MEDIUM,HIGH,CRITICAL",
            "CHAT_TOPIC_ARN": sns.create_topic(Name="chat")["TopicArn"],
            "FINDING_EVENT_BUS_ARN": client("events").create_event_bus(Name="b")["EventBusArn"],
        }
        yield stack


class Outcome(StrEnum):
    """What becomes of a function's work."""

    FAILED = "failed"
    WENT_ON = "went on"
    NEVER_CAME_TO_IT = "never came to what was denied"


def outcome(stack: Stack, work: Work, denied: set[str]) -> Outcome:
    """Do the work while these calls are refused."""
    stack.called.clear()
    done = Outcome.WENT_ON
    try:
        work(stack.deployment(refusing=dict.fromkeys(denied, "AccessDenied")))
    except (ClientError, UnreadableUsersError) as error:
        if "AccessDenied" not in str(error):
            raise
        done = Outcome.FAILED
    came_to_it = {call.split(":")[1] for call in stack.called} & denied
    return done if came_to_it else Outcome.NEVER_CAME_TO_IT


def in_a_copy(act: Callable[[], str]) -> str:
    """What `act` returns in a process that is this one's copy: what it changes is not seen here.

    An exception is told by its name and text.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            told = act()
        except BaseException as error:  # noqa: BLE001 - the copy must not go on as a test session
            told = repr(error)
        os.write(writing, told.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        told = answer.read().decode(errors="replace")
    os.waitpid(child, 0)
    return told


@pytest.mark.parametrize("function", WORK)
def test_a_function_fails_without_what_it_needs(function: str) -> None:
    """A refusal is no answer. What it can do without, it does, and the alert says so.

    What the work needs is made once, and each permission is denied in a copy of it.
    """
    denials = {
        sid: denied
        for owner, sid, denied in GRANTS
        if owner == function and sid not in BY_AWS and (function, sid) not in SELDOM
    }
    with deployed() as stack:
        work = WORK[function](stack)
        outcomes = {
            sid: in_a_copy(partial(outcome, stack, work, denied)) for sid, denied in denials.items()
        }
    assert outcomes == {
        sid: Outcome.WENT_ON if sid in GOES_ON else Outcome.FAILED for sid in denials
    }
    assert denials, "a function that needs nothing does nothing"


def test_the_work_of_every_function_is_done() -> None:
    """None is left out."""
    assert WORK.keys() == {function for function, _, _ in GRANTS}


def _in_ref(value: dict[str, Any]) -> str:
    name: str = value.get("Ref") or value["Fn::GetAtt"][0]
    return name


def ringing(function: str) -> set[str]:
    """The alarms that a failing function makes ring, by what the template says of both."""
    properties = RESOURCES[function]["Properties"]
    sources = [each["Properties"] for each in properties["Events"].values()]
    queues = {
        re.sub(r"\W|Arn", "", each["Queue"]["Fn::Sub"]) for each in sources if "Queue" in each
    }
    about = {function, *queues}
    if "EventInvokeConfig" in properties or all(
        "RedrivePolicy" in RESOURCES[queue]["Properties"] for queue in queues
    ):
        about.add("DeadLetterQueue")
    return {
        name
        for name, alarm in ALARMS.items()
        if any(_in_ref(each["Value"]) in about for each in alarm["Dimensions"])
    }


OWN_METRICS = {
    "CheckMembership": {"ChecksFailingAlarm"},
    "Sweep": {"SweepSilentAlarm"},
    "Heartbeat": {"SweepSilentAlarm"},
}
"""What rings by a metric that a function tells, or keeps from telling."""


@pytest.mark.parametrize("function", [n for n, v in RESOURCES.items() if "Function" in v["Type"]])
def test_who_notices_is_as_the_page_says(function: str) -> None:
    """Each alarm of a failing function; one at least is told by AWS alone, whatever is denied."""
    assert FAILING[function] == ringing(function) | OWN_METRICS.get(function, set())
    assert "DeadLetterAlarm" in FAILING[function]


def test_what_a_function_goes_on_without_is_granted() -> None:
    """No row is left over."""
    assert {sid for _, sid, _ in GRANTS} >= GOES_ON

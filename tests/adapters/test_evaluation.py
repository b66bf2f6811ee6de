"""One table of what can be known of a user: everybody who evaluates comes to the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.authorization_details import users
from chalicelib.adapters.iam import Iam
from chalicelib.adapters.tables import FindingsTable, Ledger, StateTable
from chalicelib.domain.account import Page, User
from chalicelib.domain.check_requests import CheckRequest, Origin, encode_check
from chalicelib.domain.evaluation import Evaluation, UnknownGroupsError, evaluate
from chalicelib.domain.exemptions import Exempt, Exemptions, NotExempt, parse
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from chalicelib.times import iso
from straywatch.audit.reading import Door, Question, read_account
from straywatch.checking.live import Checker
from straywatch.observing.census import census_of
from straywatch.replay.history import ReplayTotals, stretches
from straywatch.replay.stretches import Ending
from tests.adapters.aws import client
from tests.adapters.stack import Stack, aws_in_memory
from tests.unit.records import ACCOUNT, NOW, at, envelope, event, record

TAGS = {"straywatch:exempt": "robot"}


@dataclass(frozen=True)
class Case:
    """What is so when the user `bob` is looked at, and what that comes to.

    `closes` is why the finding that was open on bob is over, or "" where it stays open.
    """

    expected: str
    closes: str
    groups: tuple[str, ...] = ()
    exists: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    rule: Mapping[str, str] = field(default_factory=dict)


def by(kind: str, value: str, until: str = "2199-01-01") -> dict[str, str]:
    """A configured exemption."""
    return {kind: value, "reason": "a robot", "until": until}


ENDED = "2026-11-01"
NURSES = ("nurses",)
CASES = {
    "in a group": Case("COMPLIANT", "joined_group", NURSES),
    "in no group": Case("NON_COMPLIANT", ""),
    "gone": Case("GONE", "deleted", exists=False),
    "exempt by tag": Case("NOT_APPLICABLE", "exempted", tags=TAGS),
    "exempt by tag, in a group": Case("NOT_APPLICABLE", "exempted", NURSES, tags=TAGS),
    "exempt by name": Case("NOT_APPLICABLE", "exempted", rule=by("name", "BO*")),
    "exempt by name, in a group": Case(
        "NOT_APPLICABLE", "exempted", NURSES, rule=by("name", "bob")
    ),
    "exempt by path, in a group": Case(
        "NOT_APPLICABLE", "exempted", NURSES, rule=by("path", "/ward/")
    ),
    "exempt by id, in a group": Case("NOT_APPLICABLE", "exempted", NURSES, rule=by("user_id", "?")),
    "exempt until lately": Case("NON_COMPLIANT", "", rule=by("name", "bob", ENDED)),
    "exempt until lately, in a group": Case(
        "COMPLIANT", "joined_group", NURSES, rule=by("name", "bob", ENDED)
    ),
    "a name that would be exempt, gone": Case(
        "GONE", "deleted", exists=False, rule=by("name", "bob")
    ),
}


@dataclass(frozen=True)
class Scene:
    """An account as a case has it, and the exemptions in force in it."""

    stack: Stack
    exemptions: Exemptions


def check_path(scene: Scene) -> str:
    """What the check of the user comes to."""
    since = scene.stack.clock.now - timedelta(days=1)
    body = encode_check(CheckRequest(ACCOUNT, "bob", since, Origin.SETTLED))
    return scene.stack.deployment().check(body)


def sweep(scene: Scene) -> str:
    """What the sweep has counted the account's only user as."""
    result = scene.stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
    counted = {
        "COMPLIANT": result.compliant,
        "NOT_APPLICABLE": result.exempt,
        "NON_COMPLIANT": result.strays,
        "GONE": result.gone,
    }
    (word,) = (word for word, count in counted.items() if count)
    return word


def checker(stack: Stack, exemptions: Exemptions, sleep: Callable[[float], None]) -> Checker:
    """`straywatch check` on this account, with what the deployment remembers."""
    return Checker(
        account=ACCOUNT,
        iam=Iam(lambda: client("iam")),
        exemptions=exemptions,
        memory=Ledger(
            FindingsTable(client("dynamodb"), "findings", timedelta()),
            StateTable(client("dynamodb"), "state", timedelta()),
        ),
        assess=lambda _: Risk(Severity.LOW, "-"),
        clock=stack.clock,
        sleep=sleep,
    )


def check_command(scene: Scene) -> str:
    """The verdict of `straywatch check`."""
    asked = checker(scene.stack, scene.exemptions, scene.stack.clock.advance)
    return asked.check("bob").evaluated.evaluation


def audit(scene: Scene) -> str:
    """The evaluation in an audit, which does not show who is gone."""
    door = Door("test", ACCOUNT, lambda: client("iam"), lambda: client("cloudtrail"))
    asked = Question(now=scene.stack.clock.now, exemptions=scene.exemptions, risk=False)
    found = read_account(door, asked).users
    return found[0].evaluation if found else "GONE"


def census(scene: Scene) -> str:
    """How the dashboard counts the account's only user."""
    found = census_of(users(client("iam")), scene.exemptions, scene.stack.clock.now)
    counted = {
        "COMPLIANT": found.compliant,
        "NOT_APPLICABLE": found.exempt,
        "NON_COMPLIANT": found.strays,
    }
    words = [word for word, of_it in counted.items() if of_it]
    return words[0] if words else "GONE"


READERS: tuple[Callable[[Scene], str], ...] = (check_command, audit, census)
"""Callers that change nothing."""
CLOSERS: tuple[Callable[[Scene], str], ...] = (check_path, sweep)
"""Callers that close the finding which was open."""


@pytest.fixture
def scene(request: Any) -> Iterator[Scene]:
    """The account of a case. A finding is open on bob, from when he was a stray."""
    case: Case = request.param
    with aws_in_memory() as stack:
        iam = client("iam")
        iam.create_group(GroupName="nurses")
        stack.create_user("bob", at(-(10**6)), path="/ward/")
        user_id = iam.get_user(UserName="bob")["User"]["UserId"]
        stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
        assert stack.told() == [("opened", "bob")]
        stack.clock.advance(3600)
        for group in case.groups:
            iam.add_user_to_group(UserName="bob", GroupName=group)
        iam.tag_user(UserName="bob", Tags=[{"Key": k, "Value": v} for k, v in case.tags.items()])
        if not case.exists:
            iam.delete_user(UserName="bob")
        rules = [{k: user_id if v == "?" else v for k, v in case.rule.items()}] if case.rule else []
        document = json.dumps({"version": 1, "exemptions": rules})
        name = stack.environment["CONFIG_PARAMETER"]
        client("ssm").put_parameter(Name=name, Value=document, Type="String")
        yield Scene(stack, parse(document))


@pytest.mark.parametrize("closer", CLOSERS, ids=lambda caller: caller.__name__)
@pytest.mark.parametrize(
    ("scene", "case"),
    [pytest.param(case, case, id=name) for name, case in CASES.items()],
    indirect=["scene"],
)
def test_every_caller_comes_to_the_same(
    scene: Scene, case: Case, closer: Callable[[Scene], str]
) -> None:
    """Whoever is asked evaluates a user the same, and a finding ends for the same reason."""
    evaluated = {caller.__name__: caller(scene) for caller in (*READERS, closer)}
    assert evaluated == dict.fromkeys(evaluated, case.expected)
    told = [alert["finding"]["resolution"]["reason"] for alert in scene.stack.alerts()]
    assert told == ([case.closes] if case.closes else [])


UNEXEMPTED = {name: case for name, case in CASES.items() if not case.tags and not case.rule}
"""A log tells of no exemptions."""


@pytest.mark.parametrize("case", UNEXEMPTED.values(), ids=UNEXEMPTED)
def test_a_replay_comes_to_the_same(case: Case) -> None:
    """A user who is COMPLIANT or GONE is a stray no more; one who is neither still is."""
    calls = ["CreateUser", "AddUserToGroup", "RemoveUserFromGroup"]
    calls += ["AddUserToGroup"] * len(case.groups) + ["DeleteUser"] * (not case.exists)
    events = [event(call, 60 * number) for number, call in enumerate(calls)]
    *_, last = stretches(events, {ACCOUNT.account_id: at(3600)}, ReplayTotals())
    endings = {
        Ending.JOINED_GROUP: "COMPLIANT",
        Ending.LOG_ENDS: "NON_COMPLIANT",
        Ending.DELETED: "GONE",
    }
    assert endings[last.ending] == case.expected


@pytest.mark.parametrize("scene", [CASES["exempt by tag, in a group"]], indirect=True)
def test_whom_no_finding_is_open_on_is_not_asked_for_when_in_a_group(scene: Scene) -> None:
    """One call from event to evaluation: an exemption could only change the word in the log."""
    assert sweep(scene) == "NOT_APPLICABLE"  # nothing is open any more
    deployment = scene.stack.deployment()
    calls: list[str] = []
    deployment.clients.iam().meta.events.register(
        "before-call.iam", lambda model, **_: calls.append(model.name)
    )
    body = encode_check(CheckRequest(ACCOUNT, "bob", scene.stack.clock.now, Origin.SETTLED))
    assert deployment.check(body) == "COMPLIANT"
    assert calls == ["ListGroupsForUser"]


UNTOLD = User("AIDAQWERTYUIOPASDFGH", "bob", "arn:aws:iam::123456789012:user/bob", "/", NOW)


@pytest.mark.parametrize("exemption", [NotExempt(), Exempt("name bob", "robot", None)])
def test_groups_that_were_not_told_are_no_evaluation(exemption: Exempt | NotExempt) -> None:
    """Not even of who would be exempt: what IAM did not say is an error."""
    with pytest.raises(UnknownGroupsError, match="bob"):
        evaluate("bob", None, exemption)


def test_a_census_without_groups_is_none() -> None:
    """The dashboard says that it could not count, rather than count a stray."""
    with pytest.raises(UnknownGroupsError, match="bob"):
        census_of([UNTOLD], Exemptions(), NOW)


def test_a_sweep_without_groups_opens_nothing() -> None:
    """It fails, and is tried again."""
    with aws_in_memory() as stack:
        sweeper = stack.deployment().sweep(lambda: 900.0)
        untold = replace(sweeper, pages=lambda *_: iter([Page((UNTOLD,), None)]))
        with pytest.raises(UnknownGroupsError, match="bob"):
            untold.run(ACCOUNT)
        assert stack.alerts() == []


# -- since when: the command counts as the monitor does ----------------------------------------


def told(stack: Stack, name: str, seconds: float, user_id: str = "") -> None:
    """The event of a call about bob arrives at once."""
    stack.clock.now = max(stack.clock.now, at(seconds))
    created = {"user": {"userId": user_id}}
    detail = record(name, eventTime=at(seconds).isoformat())
    if name == "CreateUser":
        detail["responseElements"] = created
    stack.deployment().receive(envelope(detail))


def a_former_bearer(stack: Stack) -> None:
    """Bob was created, and moments later another bob in his place, of whom no event tells."""
    told(stack, "CreateUser", 0, "AIDAOFTHEFORMERBEARER")
    stack.create_user("bob", at(2))


def a_removal_in_the_wake_of_a_look(stack: Stack) -> None:
    """A look showed the group that bob had left a second before."""
    stack.create_user("bob", at(-(10**6)))
    stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
    client("iam").add_user_to_group(UserName="bob", GroupName="nurses")
    stack.clock.advance(60)
    stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
    client("iam").remove_user_from_group(UserName="bob", GroupName="nurses")
    told(stack, "RemoveUserFromGroup", 59)


def a_finding_that_events_have_ended(stack: Stack) -> None:
    """A finding is open, but bob has been in a group since."""
    stack.create_user("bob", at(-(10**6)))
    stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)
    told(stack, "AddUserToGroup", 100)
    told(stack, "RemoveUserFromGroup", 200)


def a_finding_that_goes_on(stack: Stack) -> None:
    """A finding is open from an earlier removal."""
    stack.create_user("bob", at(-(10**6)))
    told(stack, "RemoveUserFromGroup", -2000)
    stack.deployment().sweep(lambda: 900.0).run(ACCOUNT)


HISTORIES = (
    a_former_bearer,
    a_removal_in_the_wake_of_a_look,
    a_finding_that_events_have_ended,
    a_finding_that_goes_on,
)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_the_command_counts_from_where_the_monitor_does(history: Callable[[Stack], None]) -> None:
    """Once the grace is over, the alert names the instant and the evidence that `check` told."""
    with aws_in_memory() as stack:
        client("iam").create_group(GroupName="nurses")
        history(stack)
        stack.clock.advance(1000)
        verdict = checker(stack, Exemptions(), stack.clock.advance).check("bob")
        was_open = bool(verdict.open_finding)
        body = encode_check(CheckRequest(ACCOUNT, "bob", at(-1), Origin.SETTLED))
        assert stack.deployment().check(body) == "NON_COMPLIANT"
        opened = [alert["finding"] for alert in stack.alerts() if alert["type"] == "opened"]
        assert verdict.since is not None
        assert (iso(verdict.since.at), verdict.since.evidence) == (
            opened[-1]["stray_since"],
            opened[-1]["evidence"],
        )
        assert was_open is (history is a_finding_that_goes_on)


def test_the_command_looks_again_where_iam_may_lag_behind() -> None:
    """A look that contradicts an event only seconds old is not believed, as the monitor has it."""
    naps: list[float] = []
    with aws_in_memory() as stack:
        iam = client("iam")
        iam.create_group(GroupName="nurses")
        stack.create_user("bob", at(-(10**6)))
        iam.add_user_to_group(UserName="bob", GroupName="nurses")
        told(stack, "RemoveUserFromGroup", 0)

        def sleep(seconds: float) -> None:
            naps.append(seconds)
            iam.remove_user_from_group(UserName="bob", GroupName="nurses")

        verdict = checker(stack, Exemptions(), sleep).check("bob")
        assert verdict.evaluated.evaluation is Evaluation.NON_COMPLIANT
        assert naps == [3.0]

"""The doctor names what is wrong with a deployment, and never takes "unknown" for "fine"."""

from __future__ import annotations

import json
import re
import shlex
from datetime import timedelta
from itertools import pairwise, product
from typing import Any

import boto3
import click
import pytest
from botocore.validate import ParamValidator

from straywatch.cli import cli, run
from straywatch.doctor.checkup import Area, exit_code, unseen
from straywatch.doctor.intended import FOLDED
from straywatch.doctor.invocation import STAGED, Invocation
from straywatch.doctor.kinds.interface import Call
from straywatch.doctor.kinds.table import KINDS
from straywatch.doctor.lines import Level, Line, passed, untold, warned
from straywatch.doctor.lines import failed as line_failed
from straywatch.doctor.lines import unread as line_unread
from straywatch.doctor.performing import parameters
from straywatch.doctor.repairing import plan, repair
from straywatch.doctor.world import Gone, Unread
from straywatch.errors import StraywatchError, WrongUsageError
from tests.unit.deployed_template import REGION, deployed
from tests.unit.doctor_answers import NOW
from tests.unit.doctor_sabotages import (
    FAIL,
    MANAGEMENT,
    SABOTAGES,
    WARN,
    advanced,
    exempting,
    reader,
    shut,
)
from tests.unit.doctor_world import ASKED, Change, Deployment

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:pager-AbCdEf"
HUB = {"OrganizationId": "o-a1b2c3d4e5"}
CHANNELS = {
    "AlertEmail": "security@example.com", "AlertSms": "+15551234567", "ChatEnabled": "yes",
    "PagerDutySecretArn": SECRET, "SecurityHubEnabled": "yes",
    "FindingEventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/security",
}  # fmt: skip
OFF = {name: "no" if value == "yes" else "" for name, value in CHANNELS.items()}
"""What switches each channel on, and off."""


def problems(deployment: Deployment) -> list[Line]:
    """All lines that warn or fail."""
    return [line for line in deployment.lines() if line.level in (WARN, FAIL)]


def hub_of(name: str) -> dict[str, str]:
    """What makes a hub of the deployment that a sabotage needs one for."""
    return HUB if name.startswith("hub's") else {}


@pytest.mark.parametrize("more", [{}, HUB])
def test_a_healthy_deployment_has_no_problem(more: dict[str, str]) -> None:
    """Nothing fails, nothing warns; only what has never happened yet cannot be told."""
    deployment = Deployment.healthy(**CHANNELS, **more)
    assert problems(deployment) == []
    untold = [line for line in deployment.lines() if line.level is Level.NOT_CHECKED]
    assert [line.check for line in untold] == ["check queue: age", "last event"]
    assert exit_code([Area("all", tuple(deployment.lines()))]) == 0


@pytest.mark.parametrize("on", [c for c in product((True, False), repeat=len(CHANNELS)) if any(c)])
def test_whatever_channels_are_on_healthy_is_healthy(on: tuple[bool, ...]) -> None:
    """What a channel brings along, or leaves out, is not taken for something gone wrong."""
    chosen = {
        name: CHANNELS[name] if wanted else OFF[name]
        for name, wanted in zip(CHANNELS, on, strict=True)
    }
    complaints = [line.check for line in problems(Deployment.healthy(**chosen))]
    silent = {f"subscribers of {topic}Topic" for topic in ("Alert", "Health", "Tamper")}
    people = chosen["AlertEmail"] or chosen["AlertSms"] or chosen["PagerDutySecretArn"]
    # nobody hears of alarms where neither mail nor SMS nor pager is on: that is so, and said
    assert set(complaints) <= (set() if people else silent)


@pytest.mark.parametrize("name", SABOTAGES)
def test_each_sabotage_is_named_with_what_mends_it(name: str) -> None:
    """By the line it concerns, as bad as it is, in its words; and little else complains.

    The mend is one command that destroys nothing, with the stage, profile, region and endpoint that
    the doctor was given.
    """
    sabotage, level, check, words = SABOTAGES[name]
    deployment = Deployment.healthy(**CHANNELS, **hub_of(name))
    sabotage(deployment)
    found = problems(deployment)
    named = [x for x in found if x.check.startswith(check) and words in x.seen]
    assert [line.level for line in named][:1] == [level], found
    assert all(line.mend or line.advice for line in found)
    assert len({line.check for line in found}) <= 3, found
    for line in found:
        assert not re.search("destroy|delete", line.mend + line.advice), line
        for command in [*filter(None, [line.mend]), *COMMAND.findall(line.advice)]:
            assert aimed(shlex.split(command)), command


COMMAND = re.compile(
    r"(?:AWS_ENDPOINT_URL=\S+ straywatch|\baws|straywatch) (?!exemptions check)[a-z-]+ [^&]*"
)
"""A command that asks AWS, within a sentence, up to its end."""


def aimed(words: list[str]) -> bool:
    """Whether a command carries all that the doctor was asked with."""
    options = {("--profile", ASKED.profile)}
    if "deploy" not in words:  # which may have to be in another region
        options.add(("--region", ASKED.region))
    assert "--region" in words
    if "straywatch" in words:
        assert words[0] == f"AWS_ENDPOINT_URL={ASKED.endpoint}"
        if words[2] in STAGED:
            options.add(("--stage", ASKED.stage))
    else:
        assert words[0] == "aws"
        options.add(("--endpoint-url", ASKED.endpoint))
    return options <= set(pairwise(words))


@pytest.mark.parametrize("name", SABOTAGES)
def test_each_repair_that_is_named_makes_calls_that_aws_takes(name: str) -> None:
    """Or has CloudFormation make the resource anew; each call is of the form that boto3 demands."""
    deployment = Deployment.healthy(**CHANNELS, **hub_of(name))
    SABOTAGES[name][0](deployment)
    names = [n for line in problems(deployment) for n in repaired(line)]
    made: list[Call] = []
    remade: list[str] = []
    world = deployment.world
    for each in names:
        repairs = plan(world, [each])
        done = len(made) + len(remade)
        repair(world, repairs, made.append, remade.extend)
        assert len(made) + len(remade) > done, each
    for call in made:
        client = boto3.client(
            call.service, REGION, aws_access_key_id="x", aws_secret_access_key="x"
        )  # type: ignore[call-overload]
        told = parameters(client, call)
        operation = client.meta.method_to_api_mapping[call.operation]
        shape = client.meta.service_model.operation_model(operation).input_shape
        assert ParamValidator().validate(told, shape).generate_report() == "", call


def test_evidence_that_was_deleted_comes_back_from_its_backup() -> None:
    """The newest one; an empty table in its place would keep it from being restored."""
    calls = _restored(lambda a: a.update(BackupSummaries=[_backup("old", 1), _backup("new", 2)]))
    assert calls[0].operation == "restore_table_from_backup"
    assert calls[0].parameters["BackupArn"].endswith("/new")
    with pytest.raises(StraywatchError, match=r"whether a backup of .* is left is unknown"):
        _restored(lambda _: Unread("access denied"))
    assert _restored(lambda _: {"BackupSummaries": []})[0].operation == "create_table"


def _backup(name: str, day: int) -> dict[str, Any]:
    arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/x/backup/{name}"
    return {"BackupArn": arn, "BackupCreationDateTime": NOW + timedelta(days=day)}


def _restored(backups: Change) -> list[Call]:
    deployment = Deployment.healthy()
    deployment.delete("describe_table", "FindingsTable")
    deployment.spoil("list_backups", backups, "FindingsTable")
    world, calls = deployment.world, list[Call]()
    repair(world, plan(world, ["FindingsTable"]), calls.append, lambda _: None)
    return calls


def test_what_is_not_in_the_stack_is_not_repaired() -> None:
    """A wrong name is said, with those that there are; so is a template that cannot be read."""
    with pytest.raises(WrongUsageError, match=r"no CheckQuue to repair; it has .*CheckQueue"):
        plan(Deployment.healthy().world, ["CheckQuue"])
    deployment = Deployment.healthy()
    deployment.deny("get_template")
    with pytest.raises(StraywatchError, match="nothing to repair by: access denied"):
        plan(deployment.world, ["all"])


def test_a_healthy_deployment_has_nothing_to_repair() -> None:
    """So a repair of everything is harmless at any time."""
    assert plan(Deployment.healthy(**CHANNELS).world, ["all"]) == ()


def test_a_function_that_is_gone_is_made_before_what_hangs_on_it() -> None:
    """Its permissions and its event source are of no use before it, nor is it before its role."""
    deployment = Deployment.healthy()
    deployment.delete("get_role", "SweepRole")
    deployment.delete("get_function_configuration", "Sweep")
    deployment.delete("get_function_event_invoke_config", "Sweep")
    planned = [each.resource.logical_id for each in plan(deployment.world, ["Sweep"])]
    assert planned == ["SweepRole", "Sweep"]
    planned = [each.resource.logical_id for each in plan(deployment.world, ["all"])]
    assert planned == ["SweepRole", "Sweep", "SweepEventInvokeConfig"]


def repaired(line: Line) -> list[str]:
    """The resource that a mend repairs."""
    words = shlex.split(line.mend)
    return [words[words.index("--repair") + 1]] if "--repair" in words else []


def test_a_doctor_that_was_told_nothing_prints_plain_commands() -> None:
    """No empty option stands in a mend."""
    plain = Invocation(region="us-east-1")
    assert plain.straywatch("sweep") == "straywatch sweep --region us-east-1"
    assert Invocation().aws("logs tail", "/a b") == "aws logs tail '/a b'"


def test_every_type_in_the_template_is_looked_at() -> None:
    """A resource of a new type is given its row before it can be forgotten."""
    types = {made.type for made in deployed(**CHANNELS, **HUB).resources}
    assert types <= {*KINDS, *FOLDED}


def test_every_property_in_the_template_is_compared() -> None:
    """Or known to say nothing about what the resource does."""
    idle = {
        "Tags", "Description", "AttributeDefinitions", "FunctionName", "Qualifier", "TopicArn",
        "Protocol", "Endpoint", "LogGroupName", "MappedBy", "Name", "EventBusName",
    }  # fmt: skip
    for resource in Deployment.healthy(**CHANNELS, **HUB).world.intended:
        known = KINDS[resource.resource_type].properties
        assert set(resource.properties) - set(known) <= idle, resource.logical_id


def test_drift_is_told_from_another_version() -> None:
    """One is repaired, the other deployed: an update would leave drift as it is."""
    deployment = Deployment.healthy()
    deployment.spoil("get_function_configuration", lambda a: a.update(CodeSha256="x"), "Lost")
    (drift,) = problems(deployment)
    assert "doctor --repair OnMembershipLost --yes" in drift.mend
    deployment = Deployment.healthy()
    deployment.spoil("get_template", _of_an_older_version, "Original")
    (version,) = problems(deployment)
    assert (version.level, version.check) == (WARN, "version")
    assert "straywatch deploy" in version.mend
    assert "GracePeriodSeconds, AlertTopic" in version.seen


def _of_an_older_version(answer: dict[str, Any]) -> None:
    template = answer["TemplateBody"]
    template["Parameters"]["GracePeriodSeconds"]["Default"] = 60
    template["Resources"]["AlertTopic"]["Properties"]["DisplayName"] = "Of old"


def test_a_sweep_rate_of_the_operators_own_that_is_too_long_is_said() -> None:
    """Chosen or not: what events lose would be found a month late, and the alarm rings daily."""
    deployment = Deployment.healthy(SweepRate="rate(30 days)")
    (line,) = problems(deployment)
    assert (line.check, line.level) == ("sweep rate", WARN)


GIVEN_KEY = f"arn:aws:kms:{REGION}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def key_state(state: str) -> tuple[str, Change]:
    """A key that can or cannot be used."""
    return "describe_key", lambda answer: answer["KeyMetadata"].update(KeyState=state)


def key_statement(**changes: Any) -> tuple[str, Change]:
    """A key whose policy has its one statement changed."""

    def change(answer: Any) -> None:
        policy = json.loads(answer["Policy"])
        policy["Statement"][0].update(changes)
        answer["Policy"] = json.dumps(policy)

    return "get_key_policy", change


def test_a_key_of_the_operators_own_is_looked_at() -> None:
    """The stack has none then: its output says which it is."""
    deployment = Deployment.healthy(AlertKeyArn=GIVEN_KEY)
    assert problems(deployment) == []
    told = {line.check for line in deployment.lines() if line.level is Level.PASS}
    assert {f"key {GIVEN_KEY}", f"policy of key {GIVEN_KEY}"} <= told


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        (key_state("Disabled"), "KeyState is Disabled"),
        (key_state("PendingDeletion"), "KeyState is PendingDeletion"),
        (("describe_key", lambda _: Gone()), "was deleted"),
        (key_statement(Principal={"Service": "sns.amazonaws.com"}), "no kms:Decrypt, kms:Gen"),
        (key_statement(Action="kms:Decrypt"), "no kms:GenerateDataKey:"),
        (key_statement(Effect="Deny", Principal="*", Condition={}), "no kms:Decrypt"),
    ],
)
def test_a_key_of_the_operators_own_that_stops_alarms_is_said(
    sabotage: tuple[str, Change], seen: str
) -> None:
    """Or the monitor would break in silence: its alarms pass through the same key."""
    deployment = Deployment.healthy(AlertKeyArn=GIVEN_KEY)
    deployment.spoil(*sabotage, GIVEN_KEY)
    (line,) = problems(deployment)
    assert line.level is FAIL
    assert GIVEN_KEY in line.check
    assert seen in line.seen
    assert line.mend or line.advice


def test_a_key_policy_that_denies_is_seen_past_one_that_allows() -> None:
    """A deny wins, whoever else is let in."""

    def denying(answer: Any) -> None:
        policy = json.loads(answer["Policy"])
        deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
        answer["Policy"] = json.dumps({"Statement": [*policy["Statement"], deny]})

    deployment = Deployment.healthy(AlertKeyArn=GIVEN_KEY)
    deployment.spoil("get_key_policy", denying, GIVEN_KEY)
    (line,) = problems(deployment)
    assert "denies CloudWatch" in line.seen


def test_a_cron_that_sweeps_once_a_week_is_no_late_sweep() -> None:
    """The doctor measures by what the heartbeat measures by."""
    deployment = Deployment.healthy(SweepRate="cron(0 3 ? * MON *)")
    (line,) = problems(deployment)
    assert (line.check, line.level) == ("sweep rate", WARN)
    assert "every 7 days" in line.seen


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "*", "until": "2020-01-01"},
        {"name": "ci-*"},
        {"path": "/service/"},
    ],
)
def test_an_exemption_that_is_over_or_of_some_leaves_the_others_watched(
    rule: dict[str, str],
) -> None:
    """It is not called an exemption of everybody."""
    deployment = Deployment.healthy()
    exempting(**rule)(deployment)
    assert problems(deployment) == []


def test_not_checked_is_said_only_of_what_the_reader_may_not_see() -> None:
    """A queue that is shut to readers who lack the permission is not called sabotaged."""
    deployment = Deployment.healthy()
    shut()(deployment)
    reader("implicitDeny")(deployment)
    lines = [line for line in deployment.lines() if line.check == "queue CheckQueue"]
    assert [line.level for line in lines] == [Level.NOT_CHECKED]


def test_what_one_look_cannot_tell_hides_nothing_that_others_tell() -> None:
    """A reader without one permission still hears of the wrong handler."""
    deployment = Deployment.healthy()
    deployment.deny("get_function_recursion_config")
    deployment.spoil("get_function_configuration", lambda a: a.update(Handler="x"), "Sweep")
    assert [line.check for line in problems(deployment)] == ["function Sweep"]


@pytest.mark.parametrize(
    "fields",
    [
        [MANAGEMENT],
        [MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}],
        [MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}],
        [MANAGEMENT, {"Field": "eventSource", "StartsWith": ["iam."]}],
    ],
)
def test_advanced_selectors_that_let_iam_through_are_fine(fields: list[dict[str, Any]]) -> None:
    """A trail may leave out much and still log what matters here."""
    deployment = Deployment.healthy()
    advanced(*fields)(deployment)
    assert problems(deployment) == []


def test_what_is_denied_is_never_a_pass() -> None:
    """For each call the doctor makes: denied, there is no pass less honest than before."""
    untouched = Deployment.healthy()
    healthy = {(line.check, line.seen) for line in untouched.lines()}
    assert len(untouched.asked) > 20
    for operation in untouched.asked:
        deployment = Deployment.healthy()
        deployment.deny(operation)
        lines = deployment.lines()
        unread = [line for line in lines if line.failed_to_look]
        assert unread, operation
        assert all(line.level is Level.NOT_CHECKED and line.advice for line in unread)
        passes = {(line.check, line.seen) for line in lines if line.level is Level.PASS}
        assert passes <= healthy, operation
        assert exit_code([Area("all", tuple(lines))]) in (1, 3)


def test_a_checkout_that_cannot_be_packaged_leaves_the_version_unchecked() -> None:
    """Nothing to compare with is no match; what is deployed is held against its own template."""
    deployment = Deployment.healthy()
    deployment.checkout = Unread("no chalice")
    unread = [line.check for line in deployment.lines() if line.failed_to_look]
    assert unread == ["version"]


def test_the_last_event_is_told_from_the_marks() -> None:
    """The newest thing that any event has left behind."""
    deployment = Deployment.healthy()
    times = [{"S": (NOW - timedelta(hours=h)).isoformat()} for h in (5, 2, 9, 1)]
    kinds = ("joined", "left", "deleted", "settled")  # the last is a look
    facts = zip(kinds, times, strict=True)
    items: list[dict[str, object]] = [
        {"fact:1": {"M": {"kind": {"S": kind}, "at": at}}} for kind, at in facts
    ]
    items.append({"left_at": {"S": (NOW - timedelta(hours=7)).isoformat()}})
    deployment.spoil("query", lambda _: {"Items": items})
    line = next(line for line in deployment.lines() if line.check == "last event")
    assert (line.level, "2 h ago" in line.seen) == (Level.PASS, True)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([passed("a", "")], 0),
        ([passed("a", ""), warned("b", "", "x"), untold("c", "")], 0),
        ([passed("a", ""), line_unread("b", "")], 3),
        ([line_failed("a", "", "x"), line_unread("b", "")], 1),
    ],
)
def test_the_exit_code_tells_the_worst(lines: list[Line], code: int) -> None:
    """A failure goes before a look that failed; a warning lets a script pass."""
    assert exit_code([Area("all", tuple(lines))]) == code


def test_what_could_not_be_looked_at_is_told_in_one_line() -> None:
    """Whoever reads stderr alone, as a script does, has a reason for the exit code."""
    lines = (passed("a", ""), line_unread("queue Q", "throttled\nand more"), line_unread("b", "x"))
    assert unseen([Area("all", lines)]) == (
        "2 checks could not be made, the first of them queue Q: throttled and more"
    )


@pytest.mark.parametrize("words", sorted(STAGED))
def test_a_mend_gives_a_stage_to_commands_that_take_one(words: str) -> None:
    """What it prints is not refused for an option that is not there."""
    group = click.Context(cli)
    command = cli.get_command(group, words)
    if isinstance(command, click.Group):
        command = command.get_command(group, "put")
    assert command
    assert "stage" in {each.name for each in command.params}


def test_nothing_is_agreed_to_without_a_repair() -> None:
    """`--yes` alone would look like a repair of everything, and do nothing."""
    assert run(["doctor", "--yes"]) == 2

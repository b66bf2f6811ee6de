"""`straywatch findings` on a table of moto's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.adapters.tables import FindingsTable
from chalicelib.domain.account import Account, User
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Evidence, StraySince
from chalicelib.domain.findings import (
    AlertType,
    Finding,
    Reason,
    Resolution,
    open_finding,
    resolve,
    sent,
)
from chalicelib.domain.severity import Severity
from chalicelib.times import iso, utc_now
from tests.adapters.conftest import Straywatch
from tests.adapters.fake_endpoint import error, serving
from tests.adapters.moto_stack import moto_stack
from tests.adapters.remediation_account import allow, document

HERE, THERE = Account("aws", "123456789012"), Account("aws", "999999999999")
NOW = utc_now().replace(microsecond=0)
HOSTILE = Cause(
    event_name="RemoveUserFromGroup",
    event_id="e",
    event_time=NOW - timedelta(days=2),
    actor_arn="arn:aws:iam::1:user/mal\x1b[31m",
    actor_type="IAMUser",
    source_ip="192.0.2.1",
    user_agent="[bold]x[/bold]\r\nfaked: line",
    group_name="dev",
)


def finding(name: str, age: timedelta, account: Account = HERE, **more: Any) -> Finding:
    """A finding about a user who has been a stray for `age`."""
    user_id = f"AIDA{name.upper():0<17}"
    arn = f"arn:aws:iam::{account.account_id}:user/{name}"
    user = User(user_id, name, arn, "/", NOW - timedelta(days=400))
    told = open_finding(
        account, user, StraySince(NOW - age, Evidence.EVENT), number=1, now=NOW - age / 2,
        severity=Severity.MEDIUM, risk="has a console password", detected_by="event",
        cause=HOSTILE, flaps=0,
    )  # fmt: skip
    return replace(sent(told), **more)


@pytest.fixture
def ask(straywatch: Straywatch, keys: dict[str, str], table: FindingsTable) -> Straywatch:
    """Run `straywatch findings` on the table."""
    assert table
    return partial(straywatch, "findings", **keys)


@pytest.fixture(scope="module")
def table() -> Iterator[FindingsTable]:
    """Five findings: two open, one of them bad; two over; and one of another account."""
    with moto_stack() as outputs:
        findings = FindingsTable(
            boto3.client("dynamodb", "us-east-1"), outputs["FindingsTableName"], timedelta(1)
        )
        joined = Resolution(Reason.JOINED_GROUP, ("ops",))
        exempted = Resolution(Reason.EXEMPTED, exempted_by="tag", exempted_until=NOW)
        for each in (
            finding("ann", timedelta(hours=2)),
            finding("bad", timedelta(days=5), severity=Severity.CRITICAL, reminders=3, flaps=2,
                    alerted_at=NOW, escalated_at=NOW, outbox=(AlertType.REMINDER,)),
            finding("eve", timedelta(days=1), THERE),
            over(finding("old", timedelta(days=50)), joined, NOW - timedelta(days=20)),
            over(finding("exe", timedelta(days=9)), exempted, NOW - timedelta(days=8)),
        ):  # fmt: skip
            findings.add(each)
        # the table holds evidence of sweeps, too
        findings.record_sweep(HERE, NOW, {"users": 5})
        yield findings


def over(finding: Finding, resolution: Resolution, at: datetime) -> Finding:
    """The finding once it is closed and said to be."""
    return sent(resolve(finding, resolution, at=at, now=at))


def names(out: str) -> list[str]:
    """The users of a JSON list."""
    return [each["user_name"] for each in json.loads(out)["findings"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("", ["ann", "eve", "bad"]),
        ("--state resolved", ["exe", "old"]),
        ("--state all", ["ann", "eve", "bad", "exe", "old"]),
        ("--state all --account 999999999999", ["eve"]),
        ("--severity high", ["bad"]),
        ("--age 1d", ["eve", "bad"]),
        ("--state all --since 3d", ["ann", "eve", "bad"]),
        ("--user A*", ["ann"]),
        ("--user AIDABAD00000000000000", ["bad"]),
        ("--limit 1", ["ann"]),
        ("--user nobody", []),
    ],
)
def test_filters_choose_and_the_newest_come_first(
    ask: Straywatch, filters: str, expected: list[str]
) -> None:
    """Exit 1 tells that an open one is among them."""
    said = ask("list", "--format", "json", *filters.split())
    assert names(said.out) == expected
    assert said.code == (1 if set(expected) & {"ann", "eve", "bad"} else 0)


def test_who_acknowledges_says_why_and_is_named(ask: Straywatch, table: FindingsTable) -> None:
    """Both stand wherever the finding is told; it stays open."""
    said = ask("snooze", "eve", "--for", "3d", "--reason", "OPS-12: back on Monday")
    assert (said.code, "it stays open" in said.out) == (0, True)
    life = ask("show", "eve", "--no-suggest").out
    assert "snoozed until" in life
    assert "OPS-12: back on Monday" in life
    assert ask("ack", "eve", "--reason", "OPS-13").code == 0  # the newer one stands
    listed = json.loads(ask("list", "--user", "eve", "--format", "json").out)["findings"]
    (told,) = (each["acknowledged"] for each in listed)
    assert (told["reason"], told.get("until"), told["by"][:4]) == ("OPS-13", None, "arn:")
    assert "OPEN, acknowledged" in ask("list", COLUMNS="200").out
    eve = table.by_id(listed[0]["id"])
    assert isinstance(eve, Finding)
    table.update(replace(eve, acknowledged=None))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("ack", "ann", "--reason", "TODO"), "must say why"),
        (("ack", "old", "--reason", "OPS-12"), "is resolved"),
        (("ack", "nobody", "--reason", "OPS-12"), "no finding"),
        (("snooze", "ann", "--for", "31d", "--reason", "OPS-12"), "30d at most"),
        (("snooze", "ann", "--for", "0", "--reason", "OPS-12"), "30d at most"),
    ],
)
def test_what_cannot_be_acknowledged(ask: Straywatch, arguments: tuple[str, ...], why: str) -> None:
    """Wrong usage, in one line."""
    said = ask(*arguments)
    assert (said.code, said.is_one_clear_line, why in said.err) == (2, True, True)


def test_a_table_tells_people_the_essentials(ask: Straywatch) -> None:
    """One line a finding, with the id to go on with."""
    said = ask("list", "--severity", "critical")
    assert said.out.splitlines()[1].split() == [
        "OPEN", "CRITICAL", "bad", "123456789012", "5", "days", iso(NOW - timedelta(days=2.5)),
        "event", "aws:123456789012:AIDABAD00000000000000:1",
    ]  # fmt: skip
    assert said.out.splitlines()[-1] == "1 finding."


def test_csv_is_a_spreadsheet(ask: Straywatch) -> None:
    """Hostile text of actors stays harmless in it."""
    said = ask("list", "--state", "all", "--format", "csv")
    rows = {row["user_name"]: row for row in csv.DictReader(io.StringIO(said.out))}
    assert rows["exe"]["resolution"] == "exempted"
    assert rows["ann"]["actor_arn"].endswith(r"mal\x1b[31m")


def test_one_life_on_one_screen(ask: Straywatch) -> None:
    """Since when, by whom, which alerts, and how to mend it; nothing hostile is obeyed."""
    said = ask("show", "aws:123456789012:AIDABAD00000000000000:1")
    assert said.code == 0
    for part in ("RemoveUserFromGroup (group dev)", "3 reminders", "escalated",
                 "still to be sent: reminder", "2 times", "a stray for 5 days",
                 "aws iam add-user-to-group", "[bold]x[/bold]"):  # fmt: skip
        assert part in said.out
    assert "\x1b" not in said.out
    assert "\nfaked" not in said.out
    assert len(said.out.splitlines()) <= 30


@pytest.mark.parametrize(
    ("user", "told"), [("old", "resolved: joined ops"), ("exe", "is exempt until 20")]
)
def test_a_life_that_is_over_says_how_it_ended(ask: Straywatch, user: str, told: str) -> None:
    """And offers no remedy any more."""
    said = ask("show", f"aws:123456789012:AIDA{user.upper():0<17}:1")
    assert told in said.out
    assert "add-user-to-group" not in said.out


def test_an_item_that_cannot_be_read_is_no_empty_list(
    ask: Straywatch, table: FindingsTable
) -> None:
    """The others are shown, the bad one is named, and the exit code says something is missing."""
    item = {key: {"S": "x"} for key in ("pk", "sk", "finding_id", "live")}
    table.client.put_item(TableName=table.table, Item=item)
    said = ask("list", "--format", "json")
    table.client.delete_item(TableName=table.table, Key={k: item[k] for k in ("pk", "sk")})
    assert (said.code, names(said.out)) == (3, ["ann", "eve", "bad"])
    assert "x/x" in said.err


@pytest.mark.parametrize("meant", ["ann", "ANN", "AIDAANN", "aws:123456789012:AIDAANN"])
def test_a_finding_is_shown_by_what_one_has_of_it(ask: Straywatch, meant: str) -> None:
    """Its user's name, or the beginning of an id."""
    assert "AIDAANN00000000000000:1" in ask("show", meant, "--no-suggest").out


def test_what_may_mean_several_is_wrong_usage(ask: Straywatch) -> None:
    """Some of them are named, to choose from."""
    said = ask("show", "AIDA")
    assert (said.code, said.is_one_clear_line) == (2, True)
    assert "may mean aws:" in said.err


def test_output_goes_to_a_file_whole_or_not_at_all(ask: Straywatch, tmp_path: Path) -> None:
    """Without colour, whatever FORCE_COLOR says; the exit code is the same."""
    said = ask("list", "-o", tmp_path / "list.txt", FORCE_COLOR="1")
    assert (said.code, said.out) == (1, "")
    written = (tmp_path / "list.txt").read_text()
    assert "ann" in written
    assert "\x1b" not in written
    assert ask("list", "-o", tmp_path / "none" / "list.txt").code == 2


@pytest.mark.parametrize("columns", ["40", "80"])
def test_ids_and_commands_stay_whole_on_a_narrow_screen(ask: Straywatch, columns: str) -> None:
    """They are there to be copied."""
    listed = ask("list", COLUMNS=columns).out
    shown = ask("show", "ann", COLUMNS=columns).out
    assert "aws:123456789012:AIDAANN00000000000000:1" in listed
    assert "aws:123456789012:AIDAANN00000000000000:1" in shown
    assert "arn:aws:iam::123456789012:user/ann" in shown
    assert "aws iam add-user-to-group --group-name dev --user-name ann" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--account", "1"), ("list", "--age", "old"), ("list", "--severity", "bad"),
        ("list", "--age", "999999999d"), ("show", "nobody"), ("show",), ("--no",),
        ("show", "aws:123456789012:AIDANOBODY0000000000:1"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_exit_2(ask: Straywatch, arguments: tuple[str, ...]) -> None:
    """Each says what is wrong."""
    said = ask(*arguments)
    assert said.code == 2
    assert said.is_one_clear_line, said.err


@pytest.fixture
def stray(table: FindingsTable) -> Iterator[Finding]:
    """An open finding about a user who is in the account, and may read S3 by a policy of theirs."""
    iam = boto3.client("iam", "us-east-1")
    made = iam.create_user(UserName="ned")["User"]
    iam.put_user_policy(UserName="ned", PolicyName="p", PolicyDocument=document(allow("s3:Get*")))
    for group, actions in (("Readers", "S3:get*"), ("Others", "kms:*")):
        iam.create_group(GroupName=group)
        policy = document(allow(actions))
        iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy)
    open_one = finding("ned", timedelta(hours=3), user_id=made["UserId"])
    table.add(open_one)
    yield open_one
    for item in table.client.scan(TableName=table.table)["Items"]:
        if made["UserId"] in str(item):
            key = {name: item[name] for name in ("pk", "sk")}
            table.client.delete_item(TableName=table.table, Key=key)
    for group in ("Readers", "Others"):
        iam.delete_group_policy(GroupName=group, PolicyName="p")
        iam.delete_group(GroupName=group)
    iam.delete_user_policy(UserName="ned", PolicyName="p")
    iam.delete_user(UserName="ned")


def test_the_group_that_surely_fits_is_in_the_command(ask: Straywatch, stray: Finding) -> None:
    """The one that gives the same, not the one they left; nothing is left to fill in or make."""
    said = ask("show", stray.finding_id)
    assert "  aws iam add-user-to-group --group-name Readers --user-name ned\n" in said.out
    assert "create-group" not in said.out
    assert "Group Readers gives exactly" in said.out
    told = json.loads(ask("show", stray.finding_id, "--format", "json").out)
    assert (told["suggested_group"], told["why_no_group"]) == ("Readers", None)


def test_no_certain_group_is_said_with_the_reason(ask: Straywatch, stray: Finding) -> None:
    """One line that leads to the plan; the command keeps to what the event tells."""
    iam = boto3.client("iam", "us-east-1")
    same = document(allow("s3:Get*"))
    iam.put_group_policy(GroupName="Others", PolicyName="p", PolicyDocument=same)
    said = ask("show", stray.finding_id)
    assert said.out.splitlines()[-1] == (
        "Permissions tell no certain group: 2 groups give the same: Others, Readers. "
        "See `straywatch plan`."
    )
    assert "--group-name dev --user-name ned" in said.out
    told = json.loads(ask("show", stray.finding_id, "--format", "json").out)
    assert told["suggested_group"] is None
    assert told["why_no_group"].startswith("2 groups give the same")


def test_a_user_who_is_another_or_renamed_gets_no_suggestion(
    ask: Straywatch, stray: Finding
) -> None:
    """A namesake's permissions say nothing of the finding's user, and an old name nobody's."""
    gone = ask("show", "aws:123456789012:AIDAANN00000000000000:1")
    assert "the account has this user no more" in gone.out
    iam = boto3.client("iam", "us-east-1")
    iam.update_user(UserName="ned", NewUserName="ted")
    said = ask("show", stray.finding_id)
    iam.update_user(UserName="ted", NewUserName="ned")
    assert "the user is now called ted" in said.out
    assert "Readers" not in said.out


def test_a_look_that_fails_does_not_hide_the_finding(ask: Straywatch, stray: Finding) -> None:
    """It is all shown, with exit 0, and one line says what was not looked up, and why."""
    with serving(lambda *_: error(403, "AccessDenied", "not allowed: iam")) as endpoint:
        denied = ask("show", stray.finding_id, AWS_ENDPOINT_URL_IAM=endpoint)
        bare = ask("show", stray.finding_id, "--format", "json", AWS_ENDPOINT_URL_IAM=endpoint)
    assert (denied.code, denied.err) == (0, "")
    assert "aws iam add-user-to-group" in denied.out
    assert denied.out.splitlines()[-1].startswith("Which group fits was not looked up: ")
    told = json.loads(bare.out)
    assert told["finding"]["user_name"] == "ned"
    assert told["suggested_group"] is None
    assert "not allowed" in told["why_no_group"]


def test_credentials_of_another_account_suggest_nothing(ask: Straywatch) -> None:
    """A hub lists its members' findings; this account's groups are not theirs."""
    said = ask("show", f"aws:999999999999:AIDA{'EVE':0<17}:1")
    assert "not looked up: these credentials are for account 123456789012" in said.out


def test_no_suggestion_on_request(ask: Straywatch, stray: Finding) -> None:
    """`--no-suggest` reads no account: an endpoint that denies all goes unnoticed."""
    asked: list[str] = []

    def respond(action: str, _: dict[str, str]) -> tuple[int, str]:
        asked.append(action)
        return error(403, "AccessDenied")

    with serving(respond) as endpoint:
        words = ("show", stray.finding_id, "--no-suggest")
        said = ask(*words, AWS_ENDPOINT_URL_IAM=endpoint)
        told = json.loads(ask(*words, "--format", "json", AWS_ENDPOINT_URL_IAM=endpoint).out)
    assert asked == []
    assert "straywatch plan" not in said.out
    assert (told["suggested_group"], told["why_no_group"]) == (None, None)

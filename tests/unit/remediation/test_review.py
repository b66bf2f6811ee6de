"""What a reviewer reads: reasons, names, a summary that shows each change as a line."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib.adapters.credential_report import CredentialReport
from straywatch.remediation.files.as_summary import as_summary
from straywatch.remediation.planning.plan import Options
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.planning.rollout import batches, only
from straywatch.remediation.reading.quotas import Quotas
from tests.unit.remediation.samples import CREATED, account, allow, arn, deny, document, group, user

READ = allow("s3:Get*")
SEND = allow("sqs:SendMessage")


def test_a_group_that_only_denies_is_called_a_guard() -> None:
    """Who leaves it may do more: its name says so; one that gives, too, is none."""
    members = [user(n, inline={"no": document(deny("s3:*"))}) for n in ("a", "b")]
    members += [user(n, READ, deny("s3:GetAcl")) for n in ("c", "d")]
    names = [g.name for g in make_plan(account(*members), Options()).new_groups]
    assert names == ["access-guard-s3", "access-s3"]


def test_each_policy_that_stays_says_why() -> None:
    """Too few share it, it cannot be read, the user or the account has no room."""
    shared = {"r": document(READ)}
    odd = {"Statement": [{"Effect": "Maybe"}]}
    few = make_plan(
        account(user("a", inline=shared), user("b", inline={**shared, "o": document(SEND)})),
        Options(),
    )
    assert "o (fewer than 2 users share it; --min-members 1 moves it)" in few.users[1].why
    unread = make_plan(account(user("a", inline={**shared, "odd": odd})), Options())
    assert "odd (it cannot be read as a policy)" in unread.users[0].why
    tight = account(
        user("a", READ), user("b", inline={**shared, "o": document(SEND)}), user("c", SEND),
        quotas=Quotas(groups_per_user=1),
    )  # fmt: skip
    assert "a user may be in 1 groups" in make_plan(tight, Options(min_members=1)).users[1].why
    pairs = [user(f"{kind}{n}", allow(f"s3:{kind}")) for kind in "abc" for n in range(2)]
    full = make_plan(account(*pairs, quotas=Quotas(groups=2)), Options())
    assert any("no room for another group" in member.why for member in full.users)


def test_an_inline_policy_that_becomes_a_managed_one_is_said_to() -> None:
    """Whoever edits the managed policy decides for all its holders from now on."""
    plan = make_plan(
        account(user("a", READ), user("b", attached=("Read",)), policies={"Read": document(READ)}),
        Options(),
    )
    words = f"what own gives comes from {arn('Read')} now, whose editors control it for all"
    assert words in plan.users[0].why
    assert "editors" not in plan.users[1].why


def test_people_who_sign_in_are_pointed_to_identity_center() -> None:
    """A password tells a person from a program; without a report nothing is said."""
    row = {"password_enabled": "true", "user_creation_time": CREATED.isoformat()}
    report = CredentialReport(datetime(2026, 2, 1, tzinfo=UTC), {"a": row})
    snapshot = account(user("a", READ), user("b", READ))
    (note,) = (n for n in make_plan(snapshot, Options(), report).notes if "Identity Center" in n)
    assert note.startswith("1 of the users sign in with a password, as people do (a)")
    assert not make_plan(snapshot, Options()).notes


def test_the_summary_has_a_line_for_each_user_and_no_markup_of_others() -> None:
    """Who gains is listed first; names are text, never links, cells or pages."""
    snapshot = account(
        user("a", READ), user("e_v@il", READ), group("Readers", READ, SEND), group("x|y<b>")
    )
    plan = make_plan(snapshot, Options(max_gain=1))
    text = as_summary(plan, "0123")
    assert "`0123`" in text
    gains = text[text.index("## Who gains what") : text.index("## Groups")]
    assert "allow sqs:SendMessage on \\*" in gains
    users = [line for line in text[text.index("## Users") :].splitlines() if line[:2] == "| "]
    assert len(users) == 4
    assert users[-1].startswith("| e\\_v\\@il | Readers | own | ")
    assert text == as_summary(plan, "0123")


def test_a_plan_for_some_users_has_their_groups_alone() -> None:
    """Batches hold every user once, in the plan's order, with the groups that they join."""
    plan = make_plan(account(*(user(f"u{n}", READ, SEND) for n in range(5))), Options())
    parts = batches(plan, 2)
    assert [[member.name for member in part.users] for part in parts] == [
        ["u0", "u1"],
        ["u2", "u3"],
        ["u4"],
    ]
    assert batches(plan, None) == [plan]
    apart = make_plan(account(user("a", READ), user("b", SEND)), Options())
    part = only(apart, ["B*"])
    assert [member.name for member in part.users] == ["b"]
    assert [new.name for new in part.groups] == list(part.users[0].join)

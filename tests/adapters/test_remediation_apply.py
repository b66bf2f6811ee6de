"""Applying and undoing plans on moto, with the process killed before and after every call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.remediation.applying.application import Applied, apply_plan, plan_digest
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.undo import Undone, undo_journal
from straywatch.remediation.applying.verification import verify
from straywatch.remediation.files.planfile import dump_plan, load_plan
from straywatch.remediation.planning.plan import Options, Plan
from straywatch.remediation.planning.planner import make_plan
from tests.adapters.remediation_account import (
    ACCOUNT,
    KilledError,
    allow,
    client,
    document,
    look,
    mortal,
    populate,
    populate_few,
    state,
)

MOST_CALLS = 60


def planned(options: Options | None = None) -> Plan:
    """A plan for the account, as it comes back from its file."""
    return load_plan(dump_plan(make_plan(look(client()), options or Options())))


def applied(plan: Plan, path: Path, iam: object = None, *, detach: bool = True) -> Applied:
    """Apply with a journal at `path`; nothing sleeps."""
    with Journal.begin(path, ACCOUNT, plan_digest(dump_plan(plan))) as journal:
        return apply_plan(
            plan,
            journal,
            iam or client(),  # type: ignore[arg-type] # a stand-in that dies on purpose
            lambda: look(client()),
            detach_direct=detach,
            settle=1,
            sleep=lambda _: None,
        )


def undone(path: Path, iam: object = None) -> Undone:
    """Undo the journal at `path`."""
    with Journal.resume(path) as journal:
        return undo_journal(
            journal,
            iam or client(),  # type: ignore[arg-type] # a stand-in that dies on purpose
            lambda: look(client()),
            lambda _: None,
        )


def memberships(plan: Plan) -> bool:
    """Whether everybody is as the plan intends, direct policies gone."""
    now = look(client())
    gone = all(
        not set(user.detach) & set(found.attached_policies)
        and not set(user.delete_inline) & set(found.inline_policies)
        for user in plan.users
        if (found := now.user(user.name)) is not None
    )
    return gone and all(finding.fine for finding in verify(plan, now))


@mock_aws
def test_apply_then_undo_restores_the_account(tmp_path: Path) -> None:
    """Undo brings back every user, group, policy, tag and path as they were."""
    populate(client())
    before = state(client())
    plan = planned()
    applied(plan, tmp_path / "j")
    assert memberships(plan)
    assert state(client()) != before
    assert undone(tmp_path / "j").left == []
    assert state(client()) == before


@mock_aws
def test_apply_twice_changes_nothing_more(tmp_path: Path) -> None:
    """A second run, with the journal or without, finds everything made already."""
    populate(client())
    plan = planned()
    first = applied(plan, tmp_path / "j")
    after = state(client())
    assert applied(plan, tmp_path / "j") == Applied(0, first.made + first.already)
    assert applied(plan, tmp_path / "other").made == 0
    assert state(client()) == after


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_call_then_resumed(tmp_path: Path, *, after: bool) -> None:
    """Wherever the process dies, the next run completes the plan; undo still restores all."""
    for die_at in range(1, MOST_CALLS):
        with mock_aws():
            populate_few(client())
            before = state(client())
            plan = planned()
            journal = tmp_path / f"{die_at}"
            iam, _ = mortal(client(), die_at, after=after)
            try:
                applied(plan, journal, iam)
            except KilledError:
                applied(plan, journal)
                assert memberships(plan), die_at
                assert undone(journal).left == []
                assert state(client()) == before, die_at
                continue
            assert die_at > 8  # all calls were tried
            return
    pytest.fail("the plan never completed")


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_call_then_undone(tmp_path: Path, *, after: bool) -> None:
    """Wherever the process dies, undo restores the account, even when undo dies on the way."""
    for die_at in range(1, MOST_CALLS):
        with mock_aws():
            populate_few(client())
            before = state(client())
            plan = planned()
            journal = tmp_path / f"{die_at}"
            try:
                applied(plan, journal, mortal(client(), die_at, after=after)[0])
            except KilledError:
                try:
                    undone(journal, mortal(client(), max(1, die_at // 2), after=after)[0])
                except KilledError:
                    undone(journal)
                assert state(client()) == before, die_at
                continue
            return
    pytest.fail("the plan never completed")


@mock_aws
def test_nobody_loses_access_at_any_call(tmp_path: Path) -> None:
    """Between any two calls every user may do at least what they could before."""
    populate_few(client())
    plan = planned()
    for die_at in range(1, MOST_CALLS):
        try:
            applied(plan, tmp_path / "j", mortal(client(), 1, after=True)[0])
        except KilledError:
            losses = [
                difference
                for finding in verify(plan, look(client()))
                for difference in finding.differences
                if difference.change == "loss"
            ]
            joined = {u.name for u in plan.users if set(u.join) <= set(_groups(u.name))}
            waiting = {f.user for f in verify(plan, look(client())) if f.missing}
            assert not [d for d in losses if not waiting], die_at
            assert joined | waiting == {user.name for user in plan.users}
            continue
        return
    pytest.fail("the plan never completed")


def _groups(name: str) -> tuple[str, ...]:
    user = look(client()).user(name)
    return () if user is None or user.groups is None else user.groups


class Denying:
    """An IAM client that may not add users to groups."""

    def __getattr__(self, name: str) -> object:
        if name != "add_user_to_group":
            return getattr(client(), name)

        def denied(**_: object) -> None:
            raise ClientError(
                {"Error": {"Code": "AccessDenied", "Message": "no"}}, "AddUserToGroup"
            )

        return denied


@mock_aws
def test_a_denial_half_way_stops_with_one_line(tmp_path: Path) -> None:
    """What was made stays in the journal; the message says how to go on and how to undo."""
    populate(client())
    before = state(client())
    plan = planned()
    with pytest.raises(StraywatchError, match=r"stopped at step .*AddUserToGroup.*undo") as told:
        applied(plan, tmp_path / "j", Denying())
    assert "\n" not in str(told.value)
    undone(tmp_path / "j")
    assert state(client()) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda i: i.add_user_to_group(GroupName="Loggers", UserName="ann"), "ann joined group"),
        (lambda i: i.delete_user_policy(UserName="dora", PolicyName="logs"), "dora lost inline"),
        (
            lambda i: i.put_user_policy(
                UserName="dora", PolicyName="new", PolicyDocument=document(allow("s3:*"))
            ),
            "dora got inline policy new",
        ),
        (
            lambda i: i.delete_group_policy(GroupName="Loggers", PolicyName="logs"),
            "group Loggers lost inline",
        ),
        (
            lambda i: (i.delete_user(UserName="empty"), i.create_user(UserName="empty")),
            "made again",
        ),
        (lambda i: i.create_group(GroupName="access-Read"), "group access-Read exists now"),
    ],
)
@mock_aws
def test_refuses_an_account_that_changed(tmp_path: Path, change: object, named: str) -> None:
    """A plan is not applied where what it relies on has changed; the change is named."""
    populate(client())
    plan = planned()
    assert callable(change)
    change(client())
    with pytest.raises(StraywatchError, match=named):
        applied(plan, tmp_path / "j")


@mock_aws
def test_undo_leaves_what_others_made(tmp_path: Path) -> None:
    """A group that somebody else uses by now stays, is named, and its other member keeps access."""
    populate(client())
    plan = planned()
    applied(plan, tmp_path / "j")
    iam = client()
    iam.add_user_to_group(GroupName="access-Read", UserName="member")
    result = undone(tmp_path / "j")
    assert any("member joined it since" in text for text in result.left)
    group = look(iam).group("access-Read")
    assert group is not None
    assert group.attached_policies


@mock_aws
def test_undo_keeps_a_membership_that_was_there_before(tmp_path: Path) -> None:
    """A user who was in a planned group by other hands stays in it."""
    populate(client())
    plan = planned()
    iam = client()
    iam.add_user_to_group(GroupName="Loggers", UserName="dora")
    applied(plan, tmp_path / "j")
    undone(tmp_path / "j")
    assert _groups("dora") == ("Loggers",)


@mock_aws
def test_journal_is_private_locked_and_tied_to_its_plan(tmp_path: Path) -> None:
    """Mode 0600; a second process is turned away; another plan's journal is refused."""
    path = tmp_path / "j"
    with Journal.begin(path, ACCOUNT, "one"):
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(StraywatchError, match="another process"):
            Journal.begin(path, ACCOUNT, "one")
    with pytest.raises(WrongUsageError, match="another plan"):
        Journal.begin(path, ACCOUNT, "two")


@mock_aws
def test_a_torn_line_of_the_journal_does_not_count(tmp_path: Path) -> None:
    """A process killed while writing leaves half a line; the next run goes on before it."""
    populate(client())
    plan = planned()
    path = tmp_path / "j"
    try:
        applied(plan, path, mortal(client(), 3, after=True)[0])
    except KilledError:
        with path.open("a") as stream:
            stream.write('{"n":3,"do')
    applied(plan, path)
    assert memberships(plan)
    assert all(json.loads(line) for line in path.read_text().splitlines())


@mock_aws
def test_an_undone_journal_is_not_applied_again(tmp_path: Path) -> None:
    """After an undo, applying needs a new journal, so that no journal tells two stories."""
    populate(client())
    plan = planned()
    applied(plan, tmp_path / "j")
    undone(tmp_path / "j")
    with pytest.raises(WrongUsageError, match="undone"):
        applied(plan, tmp_path / "j")
    assert applied(plan, tmp_path / "k").made > 0

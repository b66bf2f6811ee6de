"""Undoing after months of other people's work: renames, conflicts, refusals, strangers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from chalicelib.domain.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.applying.application import apply_plan, plan_digest
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.undo import Undone, undo_journal
from straywatch.remediation.files.planfile import dump_plan
from straywatch.remediation.planning.plan import Options, Plan
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.reading.snapshot import Snapshot
from tests.adapters.remediation_account import (
    ACCOUNT,
    KilledError,
    allow,
    client,
    document,
    look,
    mortal,
    populate_few,
    state,
)

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

READ = "arn:aws:iam::123456789012:policy/Read"
GROUP = "access-Read"


class Answering:
    """An IAM client that answers some calls with an error, once `when` says so of the arguments."""

    def __init__(self, call: str, error: Exception, when: Callable[..., bool], **more: Any) -> None:
        self._call = call
        self._error = error
        self._when = when
        self._happens = more.get("happens", False)

    def __getattr__(self, name: str) -> Any:
        method = getattr(client(), name)
        if name != self._call:
            return method

        def answer(**arguments: Any) -> Any:
            if not self._when(**arguments):
                return method(**arguments)
            if self._happens:
                method(**arguments)
            raise self._error

        return answer


def answering(call: str, error: Exception, when: Callable[..., bool], **more: Any) -> IAMClient:
    """Such a client as its type."""
    return cast("IAMClient", Answering(call, error, when, **more))


def refusal(code: str, operation: str = "Call", **metadata: Any) -> ClientError:
    """AWS says no."""
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}
    return ClientError(answer, operation)


def always(**_: Any) -> bool:
    """Every call."""
    return True


class Watch:
    """A clock that a sleep moves on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def planned() -> Plan:
    """A plan for the account as it is."""
    return make_plan(look(client()), Options())


def applied(plan: Plan, path: Path, iam: IAMClient | None = None, **more: Any) -> None:
    """Apply with a journal at `path`; nothing sleeps unless told."""
    watch = more.pop("watch", None)
    with Journal.begin(path, ACCOUNT, plan_digest(dump_plan(plan))) as journal:
        if watch:
            journal.clock = lambda: watch.now
        apply_plan(
            plan,
            journal,
            iam or client(),
            more.pop("read", lambda: look(client())),
            detach_direct=more.pop("detach", True),
            settle=more.pop("settle", 7),
            sleep=watch.sleep if watch else lambda _: None,
        )


def undone(path: Path, iam: IAMClient | None = None, **more: Any) -> Undone:
    """Undo the journal at `path`; nothing sleeps unless told."""
    watch = more.pop("watch", None)
    with Journal.resume(path) as journal:
        if watch:
            journal.clock = lambda: watch.now
        return undo_journal(
            journal,
            iam or client(),
            more.pop("read", lambda: look(client())),
            watch.sleep if watch else lambda _: None,
            settle=7,
        )


def member(name: str) -> User:
    """A user as IAM has them now."""
    user = look(client()).user(name)
    assert user is not None
    return user


def prepared(path: Path, **more: Any) -> object:
    """An account with a plan carried out; answers how it was before."""
    populate_few(client())
    before = state(client())
    applied(planned(), path, **more)
    return before


@mock_aws
def test_a_renamed_user_gets_everything_back(tmp_path: Path) -> None:
    """The journal knows her id: whatever she is called now, she holds what she held."""
    prepared(tmp_path / "j")
    client().update_user(UserName="ann", NewUserName="ann.miller")
    assert undone(tmp_path / "j").left == []
    now = member("ann.miller")
    assert (now.attached_policies, list(now.inline_policies), now.groups) == ((READ,), ["own"], ())
    assert look(client()).group(GROUP) is None


@mock_aws
def test_a_name_that_changed_hands_gives_a_stranger_nothing(tmp_path: Path) -> None:
    """Who took a renamed user's name is not touched, neither given policies nor taken out."""
    prepared(tmp_path / "j")
    iam = client()
    iam.update_user(UserName="ann", NewUserName="ann.miller")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="None", UserName="ann")
    assert undone(tmp_path / "j").left == []
    assert (member("ann").attached_policies, member("ann").groups) == ((), ("None",))
    assert member("ann.miller").attached_policies == (READ,)


@mock_aws
def test_a_renamed_group_is_left_and_removed(tmp_path: Path) -> None:
    """Groups go by id, too: nothing of what the plan made stays under another name."""
    before = prepared(tmp_path / "j")
    client().update_group(GroupName=GROUP, NewGroupName="Readers")
    assert undone(tmp_path / "j").left == []
    assert state(client()) == before


@mock_aws
def test_a_renamed_group_that_existed_before_is_left(tmp_path: Path) -> None:
    """A membership in a group that the plan found there goes, whatever the group is called now."""
    prepared(tmp_path / "j")
    assert member("empty").groups == ("None",)
    client().update_group(GroupName="None", NewGroupName="Nothing")
    assert undone(tmp_path / "j").left == []
    assert member("empty").groups == ()
    assert look(client()).group("Nothing") is not None


@mock_aws
def test_who_has_another_policy_of_the_name_keeps_the_group(tmp_path: Path) -> None:
    """What belongs to one user is judged together: nobody is left without access."""
    prepared(tmp_path / "j")
    other = document(allow("kms:Sign"))
    client().put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=other)
    result = undone(tmp_path / "j")
    assert len([text for text in result.left if "another policy of the name own" in text]) == 1
    assert GROUP in member("ann").groups  # type: ignore[operator] # a snapshot tells groups
    assert member("bob").groups == ()
    assert member("bob").attached_policies == (READ,)
    group = look(client()).group(GROUP)
    assert group is not None
    assert group.attached_policies
    assert group.inline_policies


@mock_aws
def test_a_conflict_that_is_mended_lets_undo_finish(tmp_path: Path) -> None:
    """Repeating the command restores whoever was left, and leaves no trace."""
    before = prepared(tmp_path / "j")
    iam = client()
    other = document(allow("kms:Sign"))
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=other)
    undone(tmp_path / "j")
    iam.delete_user_policy(UserName="ann", PolicyName="own")
    assert undone(tmp_path / "j").left == []
    assert state(client()) == before


@pytest.mark.parametrize("code", ["LimitExceeded", "PolicyNotAttachable", "NoSuchEntity"])
@mock_aws
def test_one_user_who_cannot_be_restored_stops_nobody(tmp_path: Path, code: str) -> None:
    """They keep their groups and are named with the reason; everybody else is restored."""
    prepared(tmp_path / "j")
    iam = answering("attach_user_policy", refusal(code), lambda UserName, **_: UserName == "bob")  # noqa: N803 - IAM's name
    result = undone(tmp_path / "j", iam)
    assert len(result.left) == 2
    assert result.left[0].startswith("user bob: ")
    assert code in result.left[0]
    assert f"stays in {GROUP}" in result.left[0]
    assert result.left[1] == f"group {GROUP}: bob keeps it"
    assert member("bob").groups == (GROUP,)
    assert (member("ann").groups, member("ann").attached_policies) == ((), (READ,))
    assert member("empty").groups == ()


@mock_aws
def test_a_managed_policy_that_is_gone_is_foreseen(tmp_path: Path) -> None:
    """Its users keep their groups; a user who never held it is restored."""
    prepared(tmp_path / "j")
    iam = client()
    iam.detach_group_policy(GroupName=GROUP, PolicyArn=READ)
    iam.delete_policy(PolicyArn=READ)
    result = undone(tmp_path / "j")
    assert [text for text in result.left if text.startswith("user ann")]
    assert member("ann").groups == (GROUP,)
    assert member("empty").groups == ()
    group = look(client()).group(GROUP)
    assert group is not None
    assert group.inline_policies


@mock_aws
def test_a_deleted_user_is_named_and_holds_nobody_up(tmp_path: Path) -> None:
    """Who left the company cannot be restored; the group goes all the same."""
    prepared(tmp_path / "j")
    iam = client()
    iam.remove_user_from_group(GroupName=GROUP, UserName="ann")
    iam.delete_user(UserName="ann")
    iam.create_user(UserName="ann")
    result = undone(tmp_path / "j")
    assert result.left == ["user ann: was deleted and made again"]
    assert member("ann").attached_policies == ()
    assert member("bob").attached_policies == (READ,)
    assert look(client()).group(GROUP) is None


@mock_aws
def test_who_lost_direct_policies_by_other_hands_keeps_the_group(tmp_path: Path) -> None:
    """Groups were given, and somebody cleaned up by hand: the group is all such a user has."""
    prepared(tmp_path / "j", detach=False)
    client().detach_user_policy(UserName="ann", PolicyArn=READ)
    result = undone(tmp_path / "j")
    assert f"user ann: does not hold managed policy {READ} directly any more" in result.left[0]
    assert member("ann").groups == (GROUP,)
    assert member("bob").groups == ()


@mock_aws
def test_a_refused_call_did_not_happen(tmp_path: Path) -> None:
    """What an administrator did by hand after AWS had refused it is theirs: undo leaves it."""
    populate_few(client())
    iam = answering("add_user_to_group", refusal("AccessDenied"), always)
    with pytest.raises(StraywatchError, match="access denied"):
        applied(planned(), tmp_path / "j", iam)
    client().create_group(GroupName="Mine")
    client().add_user_to_group(GroupName=GROUP, UserName="ann")
    undone(tmp_path / "j")
    assert member("ann").groups == (GROUP,)


@mock_aws
def test_a_stranger_s_empty_group_is_left_alone(tmp_path: Path) -> None:
    """IAM refused to create the group; who made one of that name since keeps it."""
    client().create_user(UserName="empty")
    iam = answering("create_group", refusal("AccessDenied"), always)
    with pytest.raises(StraywatchError, match="access denied"):
        applied(planned(), tmp_path / "j", iam)
    client().create_group(GroupName="access-none")
    assert undone(tmp_path / "j").left == []
    assert look(client()).group("access-none") is not None


@mock_aws
def test_a_call_whose_answer_was_lost_is_taken_back(tmp_path: Path) -> None:
    """A timeout is no refusal: the membership came about and goes again."""
    populate_few(client())
    before = state(client())
    lost = ReadTimeoutError(endpoint_url="https://iam.amazonaws.com")
    iam = answering("add_user_to_group", lost, always, happens=True)
    with pytest.raises(StraywatchError, match="stopped at step"):
        applied(planned(), tmp_path / "j", iam)
    assert member("ann").groups == (GROUP,)
    undone(tmp_path / "j")
    assert state(client()) == before


@mock_aws
def test_a_refusal_that_a_retry_may_have_caused_is_no_refusal(tmp_path: Path) -> None:
    """The first attempt removed the policy, its answer got lost, the retry found nothing."""
    populate_few(client())
    before = state(client())
    retried = refusal("NoSuchEntity", "DetachUserPolicy", RetryAttempts=1, HTTPStatusCode=404)
    iam = answering("detach_user_policy", retried, always, happens=True)
    with pytest.raises(StraywatchError, match="NoSuchEntity"):
        applied(planned(), tmp_path / "j", iam)
    undone(tmp_path / "j")
    assert state(client()) == before


@mock_aws
def test_an_unsure_answer_stops_undo(tmp_path: Path) -> None:
    """A timeout leaves open what happened: undo stops with one line, and goes on when repeated."""
    before = prepared(tmp_path / "j")
    lost = ReadTimeoutError(endpoint_url="https://iam.amazonaws.com")
    with pytest.raises(StraywatchError, match="undoing stopped at"):
        undone(tmp_path / "j", answering("put_user_policy", lost, always, happens=True))
    assert undone(tmp_path / "j").left == []
    assert state(client()) == before


@mock_aws
def test_who_joined_while_undo_ran_keeps_access(tmp_path: Path) -> None:
    """The account is looked at again before a group's policies go."""
    prepared(tmp_path / "j")
    client().create_user(UserName="late")
    looks: list[Snapshot] = []

    def read() -> Snapshot:
        if len(looks) == 2:
            client().add_user_to_group(GroupName=GROUP, UserName="late")
        looks.append(look(client()))
        return looks[-1]

    assert undone(tmp_path / "j", read=read).left == [f"group {GROUP}: late joined it since"]
    group = look(client()).group(GROUP)
    assert group is not None
    assert group.attached_policies == (READ,)


@mock_aws
def test_the_second_step_waits_as_long_as_the_journal_tells(tmp_path: Path) -> None:
    """`apply`, then `apply --detach-direct` at once: IAM gets its time all the same."""
    populate_few(client())
    plan, watch = planned(), Watch()
    applied(plan, tmp_path / "j", watch=watch, detach=False)
    assert sum(watch.slept) == 0
    watch.sleep(2)
    applied(plan, tmp_path / "j", watch=watch)
    assert sum(watch.slept) == 7  # of which two had passed


@mock_aws
def test_a_resumed_apply_waits_as_the_first_would_have(tmp_path: Path) -> None:
    """Killed right before the first removal: the next run removes nothing before its time."""
    populate_few(client())
    plan, watch = planned(), Watch()
    iam, _ = mortal(client(), 7, after=False)
    with pytest.raises(KilledError):
        applied(plan, tmp_path / "j", iam, watch=watch)
    slept = sum(watch.slept)
    watch.sleep(1)
    applied(plan, tmp_path / "j", watch=watch)
    assert sum(watch.slept) >= slept + 7


@mock_aws
def test_groups_that_others_made_get_the_whole_wait(tmp_path: Path) -> None:
    """Made by a script a moment ago, for all the journal knows: nothing is removed at once."""
    populate_few(client())
    plan, watch = planned(), Watch()
    applied(plan, tmp_path / "j", detach=False)
    applied(plan, tmp_path / "other", watch=watch)
    assert watch.slept == [7]


@mock_aws
def test_undo_waits_before_it_looks_and_before_anybody_leaves(tmp_path: Path) -> None:
    """Right after `apply` a look may be stale; right after a policy is back it may not work yet."""
    watch = Watch()
    prepared(tmp_path / "j", watch=watch)
    watch.slept.clear()
    undone(tmp_path / "j", watch=watch)
    assert watch.slept == [7, 7]
    watch.slept.clear()


@mock_aws
def test_a_stale_look_takes_nobody_out(tmp_path: Path) -> None:
    """As long as IAM does not show what was put back, its user stays in the group."""
    prepared(tmp_path / "j")
    stale = look(client())
    result = undone(tmp_path / "j", read=lambda: stale)
    assert any("was put back and is not there" in text for text in result.left)
    assert member("ann").groups == (GROUP,)


@mock_aws
def test_access_is_looked_at_between_batches(tmp_path: Path) -> None:
    """Somebody empties the group half way: whoever still has direct policies keeps them."""
    iam = client()
    populate_few(iam)
    for number in range(120):
        iam.create_user(UserName=f"u{number}")
        iam.attach_user_policy(UserName=f"u{number}", PolicyArn=READ)
    plan = planned()
    gone: list[str] = []

    def counted(**arguments: Any) -> bool:
        gone.append(arguments["UserName"])
        if len(gone) == 50:
            group = next(g.name for g in plan.new_groups if g.attach == (READ,))
            iam.detach_group_policy(GroupName=group, PolicyArn=READ)
        return False

    watching = answering("detach_user_policy", refusal("none"), counted)
    with pytest.raises(StraywatchError, match="not removed yet were left in place"):
        applied(plan, tmp_path / "j", watching)
    assert len(set(gone)) <= 100


@mock_aws
def test_access_is_looked_at_in_the_end(tmp_path: Path) -> None:
    """A group emptied during the last removals is told of, with the way back."""
    populate_few(client())

    def emptied(**_: Any) -> bool:
        for group in look(client()).groups:
            for arn in group.attached_policies:
                client().detach_group_policy(GroupName=group.name, PolicyArn=arn)
        return False

    iam = answering("detach_user_policy", refusal("none"), emptied)
    with pytest.raises(StraywatchError, match=r"access is not as intended: .*straywatch undo"):
        applied(planned(), tmp_path / "j", iam)


@mock_aws
def test_a_journal_of_an_earlier_version_says_what_it_cannot_find(tmp_path: Path) -> None:
    """Without ids of groups that existed, one that was renamed is named, never "0 left"."""
    populate_few(client())
    path = tmp_path / "j"
    empty = member("empty")
    client().add_user_to_group(GroupName="None", UserName="empty")
    head = (
        '{"journal":"straywatch.journal/1","plan":"p","account":"123456789012","partition":"aws"}'
    )
    intent = (
        '{"n":1,"at":"2026-10-01T00:00:00+00:00","intent":{"kind":"add-user-to-group",'
        f'"group":"None","user":"empty","user_id":"{empty.user_id}"}}}}'
    )
    path.write_text(f'{head}\n{intent}\n{{"n":1,"done":true,"group_id":""}}\n')
    client().update_group(GroupName="None", NewGroupName="Nothing")
    assert "lacks its id" in undone(path).left[0]
    client().update_group(GroupName="Nothing", NewGroupName="None")
    assert undone(path).left == []
    assert member("empty").groups == ()

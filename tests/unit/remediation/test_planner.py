"""What a plan proposes, on accounts whose best plan is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from bench.planted import Shape, planted
from chalicelib.adapters.credential_report import CredentialReport
from chalicelib.domain.exemptions import Exemptions, Rule
from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.remediation.applying.application import refuse_if_harmful
from straywatch.remediation.applying.verification import verify
from straywatch.remediation.files.planfile import dump_plan
from straywatch.remediation.planning.intent import UserEffect
from straywatch.remediation.planning.plan import Options, Plan, PlannedGroup
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.reading.quotas import Quotas
from straywatch.remediation.reading.snapshot import Snapshot
from tests.unit.remediation.evaluator import allowed
from tests.unit.remediation.samples import (
    CREATED,
    account,
    allow,
    arn,
    deny,
    document,
    group,
    user,
)

READ = allow("s3:Get*", "s3:List*")
SEND = allow("sqs:SendMessage", on="arn:aws:sqs:*:*:in")


def joins(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The groups each user joins."""
    return {member.name: member.join for member in plan.users}


def documents(plan: Plan, snapshot: Snapshot, name: str, *, after: bool) -> list[object]:
    """All documents that apply to a user before or after the plan."""
    found = snapshot.user(name)
    assert found is not None
    member = next(m for m in plan.users if m.name == name) if after else None
    attached = [a for a in found.attached_policies if member is None or a not in member.detach]
    held: list[object] = [
        d
        for n, d in found.inline_policies.items()
        if member is None or n not in member.delete_inline
    ]
    for joined in member.join if member else ():
        new = plan.group(joined)
        old = snapshot.group(joined)
        assert new is not None
        source = new if new.create else None
        attached += source.attach if source else old.attached_policies if old else ()
        held += source.inline.values() if source else old.inline_policies.values() if old else ()
    return [*held, *(snapshot.policies[a].document for a in attached)]


def test_same_permissions_however_written_make_one_group() -> None:
    """Order, case, names, version ids and splitting of statements make no difference."""
    plan = make_plan(
        account(
            user("a", READ, SEND),
            user("b", SEND, allow("s3:list*"), allow("S3:Get*")),
            user("c", inline={"x": document(READ), "y": document(SEND)}),
        ),
        Options(),
    )
    assert len(plan.new_groups) == plan.at_least == 1
    assert len({member.join for member in plan.users}) == 1
    assert [member.delete_inline for member in plan.users] == [("own",), ("own",), ("x", "y")]


def test_an_existing_group_that_gives_the_same_is_used() -> None:
    """No group is created where one exists, even if its document is written otherwise."""
    plan = make_plan(
        account(user("a", READ), group("Readers", allow("s3:List*"), allow("s3:Get*"))), Options()
    )
    assert plan.new_groups == ()
    assert joins(plan) == {"a": ("Readers",)}


def test_an_existing_group_that_gives_more_needs_leave() -> None:
    """It is named in the explanation, and used only within --max-gain; the gain is listed."""
    snapshot = account(user("a", READ), group("Readers", READ, SEND))
    strict = make_plan(snapshot, Options())
    assert len(strict.new_groups) == 1
    assert "Closest existing group Readers would also give" in strict.new_groups[0].why
    lenient = make_plan(snapshot, Options(max_gain=1))
    assert joins(lenient) == {"a": ("Readers",)}
    assert lenient.users[0].gains == ("allow sqs:SendMessage on arn:aws:sqs:*:*:in",)


def test_a_group_that_denies_is_never_joined_for_its_gains() -> None:
    """A Deny the user is not under takes away; no --max-gain allows that."""
    snapshot = account(user("a", READ), group("Limited", READ, deny("s3:GetObject")))
    assert make_plan(snapshot, Options(max_gain=99)).users[0].join != ("Limited",)


def test_the_group_with_the_fewest_actions_more_is_chosen() -> None:
    """A managed policy counts for all that it grants: Viewers, not Admins, whatever the limit."""
    everything = document(allow("*"))
    view = document(READ, allow("sqs:ListQueues", "sqs:GetQueueUrl"))
    snapshot = account(
        user("a", READ),
        group("Admins", attached=("Everything",)),
        group("Viewers", attached=("View",)),
        policies={"Everything": everything, "View": view},
    )
    for limit in (2, 10**9):
        plan = make_plan(snapshot, Options(max_gain=limit))
        assert joins(plan) == {"a": ("Viewers",)}
        assert plan.users[0].gains == (
            "allow sqs:GetQueueUrl on *",
            "allow sqs:ListQueues on *",
        )
    assert joins(make_plan(snapshot, Options(max_gain=1))) == {"a": ("access-s3",)}


@pytest.mark.parametrize(
    "statement",
    [
        allow("*"),
        allow("*:*"),
        allow("iam:*"),
        allow("iam:Pass*"),
        allow("iam:PassRole", on="arn:aws:iam::123456789012:role/one"),
        allow("iam:SomethingNew"),
        allow("sts:AssumeRole"),
        allow("lambda:UpdateFunctionCode"),
        allow("iam:DeleteUserPermissionsBoundary"),
        allow("s3:PutBucketPolicy"),
        {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"},
    ],
)
def test_what_makes_an_administrator_is_never_gained(statement: dict[str, object]) -> None:
    """Not by an existing group, not by merging, not by an edit, whatever --max-gain allows."""
    snapshot = account(
        user("a", READ), user("b", READ, statement), group("Admins", READ, statement)
    )
    plan = make_plan(snapshot, Options(max_gain=10**9))
    assert "Admins" not in joins(plan)["a"]
    assert plan.users[0].gains == ()
    widened = replace(
        plan,
        groups=(PlannedGroup("Admins", create=False),),
        users=(replace(plan.users[0], join=("Admins",)),),
    )
    with pytest.raises(WrongUsageError, match="whatever max_gain says"):
        refuse_if_harmful(widened)


def test_no_limit_allows_a_denial_to_go() -> None:
    """What a Deny forbids is not counted in actions: an edit that drops it is refused."""
    snapshot = account(user("a", inline={"no": document(deny("kms:*")), "all": document(READ)}))
    plan = make_plan(snapshot, Options(max_gain=5))
    group_without = PlannedGroup("new", create=True, inline={"p": document(READ, allow("kms:*"))})
    dropped = replace(
        plan,
        groups=(group_without,),
        users=(replace(plan.users[0], join=("new",), delete_inline=("no", "all")),),
    )
    with pytest.raises(WrongUsageError, match="gain of allow kms"):
        refuse_if_harmful(dropped)


def test_verify_lists_gains_as_gains() -> None:
    """What the plan intends is fine; that somebody may do more than before is said all the same."""
    snapshot = account(user("a", READ), group("Readers", READ, SEND))
    plan = make_plan(snapshot, Options(max_gain=1))
    joined = account(user("a", READ, groups=("Readers",)), group("Readers", READ, SEND))
    (finding,) = verify(plan, joined)
    assert finding.fine
    assert [gain.action for gain in finding.gains] == ["sqs:sendmessage"]


def test_overlapping_roles_are_found_again() -> None:
    """Users who hold several hidden roles at once share the groups of those roles."""
    roles = [allow(f"s3:A{n}", f"sqs:B{n}", "kms:Shared") for n in range(4)]
    users = [
        user(f"u{n}", *(role for role, held in zip(roles, mask, strict=True) if held))
        for n, mask in enumerate(product((0, 1), repeat=4))
        if any(mask)
    ]
    plan = make_plan(account(*users), Options())
    assert len(plan.new_groups) == plan.at_least == 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_roles_are_found_and_nobody_gains_or_loses(seed: int) -> None:
    """No more groups than were planted; an independent evaluator decides each request alike."""
    shape = Shape(users=120, roles=10, permissions=40, smallest=2, largest=5, most_roles=4)
    snapshot, roles = planted(shape, seed)
    plan = make_plan(snapshot, Options())
    assert len(plan.new_groups) <= roles
    assert plan.at_least <= len(plan.new_groups)
    requests = [
        (action, resource.replace("*", "x"))
        for new in plan.new_groups
        for d in new.inline.values()
        for statement in d["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]
    for member in plan.users[:40]:
        before = documents(plan, snapshot, member.name, after=False)
        after = documents(plan, snapshot, member.name, after=True)
        assert not member.stays
        for request in requests:
            assert allowed(before, *request) == allowed(after, *request)  # type: ignore[arg-type] # documents


def test_a_permission_of_one_user_makes_no_group_beside_shared_ones() -> None:
    """Noise stays direct and is said to; with --min-members 1 it gets a group of its own."""
    snapshot = account(
        user("a", READ),
        user("b", inline={"r": document(READ), "odd": document(allow("kms:Decrypt"))}),
    )
    plan = make_plan(snapshot, Options())
    assert len(plan.new_groups) == 1
    assert plan.users[1].stays == ("odd",)
    assert "stays direct" in plan.users[1].why
    assert len(make_plan(snapshot, Options(min_members=1)).new_groups) == 2


def test_a_stray_who_shares_nothing_gets_a_group_of_their_own() -> None:
    """Every stray ends in a group."""
    plan = make_plan(account(user("a", READ), user("b", SEND)), Options())
    assert len(plan.new_groups) == 2
    assert all(len(member.join) == 1 for member in plan.users)


def test_a_stray_without_permissions_joins_a_group_without_permissions() -> None:
    """An existing one if there is one; else one is created, for all of them together."""
    new = make_plan(account(user("a"), user("b")), Options())
    assert [(g.name, g.attach, dict(g.inline)) for g in new.groups] == [("access-none", (), {})]
    assert joins(make_plan(account(user("a"), group("Idle")), Options())) == {"a": ("Idle",)}


def report(*names: str, held: bool = False) -> CredentialReport:
    """A credential report on users of the samples."""
    answers = {"password_enabled": str(held), "user_creation_time": CREATED.isoformat()}
    nothing = ("access_key_1_active", "access_key_2_active", "cert_1_active", "cert_2_active")
    never = ("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date")
    row = answers | dict.fromkeys(nothing, "false") | dict.fromkeys(never, "N/A")
    return CredentialReport(datetime(2026, 2, 1, tzinfo=UTC), dict.fromkeys(names, row))


def test_users_better_deleted_or_exempted_are_proposed_so() -> None:
    """Idle without permissions: delete. Service-made: exempt. Unknown to the report: neither."""
    snapshot = account(user("idle"), user("new"), user("ses-smtp-user.x", SEND), user("busy", READ))
    plan = make_plan(snapshot, Options(), report("idle", "busy"))
    assert {p.name: p.proposal for p in plan.proposals} == {
        "idle": "delete",
        "ses-smtp-user.x": "exempt",
    }
    assert joins(plan).keys() == {"busy", "new"}
    assert "rather delete" in next(m for m in plan.users if m.name == "busy").why
    assert not make_plan(snapshot, Options(), report("idle", held=True)).proposals[1:]


def test_direct_scope_moves_what_members_hold_directly() -> None:
    """With --scope direct, users in groups are planned for; what their groups give just goes."""
    plan = make_plan(
        account(
            user("a", READ, groups=("Readers",)),
            user("b", SEND, groups=("Readers",)),
            group("Readers", READ),
        ),
        Options(scope="direct"),
    )
    assert [(m.name, len(m.join), m.delete_inline) for m in plan.users] == [
        ("a", 0, ("own",)),
        ("b", 1, ("own",)),
    ]


def test_who_cannot_be_proved_to_keep_all_stays_direct_and_stops_nobody() -> None:
    """The plan serves the others, and says why; a stray among them is in a group all the same."""
    snapshot = account(
        user("a", READ),
        user("b", READ),
        user("c", READ, SEND),
        user("d", READ, groups=("Old",)),
        group("Old", SEND),
    )

    def proves(plan: Plan) -> list[UserEffect]:
        moved = {member.name for member in plan.users if member.delete_inline}
        return [UserEffect(name, (), ("loss of all",)) for name in moved & {"c", "d"}]

    plan = make_plan(snapshot, Options("direct"), None, proves)
    assert joins(plan) == {"a": ("access-s3",), "b": ("access-s3",), "c": ("access-none",)}
    assert plan.users[2].stays == ("own",)
    assert "cannot be proved that a group in its place changes nothing" in plan.users[2].why
    (note,) = (note for note in plan.notes if note.startswith("nothing changes for 1 user: d: "))
    assert "own (it cannot be proved" in note
    assert "loss of all" in note
    with pytest.raises(StraywatchError, match="the plan for a does not hold: never"):
        make_plan(snapshot, Options(), None, lambda _: [UserEffect("a", (), ("never",))])


def test_an_inline_copy_of_a_managed_policy_is_the_managed_policy() -> None:
    """Users with either share one group, to which the managed policy is attached."""
    plan = make_plan(
        account(user("a", READ), user("b", attached=("Read",)), policies={"Read": document(READ)}),
        Options(),
    )
    assert [g.attach for g in plan.new_groups] == [(arn("Read"),)]
    assert plan.new_groups[0].name == "access-Read"


def test_a_policy_that_cannot_be_read_stays_where_it_is() -> None:
    """What is not understood is never moved, and its user is in a group all the same."""
    odd = {"Statement": [{"Effect": "Maybe"}]}
    plan = make_plan(account(user("a", inline={"odd": odd})), Options())
    assert plan.users[0].stays == ("odd",)
    assert plan.users[0].join == ("access-none",)


def test_quotas_of_groups_are_respected() -> None:
    """A group holds no more managed policies than IAM allows, a user joins no more groups."""
    names = [f"P{n}" for n in range(6)]
    policies = {name: document(allow(f"s3:{name}")) for name in names}
    members = [user(n, attached=tuple(names)) for n in ("a", "b")]
    quotas = Quotas(policies_per_group=4, groups_per_user=2)
    plan = make_plan(account(*members, policies=policies, quotas=quotas), Options())
    assert sorted(len(g.attach) for g in plan.new_groups) == [2, 4]
    tight = Quotas(policies_per_group=4, groups_per_user=1)
    plan = make_plan(account(*members, policies=policies, quotas=tight), Options())
    assert all(len(m.join) == 1 and len(m.stays) == 2 for m in plan.users)


def test_a_full_account_is_said_to_be_full() -> None:
    """Where no group can be added the largest are kept, or the command says what to do."""
    members = [user(f"{kind}{n}", allow(f"s3:{kind}")) for kind in "abc" for n in range(2)]
    plan = make_plan(account(*members, quotas=Quotas(groups=2)), Options())
    assert len(plan.new_groups) == 2
    assert any("room for 2" in note for note in plan.notes)
    assert all(len(m.join) == 1 for m in plan.users)
    with pytest.raises(StraywatchError, match="quota of 0 groups"):
        make_plan(account(*members, quotas=Quotas(groups=0)), Options())


def test_a_full_account_still_serves_who_fits_a_group_that_exists() -> None:
    """The quota is used up: whoever fits an existing group joins it, the others are named."""
    full = [group(f"g{n}", allow(f"ec2:{n}")) for n in range(299)]
    snapshot = account(user("a", READ), user("b", SEND), *full, group("Readers", READ))
    plan = make_plan(snapshot, Options())
    assert joins(plan) == {"a": ("Readers",)}
    (note,) = (note for note in plan.notes if "in no group stay" in note)
    assert note.startswith("in no group stay 1 user, as the account's quota of 300 groups is used")
    assert note.endswith(": b")
    idle = account(
        user("a", READ), user("b", SEND), *full[1:], group("Readers", READ), group("Idle")
    )
    assert joins(make_plan(idle, Options())) == {"a": ("Readers",), "b": ("Idle",)}


def test_room_is_kept_for_those_left_over_only_if_they_need_it() -> None:
    """With a group without permissions at hand, all the room goes to groups that give something."""
    members = [user(f"{kind}{n}", allow(f"s3:{kind}")) for kind in "abc" for n in range(2)]
    plan = make_plan(account(*members, group("Idle"), quotas=Quotas(groups=3)), Options())
    assert len(plan.new_groups) == 2
    assert plan.at_least == 0


def test_what_is_not_proved_is_not_called_proved() -> None:
    """Under a boundary or a Deny more permissions may be no gain, so that fewer groups may do."""
    plain = account(user("a", READ), user("b", SEND))
    assert make_plan(plain, Options()).at_least == 2
    limited = {"Limit": document(READ)}
    for held in (
        account(user("a", READ, boundary_arn=arn("Limit")), user("b", SEND), policies=limited),
        account(user("a", READ, deny("sqs:*")), user("b", SEND, deny("s3:*"))),
        account(
            user("a", {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}), user("b", SEND)
        ),
        account(user("a", READ), user("b", SEND), quotas=Quotas(groups=1)),
        account(
            user("a", READ),
            user("b", READ, SEND),
            user("c", SEND),
            quotas=Quotas(groups_per_user=1),
        ),
    ):
        assert make_plan(held, Options(min_members=1)).at_least == 0
    assert make_plan(plain, Options(max_gain=1)).at_least == 0


def test_names_are_unique_whatever_their_case() -> None:
    """A name that is taken, in any case, is told apart by a digest, the same on every run."""
    snapshot = account(
        user("a", attached=("Read",)), group("ACCESS-READ", SEND), policies={"Read": document(READ)}
    )
    name = make_plan(snapshot, Options()).new_groups[0].name
    assert name.startswith("access-Read-")
    assert name == make_plan(snapshot, Options()).new_groups[0].name


def test_the_same_account_gives_the_same_bytes() -> None:
    """A plan can be compared with the one before it."""
    snapshot, _ = planted(Shape(users=60, roles=6, most_roles=3))
    assert dump_plan(make_plan(snapshot, Options())) == dump_plan(make_plan(snapshot, Options()))


def test_exempt_users_are_left_alone() -> None:
    """By tag or by the configuration, in both scopes; the plan says whom, and by what."""
    tagged = user("robot", READ, tags={"straywatch:exempt": "build\nrobot"})
    over = {"straywatch:exempt": "was", "straywatch:exempt-until": "2026-01-31"}
    snapshot = account(tagged, user("ci-1", READ), user("late", READ, tags=over), user("a", READ))
    rules = Exemptions((Rule("name", "ci-*", "OPS-12"),))
    for scope in ("strays", "direct"):
        plan = make_plan(
            snapshot, Options(scope, exemptions=rules, now=datetime(2026, 3, 1, tzinfo=UTC))
        )
        assert joins(plan).keys() == {"a", "late"}
        (note,) = (note for note in plan.notes if "exempt" in note)
        assert note.startswith("2 exempt users are left alone: robot (by tag ")
        assert "\n" not in note
    assert joins(make_plan(snapshot, Options())).keys() == {"a", "ci-1", "late"}


def test_excluded_users_are_left_alone() -> None:
    """--exclude takes patterns and ignores case, as IAM does."""
    plan = make_plan(account(user("ci-1", READ), user("a", READ)), Options(exclude=("CI-*",)))
    assert joins(plan).keys() == {"a"}

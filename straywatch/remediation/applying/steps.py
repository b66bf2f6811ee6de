"""A plan as single steps, each one IAM call: to make, to recognize as made, to take back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.domain.account import User
from straywatch.remediation.planning.plan import Plan, PlannedUser
from straywatch.remediation.policies.documents import canonical, digest
from straywatch.remediation.reading.snapshot import Group, Snapshot

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Document = Mapping[str, Any]

CREATE = "create-group"
ATTACH = "attach-group-policy"
PUT = "put-group-policy"
ADD = "add-user-to-group"
DETACH = "detach-user-policy"
DELETE = "delete-user-policy"


@dataclass(frozen=True)
class Step:
    """One IAM call, named like the AWS CLI's command. `policy` is an ARN or an inline name.

    `replaces`, of a user who joins a group, are the direct policies that the plan's groups replace:
    ARNs, and inline names with a digest of what they say.
    """

    kind: str
    group: str = ""
    user: str = ""
    user_id: str = ""
    policy: str = ""
    path: str = ""
    document: Document = field(default_factory=dict)
    group_id: str = ""
    replaces: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells one step of a plan from another."""
        return (self.kind, self.group.lower(), self.user.lower(), self.policy)

    def to_data(self) -> dict[str, Any]:
        """The step for the journal, without what it does not use."""
        return {name: value for name, value in asdict(self).items() if value}

    def __str__(self) -> str:
        named = (("group", self.group), ("user", self.user), ("policy", self.policy))
        return " ".join([self.kind, *(f"{name} {value}" for name, value in named if value)])


def grant_steps(plan: Plan) -> list[Step]:
    """The steps that give: groups with their policies first, so that nobody joins an empty one."""
    steps: list[Step] = []
    for group in plan.new_groups:
        steps.append(Step(CREATE, group=group.name, path=group.path))
        steps += [Step(ATTACH, group=group.name, policy=arn) for arn in group.attach]
        steps += [
            Step(PUT, group=group.name, policy=name, document=document)
            for name, document in group.inline.items()
        ]
    return steps + [
        Step(ADD, name, user.name, user.user_id, replaces=_replaced(user, plan))
        for user in plan.users
        for name in user.join
    ]


def _replaced(planned: PlannedUser, plan: Plan) -> dict[str, str]:
    known = plan.before.user(planned.name)
    inline = known.inline_policies if known else {}
    found = dict.fromkeys(planned.detach, "")
    return found | {name: digest(inline.get(name)) for name in planned.delete_inline}


def removal_steps(plan: Plan) -> list[Step]:
    """The steps that take away direct policies, each with what it takes to bring them back.

    Each user's last policy goes first, so that undoing brings them back in their own order.
    """
    steps: list[Step] = []
    for user in plan.users:
        known = plan.before.user(user.name)
        if known is None:
            continue
        attached = [arn for arn in known.attached_policies if arn in user.detach]
        steps += [
            Step(DETACH, user=user.name, user_id=user.user_id, policy=arn)
            for arn in reversed(attached)
        ]
        inline = [item for item in known.inline_policies.items() if item[0] in user.delete_inline]
        steps += [
            Step(DELETE, "", user.name, user.user_id, name, document=document)
            for name, document in reversed(inline)
        ]
    return steps


def is_done(step: Step, snapshot: Snapshot) -> bool:
    """Tell whether the account is already as the step would make it."""
    group, user = snapshot.group(step.group), snapshot.user(step.user)
    if step.kind in (DETACH, DELETE):
        return user is None or not _holds(user, step)
    if step.kind == ADD:
        return user is not None and step.group.lower() in map(str.lower, user.groups or ())
    return group is not None and (step.kind == CREATE or _holds(group, step))


def _holds(holder: User | Group, step: Step) -> bool:
    if step.kind in (ATTACH, DETACH):
        return step.policy in holder.attached_policies
    document = holder.inline_policies.get(step.policy)
    if step.kind == DELETE:
        return document is not None
    return document is not None and canonical(document) == canonical(step.document)


def perform(iam: IAMClient, step: Step) -> str:
    """Make the call; return the id of a group that was created. Raises ClientError."""
    if step.kind == CREATE:
        return iam.create_group(GroupName=step.group, Path=step.path)["Group"]["GroupId"]
    if step.kind == ATTACH:
        iam.attach_group_policy(GroupName=step.group, PolicyArn=step.policy)
    elif step.kind == PUT:
        iam.put_group_policy(
            GroupName=step.group, PolicyName=step.policy, PolicyDocument=compact(step.document)
        )
    elif step.kind == ADD:
        iam.add_user_to_group(GroupName=step.group, UserName=step.user)
    elif step.kind == DETACH:
        iam.detach_user_policy(UserName=step.user, PolicyArn=step.policy)
    else:
        iam.delete_user_policy(UserName=step.user, PolicyName=step.policy)
    return ""


def take_back(iam: IAMClient, step: Step) -> None:
    """Make the call that reverses the step. Raises ClientError."""
    if step.kind == CREATE:
        iam.delete_group(GroupName=step.group)
    elif step.kind == ATTACH:
        iam.detach_group_policy(GroupName=step.group, PolicyArn=step.policy)
    elif step.kind == PUT:
        iam.delete_group_policy(GroupName=step.group, PolicyName=step.policy)
    elif step.kind == ADD:
        iam.remove_user_from_group(GroupName=step.group, UserName=step.user)
    elif step.kind == DETACH:
        iam.attach_user_policy(UserName=step.user, PolicyArn=step.policy)
    else:
        iam.put_user_policy(
            UserName=step.user, PolicyName=step.policy, PolicyDocument=compact(step.document)
        )


def compact(document: Document) -> str:
    """The document as IAM shall store it: short, its keys in their own order."""
    return json.dumps(document, separators=(",", ":"))

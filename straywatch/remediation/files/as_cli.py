"""A plan as a shell script for the AWS CLI, as careful as `apply`, for teams with a pipeline."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.remediation.applying.settling import SETTLE_SECONDS
from straywatch.remediation.applying.steps import (
    ADD,
    ATTACH,
    CREATE,
    DETACH,
    PUT,
    Step,
    compact,
    grant_steps,
    removal_steps,
)
from straywatch.remediation.planning.plan import Plan, PlannedGroup
from straywatch.text import one_line

_HEAD = """\
#!/bin/sh
# {groups} new groups, {users} users. Only for account {account}. Stops at the first error or doubt;
# can be run again, then it does what is left to do. Needs the AWS CLI and nothing else.
set -eu
export AWS_PAGER=
now=$(mktemp)
trap 'rm -f "$now"' EXIT
stop() {{ printf '%s\\n' "$1" >&2; exit 3; }}
text() {{ aws iam "$@" --output text; }}
# each user of the account as it is now: name, id, groups, policies
look() {{
    policies="join(' ',AttachedManagedPolicies[].PolicyArn)"
    text get-account-authorization-details --filter User \\
        --query "UserDetailList[].[UserName,UserId,join('/',GroupList),$policies]" > "$now"
}}
row() {{
    awk -F '\\t' -v name="$1" -v column="$2" -v part="$3" -v mark="$4" '
        $1 == name && index(mark $column mark, mark part mark) {{ found = 1 }}
        END {{ exit !found }}' "$now"
}}
is_user() {{ row "$1" 2 "$2" ' '; }}
is_member() {{ row "$1" 3 "$2" /; }}
holds_attached() {{ row "$1" 4 "$2" ' '; }}
listed() {{ tr '\\t' '\\n' | grep -Fxq -- "$1"; }}
bare() {{ printf %s "$1" | tr -d '[:space:]'; }}
same() {{ [ "$(bare "$1")" = "$(bare "$2")" ]; }}
attached() {{
    text list-attached-group-policies --group-name="$1" --query 'AttachedPolicies[].PolicyArn'
}}
inline() {{ text list-group-policies --group-name="$1" --query 'PolicyNames[]'; }}
# has_group NAME PATH [POLICY...]: if it exists; one that holds anything else is not the plan's
has_group() {{
    found=$(text list-groups --path-prefix="$2" --query "Groups[?GroupName=='$1'].Path") || exit 3
    [ "$found" != None ] && [ -n "$found" ] || return 1
    name=$1
    [ "$found" = "$2" ] || stop "group $name exists with another path"
    held=$(attached "$name" && inline "$name") || exit 3
    shift 2
    for policy in $(printf '%s\\n' "$held" | tr '\\t' '\\n'); do
        [ "$policy" != None ] || continue
        printf '%s\\n' "$@" | grep -Fxq -- "$policy" || stop "group $name exists and holds $policy"
    done
}}
wait_for_group() {{
    for pause in 1 2 4 8 16 0; do
        ! text get-group --group-name="$1" > /dev/null 2>&1 || return 0
        sleep "$pause"
    done
    stop "IAM does not show group $1 yet: run this again"
}}
is_group() {{ [ "$(text get-group --group-name="$1" --query Group.GroupId)" = "$2" ]; }}
gives_attached() {{ attached "$1" | listed "$2"; }}
gives_inline() {{
    found=$(aws iam get-group-policy --group-name="$1" --policy-name="$2" \\
        --query PolicyDocument --output json) && same "$found" "$3"
}}
is_version() {{
    [ "$(text get-policy --policy-arn="$1" --query Policy.DefaultVersionId)" = "$2" ]
}}
# holds_inline USER NAME DOCUMENT: if the user has it; another one of that name is not the plan's
holds_inline() {{
    names=$(text list-user-policies --user-name="$1" --query 'PolicyNames[]') || exit 3
    printf '%s\\n' "$names" | listed "$2" || return 1
    found=$(aws iam get-user-policy --user-name="$1" --policy-name="$2" \\
        --query PolicyDocument --output json) || exit 3
    same "$found" "$3" || stop "user $1 has another policy $2 by now: make a new plan"
}}
"""


def as_cli(plan: Plan, *, detach_direct: bool, settle: float = SETTLE_SECONDS) -> str:
    """The plan as a shell script: it gives first and, only if asked, takes away at the end.

    Before anything changes it checks that account, users and groups are those of the plan; before
    direct policies go it waits `settle` seconds, and checks each group and membership.
    """
    account = plan.before.account.account_id
    head = _HEAD.format(groups=len(plan.new_groups), users=len(plan.users), account=account)
    lines = [head.rstrip("\n"), *_identity(plan, account), *_grants(plan)]
    removals = removal_steps(plan) if detach_direct else []
    if removals:
        lines += [
            "# From here on direct policies are removed, which the groups above give.",
            f"sleep {settle:g}  # IAM gets time to make the groups effective",
            *_effects(plan),
            *(one_line(_removal(step)) for step in removals),
        ]
    return "\n".join(lines) + "\n"


def _identity(plan: Plan, account: str) -> Iterator[str]:
    yield (
        f'[ "$(aws sts get-caller-identity --output text --query Account)" = {account} ] || '
        f"stop 'these credentials are not for account {account}'"
    )
    yield "look"
    for user in plan.users:
        yield _check("is_user", user.name, user.user_id, otherwise=f"user {user.name} is another")
    for group in plan.groups:
        known = plan.before.group(group.name)
        if not group.create and known is not None:
            changed = f"group {group.name} is another"
            yield _check("is_group", group.name, known.group_id, otherwise=changed)


def _grants(plan: Plan) -> Iterator[str]:
    for step in grant_steps(plan):
        command = _command(step)
        if step.kind == CREATE:
            group = plan.group(step.group)
            held = (*group.attach, *group.inline) if group else ()
            yield one_line(f"{_call('has_group', step.group, step.path, *held)} || {command}")
            yield one_line(_call("wait_for_group", step.group))
        else:
            yield one_line(command)


def _effects(plan: Plan) -> Iterator[str]:
    """What has to hold before anybody's direct policies go."""
    for group in plan.groups:
        attached, inline = _held(group, plan)
        for arn in attached:
            gone = f"group {group.name} does not hold {arn}"
            yield _check("gives_attached", group.name, arn, otherwise=gone)
            policy = plan.before.policies.get(arn)
            if policy is not None and any(user.delete_inline for user in plan.users):
                yield _check("is_version", arn, policy.version, otherwise=f"policy {arn} changed")
        for name, document in inline.items():
            changed = f"group {group.name} does not hold {name} as planned"
            yield _check("gives_inline", group.name, name, _text(document), otherwise=changed)
    yield "look"
    for user in plan.users:
        yield _check("is_user", user.name, user.user_id, otherwise=f"user {user.name} is another")
        for name in user.join:
            yield _check("is_member", user.name, name, otherwise=f"{user.name} is not in {name}")


def _held(
    group: PlannedGroup, plan: Plan
) -> tuple[tuple[str, ...], Mapping[str, Mapping[str, Any]]]:
    known = plan.before.group(group.name)
    if group.create or known is None:
        return group.attach, group.inline
    return known.attached_policies, known.inline_policies


def _removal(step: Step) -> str:
    if step.kind == DETACH:
        return f"! {_call('holds_attached', step.user, step.policy)} || {_command(step)}"
    held = _call("holds_inline", step.user, step.policy, _text(step.document))
    return f"! {held} || {_command(step)}"


def _check(test: str, *arguments: str, otherwise: str) -> str:
    stop = _call("stop", f"{one_line(otherwise)}: make a new plan")
    return one_line(f"{_call(test, *arguments)} || {stop}")


def _call(function: str, *arguments: str) -> str:
    return " ".join([function, *map(shlex.quote, arguments)])


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _command(step: Step) -> str:
    options = {
        "group-name": step.group,
        "user-name": step.user,
        "path": step.path if step.kind == CREATE else "",
        "policy-arn": step.policy if step.kind in (ATTACH, DETACH) else "",
        "policy-name": "" if step.kind in (CREATE, ADD, ATTACH, DETACH) else step.policy,
        "policy-document": compact(step.document) if step.kind == PUT else "",
    }
    # `--option=value` keeps a name that begins with a dash from being read as an option
    words = [shlex.quote(f"--{name}={value}") for name, value in options.items() if value]
    return " ".join(["aws", "iam", step.kind, *words])

"""Write a plan as YAML that people review and edit, and read it back with errors by line."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from chalicelib.domain.account import Account
from straywatch.errors import WrongUsageError
from straywatch.remediation.files import before
from straywatch.remediation.files.mistakes import mistakes
from straywatch.remediation.files.planschema import PLAN_SCHEMA
from straywatch.remediation.planning.plan import SCHEMA, Plan, PlannedGroup, PlannedUser, Proposal

OBJECTIVE = (
    "the fewest new groups that give all users in scope what they hold directly, such that nobody "
    "gains more than max_gain permissions and nobody loses any"
)

_HEADER = """\
# A plan made by `straywatch plan`. Review it like code.
# Edit groups and users as you need; `straywatch apply` checks every line again and refuses a plan
# by which anybody would lose something, or gain more than max_gain permissions.
# `before` is the state the plan was made for: leave it as it is.
"""


class _Dumper(yaml.CSafeDumper):
    """Writes every list in full: an alias would be hard to review."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
        return True


def dump_plan(plan: Plan) -> str:
    """The plan file's text: the same plan gives the same bytes."""
    data = {
        "schema": SCHEMA,
        "account": {
            "id": plan.before.account.account_id,
            "partition": plan.before.account.partition,
        },
        "scope": plan.scope,
        "objective": OBJECTIVE,
        "max_gain": plan.max_gain,
        "at_least": plan.at_least,
        "notes": list(plan.notes),
        "groups": [group_data(group) for group in plan.groups],
        "users": [user_data(user) for user in plan.users],
        "proposals": [proposal_data(proposal) for proposal in plan.proposals],
    }
    text = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=False,
        width=100,
        default_flow_style=None,
    )
    state = before.to_text(before.relied_on(plan))
    return f"{_HEADER}{text}before: |\n{textwrap.indent(state, '  ')}"


def proposal_data(proposal: Proposal) -> dict[str, Any]:
    """A proposal as the plan file shows it."""
    return {
        "name": proposal.name,
        "id": proposal.user_id,
        "proposal": proposal.proposal,
        "why": proposal.why,
    }


def group_data(group: PlannedGroup) -> dict[str, Any]:
    """A group as the plan file shows it."""
    if not group.create:
        return {"name": group.name, "create": False, "why": group.why}
    return {
        "name": group.name,
        "create": True,
        "path": group.path,
        "why": group.why,
        "attach": list(group.attach),
        "inline": {name: dict(document) for name, document in group.inline.items()},
    }


def user_data(user: PlannedUser) -> dict[str, Any]:
    """A user as the plan file shows them."""
    return {
        "name": user.name,
        "id": user.user_id,
        "why": user.why,
        "join": list(user.join),
        "detach": list(user.detach),
        "delete_inline": list(user.delete_inline),
        "stays": list(user.stays),
        "gains": list(user.gains),
    }


def load_plan(text: str, name: str = "plan") -> Plan:
    """Read a plan file. Raises WrongUsageError naming the line and the field that is wrong."""
    try:
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise WrongUsageError(f"{name} is not YAML: {error}") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise WrongUsageError(
            f"{name} is not a plan this version reads: its schema is {schema!r}, not {SCHEMA!r}"
        )
    return _validated(data, text, name)


def _validated(data: dict[str, Any], text: str, name: str) -> Plan:
    error = best_match(Draft202012Validator(PLAN_SCHEMA).iter_errors(data))
    if error is not None:
        message = error.message if len(error.message) < 200 else error.message[:200] + "..."  # noqa: PLR2004 - one readable line
        raise _refusal(text, name, list(error.absolute_path), message)
    try:
        plan = _plan(data)
    except ValueError as problem:
        message = f"it was edited or cut ({problem}): make a new plan"
        raise _refusal(text, name, ["before"], message) from problem
    for path, message in mistakes(plan):
        raise _refusal(text, name, path, message)
    return plan


def _refusal(text: str, name: str, path: Sequence[str | int], message: str) -> WrongUsageError:
    field = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return WrongUsageError(f"{name}:{_line(text, path)}: {field or 'plan'}: {message}")


def _line(text: str, path: Sequence[str | int]) -> int:
    """The line of a field: found only once something is wrong with it."""
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if step not in pairs:
                break
            key, node = pairs[cast("str", step)]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _plan(data: dict[str, Any]) -> Plan:
    account = Account(data["account"]["partition"], data["account"]["id"])
    groups = tuple(_group(group) for group in data["groups"])
    spelled = {group.name.lower(): group.name for group in groups}
    return Plan(
        before=before.from_text(data["before"], account),
        scope=data["scope"],
        max_gain=data["max_gain"],
        at_least=data.get("at_least", 0),
        groups=groups,
        users=tuple(_user(user, spelled) for user in data["users"]),
        proposals=tuple(
            Proposal(p["name"], p["id"], p["proposal"], p.get("why", ""))
            for p in data.get("proposals", [])
        ),
        notes=tuple(data.get("notes", ())),
    )


def _group(data: dict[str, Any]) -> PlannedGroup:
    return PlannedGroup(
        data["name"],
        data["create"],
        data.get("path", "/"),
        tuple(data.get("attach", ())),
        data.get("inline", {}),
        data.get("why", ""),
    )


def _user(data: dict[str, Any], spelled: dict[str, str]) -> PlannedUser:
    return PlannedUser(
        data["name"],
        data["id"],
        tuple(spelled.get(name.lower(), name) for name in data["join"]),
        tuple(data.get("detach", ())),
        tuple(data.get("delete_inline", ())),
        tuple(data.get("stays", ())),
        tuple(data.get("gains", ())),
        data.get("why", ""),
    )

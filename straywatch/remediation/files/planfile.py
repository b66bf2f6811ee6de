"""Write a plan as YAML that people review and edit, and read it back with errors by line."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import yaml
from pydantic import BaseModel, Field, StrictInt, ValidationError

from chalicelib.domain.account import Account
from straywatch.errors import WrongUsageError
from straywatch.remediation.files import before
from straywatch.remediation.files.mistakes import mistakes
from straywatch.remediation.files.safe_yaml import YamlFault, composed, read_yaml
from straywatch.remediation.planning.plan import (
    KNOWN_KEYS_ALONE,
    SCHEMA,
    Plan,
    PlannedGroup,
    PlannedUser,
    Proposal,
    Scope,
    Set,
)
from straywatch.text import one_line

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


class _AccountEntry(BaseModel):
    model_config = KNOWN_KEYS_ALONE

    id: str = Field(pattern="^[0-9]{12}$")
    partition: str


class _File(BaseModel):
    """A plan file's own form; groups, users and proposals are read as what they are."""

    model_config = KNOWN_KEYS_ALONE

    schema_: str = Field(alias="schema")
    account: _AccountEntry
    scope: Scope
    objective: str = ""
    max_gain: StrictInt = Field(ge=0)
    at_least: StrictInt = Field(default=0, ge=0)
    notes: Set[str] = ()
    groups: tuple[PlannedGroup, ...]
    users: tuple[PlannedUser, ...]
    proposals: tuple[Proposal, ...] = ()
    before: str


class _Dumper(yaml.CSafeDumper):
    """Writes every list in full: an alias would be hard to review."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
        return True


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan as the plan file and JSON show it."""
    return {
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


def dump_plan(plan: Plan) -> str:
    """The plan file's text: the same plan gives the same bytes."""
    text = yaml.dump(
        plan_data(plan),
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
        data = read_yaml(text)
    except YamlFault as fault:
        raise WrongUsageError(f"{name}:{fault.line}: {fault}") from fault
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        found = one_line(str(schema)[:60])
        line = _line(text, ["schema"])
        raise WrongUsageError(
            f"{name}:{line}: not a plan this version reads: its schema is {found}, not {SCHEMA}"
        )
    return _validated(data, text, name)


def _validated(data: dict[str, Any], text: str, name: str) -> Plan:
    try:
        file = _File.model_validate(data)
    except ValidationError as refused:
        # what is missing last: it may stand there under a misspelled name, which says more
        every = refused.errors(include_url=False)
        fault = min(every, key=lambda each: each["type"].startswith("missing"))
        path = [step for step in fault["loc"] if step != "[key]"]
        raise _refusal(text, name, path, fault["msg"].removeprefix("Value error, ")) from refused
    try:
        plan = _plan(file)
    except ValueError as problem:
        message = f"it was edited or cut ({problem}): make a new plan"
        raise _refusal(text, name, ["before"], message) from problem
    for path, message in mistakes(plan):
        raise _refusal(text, name, path, message)
    return plan


def _refusal(text: str, name: str, path: Sequence[str | int], message: str) -> WrongUsageError:
    field = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    where = f"{name}:{_line(text, path)}: {field or 'plan'}"
    return WrongUsageError(one_line(f"{where}: {message}"))


def _line(text: str, path: Sequence[str | int]) -> int:
    """The line of a field: found only once something is wrong with it."""
    node = composed(text)
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


def _plan(file: _File) -> Plan:
    spelled = {group.name.lower(): group.name for group in file.groups}
    return Plan(
        before=before.from_text(file.before, Account(file.account.partition, file.account.id)),
        scope=file.scope,
        max_gain=file.max_gain,
        at_least=file.at_least,
        groups=file.groups,
        users=tuple(
            replace(user, join=tuple(spelled.get(name.lower(), name) for name in user.join))
            for user in file.users
        ),
        proposals=file.proposals,
        notes=file.notes,
    )

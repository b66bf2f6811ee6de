"""The part of a snapshot that a plan relies on, as text and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.account import Account, User
from straywatch.remediation.planning.plan import Plan
from straywatch.remediation.policies.documents import digest
from straywatch.remediation.reading.snapshot import Group, ManagedPolicy, Snapshot

Data = dict[str, Any]


def relied_on(plan: Plan) -> Snapshot:
    """The planned users, the groups they are in or join, and the policies all of these hold."""
    whole = plan.before
    names = {user.name.lower() for user in plan.users}
    users = tuple(user for user in whole.users if user.name.lower() in names)
    used = {g.name.lower() for g in plan.groups} | {
        g.lower() for u in users for g in u.groups or ()
    }
    groups = tuple(group for group in whole.groups if group.name.lower() in used)
    holders: list[User | Group] = [*users, *groups]
    arns = {arn for holder in holders for arn in holder.attached_policies}
    arns |= {user.boundary_arn for user in users if user.boundary_arn}
    arns |= {arn for group in plan.groups for arn in group.attach}
    policies = {arn: policy for arn, policy in whole.policies.items() if arn in arns}
    return replace(whole, users=users, groups=groups, policies=policies)


def to_text(snapshot: Snapshot) -> str:
    """Write a snapshot as JSON, a line for each object and each document, ending in a digest."""
    documents: Data = {}
    parts: dict[str, list[Any]] = {
        "users": [_user_data(user, documents) for user in snapshot.users],
        "groups": [_group_data(group, documents) for group in snapshot.groups],
        "policies": [
            [arn, policy.version, _refer(policy.document, documents)]
            for arn, policy in snapshot.policies.items()
        ],
    }
    parts["documents"] = sorted(documents.items())
    body = ",\n".join(f"{json.dumps(name)}: [{_lines(part)}]" for name, part in parts.items())
    return f'{{{body},\n"digest": "{_mark(parts)}"}}\n'


def from_text(text: str, account: Account) -> Snapshot:
    """Read a snapshot back.

    Raises ValueError if it is not what `to_text` wrote, by its digest.
    """
    try:
        data = json.loads(text)
        mark = data.pop("digest")
        documents = dict(data["documents"])
        snapshot = Snapshot(
            account,
            tuple(_user(user, documents) for user in data["users"]),
            tuple(_group(group, documents) for group in data["groups"]),
            {a: ManagedPolicy(a, v, documents[d] if d else None) for a, v, d in data["policies"]},
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{error} is missing") from error
    if mark != _mark(data):
        raise ValueError("its digest does not match")
    return snapshot


def _lines(members: list[Any]) -> str:
    return ",\n ".join(json.dumps(member, separators=(",", ":")) for member in members)


def _mark(parts: Data) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _refer(document: Mapping[str, Any] | None, documents: Data) -> str:
    if document is None:
        return ""
    key = digest(document)
    documents[key] = dict(document)
    return key


def _inline_data(inline: Mapping[str, Mapping[str, Any]], documents: Data) -> Data:
    return {name: _refer(document, documents) for name, document in inline.items()}


def _user_data(user: User, documents: Data) -> Data:
    data: Data = {
        "name": user.name,
        "id": user.user_id,
        "arn": user.arn,
        "path": user.path,
        "created": user.created_at.isoformat(),
        "groups": list(user.groups or ()),
        "attached": list(user.attached_policies),
        "inline": _inline_data(user.inline_policies, documents),
        "boundary": user.boundary_arn or "",
    }
    return data


def _user(data: Data, documents: Data) -> User:
    return User(
        user_id=data["id"],
        name=data["name"],
        arn=data["arn"],
        path=data["path"],
        created_at=datetime.fromisoformat(data["created"]),
        groups=tuple(data["groups"]),
        inline_policies={name: documents[key] for name, key in data["inline"].items()},
        attached_policies=tuple(data["attached"]),
        boundary_arn=data["boundary"] or None,
    )


def _group_data(group: Group, documents: Data) -> Data:
    return {
        "name": group.name,
        "id": group.group_id,
        "arn": group.arn,
        "path": group.path,
        "created": group.created_at.isoformat(),
        "attached": list(group.attached_policies),
        "inline": _inline_data(group.inline_policies, documents),
    }


def _group(data: Data, documents: Data) -> Group:
    return Group(
        group_id=data["id"],
        name=data["name"],
        arn=data["arn"],
        path=data["path"],
        created_at=datetime.fromisoformat(data["created"]),
        inline_policies={name: documents[key] for name, key in data["inline"].items()},
        attached_policies=tuple(data["attached"]),
    )

"""IAM: the roles that the functions have, who may take them, and what they may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import Intended
from straywatch.doctor.kinds.interface import Call, Kind, Property, Wait
from straywatch.doctor.world import ApiResponse, Ask, Gone

_TRUST, _BOUNDARY = "AssumeRolePolicyDocument", "PermissionsBoundary"
_ATTACHED = "ManagedPolicyArns"


def _read_role(ask: Ask, role: Intended) -> ApiResponse:
    """The role with the documents of its own policies and the ARNs of the others."""
    by_name = {"RoleName": role.physical_id}
    answers: dict[str, Any] = {}
    for look, operation in (
        ("role", "get_role"),
        ("own", "list_role_policies"),
        ("attached", "list_attached_role_policies"),
    ):
        answer = ask("iam", operation, **by_name)
        if not isinstance(answer, Mapping):
            return answer
        answers[look] = answer
    policies = []
    for name in answers["own"].get("PolicyNames", []):
        answer = ask("iam", "get_role_policy", **by_name, PolicyName=name)
        if isinstance(answer, Gone):
            continue
        if not isinstance(answer, Mapping):
            return answer
        policies.append(answer)
    return answers | {"policies": policies}


def _put_role(role: Intended, names: frozenset[str], seen: Mapping[str, Any]) -> Iterator[Call]:
    by_name, said = {"RoleName": role.physical_id}, role.properties
    if _TRUST in names:
        document = {"PolicyDocument": said[_TRUST]}
        yield Call("iam", "update_assume_role_policy", by_name | document)
    if "Policies" in names:
        yield from _policies(role, [each["PolicyName"] for each in seen.get("policies", [])])
    if _ATTACHED in names:
        is_there = seen.get("attached", {}).get("AttachedPolicies", [])
        yield from _attached(role, {each["PolicyArn"] for each in is_there})
    if _BOUNDARY in names and said.get(_BOUNDARY):
        boundary = {_BOUNDARY: said[_BOUNDARY]}
        yield Call("iam", "put_role_permissions_boundary", by_name | boundary)
    elif _BOUNDARY in names:
        yield Call("iam", "delete_role_permissions_boundary", by_name)


def _policies(role: Intended, is_there: list[str]) -> Iterator[Call]:
    by_name, wanted = {"RoleName": role.physical_id}, role.properties.get("Policies", [])
    for each in wanted:
        yield Call("iam", "put_role_policy", {**by_name, **each})
    for name in is_there:
        if name not in {each["PolicyName"] for each in wanted}:
            yield Call("iam", "delete_role_policy", by_name | {"PolicyName": name})


def _attached(role: Intended, is_there: set[str]) -> Iterator[Call]:
    by_name, wanted = {"RoleName": role.physical_id}, set(role.properties.get(_ATTACHED, []))
    for arn in sorted(wanted - is_there):
        yield Call("iam", "attach_role_policy", by_name | {"PolicyArn": arn})
    for arn in sorted(is_there - wanted):
        yield Call("iam", "detach_role_policy", by_name | {"PolicyArn": arn})


def _create_role(_ask: Ask, role: Intended) -> Iterator[Call]:
    path = {"Path": role.properties.get("Path", "/")}
    told = {"RoleName": role.physical_id, _TRUST: role.properties[_TRUST], **path}
    yield Call("iam", "create_role", told, Wait("role_exists", {"RoleName": role.physical_id}))


ROLE = Kind(
    word="role",
    area="look",
    read=_read_role,
    properties={
        _TRUST: Property("role.Role.AssumeRolePolicyDocument", form=forms.policy, may_grow=True),
        _ATTACHED: Property("attached.AttachedPolicies[].PolicyArn", [], may_grow=True),
        _BOUNDARY: Property("role.Role.PermissionsBoundary.PermissionsBoundaryArn", ""),
        "Path": Property("role.Role.Path", "/"),
        "Policies": Property("policies", [], form=forms.policies, may_grow=True),
    },
    put=_put_role,
    creates=_create_role,
    fixed=frozenset({"Path"}),
)

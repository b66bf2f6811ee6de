"""What the emulator's IAM lacks: renames, names without regard to case, delete conflicts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import iam

from straywatch.local.emulator.iam_answers import (
    PATH,
    Handler,
    IamResponse,
    Parameters,
    conflict,
    error,
    invalid,
    same_name,
)
from straywatch.local.emulator.iam_renames import update_group, update_user

GROUPS_PER_USER = 10  # IAM's fixed quota
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)  # IAM API reference, UserName and GroupName
_NAME_LENGTHS = {"CreateUser": 64, "UpdateUser": 64}  # 128 elsewhere: old users have such names


def install() -> None:
    """Put the missing and the stricter handlers into the emulator's table."""
    handlers = iam._IAM_HANDLERS
    handlers["UpdateUser"] = update_user
    handlers["UpdateGroup"] = update_group
    for action, check in _CHECKS.items():
        handlers[action] = _checked(handlers[action], check)
    for action in list(handlers):
        handlers[action] = _with_names(action, handlers[action])


def _checked(handler: Handler, check: Callable[[Parameters], IamResponse | None]) -> Handler:
    def handle(p: Parameters) -> IamResponse:
        return check(p) or handler(p)

    return handle


def _with_names(action: str, handler: Handler) -> Handler:
    """Refuse names that IAM's pattern refuses, and find users and groups whatever their case."""
    longest = _NAME_LENGTHS.get(action, 128)

    def handle(p: Parameters) -> IamResponse:
        for field in ("UserName", "GroupName", "NewUserName", "NewGroupName"):
            name = iam._p(p, field)
            if name and (len(name) > longest or not _NAME.fullmatch(name)):
                return invalid(name, field)
        known = {**p, **_stored_names(p)}
        return handler(known)

    return handle


def _stored_names(p: Parameters) -> dict[str, list[str]]:
    stored = {}
    for field, store in (("UserName", iam._users), ("GroupName", iam._groups)):
        match = same_name(store, iam._p(p, field))
        if match:
            stored[field] = [match]
    return stored


def _check_create_user(p: Parameters) -> IamResponse | None:
    return _check_new_name(p, "User", iam._users)


def _check_create_group(p: Parameters) -> IamResponse | None:
    return _check_new_name(p, "Group", iam._groups)


def _check_new_name(p: Parameters, kind: str, store: Mapping[str, Any]) -> IamResponse | None:
    name, path = iam._p(p, f"{kind}Name"), iam._p(p, "Path")
    if path and not PATH.fullmatch(path):
        return invalid(path, "Path")
    if same_name(store, name):
        return error(409, "EntityAlreadyExists", f"{kind} with name {name} already exists.")
    return None


def _check_delete_user(p: Parameters) -> IamResponse | None:
    name = iam._p(p, "UserName")
    if name not in iam._users:
        return None
    if any(name in group["Users"] for group in iam._groups.values()):
        return conflict("remove users from group")
    if iam._user_inline_policies.get(name):
        return conflict("delete policies")
    if name in iam._login_profiles:
        return conflict("delete login profile")
    if any(device["User"] == name for device in iam._mfa_devices.values()):
        return conflict("delete MFA device")
    return None


def _check_delete_group(p: Parameters) -> IamResponse | None:
    name = iam._p(p, "GroupName")
    group = iam._groups.get(name)
    if group is None:
        return None
    if group["Users"]:
        return conflict("remove users from group")
    if group["AttachedPolicies"]:
        return conflict("detach all policies")
    return conflict("delete policies") if iam._group_inline_policies.get(name) else None


def _check_add_user_to_group(p: Parameters) -> IamResponse | None:
    name = iam._p(p, "UserName")
    others = [
        group
        for group in iam._groups.values()
        if name in group["Users"] and group["GroupName"] != iam._p(p, "GroupName")
    ]
    if len(others) >= GROUPS_PER_USER:
        return error(
            409, "LimitExceeded", f"Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER}"
        )
    return None


_CHECKS = {
    "CreateUser": _check_create_user,
    "CreateGroup": _check_create_group,
    "DeleteUser": _check_delete_user,
    "DeleteGroup": _check_delete_group,
    "AddUserToGroup": _check_add_user_to_group,
}

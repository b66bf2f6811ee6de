"""What the emulator's IAM lacks: renames, names without regard to case, delete conflicts.

Works on ministack's own store, so that ids, memberships, policies and keys survive a rename.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id
from ministack.services import iam

Parameters = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], Answer]

GROUPS_PER_USER = 10  # IAM's fixed quota
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)  # IAM API reference, UserName and GroupName
_PATH = re.compile(r"/|/[\x21-\x7e]*/")  # IAM API reference, Path
_NAME_LENGTHS = {"CreateUser": 64, "UpdateUser": 64}  # 128 elsewhere: old users have such names


def install() -> None:
    """Put the missing and the stricter handlers into the emulator's table."""
    handlers = iam._IAM_HANDLERS
    handlers["UpdateUser"] = _update_user
    handlers["UpdateGroup"] = _update_group
    for action, check in _CHECKS.items():
        handlers[action] = _checked(handlers[action], check)
    for action in list(handlers):
        handlers[action] = _with_names(action, handlers[action])
    read_tags = iam._extract_tags
    iam._extract_tags = lambda p: [_escaped(tag) for tag in read_tags(p)]


def _escaped(tag: Mapping[str, str]) -> dict[str, str]:
    """The emulator writes tags into its XML as they are: `<` in one would break every answer."""
    return {name: escape(text) for name, text in tag.items()}


def _checked(handler: Handler, check: Callable[[Parameters], Answer | None]) -> Handler:
    def handle(p: Parameters) -> Answer:
        return check(p) or handler(p)

    return handle


def _with_names(action: str, handler: Handler) -> Handler:
    """Refuse names that IAM's pattern refuses, and find users and groups whatever their case."""
    longest = _NAME_LENGTHS.get(action, 128)

    def handle(p: Parameters) -> Answer:
        for field in ("UserName", "GroupName", "NewUserName", "NewGroupName"):
            name = iam._p(p, field)
            if name and (len(name) > longest or not _NAME.fullmatch(name)):
                return _invalid(name, field)
        known = {**p, **_stored_names(p)}
        return handler(known)

    return handle


def _stored_names(p: Parameters) -> dict[str, list[str]]:
    stored = {}
    for field, store in (("UserName", iam._users), ("GroupName", iam._groups)):
        match = _same_name(store, iam._p(p, field))
        if match:
            stored[field] = [match]
    return stored


def _same_name(store: Mapping[str, Any], name: str) -> str:
    """The stored spelling of a name, or "" if nobody has it."""
    if name in store:
        return name
    return next((known for known in store if known.casefold() == name.casefold()), "")


def _invalid(value: str, field: str) -> Answer:
    member = field[:1].lower() + field[1:]
    return _error(
        400,
        "ValidationError",
        f"The specified value for {member} is invalid. It must contain only alphanumeric "
        f"characters and/or the following: +=,.@_- and have a legal length ({escape(value[:128])})",
    )


def _error(status: int, code: str, message: str) -> Answer:
    answer: Answer = iam._error(status, code, message)
    return answer


def _no_such(kind: str, name: str) -> Answer:
    return _error(404, "NoSuchEntity", f"The {kind} with name {escape(name)} cannot be found.")


def _conflict(what: str) -> Answer:
    return _error(409, "DeleteConflict", f"Cannot delete entity, must {what} first.")


# -- renames ---------------------------------------------------------------------------------


def _update_user(p: Parameters) -> Answer:
    refusal = _rename_refusal(p, "User", iam._users)
    if refusal:
        return refusal
    old = iam._p(p, "UserName")
    new = _renamed(p, "User", iam._users)
    if new != old:
        for group in iam._groups.values():
            group["Users"] = [new if name == old else name for name in group["Users"]]
        for key in iam._access_keys.values():
            key["UserName"] = new if key["UserName"] == old else key["UserName"]
        for device in iam._mfa_devices.values():
            device["User"] = new if device["User"] == old else device["User"]
        _move(iam._user_inline_policies, old, new)
        _move(iam._login_profiles, old, new)
        if new in iam._login_profiles:
            iam._login_profiles[new]["UserName"] = new
    return _done("UpdateUser")


def _update_group(p: Parameters) -> Answer:
    refusal = _rename_refusal(p, "Group", iam._groups)
    if refusal:
        return refusal
    old = iam._p(p, "GroupName")
    new = _renamed(p, "Group", iam._groups)
    if new != old:
        _move(iam._group_inline_policies, old, new)
    return _done("UpdateGroup")


def _rename_refusal(p: Parameters, kind: str, store: Mapping[str, Any]) -> Answer | None:
    old, new, path = (iam._p(p, f) for f in (f"{kind}Name", f"New{kind}Name", "NewPath"))
    if old not in store:
        return _no_such(kind.lower(), old)
    if path and not _PATH.fullmatch(path):
        return _invalid(path, "NewPath")
    if new and _same_name(store, new) not in ("", old):
        return _error(409, "EntityAlreadyExists", f"{kind} with name {new} already exists.")
    return None


def _renamed(p: Parameters, kind: str, store: Any) -> str:  # noqa: ANN401 - the emulator's own dict
    """Change name, path and ARN in place and return the name it has now."""
    old = iam._p(p, f"{kind}Name")
    new: str = iam._p(p, f"New{kind}Name") or old
    entity = store[old]
    entity[f"{kind}Name"] = new
    entity["Path"] = iam._p(p, "NewPath") or entity["Path"]
    entity["Arn"] = f"arn:aws:iam::{get_account_id()}:{kind.lower()}{entity['Path']}{new}"
    _move(store, old, new)
    return new


def _move(store: Any, old: str, new: str) -> None:  # noqa: ANN401 - the emulator's own dict
    if old in store and new != old:
        store[new] = store.pop(old)


def _done(action: str) -> Answer:
    answer: Answer = iam._xml(200, f"{action}Response", "")
    return answer


# -- what IAM refuses and the emulator would not ----------------------------------------------


def _check_create_user(p: Parameters) -> Answer | None:
    return _check_new_name(p, "User", iam._users)


def _check_create_group(p: Parameters) -> Answer | None:
    return _check_new_name(p, "Group", iam._groups)


def _check_new_name(p: Parameters, kind: str, store: Mapping[str, Any]) -> Answer | None:
    name, path = iam._p(p, f"{kind}Name"), iam._p(p, "Path")
    if path and not _PATH.fullmatch(path):
        return _invalid(path, "Path")
    if _same_name(store, name):
        return _error(409, "EntityAlreadyExists", f"{kind} with name {name} already exists.")
    return None


def _check_delete_user(p: Parameters) -> Answer | None:
    name = iam._p(p, "UserName")
    if name not in iam._users:
        return None
    if any(name in group["Users"] for group in iam._groups.values()):
        return _conflict("remove users from group")
    if iam._user_inline_policies.get(name):
        return _conflict("delete policies")
    if name in iam._login_profiles:
        return _conflict("delete login profile")
    if any(device["User"] == name for device in iam._mfa_devices.values()):
        return _conflict("delete MFA device")
    return None


def _check_delete_group(p: Parameters) -> Answer | None:
    name = iam._p(p, "GroupName")
    group = iam._groups.get(name)
    if group is None:
        return None
    if group["Users"]:
        return _conflict("remove users from group")
    if group["AttachedPolicies"]:
        return _conflict("detach all policies")
    return _conflict("delete policies") if iam._group_inline_policies.get(name) else None


def _check_add_user_to_group(p: Parameters) -> Answer | None:
    name = iam._p(p, "UserName")
    others = [
        group
        for group in iam._groups.values()
        if name in group["Users"] and group["GroupName"] != iam._p(p, "GroupName")
    ]
    if len(others) >= GROUPS_PER_USER:
        return _error(
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

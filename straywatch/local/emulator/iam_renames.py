"""UpdateUser and UpdateGroup, which the emulator lacks, on its own store.

Ids, memberships, policies, keys and logins survive a rename.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import iam

from straywatch.local.emulator.iam_answers import (
    PATH,
    IamResponse,
    Parameters,
    error,
    invalid,
    no_such,
    same_name,
)


def update_user(p: Parameters) -> IamResponse:
    """Serve UpdateUser: a new name, a new path, or both."""
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


def update_group(p: Parameters) -> IamResponse:
    """Serve UpdateGroup: a new name, a new path, or both."""
    refusal = _rename_refusal(p, "Group", iam._groups)
    if refusal:
        return refusal
    old = iam._p(p, "GroupName")
    new = _renamed(p, "Group", iam._groups)
    if new != old:
        _move(iam._group_inline_policies, old, new)
    return _done("UpdateGroup")


def _rename_refusal(p: Parameters, kind: str, store: Mapping[str, Any]) -> IamResponse | None:
    old, new, path = (iam._p(p, f) for f in (f"{kind}Name", f"New{kind}Name", "NewPath"))
    if old not in store:
        return no_such(kind.lower(), old)
    if path and not PATH.fullmatch(path):
        return invalid(path, "NewPath")
    if new and same_name(store, new) not in ("", old):
        return error(409, "EntityAlreadyExists", f"{kind} with name {new} already exists.")
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


def _done(action: str) -> IamResponse:
    answer: IamResponse = iam._xml(200, f"{action}Response", "")
    return answer

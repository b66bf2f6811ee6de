"""IAM's reads, which show what was so up to a few seconds ago."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulation.clients import Call, NoSuchEntityException, refusal
from tests.simulation.draws import Draws
from tests.simulation.journal import Journal, Look
from tests.simulation.kernel import Kernel, SimulationError, instant
from tests.simulation.plan import Plan
from tests.simulation.truth import Truth, User

ACCOUNT_ID = "111122223333"
_PAGE = 2
"""Users on a page: few, so that pages end between them."""
_PAGES_OF_CROWD = 4
_ADMINISTRATOR = {
    "PolicyName": "AdministratorAccess",
    "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
}


class SimulatedIam:
    """Answers from the truth as it was a moment ago."""

    def __init__(self, kernel: Kernel, truth: Truth, journal: Journal, plan: Plan) -> None:
        self._kernel = kernel
        self._truth = truth
        self._journal = journal
        self._lag = plan.iam_lag
        self._crowd = plan.crowd
        self._plan = plan

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Tell what the operation tells."""
        view = self._kernel.now - self._lag_of(call)
        if operation == "get_account_authorization_details":
            return self._page(request, view, call)
        if operation in _ABOUT_THE_ACCOUNT:
            return _ABOUT_THE_ACCOUNT[operation]
        user = self._truth.named(request["UserName"], view)
        ids = frozenset((user.user_id,) if user else ())
        self._note(call, view, operation, request["UserName"], ids)
        if user is None:
            raise _no_such_user(operation)
        return self._of_user(operation, user, request, call)

    def _lag_of(self, call: Call) -> int:
        return call.luck.between(0, self._lag) if call.luck.chance(0.5) else 0

    def _note(
        self, call: Call, view: int, operation: str, name: str, users: frozenset[str]
    ) -> None:
        now = self._kernel.now
        self._journal.looks.append(Look(now, view, call.invocation, operation, name, users))

    def _of_user(
        self, operation: str, user: User, request: Mapping[str, Any], call: Call
    ) -> Mapping[str, Any]:
        match operation:
            case "get_user":
                return {"User": _shown(user) | {"Tags": _tags(user)}}
            case "list_groups_for_user":
                groups = [_group(group) for group in user.groups]
                if "Marker" not in request and call.luck.chance(0.1):
                    return {"Groups": [], "IsTruncated": True, "Marker": "1"}
                return {"Groups": groups, "IsTruncated": False}
            case "list_attached_user_policies":
                return {"AttachedPolicies": self._policies(user), "IsTruncated": False}
            case "get_login_profile":
                raise _no_such_user(operation)
            case _:
                return _nothing(operation)

    def _page(self, request: Mapping[str, Any], view: int, call: Call) -> Mapping[str, Any]:
        """Users in order of name; a marker goes on after the name it holds."""
        after = request.get("Marker", "")
        rest = [u for u in self._truth.all(view) if u.name.lower() > after]
        size = max(_PAGE, self._crowd // _PAGES_OF_CROWD) if call.luck.chance(0.8) else 0
        page, more = rest[:size], rest[size:]
        self._note(call, view, "page", after, frozenset(u.user_id for u in page))
        last = page[-1].name.lower() if page else after + " "
        details = [_detail(u) | ({"AttachedManagedPolicies": self._policies(u)}) for u in page]
        answer: dict[str, Any] = {"UserDetailList": details}
        if more:
            return answer | {"IsTruncated": True, "Marker": last}
        return answer | {"IsTruncated": False}

    def _policies(self, user: User) -> list[dict[str, str]]:
        if not self._plan.admins:
            return []
        luck = Draws(self._plan.luck, "admin", user.user_id)
        return [_ADMINISTRATOR] if luck.chance(self._plan.admins) else []


def _group(name: str) -> dict[str, Any]:
    return {
        "GroupId": f"AGPA{name.encode().hex().upper():0>16}",
        "GroupName": name,
        "Arn": f"arn:aws:iam::{ACCOUNT_ID}:group/{name}",
        "Path": "/",
        "CreateDate": instant(0),
    }


def _shown(user: User) -> dict[str, Any]:
    return {
        "UserId": user.user_id,
        "UserName": user.name,
        "Arn": f"arn:aws:iam::{ACCOUNT_ID}:user/{user.name}",
        "Path": "/",
        "CreateDate": instant(user.created_at).replace(microsecond=0),
    }


def _tags(user: User) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in user.tags.items()]


def _detail(user: User) -> dict[str, Any]:
    return _shown(user) | {
        "GroupList": list(user.groups),
        "Tags": _tags(user),
        "UserPolicyList": [],
    }


_ABOUT_THE_ACCOUNT: Mapping[str, Mapping[str, Any]] = {
    "list_account_aliases": {"AccountAliases": [], "IsTruncated": False},
    "generate_credential_report": {"State": "COMPLETE"},
    "get_credential_report": {
        "Content": b"user,arn,user_creation_time\n",
        "ReportFormat": "text/csv",
        "GeneratedTime": instant(0),
    },
}


def _nothing(operation: str) -> Mapping[str, Any]:
    members = {
        "list_user_policies": "PolicyNames",
        "list_access_keys": "AccessKeyMetadata",
        "list_mfa_devices": "MFADevices",
    }
    if operation not in members:
        raise SimulationError(f"IAM's {operation} is not simulated")
    return {members[operation]: [], "IsTruncated": False}


def _no_such_user(operation: str) -> Exception:
    return refusal("NoSuchEntity", operation, NoSuchEntityException)

"""An IAM client with permissions boundaries of users, which the emulator does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class Bounded:
    """Remembers boundaries and tells them where IAM tells them; all else is the client's own."""

    def __init__(self, iam: IAMClient) -> None:
        self._iam = iam
        self._boundaries: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        return getattr(self._iam, name)

    def put_user_permissions_boundary(self, *, UserName: str, PermissionsBoundary: str) -> None:  # noqa: N803 - boto3's names
        """Limit a user."""
        self._boundaries[UserName] = PermissionsBoundary

    def get_account_authorization_details(self, **asked: Any) -> Any:  # noqa: ANN401 - as asked
        """IAM's answer, with each user's boundary as IAM words it."""
        details = self._iam.get_account_authorization_details(**asked)
        for user in details["UserDetailList"]:
            arn = self._boundaries.get(user["UserName"])
            if arn:
                user["PermissionsBoundary"] = {
                    "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
                    "PermissionsBoundaryArn": arn,
                }
        return details


def bounded(iam: IAMClient) -> IAMClient:
    """Such a client as its type."""
    return cast("IAMClient", Bounded(iam))

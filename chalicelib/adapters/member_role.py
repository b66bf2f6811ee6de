"""The hub's role in a member: clients with its credentials, asked for once in their life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.adapters.clients import Clients, MakeClient
from chalicelib.bounded import Bounded
from chalicelib.domain.account import Account
from chalicelib.domain.member_access import SESSION_SECONDS, is_refusal, role_arn

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

RENEWED = timedelta(minutes=20)
"""With less than that to go a session is asked for anew: a sweep takes up to fifteen minutes."""
_SESSION_NAME = "straywatch"


@dataclass(slots=True)
class MemberRole:
    """Clients for each account, by a session of the role that the member's template makes."""

    sts: Callable[[], STSClient]
    make: MakeClient
    role_name: str
    clock: Callable[[], datetime]
    _sessions: dict[Account, tuple[Clients, datetime]] = field(default_factory=lambda: Bounded(50))

    def clients(self, account: Account) -> Clients:
        """Clients that look at the account. Raises what STS raises."""
        found = self._sessions.get(account)
        if found is None or found[1] - self.clock() < RENEWED:
            found = self._sessions[account] = self._assumed(account)
        return found[0]

    def _assumed(self, account: Account) -> tuple[Clients, datetime]:
        told = self.sts().assume_role(
            RoleArn=role_arn(account.partition, account.account_id, self.role_name),
            RoleSessionName=_SESSION_NAME,
            DurationSeconds=SESSION_SECONDS,
        )["Credentials"]
        make = partial(
            self.make,
            aws_access_key_id=told["AccessKeyId"],
            aws_secret_access_key=told["SecretAccessKey"],
            aws_session_token=told["SessionToken"],
        )
        return Clients(make), told["Expiration"]


def refusal_in(error: BaseException) -> str:
    """What the member refused, if that is why something failed; else empty."""
    for each in _causes(error):
        if isinstance(each, ClientError):
            code = each.response.get("Error", {}).get("Code", "")
            if is_refusal(each.operation_name, code):
                return f"{each.operation_name}: {code}"
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__

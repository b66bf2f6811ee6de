"""The alias of the own account, for people; an alert never waits for it, nor fails with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.adapters.iam_pages import FAILURES
from chalicelib.domain.account import Account
from chalicelib.log import log

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

KEPT_FOR = timedelta(hours=1)


@dataclass(slots=True)
class AccountAlias:
    """Asks IAM once an hour; `client` returns one that tries once and gives up within seconds."""

    client: Callable[[], IAMClient]
    own: Account
    clock: Callable[[], datetime]
    _alias: str = field(default="", init=False)
    _read_at: datetime | None = field(default=None, init=False)

    def of(self, account: Account) -> str:
        """The account's alias; empty where it has none, is not the own one, or cannot be read."""
        if account != self.own:
            return ""
        now = self.clock()
        if self._read_at is None or now - self._read_at >= KEPT_FOR:
            self._read_at = now
            self._alias = self._read()
        return self._alias

    def _read(self) -> str:
        try:
            return "".join(self.client().list_account_aliases()["AccountAliases"][:1])
        except FAILURES as error:
            log("account_alias_unread", error=str(error))
            return ""

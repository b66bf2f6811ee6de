"""AWS Organizations: every account with its state, its units and its tags.

Callable from the management account, or from one that is a delegated administrator. Nothing here
decides; a read that fails at any page raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.domain.account import Account
from chalicelib.domain.organization import Listed, Member

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient

GONE = "no account of the organization"


@dataclass(frozen=True, slots=True)
class Organization:
    """The organization of the client's account. Every method raises what botocore raises.

    Pages hold 20 and may be empty with more to come: botocore's paginators go on to the last.
    """

    client: OrganizationsClient
    partition: str

    def accounts(self, known: Iterable[Account] = (), *, tags: bool = False) -> Iterator[Listed]:
        """Every account; of those `known` that the list leaves out, what AWS says of each of them.

        A list that misses an account that is there after all must end nothing.
        """
        units = self._units()
        missing = dict.fromkeys(known)
        for page in self.client.get_paginator("list_accounts").paginate():
            for account in page["Accounts"]:
                listed = self._listed(account, units)
                missing.pop(listed.member.account, None)
                yield self._with_tags(listed) if tags else listed
        for account_left_out in missing:
            yield self._described(account_left_out, units)

    def _described(self, account: Account, units: Mapping[str, tuple[str, ...]]) -> Listed:
        try:
            told = self.client.describe_account(AccountId=account.account_id)["Account"]
        except self.client.exceptions.AccountNotFoundException:
            return Listed(Member(account), GONE)
        return self._listed(told, units)

    def _listed(self, told: Mapping[str, Any], units: Mapping[str, tuple[str, ...]]) -> Listed:
        """`State`: `Status` was retired in September 2026, and told of less."""
        account = Account(self.partition, told["Id"])
        return Listed(
            Member(account, told.get("Name", ""), units.get(told["Id"], ())), told["State"]
        )

    def _with_tags(self, listed: Listed) -> Listed:
        member = listed.member
        pages = self.client.get_paginator("list_tags_for_resource").paginate(
            ResourceId=member.account.account_id
        )
        tags = tuple(f"{tag['Key']}={tag['Value']}" for page in pages for tag in page["Tags"])
        return Listed(replace(member, tags=tags), listed.state)

    def _units(self) -> dict[str, tuple[str, ...]]:
        """The units above each account, by its id: two lists a unit, none for each account."""
        found: dict[str, tuple[str, ...]] = {}
        roots = self.client.get_paginator("list_roots").paginate()
        waiting: list[tuple[str, ...]] = [(root["Id"],) for page in roots for root in page["Roots"]]
        while waiting:
            path = waiting.pop()
            accounts = self.client.get_paginator("list_accounts_for_parent")
            for page in accounts.paginate(ParentId=path[-1]):
                found |= {account["Id"]: path for account in page["Accounts"]}
            below = self.client.get_paginator("list_organizational_units_for_parent")
            for units in below.paginate(ParentId=path[-1]):
                waiting += [(*path, unit["Id"]) for unit in units["OrganizationalUnits"]]
        return found

"""The accounts of the organization, one small item for each in the state table of the hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.adapters.items import from_item
from chalicelib.adapters.tables import StateTable
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.organization import Member

_PREFIX = "account#"
UNKNOWN = "it is no account of the list"


@dataclass(frozen=True, slots=True)
class RosterTable:
    """What is known of each account: thousands would not fit into one item of 400 KB."""

    state: StateTable
    own: Account

    def member(self, account: Account) -> Member:
        """What is known of an account; one of which nothing is known is not watched."""
        item = self.state.document(self.own, _PREFIX + account.key)
        return decode(Member, item) if item else Member(account, unwatched=UNKNOWN)

    def members(self) -> Iterator[Member]:
        """Every account that is or was on the list."""
        pages = self.state.client.get_paginator("query").paginate(
            TableName=self.state.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": {"S": self.own.key}, ":prefix": {"S": _PREFIX}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from (decode(Member, from_item(item)) for item in page["Items"])

    def keep(self, member: Member) -> None:
        """Note what is known of an account from now on."""
        self.state.write_document(self.own, _PREFIX + member.account.key, encode(member))

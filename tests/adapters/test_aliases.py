"""The account's alias helps people; an alert neither waits for it nor fails with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.adapters.account_alias import KEPT_FOR, AccountAlias
from chalicelib.domain.account import Account
from tests.adapters.aws import answering
from tests.unit.examples import ACCOUNT, NOW


class Clock:
    """A clock that is set by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.now


@pytest.fixture
def iam() -> Iterator[tuple[Any, Stubber]]:
    """IAM's client, with its answers laid down; an answer too many or too few is an error."""
    client = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def answers(stub: Stubber, *aliases: str) -> None:
    """IAM tells the account's aliases, of which there is at most one."""
    told = {"AccountAliases": list(aliases), "IsTruncated": False}
    stub.add_response("list_account_aliases", told)


def test_names_the_account_and_asks_once_an_hour(iam: tuple[Any, Stubber]) -> None:
    """A function that sends many alerts asks once."""
    client, stub = iam
    clock = Clock()
    alias = AccountAlias(lambda: client, ACCOUNT, clock)
    answers(stub, "acme-prod")
    assert [alias.of(ACCOUNT) for _ in range(3)] == ["acme-prod"] * 3
    clock.now = NOW + KEPT_FOR + timedelta(seconds=1)
    answers(stub)
    assert alias.of(ACCOUNT) == ""


def test_half_an_answer_is_no_alias() -> None:
    """What breaks off in the middle costs nobody the alert."""
    broken = answering("iam", lambda _: (200, b"<ListAccountAliasesResp"))
    assert AccountAlias(lambda: broken, ACCOUNT, Clock()).of(ACCOUNT) == ""


def test_without_permission_there_is_no_alias(iam: tuple[Any, Stubber]) -> None:
    """The alert goes out all the same, and the next one does not ask again at once."""
    client, stub = iam
    stub.add_client_error("list_account_aliases", "AccessDenied", "no")
    alias = AccountAlias(lambda: client, ACCOUNT, Clock())
    assert [alias.of(ACCOUNT), alias.of(ACCOUNT)] == ["", ""]


def test_asks_about_the_own_account_only(iam: tuple[Any, Stubber]) -> None:
    """IAM tells the alias of the caller's account: a member's alert must not bear it."""
    client, _ = iam
    assert AccountAlias(lambda: client, ACCOUNT, Clock()).of(Account("aws", "999999999999")) == ""

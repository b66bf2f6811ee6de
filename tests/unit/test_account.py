"""Who is looked at: the account of an ARN, a user's tags, and names that services give."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.account import Account, account_of_arn, is_named_by_service, tag_of
from tests.unit.finding_samples import BOB

TAGGED = replace(BOB, tags={"Team": "nurses", "owner": "ann", "OWNER": "bob"})


def test_a_resource_may_hold_colons() -> None:
    """They are no part of the account."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:sweep:live"
    assert account_of_arn(arn) == Account("aws", "123456789012")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BedrockAPIKey-1x2y", True),
        ("ses-smtp-user.20261123-120000", True),
        ("BedrockAPIKey-", False),
        ("ses-smtp-user", False),
        ("ses-smtp-userX2026", False),
        ("my-BedrockAPIKey-1x2y", False),
        ("bob", False),
    ],
)
def test_a_service_is_known_by_the_names_it_gives(name: str, *, expected: bool) -> None:
    """The whole name has to be of its form."""
    assert is_named_by_service(name) is expected


@pytest.mark.parametrize(
    ("key", "value"),
    [("team", "nurses"), ("TEAM", "nurses"), ("owner", "ann"), ("tea", ""), ("", "")],
)
def test_a_tag_is_found_without_regard_to_case(key: str, value: str) -> None:
    """The first of several; without a key nothing is looked for."""
    assert tag_of(TAGGED, key) == value


def test_no_key_asks_for_no_tag() -> None:
    """Even if a user has one without a name."""
    assert tag_of(replace(BOB, tags={"": "ann"}), "") == ""

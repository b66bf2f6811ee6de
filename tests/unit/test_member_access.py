"""What of AWS's errors says that a member does not let the hub look."""

from __future__ import annotations

import pytest

from chalicelib.domain.member_access import SESSION_SECONDS, is_refusal


@pytest.mark.parametrize(
    ("operation", "code", "expected"),
    [
        ("AssumeRole", "AccessDenied", True),
        ("GetUser", "AccessDenied", True),
        ("GetAccountAuthorizationDetails", "InvalidClientTokenId", True),
        ("GetPolicy", "AccessDeniedException", True),
        ("AssumeRole", "Throttling", False),
        ("GetUser", "NoSuchEntity", False),
        ("PutItem", "AccessDeniedException", False),
        ("PutItem", "Throttling", False),
    ],
)
def test_a_refusal_is_the_members_own(operation: str, code: str, *, expected: bool) -> None:
    """What the hub may not do at home is its own trouble, and a throttled call is none."""
    assert is_refusal(operation, code) is expected


def test_a_session_lasts_no_longer_than_sts_lets_one_role_have_another() -> None:
    """STS refuses a chained role that is asked for more than an hour."""
    assert SESSION_SECONDS == 60 * 60

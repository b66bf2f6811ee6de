"""Reading the credential report's CSV."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.credential_report import (
    CredentialReport,
    Credentials,
    ReportNotReadyError,
    parse,
)
from chalicelib.domain.risk import AccessKey

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = (
    "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,"
    "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date\n"
)
ANN = (
    "Ann,arn:x,2026-01-01T00:00:00+00:00,true,N/A,false,"
    "true,2026-02-01T00:00:00+00:00,N/A,false,2026-03-01T00:00:00+00:00,2026-04-01T00:00:00Z\n"
)
ROOT = (
    "<root_account>,arn:y,2020-01-01T00:00:00+00:00,not_supported,,true,"
    "false,N/A,N/A,false,N/A,N/A\n"
)


def report(text: str) -> CredentialReport:
    """A report of this CSV."""
    return CredentialReport(CREATED, parse(text))


def test_a_user_is_read_with_every_credential() -> None:
    """Password, MFA, and each key with its age and last use."""
    assert report(HEAD + ROOT + ANN).of("ann", CREATED) == Credentials(
        (
            AccessKey(active=True, created_at=datetime(2026, 2, 1, tzinfo=UTC)),
            AccessKey(
                active=False,
                created_at=datetime(2026, 3, 1, tzinfo=UTC),
                last_used_at=datetime(2026, 4, 1, tzinfo=UTC),
            ),
        ),
        console_password=True,
        mfa=False,
    )


def test_a_user_who_is_newer_than_the_report_is_unknown() -> None:
    """Not to be in the report means not to be known: it does not mean to have no credentials."""
    assert report(HEAD + ROOT).of("ann", CREATED) == Credentials()


def test_a_namesake_that_was_deleted_lends_no_credentials() -> None:
    """A user created again under the same name is not the one in an older report."""
    assert report(HEAD + ANN).of("ann", CREATED + timedelta(days=1)) == Credentials()


def test_columns_that_are_missing_are_unknown() -> None:
    """A report of another shape never reads as "no keys, no password"."""
    known = report("user,user_creation_time\nann,2026-01-01T00:00:00Z\n").of("ann", CREATED)
    assert known == Credentials()


@given(st.text())
def test_any_text_is_read_without_an_exception(text: str) -> None:
    """A report that is broken leaves users unknown or is refused, and breaks nothing else."""
    for broken in (text, HEAD + text):
        try:
            read: object = parse(broken)
        except ReportNotReadyError as error:
            read = str(error)
        assert isinstance(read, dict | str)

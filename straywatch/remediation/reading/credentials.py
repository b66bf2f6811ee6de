"""The account's credential report, waited for, and which users it shows to be idle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.adapters.credential_report import (
    CredentialReport,
    ReportNotReadyError,
    Row,
    fetch,
    order,
)
from chalicelib.domain.account import User
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

POLLS = 60
PAUSE_SECONDS = 2.0
_HELD = (
    "password_enabled",
    "access_key_1_active",
    "access_key_2_active",
    "cert_1_active",
    "cert_2_active",
)
_USED = ("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date")
_NO = frozenset({"false"})
_NEVER = frozenset({"", "n/a", "no_information", "not_supported"})


def is_idle(user: User, report: CredentialReport) -> bool:
    """Tell whether the report shows this very user without credentials and never used.

    A user the report does not know, or knows as an earlier user of that name, is not idle, nor is
    one of whom it leaves anything out: nothing is known of their credentials.
    """
    row = report.row(user.name, user.created_at)
    return all(_tells(row, column, _NO) for column in _HELD) and all(
        _tells(row, column, _NEVER) for column in _USED
    )


def _tells(row: Row, column: str, words: frozenset[str]) -> bool:
    told = row.get(column)
    return told is not None and told.lower() in words


def read_credentials(
    iam: IAMClient,
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda _: None,
) -> CredentialReport:
    """Have the report made, wait for it, read it.

    Raises what botocore raises if a call fails and StraywatchError if the report is not made in
    time.
    """
    for _ in range(POLLS):
        if order(iam) == "COMPLETE":
            break
        tell("waiting for the credential report")
        sleep(PAUSE_SECONDS)
    else:
        raise StraywatchError(
            "AWS did not make the credential report in time: try again, or leave it out with "
            "--no-credential-report"
        )
    try:
        return fetch(iam, sleep)
    except ReportNotReadyError as error:
        raise StraywatchError(f"{error}: repeat") from error
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ReportExpired":
            raise
        raise StraywatchError("the credential report expired while it was read: repeat") from error

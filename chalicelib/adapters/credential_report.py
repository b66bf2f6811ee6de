"""Passwords, MFA and access keys of every user at once, from the account's credential report."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.domain.risk import AccessKey

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

WAITS = (2.0, 8.0, 20.0)
"""Seconds between attempts to fetch a report that AWS is still writing."""

_NOT_YET = frozenset({"ReportInProgress", "ReportNotPresent"})
_ANSWERS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one user can sign in with; None where it is not told."""

    keys: tuple[AccessKey, ...] | None = None
    console_password: bool | None = None
    mfa: bool | None = None


class ReportNotReadyError(Exception):
    """AWS was still writing the report when patience ended, or sent none that can be read."""


Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class CredentialReport:
    """The report, and when AWS made it: at most every four hours."""

    generated_at: datetime
    by_name: Mapping[str, Row]

    def of(self, name: str, created_at: datetime) -> Credentials:
        """The credentials of the user of this name and creation time."""
        row = self.row(name, created_at)
        active = [_answer(row, f"access_key_{number}_active") for number in (1, 2)]
        return Credentials(
            keys=None if None in active else tuple(_key(row, number) for number in (1, 2)),
            console_password=_answer(row, "password_enabled"),
            mfa=_answer(row, "mfa_active"),
        )

    def row(self, name: str, created_at: datetime) -> Row:
        """What the report says of the user, by column.

        Nothing where the report is older than the user, also than a user who was deleted and
        created again under the same name.
        """
        found = self.by_name.get(name.casefold(), {})
        told = _time(found, "user_creation_time")
        return found if told and abs(told - created_at) <= timedelta(seconds=1) else {}


def order(iam: IAMClient) -> str:
    """Ask AWS to write a report (1 call); returns its state. Raises what botocore raises."""
    return iam.generate_credential_report().get("State", "")


def fetch(iam: IAMClient, sleep: Callable[[float], None]) -> CredentialReport:
    """Fetch the report that was ordered (1 call, more while AWS is writing).

    Raises what botocore raises, and ReportNotReadyError if AWS is not done after half a minute.
    """
    for wait in WAITS:
        try:
            answer = iam.get_credential_report()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NOT_YET:
                raise
            sleep(wait)
        else:
            rows = parse(answer["Content"].decode(errors="replace"))
            return CredentialReport(answer["GeneratedTime"].astimezone(UTC), rows)
    raise ReportNotReadyError("AWS is still writing the credential report")


def parse(text: str) -> dict[str, Row]:
    """Read the report's CSV into rows by user name, in small letters.

    Raises ReportNotReadyError if it is no CSV.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ReportNotReadyError(f"AWS sent no CSV ({error})") from error
    return {row["user"].casefold(): row for row in rows if row.get("user")}


def _key(row: Row, number: int) -> AccessKey:
    return AccessKey(
        active=bool(_answer(row, f"access_key_{number}_active")),
        created_at=_time(row, f"access_key_{number}_last_rotated"),
        last_used_at=_time(row, f"access_key_{number}_last_used_date"),
    )


def _answer(row: Row, column: str) -> bool | None:
    return _ANSWERS.get((row.get(column) or "").lower())


def _time(row: Row, column: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(row.get(column) or "")
    except ValueError:  # "N/A", "no_information"
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)

"""Passwords, MFA and access keys of every user at once, from the account's credential report."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.domain.risk import AccessKey

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

PATIENCE_SECONDS = 60.0
"""How long a report is waited for: AWS mostly takes 5 to 10 s, longer for thousands of users."""
_PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to fetch the report; the last one over and over."""

_NOT_YET = "ReportInProgress"
_ORDER_ANEW = frozenset({"ReportExpired", "ReportNotPresent"})
"""GetCredentialReport: the last report is older than four hours, or there never was one."""
_LIMIT = "LimitExceeded"
"""GenerateCredentialReport: too many orders at once. One of them will do for us, too."""
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
    """Ask AWS to write a report (1 call); returns its state, empty if too many ask for one.

    Raises what botocore raises.
    """
    try:
        return iam.generate_credential_report().get("State", "")
    except ClientError as error:
        if _code(error) != _LIMIT:
            raise
        return ""


def fetch(
    iam: IAMClient, sleep: Callable[[float], None], patience: float = PATIENCE_SECONDS
) -> CredentialReport:
    """Fetch the report that was ordered (1 call, more while AWS is writing).

    Orders it anew where it is missing or too old. Raises what botocore raises, and
    ReportNotReadyError if AWS is not done after `patience` seconds; each wait is followed by a try.
    """
    for wait in (0.0, *_waits(patience)):
        if wait:
            sleep(wait)
        try:
            answer = iam.get_credential_report()
        except ClientError as error:
            if _code(error) in _ORDER_ANEW:
                order(iam)
            elif _code(error) != _NOT_YET:
                raise
        else:
            rows = parse(answer["Content"].decode(errors="replace"))
            return CredentialReport(answer["GeneratedTime"].astimezone(UTC), rows)
    raise ReportNotReadyError("AWS is still writing the credential report")


def _waits(patience: float) -> Iterator[float]:
    """Pauses that add up to `patience` seconds at most."""
    pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
    for pause in pauses:
        if pause > patience:
            return
        patience -= pause
        yield pause


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


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

"""What the account's credential report says of each user: credentials held, and whether used."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.domain.account import User
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

POLLS = 60
PAUSE_SECONDS = 2.0
_HELD = ("password_enabled", "access_key_1_active", "access_key_2_active")
_CERTIFICATES = ("cert_1_active", "cert_2_active")
_USED = ("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date")
_NEVER = frozenset({"", "N/A", "n/a", "no_information", "not_supported"})


@dataclass(frozen=True)
class Credentials:
    """One line of the report."""

    arn: str
    created_at: str
    held: bool
    used: bool


@dataclass(frozen=True)
class CredentialReport:
    """The report's lines by user name; AWS makes a new one at most every four hours."""

    generated_at: datetime
    lines: dict[str, Credentials]

    def idle(self, user: User) -> bool:
        """Tell whether the report shows this very user without credentials and never used.

        A user the report does not know, or knows as an earlier user of that name, is not idle:
        nothing is known of their credentials.
        """
        line = self.lines.get(user.name)
        if line is None or line.arn != user.arn or not _same_moment(line.created_at, user):
            return False
        return not line.held and not line.used


def read_credentials(
    iam: IAMClient,
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda _: None,
) -> CredentialReport:
    """Have the report made, wait for it, read it.

    Raises ClientError if a call is refused and StraywatchError if the report is not made in time.
    """
    for _ in range(POLLS):
        if iam.generate_credential_report().get("State") == "COMPLETE":
            break
        tell("waiting for the credential report")
        sleep(PAUSE_SECONDS)
    else:
        raise StraywatchError(
            "AWS did not make the credential report in time: try again, or leave it out with "
            "--no-credential-report"
        )
    return _parse(iam)


def _parse(iam: IAMClient) -> CredentialReport:
    try:
        report = iam.get_credential_report()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("ReportExpired", "ReportNotPresent"):
            raise StraywatchError(
                "the credential report expired while it was read: repeat"
            ) from error
        raise
    text = report["Content"].decode("utf-8")
    lines = {row["user"]: _line(row) for row in csv.DictReader(io.StringIO(text))}
    generated_at = report["GeneratedTime"]
    return CredentialReport(generated_at, lines)


def _line(row: dict[str, str]) -> Credentials:
    return Credentials(
        arn=row.get("arn", ""),
        created_at=row.get("user_creation_time", ""),
        held=any(row.get(c, "").lower() == "true" for c in (*_HELD, *_CERTIFICATES)),
        used=any(row.get(column, "") not in _NEVER for column in _USED),
    )


def _same_moment(text: str, user: User) -> bool:
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return False
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    created = user.created_at if user.created_at.tzinfo else user.created_at.replace(tzinfo=UTC)
    return abs((then - created).total_seconds()) < 2  # noqa: PLR2004 - the report rounds to seconds

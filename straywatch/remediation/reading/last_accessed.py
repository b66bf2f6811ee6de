"""When any member of a group last used each service that the group grants, as IAM tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.adapters.iam_pages import marker_after
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

POLLS = 120
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class ServiceUse:
    """One service that the group's policies grant; `last` is None if unused as far as IAM looks.

    IAM looks back at most 400 days, and what is recent can be missing for up to four hours
    (IAM User Guide, "last accessed information").
    """

    service: str
    last: datetime | None

    def unused_for(self, days: int, now: datetime) -> bool:
        """Tell whether no member used it within the last `days`."""
        if self.last is None:
            return True
        last = self.last if self.last.tzinfo else self.last.replace(tzinfo=UTC)
        return now - last > timedelta(days=days)


def read_service_use(
    iam: IAMClient,
    arn: str,
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[ServiceUse, ...]:
    """Have IAM make the report for a group's ARN, wait for it and read every page.

    Raises what botocore raises, and StraywatchError if the report fails or is not made in time. A
    service that the answer does not name is unknown, never unused.
    """
    job = iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
    for poll in range(POLLS):
        page = iam.get_service_last_accessed_details(JobId=job)
        if page["JobStatus"] == "FAILED":
            reason = page.get("Error", {}).get("Message", "no reason given")
            raise StraywatchError(f"IAM could not tell when services were last used: {reason}")
        if page["JobStatus"] == "COMPLETED":
            break
        tell(f"waiting for last-accessed details of {arn} ({poll + 1})")
        sleep(PAUSE_SECONDS)
    else:
        raise StraywatchError(f"IAM did not tell in time when services of {arn} were last used")
    found = list(page["ServicesLastAccessed"])
    while page.get("IsTruncated") and (marker := marker_after(page)):
        page = iam.get_service_last_accessed_details(JobId=job, Marker=marker)
        found += page["ServicesLastAccessed"]
    return tuple(ServiceUse(s["ServiceNamespace"], s.get("LastAuthenticated")) for s in found)

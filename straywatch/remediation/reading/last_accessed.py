"""When any member of a group last used each service that the group grants, as IAM tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.iam_pages import marker_after
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import ServiceLastAccessedTypeDef

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
    actions: Mapping[str, datetime | None] = field(default_factory=dict)
    """The last use of single actions, as far as IAM tracks them and was asked."""

    def unused_for(self, days: int, now: datetime) -> bool:
        """Tell whether no member used it within the last `days`."""
        return _is_past(self.last, days, now)

    def tracked(self, days: int, now: datetime) -> dict[str, bool]:
        """Of the actions that IAM tracks, in lower case, whether they were used in these days."""
        return {
            f"{self.service}:{name}".lower(): not _is_past(last, days, now)
            for name, last in self.actions.items()
        }


def _is_past(last: datetime | None, days: int, now: datetime) -> bool:
    if last is None:
        return True
    aware = last if last.tzinfo else last.replace(tzinfo=UTC)
    return now - aware > timedelta(days=days)


def read_service_use(
    iam: IAMClient,
    arn: str,
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda _: None,
    *,
    actions: bool = False,
) -> tuple[ServiceUse, ...]:
    """Have IAM make the report for a group's ARN, wait for it and read every page.

    With `actions`, also for each action that IAM tracks (granularity ACTION_LEVEL). Raises what
    botocore raises, and StraywatchError if the report fails or is not made in time. A service that
    the answer does not name is unknown, never unused.
    """
    finer: dict[str, Any] = {"Granularity": "ACTION_LEVEL"} if actions else {}
    job = iam.generate_service_last_accessed_details(Arn=arn, **finer)["JobId"]
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
    return tuple(map(_use, found))


def _use(told: ServiceLastAccessedTypeDef) -> ServiceUse:
    actions = {
        action["ActionName"]: action.get("LastAccessedTime")
        for action in told.get("TrackedActionsLastAccessed", [])
        if "ActionName" in action
    }
    return ServiceUse(told["ServiceNamespace"], told.get("LastAuthenticated"), actions)

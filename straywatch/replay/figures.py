"""What each grace period would have come to, over all stretches."""

from __future__ import annotations

from dataclasses import dataclass

from straywatch.replay.store import Store
from straywatch.replay.stretches import Ending, Stretch


@dataclass(frozen=True, slots=True)
class Figures:
    """One grace period's alerts. Lengths are those of the stretches that would have alerted.

    `alerts` counts those that are certain and the `unsure` ones. `avoided` counts the stretches
    that were over before the grace was: false alarms without it. `undecided` ones were going on
    where the log ends, their grace not over.
    """

    grace_seconds: int
    alerts: int
    unsure: int
    users: int
    avoided: int
    undecided: int
    shortest_seconds: float | None
    median_seconds: float | None
    longest_seconds: float | None


def would_alert(stretch: Stretch, grace: int) -> bool:
    """Whether the check at the end of the grace would have found the user still a stray.

    A stretch that began and ended within one second of CloudTrail's clock is no stretch.
    """
    return stretch.seconds >= grace and (stretch.seconds > 0 or not stretch.is_over)


_ALERTING = f"(seconds >= ?1 AND (seconds > 0 OR ending = '{Ending.LOG_ENDS}'))"
_COUNTS = f"""
SELECT COUNT(*), COALESCE(SUM(NOT certain), 0),
       COUNT(DISTINCT partition || account_id || ':' || COALESCE(NULLIF(user_id, ''), user_name)),
       MIN(seconds), MAX(seconds)
FROM stretches WHERE {_ALERTING}
"""  # nosec B608  # noqa: S608 - made of constants
_MIDDLE = f"""
SELECT AVG(seconds) FROM (
    SELECT seconds FROM stretches WHERE {_ALERTING} ORDER BY seconds LIMIT ?2 OFFSET ?3)
"""  # nosec B608  # noqa: S608 - made of constants
_OTHERS = f"""
SELECT COALESCE(SUM(ending != '{Ending.LOG_ENDS}'), 0),
       COALESCE(SUM(ending = '{Ending.LOG_ENDS}'), 0)
FROM stretches WHERE NOT {_ALERTING}
"""  # nosec B608  # noqa: S608 - made of constants


def figures(store: Store, grace: int) -> Figures:
    """Count what a grace of so many seconds would have come to."""
    alerts, unsure, users, shortest, longest = store.ask(_COUNTS, grace)
    avoided, undecided = store.ask(_OTHERS, grace)
    middle = (1, alerts // 2) if alerts % 2 else (2, max(alerts // 2 - 1, 0))
    (median,) = store.ask(_MIDDLE, grace, *middle)
    return Figures(grace, alerts, unsure, users, avoided, undecided, shortest, median, longest)

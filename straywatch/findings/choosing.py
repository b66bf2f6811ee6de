"""Which findings an operator asked for."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.findings import Finding, Status
from chalicelib.domain.severity import Severity
from chalicelib.domain.wildcard import matches
from straywatch.findings.reading import Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Filters; one that is None lets everything pass.

    `user` is a name with `*` and `?` for what may vary, or a user id. `stray_before` is the latest
    beginning of the episode, `opened_after` the earliest opening.
    """

    status: Status | None = None
    account_id: str | None = None
    severity: Severity | None = None
    user: str | None = None
    stray_before: datetime | None = None
    opened_after: datetime | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is among those asked for; `severity` is the least one."""
        return (
            self.status in (None, finding.status)
            and self.account_id in (None, finding.account.account_id)
            and (self.severity is None or finding.severity >= self.severity)
            and (self.user is None or self._is_about(finding))
            and (self.stray_before is None or finding.stray_since <= self.stray_before)
            and (self.opened_after is None or finding.opened_at >= self.opened_after)
        )

    def _is_about(self, finding: Finding) -> bool:
        user = self.user or ""
        return matches(user, finding.user_name) or user == finding.user_id


@dataclass(frozen=True, slots=True)
class Chosen:
    """The newest findings of those asked for, how many there are in all, and what is unreadable."""

    findings: tuple[Finding, ...]
    total: int
    unreadable: tuple[Unreadable, ...]


def choose(found: Iterable[Finding | Unreadable], wanted: Wanted, limit: int) -> Chosen:
    """Keep the `limit` findings that were opened last, newest first; memory holds no more."""
    newest: list[tuple[datetime, str, int, Finding]] = []
    unreadable: list[Unreadable] = []
    total = 0
    for item in found:
        if isinstance(item, Unreadable):
            unreadable.append(item)
        elif wanted.covers(item):
            total += 1
            heapq.heappush(newest, (item.opened_at, item.finding_id, total, item))
            if len(newest) > limit:
                heapq.heappop(newest)
    findings = tuple(entry[-1] for entry in sorted(newest, reverse=True))
    return Chosen(findings, total, tuple(unreadable))

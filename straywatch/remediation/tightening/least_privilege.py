"""Look at groups for what they grant too widely, and propose what would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.policies import DocumentError
from straywatch.remediation.reading.last_accessed import ServiceUse
from straywatch.remediation.reading.snapshot import Group, Snapshot
from straywatch.remediation.tightening.lint import Flag, lint_group, policies_of
from straywatch.remediation.tightening.narrowing import NarrowedPolicy, tighten

Uses = Callable[[Group], tuple[ServiceUse, ...]]


@dataclass(frozen=True)
class GroupReview:
    """What was found for one group."""

    group: str
    flags: tuple[Flag, ...]
    proposals: tuple[NarrowedPolicy, ...]
    note: str = ""


def review(
    snapshot: Snapshot, groups: Iterable[Group], uses: Uses | None, days: int, now: datetime
) -> list[GroupReview]:
    """Review each group; `uses` tells what its members use, None leaves that question out."""
    return [_review(group, snapshot, uses, days, now) for group in groups]


def _review(
    group: Group, snapshot: Snapshot, uses: Uses | None, days: int, now: datetime
) -> GroupReview:
    flags = lint_group(group, snapshot)
    documents = policies_of(group, snapshot)
    members = [u for u in snapshot.users if group.name in (u.groups or ())]
    if uses is None or not any(documents.values()):
        return GroupReview(group.name, tuple(flags), ())
    if not members:
        note = "no member, so its use says nothing: delete the group, or give it members"
        return GroupReview(group.name, tuple(flags), (), note)
    used = uses(group)
    unused = sorted(use.service for use in used if use.unused_for(days, now))
    flags += [
        Flag(group.name, "unused service", "all policies together", _unused_words(use, days))
        for use in sorted(used, key=lambda u: u.service)
        if use.service in unused
    ]
    note = "" if used else "IAM named no service: nothing is known of its use"
    return GroupReview(group.name, tuple(flags), _proposals(documents, used, days, now), note)


def _unused_words(use: ServiceUse, days: int) -> str:
    if use.last is None:
        return f"{use.service}: no member used it as far back as IAM looks"
    return f"{use.service}: no member used it for {days} days (last {use.last:%Y-%m-%d})"


def _proposals(
    documents: Mapping[str, Mapping[str, Any] | None],
    used: tuple[ServiceUse, ...],
    days: int,
    now: datetime,
) -> tuple[NarrowedPolicy, ...]:
    found = []
    for name, document in documents.items():
        if document is None:
            continue
        try:
            proposal = tighten(name, document, used, days, now)
        except DocumentError:
            continue  # flagged as far as it could be read; nothing is proposed for the rest
        if proposal is not None:
            found.append(proposal)
    return tuple(found)

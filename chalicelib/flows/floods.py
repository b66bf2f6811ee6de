"""Floods: when many findings open together, people get one digest for all of them.

Machines get an alert for every finding; the topic's subscriptions for people leave out those that
a digest stands for (see `Audience`). A digest tells how things stand when it is sent, so that one
sent twice, or after a crash, is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import digest_of
from chalicelib.domain.check_requests import LONGEST_DELAY_SECONDS, DigestRequest
from chalicelib.domain.findings import Finding, Status, Write
from chalicelib.domain.severity import Severity
from chalicelib.flows.ports import Queue, SharedDocuments, Topic
from chalicelib.log import log
from chalicelib.times import exact, iso, parse_time

TOGETHER = timedelta(seconds=60)
"""Findings that open within so long of one another open together."""
PAUSE = timedelta(seconds=LONGEST_DELAY_SECONDS)
"""How long after one digest of a flood that goes on the next one follows, at the soonest."""
_ALMOST = timedelta(seconds=10)
"""A digest due sooner than this may look at the table before a finding just opened is there."""
_ATTEMPTS = 10
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_CROWD = "crowd"
_DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Floods:
    """Decides which findings are told of in a digest, and sends it.

    `above` findings may open together and be told one by one; 0 means any number may.
    """

    above: int
    documents: SharedDocuments
    live: Callable[[Account], Iterator[Finding]]
    queue: Queue
    topic: Topic
    clock: Callable[[], datetime]

    def is_flood(self, count: int) -> bool:
        """Whether so many messages at once are too many for people."""
        return 0 < self.above < count

    def joins(self, account: Account) -> bool:
        """Whether a finding that opens now belongs to a flood. If so, a digest is on its way."""
        if not self.above:
            return False
        for _ in range(_ATTEMPTS):
            before = self.documents.document(account, _CROWD)
            now = self.clock()
            together = now - _time(before, "last_at") <= TOGETHER
            count = int(before["count"]) + 1 if together else 1
            flood = self.is_flood(count)
            due = _time(before, "due_at")
            if flood and due < now + _ALMOST:
                due = max(now + TOGETHER, min(due + PAUSE, now + PAUSE))
                self.queue.send(DigestRequest(account), due, now)
            content = {"count": count, "last_at": exact(now), "due_at": exact(due)}
            if self._swap(account, _CROWD, before, content) is Write.DONE:
                return flood
        log("crowd_kept_changing", account_id=account.account_id)
        return True  # so many workers that open findings at once are a flood

    def tell(self, account: Account, muted: Iterable[Finding] = ()) -> None:
        """Send a digest if anything is new since the last one, or if the flood is over.

        `muted` are findings of which this run has told machines alone. A flood is over when none
        of its findings is open any more.
        """
        before = self.documents.document(account, _DIGEST)
        now = self.clock()
        in_hand = {finding.finding_id: finding for finding in muted}
        found = {f.finding_id: f for f in self.live(account) if _is_in_digests(f)} | in_hand
        if found and (in_hand or _has_news(before, found.values())):
            self._tell(account, before, list(found.values()), now)
        elif before.get("id") and not found:
            self._close(account, before, now)

    def is_over(self, account: Account, digest_id: str) -> bool:
        """Whether the flood of this digest is over, or on the point of being told so."""
        stored = self.documents.document(account, _DIGEST)
        return stored.get("id") != digest_id or bool(stored.get("closing"))

    def _tell(
        self, account: Account, before: Mapping[str, Any], found: list[Finding], now: datetime
    ) -> None:
        digest_id = before.get("id") or f"{account.key}:{_DIGEST}:{iso(now)}"
        digest = digest_of(
            account,
            found,
            digest_id=digest_id,
            at=now,
            announced=int(before.get("announced", 0)),
            at_least=Severity[before.get("severity", "LOW")],
        )
        content = {
            "id": digest_id,
            "told_at": before.get("told_at", exact(_NEVER)),
            "open": int(before.get("open", 0)),
            "announced": digest.announced,
            "severity": digest.severity.name,
        }
        if self._swap(account, _DIGEST, before, content) is Write.CONFLICT:
            return  # another worker is telling it
        self.topic.publish(digest)
        log("digest_published", digest_id=digest_id, open=digest.open)
        told = content | {"told_at": exact(now), "open": digest.open}
        self._swap(account, _DIGEST, {"version": int(before.get("version", 0)) + 1}, told)

    def _close(self, account: Account, before: Mapping[str, Any], now: datetime) -> None:
        """Say that it is over. The stored note comes first: a late digest must not open it anew."""
        content = {name: before[name] for name in ("id", "announced", "severity")}
        closing = content | {"closing": True, "told_at": exact(now)}
        if self._swap(account, _DIGEST, before, closing) is Write.CONFLICT:
            return
        digest = digest_of(
            account,
            (),
            digest_id=before["id"],
            at=now,
            announced=int(before["announced"]),
            at_least=Severity[before["severity"]],
        )
        self.topic.publish(digest)
        log("digest_closed", digest_id=before["id"])
        version = {"version": int(before.get("version", 0)) + 1}
        self._swap(account, _DIGEST, version, {"told_at": exact(now)})

    def _swap(
        self, account: Account, name: str, before: Mapping[str, Any], content: Mapping[str, Any]
    ) -> Write:
        version = int(before.get("version", 0))
        return self.documents.swap_document(account, name, {**content, "version": version})


def _is_in_digests(finding: Finding) -> bool:
    return finding.status is Status.OPEN and (finding.quiet or finding.muted)


def _has_news(before: Mapping[str, Any], found: Iterable[Finding]) -> bool:
    """Whether a finding opened since the last digest, or came to light that it had missed."""
    told_at = _time(before, "told_at")
    found = list(found)
    return len(found) > int(before.get("open", 0)) or any(f.opened_at > told_at for f in found)


def _time(document: Mapping[str, Any], name: str) -> datetime:
    return parse_time(document[name]) if name in document else _NEVER

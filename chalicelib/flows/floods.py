"""Floods: when many findings open together, people get one digest for all of them.

Machines get an alert for every finding; the topic's subscriptions for people leave out those that
a digest stands for (see `Audience`). A digest tells how things stand when it is sent, so that one
sent twice, or after a crash, is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import digest_of
from chalicelib.domain.check_requests import LONGEST_DELAY_SECONDS, DigestRequest
from chalicelib.domain.findings import Finding, Status, Write
from chalicelib.domain.severity import Severity
from chalicelib.flows.ports import Queue, SharedDocuments, Topic
from chalicelib.log import log
from chalicelib.times import iso

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


@dataclass(frozen=True, slots=True)
class _Crowd:
    """How many findings have opened together so far, and when a digest of them is due."""

    count: int = 0
    last_at: datetime = _NEVER
    due_at: datetime = _NEVER
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Told:
    """What the last digest said; it has no id once it said that the flood is over."""

    id: str = ""
    told_at: datetime = _NEVER
    open: int = 0
    announced: int = 0
    severity: Severity = Severity.LOW
    closing: bool = False
    version: int = 0


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
            before = decode(_Crowd, self.documents.document(account, _CROWD))
            now = self.clock()
            count = before.count + 1 if now - before.last_at <= TOGETHER else 1
            flood = self.is_flood(count)
            due = before.due_at
            if flood and due < now + _ALMOST:
                due = max(now + TOGETHER, min(due + PAUSE, now + PAUSE))
                self.queue.send(DigestRequest(account), due, now)
            if self._swap(account, _CROWD, _Crowd(count, now, due, before.version)):
                return flood
        log("crowd_kept_changing", account_id=account.account_id)
        return True  # so many workers that open findings at once are a flood

    def tell(self, account: Account, muted: Iterable[Finding] = ()) -> None:
        """Send a digest if anything is new since the last one, or if the flood is over.

        `muted` are findings of which this run has told machines alone. A flood is over when none
        of its findings is open any more.
        """
        before = self._told(account)
        now = self.clock()
        in_hand = {finding.finding_id: finding for finding in muted}
        found = {f.finding_id: f for f in self.live(account) if _is_in_digests(f)} | in_hand
        if found and (in_hand or _has_news(before, found.values())):
            self._tell(account, before, found.values(), now)
        elif before.id and not found:
            self._tell(account, replace(before, told_at=now, open=0), (), now)

    def is_over(self, account: Account, digest_id: str) -> bool:
        """Whether the flood of this digest is over, or on the point of being told so."""
        told = self._told(account)
        return told.id != digest_id or told.closing

    def _told(self, account: Account) -> _Told:
        return decode(_Told, self.documents.document(account, _DIGEST))

    def _tell(
        self, account: Account, before: _Told, found: Collection[Finding], now: datetime
    ) -> None:
        """Send it. The note comes first: a late digest must not open anew a flood that is over."""
        digest = digest_of(
            account,
            found,
            digest_id=before.id or f"{account.key}:{_DIGEST}:{iso(now)}",
            at=now,
            announced=before.announced,
            at_least=before.severity,
        )
        note = replace(
            before,
            id=digest.digest_id,
            announced=digest.announced,
            severity=digest.severity,
            closing=not found,
        )
        if not self._swap(account, _DIGEST, note):
            return  # another worker is telling it
        self.topic.publish(digest)
        log("digest_published", digest_id=digest.digest_id, open=digest.open)
        told = replace(note, open=digest.open) if found else _Told()
        self._swap(account, _DIGEST, replace(told, told_at=now, version=before.version + 1))

    def _swap(self, account: Account, name: str, content: _Crowd | _Told) -> bool:
        return self.documents.swap_document(account, name, encode(content)) is Write.DONE


def _is_in_digests(finding: Finding) -> bool:
    return finding.status is Status.OPEN and (finding.quiet or finding.muted)


def _has_news(before: _Told, found: Collection[Finding]) -> bool:
    """Whether a finding opened since the last digest, or came to light that it had missed."""
    return len(found) > before.open or any(f.opened_at > before.told_at for f in found)

"""Floods: when many findings open together, people get one digest for all of them.

Machines get an alert for every finding; the topic's subscriptions for people leave out those that
a digest stands for (see `Audience`). A digest tells how things stand when it is sent, so that one
sent twice, or after a crash, is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Digest, digest_of
from chalicelib.domain.check_requests import DigestRequest
from chalicelib.domain.findings import AlertType, Finding, Status, ToldHow, Write
from chalicelib.domain.floods import (
    Crowd,
    Flood,
    Limits,
    Moves,
    Next,
    Standing,
    adopting,
    being_told,
    escalation,
    joined,
    moves,
    next_step,
    reminder_id,
    standing_of,
    told,
    with_digest_due,
)
from chalicelib.domain.severity import Severity
from chalicelib.flows.flood_book import Claim, FloodBook
from chalicelib.flows.ports import Queue, SharedDocuments, Topic
from chalicelib.log import log

_ATTEMPTS = 10
_CROWD = "crowd"


@dataclass(frozen=True, kw_only=True)
class Floods:
    """Decides which findings are told of in a digest, and sends it.

    `live` are the account's open findings, `in_crowd` all that opened in a crowd, over or not.
    """

    limits: Limits
    documents: SharedDocuments
    live: Callable[[Account], Iterator[Finding]]
    in_crowd: Callable[[str], Iterator[Finding]]
    queue: Queue
    topic: Topic
    clock: Callable[[], datetime]
    _written: dict[Account, Crowd] = field(default_factory=dict)

    @cached_property
    def _book(self) -> FloodBook:
        return FloodBook(self.documents)

    def join(self, account: Account, severity: Severity) -> ToldHow:
        """How people learn of a finding that opens now; if from a digest, one is on its way."""
        (how,) = self._join(account, (severity,), asks=True)
        return how

    def join_together(self, account: Account, severities: Sequence[Severity]) -> Sequence[ToldHow]:
        """The same of findings that a sweep opens, which itself tells of them at its end."""
        return self._join(account, severities, asks=False)

    def _join(
        self, account: Account, severities: Sequence[Severity], *, asks: bool
    ) -> Sequence[ToldHow]:
        if self.limits.above and severities:
            for _ in range(_ATTEMPTS):
                # what this function wrote last still stands, or its version is refused
                written, now = self._written.pop(account, None), self.clock()
                before = written or self._crowd(account)
                crowd, how = joined(before, account, severities, self.limits, now)
                if any(each.quiet for each in how):
                    if written:
                        continue  # a flood begins by what is read alone: this one may be over
                    crowd = self._flooded(account, crowd, now, asks=asks)
                content = encode(crowd)
                if self.documents.swap_document(account, _CROWD, content) is Write.DONE:
                    self._written[account] = replace(crowd, version=crowd.version + 1)
                    return how
            log("crowd_kept_changing", account_id=account.account_id)
        return [ToldHow()] * len(severities)

    def _crowd(self, account: Account) -> Crowd:
        return decode(Crowd, self.documents.document(account, _CROWD))

    def _flooded(self, account: Account, crowd: Crowd, now: datetime, *, asks: bool) -> Crowd:
        """Note the flood, and have it told; both come before anybody is quiet because of it."""
        self._book.begin(account, Flood(crowd.id, now, crowd.id))
        due = with_digest_due(crowd, now) if asks else crowd
        if due != crowd:
            self.queue.send(DigestRequest(account), due.due_at, now)
        return due

    def move(self, account: Account, due: Iterable[tuple[Finding, AlertType]]) -> tuple[Moves, str]:
        """Sort the reminders and escalations that are due, and tell people of the reminders.

        Returns with them the episode of those that escalate together: `tell` tells of it.
        """
        sorted_out = moves(due, self.limits)
        now = self.clock()
        if sorted_out.reminded:
            self._publish(
                digest_of(
                    account,
                    sorted_out.reminded,
                    digest_id=reminder_id(account, now),
                    at=now,
                    of=AlertType.REMINDER,
                    strays=sum(f.status is Status.OPEN for f in self.live(account)),
                )
            )
        episode = escalation(account, now)
        if sorted_out.escalated:
            self._book.begin(account, episode)
        return sorted_out, episode.id

    def tell(self, account: Account, in_hand: Iterable[Finding] = ()) -> None:
        """Tell of each flood that has news, and end each of which nobody is left.

        `in_hand` are findings that this run has opened or moved: the index may not show them yet.
        """
        live = {f.finding_id: f for f in self.live(account)} | {f.finding_id: f for f in in_hand}
        self._adopt(account, live.values())
        for flood in self._book.floods(account):
            self._tell(account, flood, live)

    def is_over(self, account: Account, digest_id: str) -> bool:
        """Whether the flood of this digest is over, or on the point of being told so."""
        going_on = (f.id for f in self._book.floods(account) if not f.ending)
        return digest_id not in going_on

    def _tell(self, account: Account, flood: Flood, live: Mapping[str, Finding]) -> None:
        """Tell of one flood. The note comes first: no late digest opens anew what is over."""
        standing, step = self._look(flood, live)
        if step is Next.END and flood.of is AlertType.OPENED:
            if self._disperse(account, flood.crowd) is Write.CONFLICT:
                return  # somebody has just joined it
            standing, step = self._look(flood, live)
        now = self.clock()
        if step is Next.FORGET:
            self._book.close(account, flood.id)
        if step not in (Next.TELL, Next.END):
            return
        claimed = being_told(flood, standing, now, ending=step is Next.END)
        if self._book.claim(account, flood, claimed) is Claim.ANOTHERS:
            return
        self._publish(_digest(account, flood, claimed, standing, now))
        if step is Next.END:
            self._book.close(account, flood.id)
        else:
            self._book.keep(account, told(claimed, standing))

    def _look(self, flood: Flood, live: Mapping[str, Finding]) -> tuple[Standing, Next]:
        standing = standing_of(flood, self._members(flood, live), live.values(), self.limits)
        return standing, next_step(flood, standing, self.clock())

    def _members(self, flood: Flood, live: Mapping[str, Finding]) -> Iterator[Finding]:
        if flood.of is AlertType.ESCALATED:
            yield from (f for f in live.values() if f.escalated_in == flood.crowd)
        elif flood.crowd:
            yield from self.in_crowd(flood.crowd)
            yield from (f for f in live.values() if f.crowd == flood.crowd)
        else:
            yield from (f for f in live.values() if f.quiet and not f.crowd)

    def _adopt(self, account: Account, live: Iterable[Finding]) -> None:
        """Begin a flood for quiet findings of which none is known.

        Their flood was told to be over in the moment in which they opened.
        """
        known = {flood.crowd for flood in self._book.floods(account)}
        lost = {f.crowd for f in live if f.status is Status.OPEN and f.quiet} - known
        for crowd in sorted(lost):
            self._book.begin(account, adopting(account, crowd, self.clock()))

    def _disperse(self, account: Account, crowd_id: str) -> Write:
        """Whoever opens from now on is of the next flood."""
        crowd = self._crowd(account)
        if crowd.id != crowd_id:
            return Write.DONE
        nobody = encode(Crowd(version=crowd.version))
        return self.documents.swap_document(account, _CROWD, nobody)

    def _publish(self, digest: Digest) -> None:
        self.topic.publish(digest)
        log("digest_published", digest_id=digest.digest_id, of=digest.of, open=digest.open)


def _digest(
    account: Account, before: Flood, flood: Flood, standing: Standing, now: datetime
) -> Digest:
    return digest_of(
        account,
        () if flood.ending else standing.here,
        digest_id=flood.id,
        at=now,
        of=flood.of,
        loud=standing.loud,
        announced=standing.announced,
        told_singly=standing.told_singly,
        new=standing.announced - before.announced,
        strays=standing.strays,
        at_least=flood.severity,
        here_at_least=flood.severity_here,
    )

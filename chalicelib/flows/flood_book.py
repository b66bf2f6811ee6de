"""The book of an account's floods that are not over: begun, claimed by one worker, told, closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Write
from chalicelib.domain.floods import NEVER, Flood
from chalicelib.domain.severity import Severity
from chalicelib.flows.ports import SharedDocuments

_ATTEMPTS = 10
_NAME = "digest"


class FloodContentionError(Exception):
    """Others kept changing what is known of floods; the work is to be tried again later."""


@dataclass(frozen=True, slots=True)
class _Pages:
    """What the book holds. All but `floods` and `version` is an earlier version's one flood."""

    floods: tuple[Flood, ...] = ()
    id: str = ""
    told_at: datetime = NEVER
    announced: int = 0
    severity: Severity = Severity.LOW
    closing: bool = False
    version: int = 0

    def having(self, flood: Flood) -> _Pages:
        """The book with the flood as it is now."""
        return replace(self, floods=(*self.without(flood.id).floods, flood))

    def without(self, flood_id: str) -> _Pages:
        """The book once a flood is over."""
        return replace(self, floods=tuple(each for each in self.floods if each.id != flood_id))


@dataclass(frozen=True, slots=True)
class FloodBook:
    """Each change is made to what others have left, however many write at once.

    Every method raises FloodContentionError when others keep winning.
    """

    documents: SharedDocuments

    def floods(self, account: Account) -> tuple[Flood, ...]:
        """The floods that are not over."""
        return self._read(account).floods

    def begin(self, account: Account, flood: Flood) -> None:
        """Note a flood, unless it is noted already."""

        def change(pages: _Pages) -> _Pages:
            known = any(each.id == flood.id for each in pages.floods)
            return pages if known else pages.having(flood)

        self._change(account, change)

    def claim(self, account: Account, before: Flood, claimed: Flood) -> Write:
        """Take a flood in hand, unless another worker has changed it meanwhile: CONFLICT."""

        def change(pages: _Pages) -> _Pages:
            return pages.having(claimed) if before in pages.floods else pages

        return self._change(account, change)

    def keep(self, account: Account, flood: Flood) -> None:
        """Note how a flood was told."""
        self._change(account, lambda pages: pages.having(flood))

    def close(self, account: Account, flood_id: str) -> None:
        """Take a flood that is over out of the book."""
        self._change(account, lambda pages: pages.without(flood_id))

    def _read(self, account: Account) -> _Pages:
        return _with_earlier(decode(_Pages, self.documents.document(account, _NAME)))

    def _change(self, account: Account, change: Callable[[_Pages], _Pages]) -> Write:
        """Change the book; say whether this worker has done so, or there was nothing to change."""
        written: _Pages | None = None
        for _ in range(_ATTEMPTS):
            pages = self._read(account)
            if pages == written:
                return Write.DONE  # a put that was answered too late is repeated by the SDK
            changed = change(pages)
            if changed == pages:
                return Write.CONFLICT
            content = encode(changed)
            if self.documents.swap_document(account, _NAME, content) is Write.DONE:
                return Write.DONE
            written = replace(changed, version=changed.version + 1)
        raise FloodContentionError(f"the floods of {account.key} kept changing")


def _with_earlier(pages: _Pages) -> _Pages:
    """The book with an earlier version's flood, whose findings name no crowd, among the others."""
    if not pages.id:
        return pages
    flood = Flood(
        pages.id,
        pages.told_at,
        severity=pages.severity,
        severity_here=pages.severity,
        announced=pages.announced,
        ending=pages.closing,
    )
    return _Pages(floods=(*pages.floods, flood), version=pages.version)

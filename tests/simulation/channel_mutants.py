"""Copies of the product that get floods, channels or alarms wrong, as their meaning has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from tests.simulation.copies import Copy
from tests.simulation.mutants import Mutant


def _always(path: str, answer: object) -> Callable[[Copy], None]:
    """A function that looks at nothing."""
    return lambda copy: copy.breaks(path, lambda _: lambda *_asked, **_named: answer)


def _looks_once(copy: Copy) -> None:
    """What ends while its page is on the way stays an incident."""
    copy.fields("Pager", "findings")

    def hasty(page: Any) -> Any:
        def paged(self: Any, message: Any) -> Any:
            seen: dict[str, Any] = {}

            def by_id(finding_id: str) -> Any:
                if finding_id not in seen:
                    seen[finding_id] = self.findings.by_id(finding_id)
                return seen[finding_id]

            return page(replace(self, findings=SimpleNamespace(by_id=by_id)), message)

        return paged

    copy.breaks("Pager._page", hasty)


def _goes_by_arrival(copy: Copy) -> None:
    """Of an alarm's messages the last one to come holds."""
    copy.breaks("memory.Memory.hear", lambda _: lambda _self, alarm: alarm)
    copy.breaks("memory.Memory.end_turn", lambda _: lambda _self, _alarm: None)


def _gives_up(copy: Copy) -> None:
    """What a receiver does not take counts as sent."""

    def careless(from_topic: Any) -> Any:
        def relayed(*asked: Any) -> Any:
            try:
                return from_topic(*asked)
            except Exception:  # noqa: BLE001 - this is the mistake
                return []

        return relayed

    copy.breaks("interface.from_topic", careless)


def _mutes_the_high(copy: Copy) -> None:
    """A crowd hides all but the worst."""
    critical = copy.find("severity.Severity").CRITICAL
    copy.fields("floods.Limits", "always")

    def deaf(joined: Any) -> Any:
        return lambda crowd, account, severities, limits, now: joined(
            crowd, account, severities, replace(limits, always=critical), now
        )

    copy.breaks("domain.floods.joined", deaf)


def _ends_no_flood(copy: Copy) -> None:
    """Nobody is told that a flood is over."""
    steps = copy.find("floods.Next")

    def endless(next_step: Any) -> Any:
        def stepped(*asked: Any) -> Any:
            step = next_step(*asked)
            return steps.WAIT if step is steps.END else step

        return stepped

    copy.breaks("floods.next_step", endless)


def _counts_the_open(copy: Copy) -> None:
    """Whoever is over by the time of the digest was never there."""
    copy.fields("floods.Standing", "announced", "here")

    def short(standing_of: Any) -> Any:
        def counted(*asked: Any) -> Any:
            standing = standing_of(*asked)
            return replace(standing, announced=len(standing.here) + standing.told_singly)

        return counted

    copy.breaks("floods.standing_of", short)


def _imports_what_is_said(copy: Copy) -> None:
    """A late message shows in Security Hub what was."""
    nobody = copy.find("findings.NoFinding")()
    copy.fields("SecurityHub", "findings")

    def hasty(imported: Any) -> Any:
        blind = SimpleNamespace(by_id=lambda _: nobody)
        return lambda self, message: imported(replace(self, findings=blind), message)

    copy.breaks("SecurityHub._copy", hasty)


def _wakes_no_digest(copy: Copy) -> None:
    """Of a flood nobody ever learns."""
    copy.breaks("flows.floods.Floods._publish", lambda _: lambda _self, _digest: None)


def _named(name: str, mutate: Callable[[Copy], None], *promises: int) -> Mutant:
    def renamed(copy: Copy) -> None:
        mutate(copy)

    renamed.__name__ = name
    return Mutant(renamed, frozenset(promises))


OF_CHANNELS = (
    _named("takes_any_kind_answer_for_sent", _always("pagerduty._says_taken", answer=True), 7),
    _named("pages_what_is_over", _always("Pager._is_over", answer=False), 4, 5),
    _named("closes_no_incident", _always("Pager._close", answer="ignored"), 5),
    _named("looks_once", _looks_once, 5),
    _named("follows_alarms_by_arrival", _goes_by_arrival, 5),
    _named("counts_what_failed_as_sent", _gives_up, 7),
    _named("mutes_the_high", _mutes_the_high, 4),
    _named("ends_no_flood", _ends_no_flood, 5),
    _named("counts_who_is_open_alone", _counts_the_open, 4),
    _named("sends_no_digest", _wakes_no_digest, 1),
    _named("imports_what_a_message_says", _imports_what_is_said, 7),
)

"""For each row of the decision a product that gets that row wrong, as its meaning has it.

A row whose loss breaks no promise would not be worth a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.simulation.copies import Copy
from tests.simulation.mutants import Mutant

Decide = Callable[..., Any]
Wrong = Callable[[Copy, Decide], Decide]
"""A decision gone wrong, from the copy and the true one."""


def _mutant(name: str, wrong: Wrong, *promises: int) -> Mutant:
    def mutate(copy: Copy) -> None:
        copy.breaks("decision.decide", lambda decide: wrong(copy, decide))

    mutate.__name__ = name
    return Mutant(mutate, frozenset(promises))


def _takes(row: str, instead: str, *promises: int, **changes: Callable[[Copy, Any], Any]) -> Mutant:
    """Whenever it should be `row`, it is another one; `changes` follow from what is seen."""

    def wrong(copy: Copy, decide: Decide) -> Decide:
        rows = copy.find("decision.Row")
        true, other = rows(row), rows(instead)

        def decided(seen: Any, *rest: Any) -> Any:
            decision = decide(seen, *rest)
            if decision.row is not true:
                return decision
            changed = {name: change(copy, seen) for name, change in changes.items()}
            return replace(decision, row=other, **changed)

        return decided

    return _mutant(f"takes_{row}_for_{instead}", wrong, *promises)


def _answers(row: str, field: str, answer: Callable[[Copy, Any], Any], *promises: int) -> Mutant:
    """What `row` asks for is not asked: it goes by an answer of its own, from the copy and now."""

    def wrong(copy: Copy, decide: Decide) -> Decide:
        asks = copy.find("decision.Row")(row)

        def decided(seen: Any, now: Any, *rest: Any) -> Any:
            decision = decide(seen, now, *rest)
            if decision.row is not asks:
                return decision
            return decide(replace(seen, **{field: answer(copy, now)}), now, *rest)

        return decided

    return _mutant(f"never_{row}", wrong, *promises)


def _without_lag(copy: Copy, decide: Decide) -> Decide:
    """Every look shows what is."""
    copy.fields("decision.Rules", "iam_lag")
    nothing = timedelta(0)
    return lambda seen, now, rules: decide(seen, now, replace(rules, iam_lag=nothing))


def _without_grace(copy: Copy, decide: Decide) -> Decide:
    """Whoever is found a stray is told of at once."""
    copy.fields("decision.Rules", "grace")
    nothing = timedelta(0)
    return lambda seen, now, rules: decide(seen, now, replace(rules, grace=nothing))


def _without_groups(copy: Copy, decide: Decide) -> Decide:
    """Whoever is in a group, and nothing else is to be said of, is taken for a stray."""
    at_peace, user = copy.find("decision.Row")("at_peace"), copy.find("account.User")
    in_no_group = copy.find("account.InNoGroup")

    def decided(seen: Any, *rest: Any) -> Any:
        decision = decide(seen, *rest)
        if decision.row is not at_peace or not isinstance(seen.who, user):
            return decision
        return decide(replace(seen, look=in_no_group(seen.who)), *rest)

    return decided


def _joined(copy: Copy, _seen: Any) -> Any:
    return copy.find("findings.Resolution")(copy.find("findings.Reason").JOINED_GROUP, ("none",))


def _looked_at(_copy: Copy, seen: Any) -> Any:
    return seen.looked_at


def _soon(_copy: Copy, seen: Any) -> Any:
    return seen.looked_at + timedelta(seconds=3)


OF_ROWS: Mapping[str, Mutant] = {
    "ask_who": _answers(
        "ask_who", "who", lambda copy, _: copy.find("account.NoSuchUser")(), 1, 5, 7
    ),
    "ask_exemption": _answers(
        "ask_exemption", "exemption", lambda copy, _: copy.find("exemptions.NotExempt")(), 2
    ),
    "ask_finding": _answers(
        "ask_finding", "last", lambda copy, _: copy.find("findings.NoFinding")(), 4, 5, 7
    ),
    "ask_risk": _takes("ask_risk", "at_peace", 1),
    "ask_look": _answers("ask_look", "looked_at", lambda _, now: now, 2),
    "look_later": _mutant("believes_every_look", _without_lag, 1, 2, 4, 5),
    "gone": _takes("gone", "look_later", 7, look_at=_soon),
    "at_peace": _mutant("takes_at_peace_for_a_stray", _without_groups, 2),
    "settled": _takes("settled", "at_peace", 3),
    "unsure_who": _takes("unsure_who", "close", 5, resolution=_joined, over_at=_looked_at),
    "close": _takes("close", "at_peace", 5),
    "unsent": _takes("unsent", "still_open", 1, 5, 7),
    "over_meanwhile": _takes("over_meanwhile", "still_open", 1, 3, 4, 5),
    "still_open": _takes(
        "still_open", "over_meanwhile", 4, 5, resolution=_joined, over_at=_looked_at
    ),
    "grace_runs": _mutant("forgets_the_grace", _without_grace, 2, 3),
    "open": _takes("open", "at_peace", 1),
}
"""What each row means, broken."""

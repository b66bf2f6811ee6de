"""Copies of the product with one thing broken on purpose, loaded beside it under other names.

A mutant says what it means: which function or method does something else, and what.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.simulation.copies import Copy, copied
from tests.simulation.product import Product


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is broken, and which promises that may break."""

    mutate: Callable[[Copy], None]
    promises: frozenset[int]

    @property
    def name(self) -> str:
        """What it does wrong."""
        return self.mutate.__name__


def _bare(request: dict[str, Any]) -> dict[str, Any]:
    """A write without its condition, and without what only the condition needs."""
    condition = request.get("ConditionExpression", "")
    rest = request.get("UpdateExpression", "")
    bare = {name: part for name, part in request.items() if name != "ConditionExpression"}
    for asked in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {
            name: part
            for name, part in request.get(asked, {}).items()
            if name not in condition or name in rest
        }
        bare.pop(asked, None)
        bare |= {asked: kept} if kept else {}
    return bare


class _Unconditional:
    """A client of DynamoDB that writes over whatever stands there."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put_item(self, **request: Any) -> Any:
        return self._client.put_item(**_bare(request))

    def transact_write_items(self, **request: Any) -> Any:
        writes = [
            {kind: _bare(write) for kind, write in each.items()}
            for each in request["TransactItems"]
        ]
        return self._client.transact_write_items(TransactItems=writes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def skips_the_conditional_write(copy: Copy) -> None:
    """Of two workers both win."""

    def careless(made: Any) -> Any:
        return lambda self, client, *rest, **more: made(self, _Unconditional(client), *rest, **more)

    for table in ("FindingsTable", "StateTable"):
        copy.fields(table, "client")
        copy.breaks(f"{table}.__init__", careless)


def takes_a_failed_page_for_an_empty_one(copy: Copy) -> None:
    """What was not seen is "none"."""
    page = copy.find("account.Page")

    def lenient(pages: Any) -> Any:
        def read(*arguments: Any, **named: Any) -> Iterator[Any]:
            try:
                yield from pages(*arguments, **named)
            except Exception:  # noqa: BLE001 - this is the mistake
                yield page((), None)

        return read

    copy.breaks("authorization_details.user_pages", lenient)


def takes_an_error_for_a_deletion(copy: Copy) -> None:
    """A look that failed shows nobody."""
    nobody = copy.find("account.NoSuchUser")

    def lenient(look: Any) -> Any:
        def looked(*arguments: Any, **named: Any) -> Any:
            try:
                return look(*arguments, **named)
            except Exception:  # noqa: BLE001 - this is the mistake
                return nobody()

        return looked

    copy.breaks("Iam.look", lenient)


def names_findings_after_the_name(copy: Copy) -> None:
    """Identity is the user's name."""
    copy.breaks(
        "Finding.finding_id",
        lambda _: property(lambda self: f"{self.account.key}:{self.user_name}:{self.number}"),
    )


def publishes_before_it_records(copy: Copy) -> None:
    """Whoever loses the race has told, too."""
    alert = copy.find("alerts.Alert")
    copy.fields("Commit", "topic", "ledger")

    def hasty(open_: Any) -> Any:
        def opened(self: Any, *arguments: Any, **named: Any) -> Any:
            class Hasty:
                """A ledger that announces each finding before it is stored."""

                def add(_self, finding: Any, *rest: Any) -> Any:  # noqa: N805 - self is the commit
                    self.topic.publish(alert(finding.outbox[0], finding))
                    return self.ledger.add(finding, *rest)

                def __getattr__(_self, name: str) -> Any:  # noqa: N805 - as above
                    return getattr(self.ledger, name)

            return open_(replace(self, ledger=Hasty()), *arguments, **named)

        return opened

    copy.breaks("Commit._open", hasty)


def drops_the_outbox(copy: Copy) -> None:
    """What a killed function left unsent stays so."""
    copy.breaks("Commit.deliver_unsent", lambda _: lambda _self, _finding: None)


def ignores_who_joins(copy: Copy) -> None:
    """AddUserToGroup tells only that somebody flaps."""
    joined = copy.find("facts.Kind").JOINED

    def deaf(past_of: Any) -> Any:
        return lambda *asked: tuple(f for f in past_of(*asked) if f.kind is not joined)

    copy.breaks("bearer.past_of", deaf)


def counts_from_receipt(copy: Copy) -> None:
    """An event's time is when it came."""
    ours = copy.find("events.MembershipEvent")

    def late(parse_record: Any) -> Any:
        def parsed(record: Any, now: Any, **named: Any) -> Any:
            event = parse_record(record, now, **named)
            if not isinstance(event, ours):
                return event
            return replace(event, cause=replace(event.cause, event_time=now))

        return parsed

    copy.breaks("events.parse_record", late)


def closes_nothing_that_is_gone(copy: Copy) -> None:
    """A sweep leaves the findings of deleted users open."""
    copy.breaks("sweep._Run.close_gone", lambda _: lambda _self: 0)


def loses_what_fails(copy: Copy) -> None:
    """A check that failed is not tried again."""

    def carefree(process: Any) -> Any:
        @functools.wraps(process)
        def processed(*arguments: Any, **named: Any) -> dict[str, Any]:
            process(*arguments, **named)
            return {"batchItemFailures": []}

        return processed

    copy.breaks("batch.process", carefree)


MUTANTS = (
    Mutant(skips_the_conditional_write, frozenset({4, 5})),
    Mutant(takes_a_failed_page_for_an_empty_one, frozenset({1, 5})),
    Mutant(takes_an_error_for_a_deletion, frozenset({1, 5})),
    Mutant(names_findings_after_the_name, frozenset({4, 5, 6})),
    Mutant(publishes_before_it_records, frozenset({4, 5})),
    Mutant(drops_the_outbox, frozenset({1, 5, 7})),
    Mutant(ignores_who_joins, frozenset({3, 5})),
    Mutant(counts_from_receipt, frozenset({1, 2, 3})),
    Mutant(closes_nothing_that_is_gone, frozenset({5})),
    Mutant(loses_what_fails, frozenset({1, 5, 7})),
)


def mutated(mutant: Mutant, folder: Path) -> Product:
    """The mutant, loaded from a copy in `folder`. Raises LookupError if what it breaks is gone."""
    copy = copied(f"mutant_{mutant.name}", folder)
    mutant.mutate(copy)
    return copy.product

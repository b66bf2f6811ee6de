"""What came out, by kind; and the lines that say so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SHOWN = 20
"""Examples kept of each kind: enough to find who is wrong."""


@dataclass
class Counts:
    """Queries asked, how the judges agree, and what plan, apply, undo and verify did to access."""

    accounts: int = 0
    evaluations: int = 0
    """Decisions the judge from npm made; a question asked twice of the same policies is one."""
    queries: Counter[str] = field(default_factory=Counter)
    """By state: a user, an action, a resource and a context in one state of the account."""
    judges: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Take another account's counts on top."""
        self.accounts += other.accounts
        self.evaluations += other.evaluations
        self.queries.update(other.queries)
        self.judges.update(other.judges)
        self.outcomes.update(other.outcomes)
        for kind, examples in other.examples.items():
            for example in examples:
                self.differ(kind, example)

    def differ(self, kind: str, example: dict[str, Any]) -> None:
        """Keep an example of a difference."""
        kept = self.examples.setdefault(kind, [])
        if len(kept) < SHOWN:
            kept.append(example)

    @property
    def faults(self) -> int:
        """Outcomes that must not be: theirs are the names that begin so."""
        return sum(n for kind, n in self.outcomes.items() if kind.startswith("FAULT"))

    @property
    def differences(self) -> int:
        """Queries which the judges decide differently."""
        return sum(n for kind, n in self.judges.items() if kind.startswith("differ"))

    def lines(self) -> Iterator[str]:
        """The summary, one figure a line, then the examples."""
        total = self.queries.total()
        yield f"accounts {self.accounts:,}, queries {total:,}, evaluations {self.evaluations:,}"
        for title, counted in (
            ("queries", self.queries),
            ("judges", self.judges),
            ("outcomes", self.outcomes),
        ):
            for kind, number in sorted(counted.items()):
                yield f"{title}: {kind}: {number:,}"
        yield f"differences between the judges: {self.differences:,}; faults: {self.faults:,}"
        for kind, examples in sorted(self.examples.items()):
            for example in examples:
                yield f"example of {kind}: {json.dumps(example, sort_keys=True)}"
